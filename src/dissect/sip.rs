//! What phones say in clear over SIP (RFC 3261).
//!
//! In: datagrams, and the two streams of a connection. Out: the alarm `DeviceTLInfo` in a REFER as a
//! [`crate::event::ListAlarm`], and who a REGISTER comes from as an [`crate::event::Identity`]. It refuses to know calls.

mod alarm;
mod message;
mod request;
mod stream;
#[cfg(test)]
mod tests;

use super::head::head_length;
use crate::capture::Moment;
use crate::event::Event;
use crate::packet::Datagram;

use message::Head;

pub(super) use stream::SipStreams;

/// Takes a datagram that may be a SIP request.
pub(super) fn datagram(udp: &Datagram<'_>, moment: Moment, events: &mut Vec<Event>) {
    if !udp.payload.starts_with(b"RE") {
        return;
    }
    let Some(length) = head_length(udp.payload, 0) else { return };
    let (head, body) = udp.payload.split_at(length);
    let Some(head) = Head::parse(head) else { return };
    // Over UDP the end of the datagram may stand for the length of the body (RFC 3261 18.3).
    let body = match head.content_length() {
        Some(length) => body.get(..length),
        None => (udp.missing == 0).then_some(body),
    };
    request::tell(&head, body, udp.src, udp.dst, moment, events);
}
