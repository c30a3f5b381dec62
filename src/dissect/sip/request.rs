//! What one request says.
//!
//! In: its head and its body. Out: the alarm of a REFER, and who a REGISTER comes from.

use std::net::SocketAddr;

use super::super::model;
use super::alarm;
use super::message::Head;
use crate::capture::Moment;
use crate::event::{Event, Identity, IdentitySource, ListAlarm};

/// Whether a request is read at all.
pub(super) fn is_of_interest(head: &Head<'_>) -> bool {
    matches!(head.method, "REFER" | "REGISTER")
}

/// Tells what a request says; `body` is `None` where not all of it is there.
pub(super) fn tell(
    head: &Head<'_>,
    body: Option<&[u8]>,
    client: SocketAddr,
    server: SocketAddr,
    moment: Moment,
    events: &mut Vec<Event>,
) {
    match head.method {
        "REGISTER" => {
            let identity = registration(head, client, moment);
            if identity.device.is_some() {
                events.push(Event::Identity(Box::new(identity)));
            }
        }
        "REFER" => {
            let kind = head.field("Content-Type", "c").unwrap_or_default().to_ascii_lowercase();
            if kind.contains("x-cisco-alarm+xml") || kind.starts_with("multipart/") {
                let contact = head.field("Contact", "m").unwrap_or_default();
                for alarm in alarm::read(body.unwrap_or_default()) {
                    let device = alarm.device.or_else(|| parameter(&contact, DEVICE_NAME));
                    events.push(Event::ListAlarm(Box::new(ListAlarm {
                        device,
                        itl: alarm.itl,
                        ctl: alarm.ctl,
                        itl_tftp_server: alarm.itl_tftp_server,
                        ctl_tftp_server: alarm.ctl_tftp_server,
                        status_code: alarm.status_code,
                        client,
                        server,
                        moment,
                    })));
                }
            }
        }
        _ => {}
    }
}

/// Parameters of the Contact field in which phones name themselves.
const DEVICE_NAME: &str = "+u.sip!devicename.ccm.cisco.com";
const MODEL_NUMBER: &str = "+u.sip!model.ccm.cisco.com";

/// Who registers.
fn registration(head: &Head<'_>, client: SocketAddr, moment: Moment) -> Identity {
    let contact = head.field("Contact", "m").unwrap_or_default();
    let reason = head.field("Reason", "").unwrap_or_default();
    let agent = head.field("User-Agent", "").unwrap_or_default();
    let instance = || parameter(&contact, "+sip.instance").as_deref().and_then(device_of_instance);
    let device = parameter(&contact, DEVICE_NAME).or_else(instance).or_else(|| word_after(&reason, "Name="));
    let agent = model::of_user_agent(&agent);
    let number = || parameter(&contact, MODEL_NUMBER).and_then(|number| number.parse().ok());
    let (model, version) = match agent {
        Some((model, version)) => (Some(model), version.map(str::to_owned)),
        None => (number().map(model::of_device_type), None),
    };
    let load = word_after(&reason, "ActiveLoad=").map(|load| load.trim_end_matches(".loads").to_owned());
    Identity {
        source: IdentitySource::SipRegister,
        address: Some(client.ip()),
        device,
        model,
        software: load.or(version),
        tftp_servers: Vec::new(),
        moment,
    }
}

/// The value of a parameter behind a Contact's address, without its quotes.
fn parameter(contact: &str, name: &str) -> Option<String> {
    let mut rest = contact;
    loop {
        let at = rest.find(name)?;
        let value = rest.get(at + name.len()..)?;
        rest = value;
        let Some(value) = value.trim_start().strip_prefix('=') else { continue };
        let value = value.trim_start();
        let value = match value.strip_prefix('"') {
            Some(quoted) => quoted.split('"').next(),
            None => value.split([';', ',', ' ', '>']).next(),
        };
        return value.filter(|value| !value.is_empty()).map(str::to_owned);
    }
}

/// `<urn:uuid:00000000-0000-0000-0000-0011215a1ae3>` is the device with that MAC address.
fn device_of_instance(instance: &str) -> Option<String> {
    let mac = instance.strip_prefix("<urn:uuid:00000000-0000-0000-0000-")?.strip_suffix('>')?;
    let is_mac = mac.len() == 12 && mac.chars().all(|c| c.is_ascii_hexdigit());
    is_mac.then(|| format!("SEP{}", mac.to_ascii_uppercase()))
}

/// The word behind `key` in the text of a Reason field.
fn word_after(text: &str, key: &str) -> Option<String> {
    let at = text.match_indices(key).map(|(at, _)| at).find(|&at| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        before.is_none_or(|before| !before.is_ascii_alphanumeric())
    })?;
    let word = text.get(at + key.len()..)?.split([' ', '"', ',', ';']).next()?;
    (!word.is_empty()).then(|| word.to_owned())
}
