//! The terminal: set up, drawn on, given back as it was, whatever happens.
//!
//! In: the state, what the engine says, keys and signals. Out: drawings, and why it ended. A terminal may go at any moment, with a
//! signal or without one: a thread waits for that alone, for whoever reads from a terminal that is gone reads nothing for ever.
//! Nothing here panics because the terminal is gone: what cannot be written to it any more is not missed by anybody.

use std::fs::File;
use std::io::{self, IsTerminal};
use std::iter;
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};
use std::thread::Builder;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded, select};
use crossterm::cursor::Show;
use crossterm::event::{
    self, DisableMouseCapture, EnableMouseCapture, Event, KeyEventKind, MouseButton, MouseEvent, MouseEventKind,
};
use crossterm::execute;
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use ratatui::DefaultTerminal;
use ratatui::backend::CrosstermBackend;

use super::action::Action;
use super::keys;
use super::state::State;
use crate::watch::{Request, Update};

/// Between two drawings because of what the engine says.
const DRAW_EVERY: Duration = Duration::from_millis(50);
/// Milliseconds between two looks whether the terminal is still there, where the system does not tell by itself.
const LOOK_EVERY: u16 = 500;
/// Terminal events that wait at most.
const MOST_EVENTS: usize = 64;

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Somebody left.
    Quit,
    /// A signal came.
    Signal,
    /// The capture ended by itself.
    CaptureEnded,
}

/// Shows `state` until somebody leaves, a signal comes, or a live capture ends because of a fault.
///
/// # Errors
/// When the terminal fails.
pub fn run(
    mut state: State,
    requests: &Sender<Request>,
    updates: &Receiver<Update>,
    signals: &Receiver<()>,
) -> io::Result<Ending> {
    let given_back = Arc::new(AtomicBool::new(false));
    let drawing = Arc::new(Mutex::new(()));
    give_back_on_panic(&given_back, &drawing);
    let result = set_up().and_then(|mut terminal| {
        let mut screen =
            Screen { state: &mut state, requests, pending: Vec::new(), given_back: &given_back, drawing: &drawing };
        screen.show(&mut terminal, updates, signals)
    });
    if given_back.load(Ordering::SeqCst) {
        // Another thread panicked. To give the terminal back once more would write over what it had to say.
        return result;
    }
    let restored = give_back();
    let ending = result?;
    restored.map(|()| ending)
}

/// The terminal, ready to be drawn on. It is not dropped: where it is gone, its `Drop` would say so on it, and panic.
fn set_up() -> io::Result<ManuallyDrop<DefaultTerminal>> {
    enable_raw_mode()?;
    execute!(io::stdout(), EnterAlternateScreen, EnableMouseCapture)?;
    DefaultTerminal::new(CrosstermBackend::new(io::stdout())).map(ManuallyDrop::new)
}

/// Everything of it, whatever fails on the way.
fn give_back() -> io::Result<()> {
    let screen = execute!(io::stdout(), DisableMouseCapture, LeaveAlternateScreen, Show);
    disable_raw_mode().and(screen)
}

/// Puts the terminal back before a panic says what it has to say. What is being drawn is drawn to its end before, for half an
/// escape sequence would spoil the next; unless it is the drawing that panicked, for which nobody waits long.
fn give_back_on_panic(given_back: &Arc<AtomicBool>, drawing: &Arc<Mutex<()>>) {
    let before = std::panic::take_hook();
    let (panicked, drawing) = (Arc::clone(given_back), Arc::clone(drawing));
    std::panic::set_hook(Box::new(move |panic| {
        panicked.store(true, Ordering::SeqCst);
        let patience = Instant::now() + DRAW_EVERY * 4;
        let _drawn = loop {
            match drawing.try_lock() {
                Err(TryLockError::WouldBlock) if Instant::now() < patience => std::thread::sleep(DRAW_EVERY / 10),
                drawn => break drawn,
            }
        };
        // A terminal that is gone cannot be given back, and a panic here would be the last one.
        let _ = give_back();
        before(panic);
    }));
}

struct Screen<'a> {
    state: &'a mut State,
    requests: &'a Sender<Request>,
    /// What the engine did not take yet.
    pending: Vec<Request>,
    /// Whether a panic gave the terminal back: it is not drawn on any more.
    given_back: &'a AtomicBool,
    /// Held while it is drawn on.
    drawing: &'a Mutex<()>,
}

