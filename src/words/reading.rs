//! A text read: statements, and whose they are.
//!
//! In: the path of a file, its bytes, and whose the engineer says it is. Out: a [`Reading`] for each text in it. It refuses to
//! take a text for a phone that it does not name when it names another.

use std::collections::{BTreeMap, BTreeSet};

use super::pieces::{Console, Host, Piece};
use super::statement::{Object, Says, Statement, Whose};
use super::table::{self, Heard, TvsLine};
use super::{LONGEST_QUOTE, alarm, decode, names, pieces, tvs};
use crate::phone::DeviceName;

/// What a text was taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A console log of a 79xx.
    ConsoleOlder,
    /// A console log of a 78xx, 88xx or later.
    ConsoleNewer,
    /// Status messages of a phone.
    Status,
    /// DeviceTLInfo alarms.
    Alarms,
    /// A log of TVS.
    Tvs,
    /// A log of a TFTP server.
    Tftp,
    /// Nothing that is known.
    Unknown,
}

impl Kind {
    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::ConsoleOlder => "the console log of a 79xx",
            Self::ConsoleNewer => "the console log of a 78xx, 88xx or later",
            Self::Status => "status messages of a phone",
            Self::Alarms => "DeviceTLInfo alarms",
            Self::Tvs => "a log of TVS",
            Self::Tftp => "a log of a TFTP server",
            Self::Unknown => "nothing that is known",
        }
    }
}

/// One text read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The path, with the member of an archive behind it.
    pub path: String,
    /// What it was taken for.
    pub kind: Kind,
    /// Lines that are not blank.
    pub lines: usize,
    /// Those of them in which nothing was understood.
    pub silent: usize,
    /// What it says, in order.
    pub statements: Vec<Statement>,
    /// What else is to be told of it.
    pub notes: Vec<String>,
}

/// Reads every text in a file. `of` is whose the engineer says they are.
pub fn read(path: &str, bytes: &[u8], of: &Whose) -> (Vec<Reading>, Vec<String>) {
    let unpacked = decode::unpack(bytes);
    let readings = unpacked.parts.into_iter().map(|part| text(path, &part, of)).collect();
    (readings, unpacked.left_out)
}

/// A statement before it is known whose it is.
struct Found {
    /// The piece that it is of.
    at: usize,
    says: Says,
    quote: String,
    line: usize,
    /// The phone that the statement itself is about, whatever stands around it.
    own: Option<Whose>,
    /// Whether the file that was asked for last says what was verified.
    by_request: bool,
}

fn text(path: &str, part: &decode::Part, of: &Whose) -> Reading {
    let path = if part.member.is_empty() { path.to_owned() } else { format!("{path}/{}", part.member) };
    let pieces = pieces::pieces(&part.lines);
    let lines = part.lines.iter().filter(|(_, line)| !line.trim().is_empty()).count();
    let mut spoke = BTreeSet::new();
    let mentions: Vec<names::Mention> =
        pieces.iter().map(|piece| names::mention(&piece.text, &piece.text.to_ascii_lowercase())).collect();
    let found = understand(&pieces, &mut spoke);
    let mut notes = Vec::new();
    let owners = Owners::new(&pieces, &mentions, &path, of, &mut notes);
    let mut statements: Vec<Statement> = found
        .iter()
        .map(|found| {
            let piece = pieces.get(found.at);
            Statement {
                whose: found.own.clone().unwrap_or_else(|| owners.of(found.at).clone()),
                stamp: piece.and_then(|piece| piece.stamp),
                line: found.line,
                quote: found.quote.clone(),
                says: found.says.clone(),
            }
        })
        .collect();
    name_files(&mut statements, &found);
    for alarm in alarm::find(&part.text) {
        let device = alarm.device;
        spoke.extend(alarm.line..=alarm.line + 8);
        statements.push(Statement {
            quote: format!("DeviceTLInfo of {device}"),
            whose: Whose::Device(device),
            stamp: alarm.stamp,
            line: alarm.line,
            says: Says::Holds { itl: alarm.itl, ctl: alarm.ctl },
        });
    }
    statements.sort_by_key(|statement| statement.line);
    let kind = kind(&pieces, &statements);
    let spoke = part.lines.iter().filter(|(number, line)| !line.trim().is_empty() && spoke.contains(number)).count();
    Reading { path, kind, lines, silent: lines.saturating_sub(spoke), statements, notes }
}

