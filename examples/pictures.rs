//! Makes the pictures of `docs/pictures`: the real program in a pseudo terminal, its screen as SVG.
//!
//! ```text
//! cargo build --release
//! cargo run --example pictures -- target/release/itlscope docs/pictures
//! ```

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    dead_code,
    reason = "a tool for developers: what it cannot do, it may say by stopping"
)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use portable_pty::CommandBuilder;
use pty::Terminal;

#[path = "../tests/suite/tui/pty.rs"]
mod pty;

/// A picture: what is opened, at which size, the keys, and what stands on the screen after each.
struct Picture {
    name: &'static str,
    captures: &'static [&'static str],
    size: (u16, u16),
    keys: &'static [(&'static str, &'static str)],
}

const SIX_PHONES: &[&str] = &["six-phones"];
/// As if all of this had happened at one site.
const SITE: &[&str] = &[
    "healthy",
    "both-regenerated",
    "tvs-regenerated",
    "six-phones",
    "recovery-before",
    "two-tftp",
    "quiet-refusal",
    "tvs-filtered",
    "sip-old-list",
    "resumed",
];
const PICTURES: [Picture; 4] = [
    Picture { name: "dashboard", captures: SIX_PHONES, size: (120, 34), keys: &[("", "boot 2 of 2")] },
    Picture {
        name: "ladder",
        captures: SIX_PHONES,
        size: (120, 34),
        keys: &[("", "6 phones"), ("j", "SEP0011215A1AE3  14"), ("\r", "handshake complete")],
    },
    Picture {
        name: "verdict",
        captures: SIX_PHONES,
        size: (120, 40),
        keys: &[("", "6 phones"), ("\r", "(1 of 6)"), ("4", "To decide it, collect")],
    },
    Picture { name: "fleet", captures: SITE, size: (120, 40), keys: &[("", "phones"), ("f", "Servers")] },
];

fn main() {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(program), Some(folder)) = (arguments.next(), arguments.next()) else {
        panic!("usage: pictures PROGRAM FOLDER");
    };
    std::fs::create_dir_all(&folder).unwrap();
    let program = program.canonicalize().unwrap();
    for picture in &PICTURES {
        let mut terminal = Terminal::start(command(&program, picture.captures), picture.size);
        for (keys, shown) in picture.keys {
            terminal.press(keys);
            terminal.wait_for(shown);
        }
        terminal.wait_until_quiet();
        std::fs::write(folder.join(picture.name).with_extension("svg"), svg(terminal.screen.screen())).unwrap();
        terminal.press("Q");
        terminal.end();
    }
}

/// The dashboard, started among the captures: paths on the screen are short, and the same everywhere.
fn command(program: &Path, captures: &[&str]) -> CommandBuilder {
    let mut command = CommandBuilder::new(program);
    command.cwd(Path::new(env!("CARGO_MANIFEST_DIR")).join("captures"));
    command.arg("watch");
    command.args(captures.iter().map(|capture| format!("{capture}/capture.pcap")));
    command.args(["-r", "references/itl-old.tlv", "--time", "utc"]);
    command.env("TERM", "xterm-256color");
    command.env("LC_ALL", "C.UTF-8");
    command.env_remove("NO_COLOR");
    command
}

/// Pixels of a cell, and of the margin.
const CELL: (u32, u32) = (9, 19);
const MARGIN: u32 = 14;
const FOREGROUND: &str = "#d4d7dd";
const BACKGROUND: &str = "#16181d";

/// The screen as a picture.
fn svg(screen: &vt100::Screen) -> String {
    let (rows, cols) = screen.size();
    let (rows, cols) = (rows.get(), cols.get());
    let (width, height) = (u32::from(cols) * CELL.0 + 2 * MARGIN, u32::from(rows) * CELL.1 + 2 * MARGIN);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         font-family=\"ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace\" font-size=\"15\" \
         xml:space=\"preserve\">\n<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{BACKGROUND}\"/>\n"
    );
    for row in 0..rows {
        let mut col = 0;
        while col < cols {
            let first = screen.cell(row, col).unwrap();
            let mut text = String::new();
            let from = col;
            // Cells that look alike are one run; lines are drawn, since fonts leave gaps between them.
            while let Some(cell) = screen.cell(row, col).filter(|cell| look(cell) == look(first)) {
                let symbol = if cell.has_contents() { cell.contents() } else { " " };
                if line(symbol).is_some() && col > from {
                    break;
                }
                text.push_str(if cell.is_wide_continuation() { "" } else { symbol });
                col += 1;
                if line(symbol).is_some() {
                    break;
                }
            }
            run(&mut out, (row, from, col - from), &text, first);
        }
    }
    out.push_str("</svg>\n");
    out
}

