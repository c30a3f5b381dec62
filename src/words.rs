//! Words: what phones, servers and engineers say in text.
//!
//! In: the bytes of any text that has to do with trust: console logs, status messages, pages, syslog, logs of TVS and TFTP.
//! Out: [`Reading`]s: what the text was taken for, how much of it spoke, and [`Statement`]s, each with its line, its time and
//! whose it is. What only the engineer knows is [`Told`]. It refuses to judge; to trust clocks (the phone's and the capture's
//! differ, domain.md 9); and to end because a text says nothing.

mod alarm;
mod decode;
pub mod holds;
mod markup;
mod names;
mod pieces;
mod reading;
mod screen;
mod stamp;
mod statement;
mod table;
mod told;
mod tvs;

pub use decode::{MOST_BYTES, Part, Unpacked, unpack};
pub use holds::says_rows;
pub use names::device;
pub use reading::{Kind, Reading, read};
pub use screen::{LastWord, Screen, last_word};
pub use stamp::{Date, Stamp};
pub use statement::{Heard, Lists, Object, Says, Statement, TvsAnswer, TvsRequest, Whose};
pub use table::{ROWS, Row, SCREEN_WORDS, of_screen, of_words};
pub use told::{About, By, Held, Of, Shown, Told, ToldHolding, ToldList};

/// Quotes are cut to so many characters.
pub const LONGEST_QUOTE: usize = 160;