/// What the pieces say.
fn understand(pieces: &[Piece], spoke: &mut BTreeSet<usize>) -> Vec<Found> {
    let mut found = Vec::new();
    let mut requests = tvs::Requests::default();
    let mut handshakes = BTreeSet::new();
    let mut roles: BTreeMap<&Option<Host>, u16> = BTreeMap::new();
    for (at, piece) in pieces.iter().enumerate() {
        let Some((row, heard)) = table::read(&piece.text, &piece.text.to_ascii_lowercase()) else { continue };
        spoke.extend(piece.line..piece.line + piece.lines.max(1));
        let mut add = |says: Says, line: usize, own: Option<Whose>, quote: &str| {
            // Status messages name what they are of, or do not; in a console log the request before says it.
            let by_request = piece.console.is_some() && !matches!(row.id, "verification_failed" | "file_auth_error");
            found.push(Found { at, says, quote: quote.chars().take(LONGEST_QUOTE).collect(), line, own, by_request });
        };
        match heard {
            Heard::Says(says) => {
                let own = match &says {
                    Says::TftpAsked { file, .. } => {
                        Some(DeviceName::from_file(file).map_or(Whose::Unnamed, Whose::Device))
                    }
                    Says::TvsRefreshed => Some(Whose::Unnamed),
                    Says::Requests { file, .. } => {
                        DeviceName::from_file(file).filter(|_| piece.host.is_none()).map(Whose::Device)
                    }
                    _ => None,
                };
                add(says, piece.line, own, &piece.text);
            }
            Heard::Role(role) => _ = roles.insert(&piece.host, role),
            Heard::CertificateValid => {
                if roles.remove(&piece.host) == Some(ROLE_OF_TVS) {
                    add(Says::TvsInList(None), piece.line, None, &piece.text);
                }
            }
            Heard::Tvs(TvsLine::Phone(address)) => {
                handshakes.insert(address);
                add(Says::TvsHandshake, piece.line, Some(Whose::Address(address)), &piece.text);
            }
            Heard::Tvs(line) => {
                if let Some((line, request)) = requests.line(piece.line, line) {
                    let quote = request.to_string();
                    add(Says::TvsRequest(request), line, Some(Whose::Unnamed), &quote);
                }
            }
        }
    }
    if let Some((line, request)) = requests.end(false) {
        let quote = request.to_string().chars().take(LONGEST_QUOTE).collect();
        let at = pieces.len().saturating_sub(1);
        found.push(Found {
            at,
            says: Says::TvsRequest(request),
            quote,
            line,
            own: Some(Whose::Unnamed),
            by_request: false,
        });
    }
    // Requests do not say who asks. Where one phone alone talked to TVS, it was that one.
    let mut handshakes = handshakes.into_iter();
    if let (Some(only), None) = (handshakes.next(), handshakes.next()) {
        for found in found.iter_mut().filter(|found| matches!(found.says, Says::TvsRequest(_))) {
            found.own = Some(Whose::Address(only));
        }
    }
    found
}

/// The number of the role under which phones look for TVS's certificate in their list.
const ROLE_OF_TVS: u16 = 21;

/// Says of what is verified without a name that it is the file that the same phone asked for last.
fn name_files(statements: &mut [Statement], found: &[Found]) {
    let mut last: BTreeMap<Whose, Object> = BTreeMap::new();
    for (statement, found) in statements.iter_mut().zip(found) {
        match &mut statement.says {
            Says::Requests { file, .. } => _ = last.insert(statement.whose.clone(), Object::of_file(file)),
            Says::Verified(object) | Says::VerificationFailed(object)
                if *object == Object::Unnamed && found.by_request =>
            {
                if let Some(known) = last.get(&statement.whose) {
                    *object = *known;
                }
            }
            _ => {}
        }
    }
}