impl Screen<'_> {
    fn show(
        &mut self,
        terminal: &mut DefaultTerminal,
        updates: &Receiver<Update>,
        signals: &Receiver<()>,
    ) -> io::Result<Ending> {
        let events = read_events()?;
        let hangup = wait_for_hangup()?;
        let began = Instant::now();
        let size = terminal.size()?;
        self.act(Action::Resize(size.width, size.height));
        let (mut changed, mut drawn) = (true, Instant::now().checked_sub(DRAW_EVERY).unwrap_or(began));
        loop {
            if self.given_back.load(Ordering::SeqCst) {
                return Ok(Ending::CaptureEnded);
            }
            if changed && drawn.elapsed() >= DRAW_EVERY {
                self.tick(began);
                self.look();
                let drawing = self.drawing.lock().unwrap_or_else(PoisonError::into_inner);
                if self.given_back.load(Ordering::SeqCst) {
                    return Ok(Ending::CaptureEnded);
                }
                terminal.draw(|frame| frame.render_widget(&*self.state, frame.area()))?;
                drop(drawing);
                (changed, drawn) = (false, Instant::now());
            }
            let timeout = self.timeout(changed, drawn);
            select! {
                recv(events) -> event => match event {
                    Ok(event) => {
                        // What waits is taken with it: a wheel that is turned is drawn once, not a hundred times.
                        for event in iter::once(event).chain(events.try_iter().take(MOST_EVENTS)) {
                            let Some(action) = self.action(&event?) else { continue };
                            self.act(action);
                            changed = true;
                        }
                        // Somebody waits for an answer: draw at once.
                        drawn = drawn.checked_sub(DRAW_EVERY).unwrap_or(drawn);
                    }
                    // The terminal is gone.
                    Err(_) => return Ok(Ending::Signal),
                },
                recv(updates) -> update => match update {
                    Ok(update) => {
                        self.state.take(update);
                        // What is there already is taken with it.
                        updates.try_iter().take(64).for_each(|update| self.state.take(update));
                        changed = true;
                    }
                    Err(_) => return Ok(Ending::CaptureEnded),
                },
                recv(signals) -> _ => return Ok(Ending::Signal),
                recv(hangup) -> _ => return Ok(Ending::Signal),
                default(timeout) => changed |= self.tick(began),
            }
            if self.state.wants_to_quit() {
                return Ok(Ending::Quit);
            }
            if self.state.status.live && self.state.ended().is_some() {
                return Ok(Ending::CaptureEnded);
            }
        }
    }

    /// How long to wait for something to happen.
    fn timeout(&self, changed: bool, drawn: Instant) -> Duration {
        if changed {
            return DRAW_EVERY.saturating_sub(drawn.elapsed());
        }
        if !self.pending.is_empty() {
            return DRAW_EVERY;
        }
        // The clock of a live capture is the only thing that moves by itself.
        let live = self.state.status.live && !self.state.status.ended;
        Duration::from_secs(if live { 1 } else { 3600 })
    }

    fn tick(&mut self, began: Instant) -> bool {
        self.send(Vec::new());
        let live = self.state.status.live && !self.state.status.ended;
        live && self.state.tick(began.elapsed().as_secs())
    }

    fn look(&mut self) {
        let mut requests = Vec::new();
        self.state.look(&mut requests);
        self.send(requests);
    }

    fn act(&mut self, action: Action) {
        let requests = self.state.apply(action);
        self.send(requests);
    }

    /// Asks the engine, without ever waiting for it.
    fn send(&mut self, requests: Vec<Request>) {
        for request in requests {
            if matches!(request, Request::Select(_)) {
                // Whoever runs through ten thousand phones waits for the last one only.
                self.pending.retain(|pending| !matches!(pending, Request::Select(_)));
            }
            self.pending.push(request);
        }
        let mut rest = std::mem::take(&mut self.pending).into_iter();
        for request in rest.by_ref() {
            if let Err(error) = self.requests.try_send(request) {
                self.pending.push(error.into_inner());
                break;
            }
        }
        self.pending.extend(rest);
    }

    fn action(&self, event: &Event) -> Option<Action> {
        match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => {
                keys::action(self.state.mode(), self.state.page(), *key)
            }
            Event::Mouse(MouseEvent { kind, column, row, .. }) => match kind {
                MouseEventKind::Down(MouseButton::Left) => Some(Action::Click(*column, *row)),
                MouseEventKind::ScrollUp => Some(Action::Wheel(*column, *row, true)),
                MouseEventKind::ScrollDown => Some(Action::Wheel(*column, *row, false)),
                _ => None,
            },
            Event::Resize(width, height) => Some(Action::Resize(*width, *height)),
            _ => None,
        }
    }
}

/// Reads the terminal in a thread of its own: it waits in the system, not in a loop. It ends with the program.
fn read_events() -> io::Result<Receiver<io::Result<Event>>> {
    let (send, receive) = bounded(MOST_EVENTS);
    Builder::new().name("terminal".to_owned()).spawn(move || {
        loop {
            let event = event::read();
            let failed = event.is_err();
            if send.send(event).is_err() || failed {
                return;
            }
        }
    })?;
    Ok(receive)
}

/// Waits in a thread of its own until the terminal is gone: then a message comes out, or the channel ends.
fn wait_for_hangup() -> io::Result<Receiver<()>> {
    let (send, receive) = bounded(1);
    Builder::new().name("hangup".to_owned()).spawn(move || {
        // Keys come from standard input where that is a terminal, and from the terminal itself otherwise: the end of a pipe is not
        // the end of the terminal.
        let (input, output, terminal) = (io::stdin(), io::stdout(), File::open("/dev/tty"));
        let keys = match &terminal {
            _ if input.is_terminal() => input.as_fd(),
            Ok(terminal) => terminal.as_fd(),
            Err(_) => output.as_fd(),
        };
        while !is_gone(keys, output.as_fd()) {}
        // Where nobody listens, it has ended already.
        let _ = send.send(());
    })?;
    Ok(receive)
}

/// Waits for a while. Returns whether one of these terminals hung up: that is told though nothing else is asked for.
fn is_gone(keys: BorrowedFd<'_>, output: BorrowedFd<'_>) -> bool {
    let nothing = PollFlags::empty();
    let mut both = [PollFd::new(keys, nothing), PollFd::new(output, nothing)];
    match poll(&mut both, PollTimeout::from(LOOK_EVERY)) {
        Ok(_) => both
            .iter()
            .any(|one| one.revents().is_some_and(|events| events.intersects(PollFlags::POLLHUP | PollFlags::POLLERR))),
        Err(Errno::EINTR) => false,
        Err(_) => {
            // A system that cannot wait for terminals tells of their end when they are drawn on.
            std::thread::sleep(Duration::from_millis(LOOK_EVERY.into()));
            false
        }
    }
}
