//! The alarm `DeviceTLInfo` (domain.md 4.6): which trust lists a phone holds.
//!
//! In: the body of a REFER. Out: what it says, as far as it can be read; a list's checksum only where all of it stands there.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::event::Holding;

/// What one alarm says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Alarm {
    pub(super) device: Option<String>,
    pub(super) itl: Option<Holding>,
    pub(super) ctl: Option<Holding>,
    pub(super) itl_tftp_server: Option<String>,
    pub(super) ctl_tftp_server: Option<String>,
    pub(super) status_code: Option<String>,
}

/// Longer values are not kept.
const LONGEST_VALUE: usize = 256;
/// Alarms in one body at most.
const MOST_ALARMS: usize = 8;

/// Reads all such alarms in a body.
pub(super) fn read(body: &[u8]) -> Vec<Alarm> {
    let text = String::from_utf8_lossy(body);
    // In a multipart body the document stands between other things (RFC 2046 5.1).
    let document = text.find("<x-cisco-alarm").and_then(|at| text.get(at..)).unwrap_or_default();
    let mut reader = Reader::from_str(document);
    reader.config_mut().check_end_names = false;
    let mut alarms = Vec::new();
    let mut current: Option<Alarm> = None;
    let mut parameter: Option<String> = None;
    let mut value = String::new();
    while let Ok(event) = reader.read_event() {
        match event {
            Event::Start(element) if is(&element, "Alarm") => {
                let told = attribute(&element, "name").is_some_and(|name| name == "DeviceTLInfo");
                current = told.then(Alarm::default);
            }
            Event::Start(element) if current.is_some() => {
                parameter = attribute(&element, "name");
                value.clear();
            }
            Event::Text(text) if parameter.is_some() => value.push_str(&text.xml10_content()),
            Event::GeneralRef(reference) if parameter.is_some() => {
                let character = reference.resolve_char_ref().ok().flatten();
                let named = quick_xml::escape::resolve_predefined_entity(&reference.into_inner());
                value.extend(character.map(String::from).or(named.map(str::to_owned)));
            }
            Event::End(element) => {
                if let (Some(alarm), Some(name)) = (&mut current, parameter.take())
                    && value.len() <= LONGEST_VALUE
                {
                    alarm.set(&name, value.trim());
                } else if element.name().as_ref().eq_ignore_ascii_case("Alarm") {
                    alarms.extend(current.take());
                }
            }
            Event::Eof => break,
            _ => {}
        }
        if value.len() > 2 * LONGEST_VALUE {
            parameter = None;
        }
        if alarms.len() >= MOST_ALARMS || document_ended(&reader, document) {
            break;
        }
    }
    // Cut off behind its parameters, or malformed there: what was read before is whole.
    alarms.extend(current.filter(|alarm| *alarm != Alarm::default()));
    alarms
}

fn document_ended(reader: &Reader<&[u8]>, document: &str) -> bool {
    reader.buffer_position() >= document.len() as u64
}

fn is(element: &BytesStart<'_>, name: &str) -> bool {
    element.name().as_ref().eq_ignore_ascii_case(name)
}

fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let attribute =
        element.attributes().flatten().find(|attribute| attribute.key.as_ref().eq_ignore_ascii_case(name))?;
    Some(attribute.value.to_string())
}

impl Alarm {
    fn set(&mut self, name: &str, value: &str) {
        let text = || (!value.is_empty() && value != "N/A").then(|| value.to_owned());
        match name {
            "DeviceName" => self.device = text(),
            "ITL_Signature" => self.itl = list(value),
            "CTL_Signature" => self.ctl = list(value),
            "ITL_TFTP_Server" => self.itl_tftp_server = text(),
            "CTL_TFTP_Server" => self.ctl_tftp_server = text(),
            "StatusCode" => self.status_code = text(),
            _ => {}
        }
    }
}

/// Twenty bytes in hexadecimal with blanks between them, or `Not Installed`.
fn list(value: &str) -> Option<Holding> {
    if value.eq_ignore_ascii_case("Not Installed") {
        return Some(Holding::Nothing);
    }
    value.parse().ok().map(Holding::List)
}
