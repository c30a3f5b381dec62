//! The dashboard.
//!
//! In: [`Update`]s of the engine thread, keys, the mouse, signals. Out: a screen, and [`Request`]s to the engine. It refuses to
//! decide what is right or wrong, and to wait for anything while somebody looks: the screen is drawn when something changed, at
//! most twenty times a second, and not at all while nothing does.

mod action;
mod clock;
mod columns;
mod keys;
mod layout;
mod render;
mod state;
mod terminal;
mod theme;
mod update;

pub use action::Action;
pub use clock::Clock;
pub use columns::ColumnId;
pub use keys::{ASKING, BINDINGS, Binding, TYPING, action};
pub use state::{Mode, Page, State, Tab};
pub use terminal::{Ending, run};
pub use theme::{Paint, Theme};

#[cfg(doc)]
use crate::watch::{Request, Update};
