//! Who is behind an address, as far as traffic says so by itself.

use std::net::IpAddr;

use crate::capture::Moment;

/// What tells who is behind an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// How it was told.
    pub source: IdentitySource,
    /// The address that it is about; `None` where it was told below IP.
    pub address: Option<IpAddr>,
    /// The device name, as it stood on the wire.
    pub device: Option<String>,
    /// The model, as it stood on the wire.
    pub model: Option<String>,
    /// Firmware, as it stood on the wire.
    pub software: Option<String>,
    /// TFTP servers that the device was given (DHCP options 150 and 66).
    pub tftp_servers: Vec<String>,
    /// Where.
    pub moment: Moment,
}

/// How an [`Identity`] was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IdentitySource {
    /// DHCP options.
    Dhcp,
    /// Cisco Discovery Protocol.
    Cdp,
    /// LLDP-MED.
    Lldp,
    /// SIP REGISTER.
    SipRegister,
    /// SCCP station register.
    SccpRegister,
    /// The certificate with which the phone authenticates itself in TLS: MIC or LSC.
    Certificate,
}

/// A DHCP server gave an address, or let it be kept: DHCPACK (RFC 2131 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// The address.
    pub address: IpAddr,
    /// The hardware address of the client that it is of.
    pub hardware: [u8; 6],
    /// Where.
    pub moment: Moment,
}
