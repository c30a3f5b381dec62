//! From datagrams and segments to events.
//!
//! In: [`Packet`]s with the [`Moment`] at which they were seen. Out: [`Event`]s: downloads and TLS sessions, with frame
//! numbers and times. It refuses to know what a phone is, and judges nothing: what is missing from the capture is said to be
//! missing, never guessed.

mod certificates;
mod content;
mod dhcp;
mod discovery;
mod flows;
mod hardware;
mod head;
mod http;
mod model;
mod reader;
mod readers;
mod sccp;
mod sip;
pub mod tcp;
#[cfg(test)]
mod testkit;
pub mod tftp;
mod tls;

pub use content::{ContentLimits, LimitsHit};

use crate::capture::{Moment, Timestamp};
use crate::event::{Event, Ports};
use crate::packet::Packet;
use content::ContentStore;

/// What the dissectors may cost, and where they look.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Ports that are always examined.
    pub ports: Ports,
    /// What files in progress may hold.
    pub content: ContentLimits,
    /// TFTP conversations.
    pub tftp: tftp::Limits,
    /// TCP connections.
    pub tcp: tcp::Limits,
}

/// What the dissectors hold at a moment, each within its limit in [`Settings`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Held {
    /// TFTP conversations: [`tftp::Limits::conversations`].
    pub conversations: usize,
    /// TCP connections: [`tcp::Limits::connections`].
    pub connections: usize,
    /// Bytes of TCP streams: [`tcp::Limits::total`].
    pub stream_bytes: usize,
    /// Bytes of files in progress: [`ContentLimits::total`].
    pub content_bytes: usize,
}

/// All dissectors behind one door.
#[derive(Debug)]
pub struct Dissector {
    store: ContentStore,
    tftp: tftp::Tftp,
    tcp: tcp::Tcp,
    dhcp: dhcp::Dhcp,
    /// When idle flows were looked for last.
    expired: Timestamp,
}

/// Nanoseconds of capture time between two looks for idle flows.
const EXPIRE_EVERY: u64 = 100_000_000;

impl Dissector {
    /// Dissectors with these settings.
    pub fn new(settings: &Settings) -> Self {
        Self {
            store: ContentStore::new(settings.content),
            tftp: tftp::Tftp::new(settings.tftp),
            tcp: tcp::Tcp::new(settings.ports.clone(), settings.tcp),
            dhcp: dhcp::Dhcp::default(),
            expired: Timestamp::default(),
        }
    }

    /// Takes a packet; what it makes known is added to `events`.
    pub fn packet(&mut self, packet: &Packet<'_>, moment: Moment, events: &mut Vec<Event>) {
        match packet {
            Packet::Udp(datagram) => {
                if dhcp::is_dhcp(datagram) {
                    self.dhcp.datagram(datagram, moment, events);
                } else if !self.tftp.datagram(datagram, moment, &mut self.store, events) {
                    sip::datagram(datagram, moment, events);
                }
            }
            Packet::Tcp(segment) => self.tcp.segment(segment, moment, &mut self.store, events),
            Packet::Cdp(tlvs) => events.extend(discovery::cdp(tlvs, moment)),
            Packet::Lldp(tlvs) => events.extend(discovery::lldp(tlvs, moment)),
        }
        let full = self.store.is_full() || self.tftp.is_full() || self.tcp.is_full();
        if full || self.is_time_to_tick(moment.time) {
            self.tick(moment.time, events);
        }
    }

    /// What conversations, connections and files in progress hold just now.
    pub fn held(&self) -> Held {
        let (connections, stream_bytes) = self.tcp.held();
        Held { conversations: self.tftp.held(), connections, stream_bytes, content_bytes: self.store.held() }
    }

    /// Whether idle flows were not looked for in a while.
    pub fn is_time_to_tick(&self, now: Timestamp) -> bool {
        now.nanos_since(self.expired) >= EXPIRE_EVERY
    }

    /// How often a limit cost something so far.
    pub const fn limits_hit(&self) -> LimitsHit {
        self.store.hit
    }

    /// Time goes on: ends what was idle for too long.
    pub fn tick(&mut self, now: Timestamp, events: &mut Vec<Event>) {
        self.expired = now;
        self.tftp.expire(now, &mut self.store, events);
        self.tcp.expire(now, &mut self.store, events);
        self.dhcp.expire(now, events);
    }

    /// The capture is over: ends everything.
    pub fn finish(&mut self, events: &mut Vec<Event>) {
        self.tftp.finish(&mut self.store, events);
        self.tcp.finish(&mut self.store, events);
        self.dhcp.finish(events);
    }
}
