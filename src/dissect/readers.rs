//! Which protocol reads a connection: the only file that lists the protocols above TCP.
//!
//! In: the service that is expected behind a port, or the first bytes on another. Out: who reads the streams. It refuses to
//! know what they say.

use std::net::SocketAddr;

use super::http::HttpStreams;
use super::reader::StreamReader;
use super::sccp::SccpStreams;
use super::sip::SipStreams;
use super::tls::TlsDissector;
use crate::capture::Moment;
use crate::event::{Service, Side};

/// Who reads the streams of a connection to this service, which began at `moment`; `None` where nobody does.
pub(super) fn of_service(
    service: Service,
    id: u64,
    client: SocketAddr,
    server: SocketAddr,
    moment: Moment,
) -> Option<Box<dyn StreamReader>> {
    Some(match service {
        Service::Tvs | Service::Tomcat | Service::Https | Service::Other => {
            Box::new(TlsDissector::new(id, service, client, server, moment))
        }
        Service::Http => Box::new(HttpStreams::new(id, client, server)),
        Service::Sip => Box::new(SipStreams::new(client, server)),
        Service::Sccp => Box::new(SccpStreams::new(client)),
        Service::Tftp => return None,
    })
}

/// Which side begins its stream with these bytes, where they tell: a handshake record (RFC 5246 6.2.1) that begins with a
/// hello, of the client or of the server.
pub(super) const fn recognise(payload: &[u8]) -> Option<Side> {
    match payload {
        [22, 3, 0..=4, _, _, 1, ..] => Some(Side::Client),
        [22, 3, 0..=4, _, _, 2, ..] => Some(Side::Server),
        _ => None,
    }
}