/// Whose each piece is.
struct Owners {
    whose: Vec<Whose>,
}

impl Owners {
    fn new(pieces: &[Piece], mentions: &[names::Mention], path: &str, of: &Whose, notes: &mut Vec<String>) -> Self {
        let mut groups: BTreeMap<&Option<Host>, Vec<usize>> = BTreeMap::new();
        for (at, piece) in pieces.iter().enumerate() {
            groups.entry(&piece.host).or_default().push(at);
        }
        let mut whose = vec![Whose::Unnamed; pieces.len()];
        let is_only = groups.len() == 1;
        for (host, members) in groups {
            let named: Vec<(usize, &DeviceName)> = members
                .iter()
                .filter_map(|&at| mentions.get(at).and_then(|mention| mention.owner.as_ref()).map(|name| (at, name)))
                .collect();
            let devices: BTreeSet<&DeviceName> = named.iter().map(|(_, name)| *name).collect();
            let of_host = match host {
                Some(Host::Name(name)) => names::device(name).filter(|_| name.starts_with("sep")),
                _ => None,
            };
            let mut devices = devices.into_iter();
            let all = match (of_host, devices.next(), devices.next()) {
                (Some(device), ..) => Whose::Device(device),
                (None, Some(_), Some(_)) => {
                    sections(&named, &members, pieces, mentions, &mut whose);
                    continue;
                }
                (None, Some(only), None) => {
                    if let Whose::Device(said) = of
                        && said != only
                    {
                        notes.push(format!(
                            "it was given for {said}, but says itself that it is of {only}: it is not taken for {said}"
                        ));
                    }
                    Whose::Device(only.clone())
                }
                (None, None, _) => match host {
                    Some(Host::Address(address)) if !is_only || *of == Whose::Unnamed => Whose::Address(*address),
                    _ => unnamed(mentions, &members, path, of, notes),
                },
            };
            for at in members {
                if let Some(slot) = whose.get_mut(at) {
                    *slot = all.clone();
                }
            }
        }
        Self { whose }
    }

    fn of(&self, at: usize) -> &Whose {
        self.whose.get(at).unwrap_or(&Whose::Unnamed)
    }
}

/// Whose lines are that do not say it: as the engineer says, else the one phone that they mention, else that of the file's name.
fn unnamed(mentions: &[names::Mention], members: &[usize], path: &str, of: &Whose, notes: &mut Vec<String>) -> Whose {
    if *of != Whose::Unnamed {
        return of.clone();
    }
    let others: BTreeSet<&DeviceName> =
        members.iter().filter_map(|&at| mentions.get(at).and_then(|mention| mention.other.as_ref())).collect();
    let mut others = others.into_iter();
    match (others.next(), others.next()) {
        (Some(only), None) => Whose::Device(only.clone()),
        (None, _) => names::of_path(path).map_or(Whose::Unnamed, |device| {
            notes.push(format!("it is taken to be of {device}, which stands in its path"));
            Whose::Device(device)
        }),
        (Some(_), Some(_)) => Whose::Unnamed,
    }
}

/// Several phones in one text without hosts. Where each has a part of its own, what stands behind its name is its; where their
/// names alternate, or before the first, only lines that have a name themselves are somebody's.
fn sections(
    named: &[(usize, &DeviceName)],
    members: &[usize],
    pieces: &[Piece],
    mentions: &[names::Mention],
    whose: &mut [Whose],
) {
    let mut order: Vec<&DeviceName> = named.iter().map(|(_, name)| *name).collect();
    order.dedup();
    let distinct: BTreeSet<&DeviceName> = order.iter().copied().collect();
    let is_apart = order.len() == distinct.len();
    let (mut current, mut is_titled): (Option<&DeviceName>, bool) = (None, false);
    let mut named = named.iter().peekable();
    for &at in members {
        let own = named.next_if(|(named, _)| *named == at).map(|(_, name)| *name);
        if own.is_some() {
            current = own;
            is_titled = mentions.get(at).is_some_and(|mention| mention.is_title);
        }
        // On a page of status messages the name stands behind or before; between two names it may be either's.
        let next = named.peek().map(|(_, name)| *name);
        let is_inside =
            next.is_none() || next == current || pieces.get(at).is_some_and(|piece| piece.console.is_some());
        let device = own.or(current.filter(|_| is_titled || (is_apart && is_inside)));
        if let (Some(slot), Some(device)) = (whose.get_mut(at), device) {
            *slot = Whose::Device(device.clone());
        }
    }
}

