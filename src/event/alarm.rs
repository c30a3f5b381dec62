//! What phones say of the trust lists that they hold (domain.md 4.6).

use std::net::SocketAddr;

use crate::capture::Moment;
use crate::digest::Sha1Sum;

/// The alarm `DeviceTLInfo` in a SIP REFER.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListAlarm {
    /// The device name in the alarm.
    pub device: Option<String>,
    /// The ITL.
    pub itl: Option<Holding>,
    /// The CTL.
    pub ctl: Option<Holding>,
    /// The TFTP server of the ITL, as the alarm says.
    pub itl_tftp_server: Option<String>,
    /// The TFTP server of the CTL, as the alarm says.
    pub ctl_tftp_server: Option<String>,
    /// The alarm's `StatusCode`; its values are not documented.
    pub status_code: Option<String>,
    /// Who said it.
    pub client: SocketAddr,
    /// To whom.
    pub server: SocketAddr,
    /// Where.
    pub moment: Moment,
}

/// What a phone holds of one kind of list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Holding {
    /// None.
    Nothing,
    /// The list whose file has this SHA-1.
    List(Sha1Sum),
}
