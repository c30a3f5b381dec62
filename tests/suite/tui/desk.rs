//! A dashboard without a terminal and without threads: the real engine over a real capture, and the screen as text.

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use itlscope::capture::{CaptureError, CaptureFile, Frame, Source, SourceSummary, Timestamp};
use itlscope::digest::Sha1Sum;
use itlscope::engine::Limits;
use itlscope::phone::{DeviceName, PhoneKey};
use itlscope::report::{Brief, Severity};
use itlscope::trust::{ListKind, Reference};
use itlscope::tui::{self, Action, Clock, ColumnId, State, Theme};
use itlscope::verdict::{Check, Deletion};
use itlscope::watch::{Cause, Exports, Input, Note, References, Request, Row, Session, Setup, Step, Update};
use itlscope::words::{By, Shown, Told, ToldHolding, ToldList, Whose, of_words};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;

/// A dashboard and what runs behind it.
pub(crate) struct Desk {
    pub(crate) state: State,
    session: Option<Session>,
    /// What was asked of the engine.
    pub(crate) asked: Vec<Request>,
}

/// What a dashboard is opened with.
#[derive(Default)]
pub(crate) struct Case<'a> {
    pub(crate) capture: &'a str,
    pub(crate) reference: Option<&'a str>,
    pub(crate) told: Told,
    /// The first long frame from this one on has a byte that is not as it was.
    pub(crate) spoiled: Option<u64>,
    /// A capture that is in no file.
    pub(crate) made: Option<Vec<u8>>,
}

impl<'a> Case<'a> {
    pub(crate) fn new(capture: &'a str, reference: &'a str) -> Self {
        Self { capture, reference: Some(reference), ..Self::default() }
    }
}

fn captures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("captures")
}

pub(crate) fn reference(name: &str) -> Reference {
    let bytes = std::fs::read(captures().join("references").join(name)).unwrap();
    Reference::from_bytes(name, None, &bytes).unwrap()
}

/// What the engineer says of a phone: the list that it holds, that verification failed, that there is no backup.
pub(crate) fn told(device: &str, holds: &str) -> Told {
    let whose = Whose::Device(DeviceName::new(device).unwrap());
    let known = reference(holds);
    let list = ToldList { md5: known.md5, sha1: known.sha1, list: known.list.map(Arc::new) };
    let mut told = Told::new(Some(false), None, std::collections::BTreeMap::new());
    let words = "verification-failed".to_owned();
    told.show(whose.clone(), Shown { says: of_words(&words).unwrap(), words });
    for (kind, list) in [(ListKind::Itl, Some(list)), (ListKind::Ctl, None)] {
        told.hold(whose.clone(), ToldHolding { kind, list, by: By::Option, source: holds.into(), line: None });
    }
    told
}

/// A capture in which one byte of a file is another.
struct Spoiled {
    file: CaptureFile,
    from: u64,
    bytes: Vec<u8>,
    done: bool,
}

impl Source for Spoiled {
    fn next_frame(&mut self) -> Result<Option<Frame<'_>>, CaptureError> {
        let Some(frame) = self.file.next_frame()? else { return Ok(None) };
        self.bytes.clear();
        self.bytes.extend_from_slice(frame.data);
        if !self.done && frame.id.number >= self.from && frame.data.len() > 400 {
            self.done = true;
            self.bytes[300] ^= 1;
        }
        Ok(Some(Frame { data: &self.bytes, ..frame }))
    }

    fn summaries(&self) -> Vec<SourceSummary> {
        self.file.summaries()
    }
}

impl Desk {
    /// A dashboard over nothing.
    pub(crate) fn empty(theme: Theme) -> Self {
        let state = State::new(theme, Clock::new(true), ColumnId::State);
        Self { state, session: None, asked: Vec::new() }
    }

    /// A dashboard over a capture that is read to its end.
    pub(crate) fn open(case: Case<'_>, theme: Theme) -> Self {
        let path = captures().join(case.capture).join("capture.pcap");
        let file = match case.made {
            Some(bytes) => CaptureFile::from_reader(Box::new(Cursor::new(bytes)), case.capture.to_owned(), 0).unwrap(),
            None => CaptureFile::open(&path, 0).unwrap(),
        };
        let source: Box<dyn Source + Send> = match case.spoiled {
            Some(from) => Box::new(Spoiled { file, from, bytes: Vec::new(), done: false }),
            None => Box::new(file),
        };
        let given: Vec<Reference> = case.reference.map(reference).into_iter().collect();
        let again = given.clone();
        let session = Session::new(Setup {
            label: format!("{}/capture.pcap", case.capture),
            input: Input::Files { source, total: None, reopen: None },
            references: References { load: Box::new(move || Ok(again.clone())), given },
            told: case.told,
            limits: Limits::default(),
            export_to: Exports::none(),
            recording: None,
            privileges: None,
        });
        let mut desk = Self { session: Some(session), ..Self::empty(theme) };
        desk.read();
        desk
    }

    fn read(&mut self) {
        while self.session.as_mut().unwrap().step() != Step::Ended {}
        self.assess();
    }

    /// Everything that changed is assessed and shown.
    fn assess(&mut self) {
        let Some(session) = &mut self.session else { return };
        loop {
            let refreshed = session.board.refresh(|| true);
            self.state.take(Update::Rows(refreshed.rows, refreshed.gone));
            if !refreshed.unfinished {
                break;
            }
        }
        self.state.take(Update::Status(Box::new(session.status())));
        let mut requests = Vec::new();
        self.state.look(&mut requests);
        self.serve(requests);
    }

    pub(crate) fn act(&mut self, action: Action) {
        let requests = self.state.apply(action);
        self.serve(requests);
    }

