//! `watch --headless`: events as lines.

use std::io;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, never, select};

use super::{Exit, exit};
use crate::watch::{Begun, Drops, Follower, Form, Lines, Over, Session, Step};

/// Between two looks at what changed, while nothing forces one.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Tells what happens until no more frames come, a signal comes, or nobody reads on.
pub(super) fn run(
    session: &mut Session,
    form: Form,
    heartbeat: Duration,
    signals: &Receiver<()>,
) -> anyhow::Result<Exit> {
    let mut stream = Stream {
        lines: Lines::new(io::stdout().lock(), form),
        follower: Follower::default(),
        heartbeat,
        told_at: Instant::now(),
        drops: Drops::default(),
        warnings: 0,
    };
    let status = session.status();
    stream.lines.begun(&Begun { status: &status, references: &session.board.case().references })?;
    let signalled = stream.follow(session, signals)?;
    session.stop();
    while stream.look(session)? {}
    let status = session.status();
    if status.live {
        stream.tell_status(session)?;
    }
    let fault = session.fault();
    let reason = match fault {
        Some(_) => "fault",
        None if signalled => "signal",
        None => "end_of_input",
    };
    let summary = session.board.fleet().summary;
    let (sources, _) = session.summaries_and_notes();
    stream.lines.over(&Over { reason, fault, sources: &sources, summary })?;
    Ok(exit(session, summary))
}

struct Stream<W> {
    lines: Lines<W>,
    follower: Follower,
    heartbeat: Duration,
    /// When the status was told last.
    told_at: Instant,
    /// What was lost then.
    drops: Drops,
    /// How much was warned of then.
    warnings: usize,
}

impl<W: io::Write> Stream<W> {
    /// Returns whether a signal ended it.
    fn follow(&mut self, session: &mut Session, signals: &Receiver<()>) -> io::Result<bool> {
        let mut look_at = Instant::now();
        loop {
            let step = session.step();
            if step != Step::Idle || Instant::now() >= look_at {
                while self.look(session)? && step == Step::Ended && signals.is_empty() {}
                look_at = Instant::now() + LOOK_EVERY;
                self.perhaps_tell_status(session)?;
            }
            if signals.try_recv().is_ok() {
                return Ok(true);
            }
            match step {
                Step::Ended => return Ok(false),
                Step::More => {}
                Step::Idle => {
                    let frames = session.feed().map_or_else(never, |feed| feed.queue().clone());
                    select! {
                        recv(signals) -> _ => return Ok(true),
                        recv(frames) -> fed => if let Ok(fed) = fed {
                            session.take(fed);
                        },
                        default(look_at.saturating_duration_since(Instant::now())) => {}
                    }
                }
            }
        }
    }

    /// Tells what happened. Returns whether there is more to look at.
    fn look(&mut self, session: &mut Session) -> io::Result<bool> {
        let until = Instant::now() + LOOK_EVERY;
        let refreshed = session.board.refresh(|| Instant::now() < until);
        for happening in self.follower.follow(&session.board, &refreshed) {
            self.lines.happening(&happening)?;
        }
        Ok(refreshed.unfinished)
    }

    /// Of an interface or a stream, the status is told every now and then, and soon when frames are lost.
    fn perhaps_tell_status(&mut self, session: &mut Session) -> io::Result<()> {
        let Some(feed) = session.feed() else { return Ok(()) };
        let news = feed.counters.drops() != self.drops || feed.counters.warnings().len() != self.warnings;
        let soon = news && self.told_at.elapsed() >= Duration::from_secs(1);
        if soon || self.told_at.elapsed() >= self.heartbeat {
            self.tell_status(session)?;
        }
        Ok(())
    }

    fn tell_status(&mut self, session: &mut Session) -> io::Result<()> {
        let status = session.status();
        self.told_at = Instant::now();
        self.drops = status.drops;
        self.warnings = session.feed().map_or(0, |feed| feed.counters.warnings().len());
        self.lines.status(&status, session.board.len())
    }
}
