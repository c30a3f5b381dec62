//! The terminal: set up, drawn on, given back as it was, whatever happens.

use std::io;
use std::iter;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Builder;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded, select};
use crossterm::event::{
    self, DisableMouseCapture, EnableMouseCapture, Event, KeyEventKind, MouseButton, MouseEvent, MouseEventKind,
};
use crossterm::execute;
use ratatui::DefaultTerminal;

use super::action::Action;
use super::keys;
use super::state::State;
use crate::watch::{Request, Update};

/// Between two drawings because of what the engine says.
const DRAW_EVERY: Duration = Duration::from_millis(50);
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
    // Puts the terminal back before a panic says what it has to say.
    let mut terminal = ratatui::try_init()?;
    let before = std::panic::take_hook();
    let given_back = Arc::new(AtomicBool::new(false));
    let panicked = Arc::clone(&given_back);
    std::panic::set_hook(Box::new(move |panic| {
        panicked.store(true, Ordering::SeqCst);
        let _ = execute!(io::stdout(), DisableMouseCapture);
        before(panic);
    }));
    let result = execute!(io::stdout(), EnableMouseCapture).and_then(|()| {
        let mut screen = Screen { state: &mut state, requests, pending: Vec::new(), given_back: &given_back };
        screen.show(&mut terminal, updates, signals)
    });
    if given_back.load(Ordering::SeqCst) {
        // Another thread panicked. To give the terminal back once more would write over what it had to say.
        return result;
    }
    let mouse = execute!(io::stdout(), DisableMouseCapture);
    ratatui::try_restore()?;
    mouse?;
    result
}

struct Screen<'a> {
    state: &'a mut State,
    requests: &'a Sender<Request>,
    /// What the engine did not take yet.
    pending: Vec<Request>,
    /// Whether a panic gave the terminal back: it is not drawn on any more.
    given_back: &'a AtomicBool,
}

impl Screen<'_> {
    fn show(
        &mut self,
        terminal: &mut DefaultTerminal,
        updates: &Receiver<Update>,
        signals: &Receiver<()>,
    ) -> io::Result<Ending> {
        let events = read_events()?;
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
                terminal.draw(|frame| frame.render_widget(&*self.state, frame.area()))?;
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