    /// What the engine's thread does.
    fn serve(&mut self, requests: Vec<Request>) {
        self.asked.extend(requests.iter().cloned());
        for request in requests {
            let Some(session) = &mut self.session else { continue };
            match request {
                Request::Select(key) => {
                    let detail = key.and_then(|key| session.board.detail(&key)).map(Box::new);
                    self.state.take(Update::Detail(detail));
                }
                Request::Fleet(true) => self.state.take(Update::Fleet(Box::new(session.board.fleet()))),
                Request::Mark(key) => {
                    let note = session.mark(&key);
                    self.changed(&key, note);
                }
                Request::Reload => {
                    let note = session.reload();
                    self.state.take(Update::Note(note));
                }
                Request::Export { .. } | Request::Fleet(false) | Request::Stop => {}
            }
        }
    }

    fn changed(&mut self, key: &PhoneKey, note: Note) {
        self.state.take(Update::Note(note));
        self.assess();
        let detail = self.session.as_ref().unwrap().board.detail(key).map(Box::new);
        self.state.take(Update::Detail(detail));
    }

    /// Types keys: `j`, `Enter`, `Esc`, `Tab`, `^c`.
    pub(crate) fn press(&mut self, keys: &str) {
        for key in keys.split(' ') {
            let (code, modifiers) = match key {
                "Enter" => (KeyCode::Enter, KeyModifiers::NONE),
                "Esc" => (KeyCode::Esc, KeyModifiers::NONE),
                "Tab" => (KeyCode::Tab, KeyModifiers::NONE),
                "Space" => (KeyCode::Char(' '), KeyModifiers::NONE),
                "Backspace" => (KeyCode::Backspace, KeyModifiers::NONE),
                "PgDn" => (KeyCode::PageDown, KeyModifiers::NONE),
                _ => match key.strip_prefix('^') {
                    Some(letter) => (KeyCode::Char(letter.chars().next().unwrap()), KeyModifiers::CONTROL),
                    None => (KeyCode::Char(key.chars().next().unwrap()), KeyModifiers::NONE),
                },
            };
            let event = KeyEvent::new(code, modifiers);
            if let Some(action) = tui::action(self.state.mode(), self.state.page(), event) {
                self.act(action);
            }
        }
    }

    /// What was found of the phones in the table.
    pub(crate) fn findings(&self) -> Vec<&'static str> {
        self.session.as_ref().unwrap().board.fleet().groups.iter().map(|group| group.cause.id).collect()
    }

    pub(crate) fn buffer(&self, width: u16, height: u16) -> Buffer {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| frame.render_widget(&self.state, frame.area())).unwrap();
        terminal.backend().buffer().clone()
    }

    /// The screen at this size, line by line, without what is blank at the end of a line.
    pub(crate) fn screen(&mut self, width: u16, height: u16) -> String {
        self.act(Action::Resize(width, height));
        text(&self.buffer(width, height))
    }
}

pub(crate) fn text(buffer: &Buffer) -> String {
    let area = buffer.area;
    let line = |y| {
        let mut text = String::new();
        let mut x = 0;
        while x < area.width {
            let symbol = buffer[(x, y)].symbol();
            text.push_str(symbol);
            x += u16::try_from(unicode_width::UnicodeWidthStr::width(symbol)).unwrap().max(1);
        }
        text.trim_end().to_owned()
    };
    (0..area.height).map(line).collect::<Vec<_>>().join("\n")
}

/// The line of a phone that nobody saw.
pub(crate) fn row(number: u32) -> Arc<Row> {
    let device = DeviceName::new(&format!("SEP{:012X}", 0x0011_215A_0000_u64 + u64::from(number))).unwrap();
    let kinds = [
        (Severity::Fine, Deletion::NotNeeded, Check::Match, ""),
        (Severity::Wrong, Deletion::NotNeeded, Check::Mismatch, "other tvs"),
        (Severity::WrongUndetermined, Deletion::Undetermined, Check::Mismatch, "collect more"),
        (Severity::Undetermined, Deletion::Undetermined, Check::Unknown, "collect more"),
        (Severity::DeletionNeeded, Deletion::Needed, Check::Mismatch, "delete itl"),
    ];
    let (severity, deletion, check, instead) = kinds[if number.is_multiple_of(97) { 4 } else { number as usize % 4 }];
    let wrong = matches!(severity, Severity::Wrong | Severity::WrongUndetermined | Severity::DeletionNeeded);
    let text = format!("TVS on 14.48.44.{}:2445 presents another certificate", number % 7);
    let cause = Arc::new(Cause { id: "tvs_mismatch", text });
    let address = std::net::Ipv4Addr::from(0x0e30_0000 + number);
    let brief = Brief {
        name: device.to_string(),
        address: Some(address.into()),
        other_addresses: 0,
        itl: check,
        itl_sha1: Some(Sha1Sum::of(&(number % 3).to_be_bytes())),
        tvs: check,
        tvs_serial: Some("2E3E1A7BDAA64D84".parse().unwrap()),
        config: None,
        tftp: Some(std::net::Ipv4Addr::new(14, 48, 44, 80).into()),
        deletion,
        instead: instead.to_owned(),
        severity,
    };
    Arc::new(Row {
        search: format!("{} {address}", device.as_str().to_lowercase()),
        key: PhoneKey::Device(device),
        brief,
        model: Some("CP-7975".to_owned()),
        last_seen: Timestamp::from_seconds_and_nanos(1_311_776_428 + i64::from(number), 0),
        causes: if wrong { vec![cause] } else { Vec::new() },
        boots: Vec::new(),
    })
}
