//! What can be done in the dashboard, whatever key or mouse button asks for it.

use super::columns::ColumnId;
use super::state::Tab;

/// One thing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// To the line above.
    Up,
    /// To the line below.
    Down,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// To the first line.
    First,
    /// To the last line.
    Last,
    /// The detail, a line up.
    ScrollUp,
    /// The detail, a line down.
    ScrollDown,
    /// To the next tab.
    NextTab,
    /// To the tab before.
    PreviousTab,
    /// To this tab.
    Tab(Tab),
    /// To the phone below, also where its detail fills the screen.
    NextPhone,
    /// To the phone above.
    PreviousPhone,
    /// Into what is selected.
    Open,
    /// Out of it.
    Back,
    /// Begin to type a filter.
    Filter,
    /// A character of what is typed.
    Type(char),
    /// Take back a character.
    Erase,
    /// Take back everything that was typed.
    EraseAll,
    /// Keep what was typed.
    Accept,
    /// Sort by the next column.
    SortNext,
    /// Sort by this column; the other way round, where that is done already.
    SortBy(ColumnId),
    /// Sort the other way round.
    SortReverse,
    /// Show the fleet, or the phones again.
    Fleet,
    /// Hold the view still, or let it go on.
    Pause,
    /// Write the phone's report and frames, without the contents of files.
    Export,
    /// The same with the contents of files; asks first.
    ExportContents,
    /// Yes, to what was asked.
    Confirm,
    /// Take the phone's list as a reference.
    Mark,
    /// Read references again.
    Reload,
    /// Times local or in UTC.
    Clock,
    /// Show the keys.
    Help,
    /// A mouse button at this column and row.
    Click(u16, u16),
    /// The mouse wheel at this column and row, up or down.
    Wheel(u16, u16, bool),
    /// The terminal has this size now.
    Resize(u16, u16),
    /// Out of what is open; where nothing is, end.
    Leave,
    /// End at once.
    Quit,
}