type Look = (String, String, bool, bool);

/// Foreground, background, bold, dim.
fn look(cell: &vt100::Cell) -> Look {
    let (front, back) = (colour(cell.fgcolor(), FOREGROUND), colour(cell.bgcolor(), BACKGROUND));
    let (front, back) = if cell.inverse() { (back, front) } else { (front, back) };
    (front, back, cell.bold(), cell.dim())
}

fn colour(colour: vt100::Color, usual: &str) -> String {
    let palette = [
        "#16181d", "#e5534b", "#57ab5a", "#d9a33c", "#539bf5", "#b083f0", "#39c5cf", "#d4d7dd", "#636e7b", "#ff938a",
        "#8ddb8c", "#eac55f", "#6cb6ff", "#dcbdfb", "#56d4dd", "#ffffff",
    ];
    match colour {
        vt100::Color::Default => usual.to_owned(),
        vt100::Color::Idx(index) => palette.get(usize::from(index)).map_or(usual, |colour| colour).to_owned(),
        vt100::Color::Rgb(red, green, blue) => format!("#{red:02x}{green:02x}{blue:02x}"),
    }
}

/// How a character that is a line or a block is drawn: x, y, width, height, within a cell.
fn line(symbol: &str) -> Option<(u32, u32, u32, u32)> {
    let eighths = |eighths: u32| (0, CELL.1 - CELL.1 * eighths / 8, CELL.0, CELL.1 * eighths / 8);
    Some(match symbol {
        "│" => (4, 0, 1, CELL.1),
        "┃" => (3, 0, 3, CELL.1),
        "─" => (0, 9, CELL.0, 1),
        "▁" => eighths(1),
        "▂" => eighths(2),
        "▃" => eighths(3),
        "▄" => eighths(4),
        "▅" => eighths(5),
        "▆" => eighths(6),
        "▇" => eighths(7),
        "█" => eighths(8),
        _ => return None,
    })
}

fn run(out: &mut String, (row, col, cells): (u16, u16, u16), text: &str, cell: &vt100::Cell) {
    let (front, back, bold, dim) = look(cell);
    let (x, y) = (MARGIN + u32::from(col) * CELL.0, MARGIN + u32::from(row) * CELL.1);
    let width = u32::from(cells) * CELL.0;
    if back != BACKGROUND {
        writeln!(out, "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{}\" fill=\"{back}\"/>", CELL.1).unwrap();
    }
    let faint = if dim { " opacity=\"0.55\"" } else { "" };
    if let Some((left, top, wide, high)) = line(text) {
        let (x, y) = (x + left, y + top);
        writeln!(out, "<rect x=\"{x}\" y=\"{y}\" width=\"{wide}\" height=\"{high}\" fill=\"{front}\"{faint}/>")
            .unwrap();
        return;
    }
    let shown = text.trim_end();
    let blanks = shown.len() - shown.trim_start().len();
    let shown = shown.trim_start();
    if shown.is_empty() {
        return;
    }
    let cells = u32::try_from(unicode_width::UnicodeWidthStr::width(shown)).unwrap();
    let (x, length) = (x + u32::try_from(blanks).unwrap() * CELL.0, cells * CELL.0);
    let weight = if bold { " font-weight=\"bold\"" } else { "" };
    let escaped = shown.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    writeln!(
        out,
        "<text x=\"{x}\" y=\"{}\" textLength=\"{length}\" lengthAdjust=\"spacingAndGlyphs\" \
         fill=\"{front}\"{weight}{faint}>{escaped}</text>",
        y + 14
    )
    .unwrap();
}