fn kind(pieces: &[Piece], statements: &[Statement]) -> Kind {
    let any = |is: fn(&Says) -> bool| statements.iter().any(|statement| is(&statement.says));
    let console = |form: Console| pieces.iter().any(|piece| piece.console == Some(form));
    if any(|says| matches!(says, Says::TvsHandshake | Says::TvsRequest(_) | Says::TvsRefreshed)) {
        Kind::Tvs
    } else if any(|says| matches!(says, Says::TftpAsked { .. })) {
        Kind::Tftp
    } else if console(Console::Newer) {
        Kind::ConsoleNewer
    } else if console(Console::Older) {
        Kind::ConsoleOlder
    } else if any(|says| !matches!(says, Says::Holds { .. })) {
        Kind::Status
    } else if !statements.is_empty() {
        Kind::Alarms
    } else {
        Kind::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_one(text: &str, of: &Whose) -> Reading {
        let (mut readings, left_out) = read("x.log", text.as_bytes(), of);
        assert!(left_out.is_empty() && readings.len() == 1, "{left_out:?}");
        readings.remove(0)
    }

    fn device(name: &str) -> Whose {
        Whose::Device(DeviceName::new(name).unwrap())
    }

    /// Whose the statements about verification are.
    fn verdicts(text: &str, of: &Whose) -> Vec<(usize, Whose, bool)> {
        let statements = read_one(text, of).statements.into_iter();
        statements
            .filter_map(|statement| match statement.says {
                Says::VerificationFailed(_) => Some((statement.line, statement.whose, false)),
                Says::Verified(_) | Says::Taken(_) => Some((statement.line, statement.whose, true)),
                _ => None,
            })
            .collect()
    }

    const A: &str = "SEP0011215A1AE3";
    const B: &str = "SEP00235EB73A10";

    #[test]
    fn text_of_another_phone_is_not_of_this_one() {
        let text = "[1:15:20pm 10/30/26] Trust List updated\n[1:15:24pm 10/30/26] SEP00235EB73A10.cnf.xml.sgn(HTTP)\n";
        assert_eq!(verdicts(text, &device(A)), [(1, device(B), true)]);
        assert!(read_one(text, &device(A)).notes[0].contains("not taken for SEP0011215A1AE3"));
        assert_eq!(verdicts(text, &Whose::Unnamed), [(1, device(B), true)]);
        let text = "Trust List updated\nhello\n";
        assert_eq!(verdicts(text, &device(A)), [(1, device(A), true)]);
        assert_eq!(verdicts(text, &Whose::Unnamed), [(1, Whose::Unnamed, true)]);
    }

    #[test]
    fn pages_below_each_other_are_apart() {
        let text = format!(
            "Trust List Verification Failed\nCisco IP Phone CP-8811 ( {A} )\nTrust List updated\n\
             Cisco IP Phone CP-8811 ( {B} )\nTrust List Verification Failed\n"
        );
        let expected = [(1, Whose::Unnamed, false), (3, device(A), true), (5, device(B), false)];
        assert_eq!(verdicts(&text, &Whose::Unnamed), expected);
    }

    #[test]
    fn alternating_names_give_nobody_the_lines_between() {
        let text = format!(
            "{A}.cnf.xml.sgn\nTrust List updated\n{B}.cnf.xml.sgn\nTrust List Verification Failed\n{A}.cnf.xml.sgn\n"
        );
        assert!(verdicts(&text, &Whose::Unnamed).iter().all(|(_, whose, _)| *whose == Whose::Unnamed));
    }

    #[test]
    fn what_is_verified_is_what_was_asked_for() {
        let text = "1: NOT 10:00:00.1 TFTP: [27]:Requesting ITLSEP0011215A1AE3.tlv from 192.0.2.80\n2: ERR 10:00:01.1 SECD: EROR:verifyFile: verify FAIL\n";
        let says: Vec<_> =
            read_one(text, &Whose::Unnamed).statements.into_iter().map(|statement| statement.says).collect();
        assert_eq!(says[1], Says::VerificationFailed(Object::List(super::super::Lists::Itl)));
    }

    #[test]
    fn kinds_and_counts() {
        for (text, kind, lines, silent) in [
            ("", Kind::Unknown, 0, 0),
            ("Oct 30 16:20:01: %LINK-3-UPDOWN: Interface, changed state to up\n", Kind::Unknown, 1, 1),
            ("hello\n\n9:00:00a ITL installed\n", Kind::Status, 2, 1),
            ("1: NOT 10:00:00.1 SECD: verifyFile: verify SUCCESS\n", Kind::ConsoleOlder, 1, 0),
            ("1 NOT Oct 30 10:00:00.1 SECUREAPP-TL file updated.\n", Kind::ConsoleNewer, 1, 0),
            ("18:01:05.855 | debug 14.48.44.202: tvsSSLHandShake Session ciphers - A\n", Kind::Tvs, 1, 0),
            ("Oct 30 16:20:01 a in.tftpd[1]: RRQ from 14.48.44.202 filename x\n", Kind::Tftp, 1, 0),
        ] {
            let (readings, _) = read("x", text.as_bytes(), &Whose::Unnamed);
            let Some(reading) = readings.first() else {
                assert_eq!(kind, Kind::Unknown);
                continue;
            };
            assert_eq!((reading.kind, reading.lines, reading.silent), (kind, lines, silent), "{text}");
        }
    }

    proptest::proptest! {
        /// Syslog of two phones, interleaved in any way: each keeps its own, in its own order.
        #[test]
        fn interleaving_changes_nothing(order in proptest::collection::vec(proptest::bool::ANY, 0..24), failing: [bool; 12]) {
            let line = |name: &str, host: &str, number: usize, fails: bool| {
                let asks = format!("Oct 30 09:13:{number:02} {host} {number}: NOT 09:13:{number:02}.5 TFTP: [27]:Requesting ITL{name}.tlv from 14.48.44.80\n");
                let said = if fails { "ERR 09:13:19.1 SECD: EROR:verifyFile: verify FAIL" } else { "NOT 09:13:19.1 SECD: verifyFile: verify SUCCESS" };
                [asks, format!("Oct 30 09:13:{number:02} {host} {number}: {said}\n")]
            };
            let mut lines: [Vec<String>; 2] = [(A, "192.0.2.1"), (B, "192.0.2.2")].map(|(name, host)| {
                failing.iter().enumerate().flat_map(|(at, &fails)| line(name, host, at + 10, fails != (name == A))).collect()
            });
            let mut text = String::new();
            for second in order {
                let from = &mut lines[usize::from(second)];
                if !from.is_empty() { text.push_str(&from.remove(0)); }
            }
            text.extend(lines.into_iter().flatten());
            let all = verdicts(&text, &Whose::Unnamed);
            for (name, is_first) in [(A, true), (B, false)] {
                let got: Vec<bool> = all.iter().filter(|(_, whose, _)| *whose == device(name)).map(|(.., well)| !well).collect();
                let expected: Vec<bool> = failing.iter().map(|&fails| fails != is_first).collect();
                proptest::prop_assert_eq!(got, expected);
            }
        }

        #[test]
        fn any_text_does_no_harm(text in "([A-Za-z0-9<>&;:./ \\[\\]-]{0,12}|Trust List updated|\\n|SEP0011215A1AE3|10:00:00 |1: NOT 10:00:00.1 |é){0,30}") {
            for reading in read("x", text.as_bytes(), &Whose::Unnamed).0 {
                proptest::prop_assert!(reading.silent <= reading.lines);
            }
        }
    }
}
