//! Numbers of TLS as they stand on the wire, and their names: unknown ones stay numbers.

use std::fmt;

use super::Side;
use crate::capture::Moment;

/// One alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alert {
    /// Who sent it.
    pub from: Side,
    /// Level and description, unless it was encrypted.
    pub clear: Option<(u8, u8)>,
    /// Where.
    pub moment: Moment,
}

/// A protocol version as it stands on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TlsVersion(pub u16);

impl TlsVersion {
    /// The first version that encrypts certificates.
    pub const TLS_1_3: Self = Self(0x0304);
}

impl fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0x0002 => f.write_str("SSL 2.0"),
            0x0300 => f.write_str("SSL 3.0"),
            0x0301 => f.write_str("TLS 1.0"),
            0x0302 => f.write_str("TLS 1.1"),
            0x0303 => f.write_str("TLS 1.2"),
            0x0304 => f.write_str("TLS 1.3"),
            other => write!(f, "0x{other:04x}"),
        }
    }
}

/// A cipher suite as it stands on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CipherSuite(pub u16);

impl fmt::Display for CipherSuite {
    /// The name that IANA registered, else the number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match tls_parser::TlsCipherSuite::from_id(self.0) {
            Some(suite) => f.write_str(suite.name),
            None => write!(f, "0x{:04x}", self.0),
        }
    }
}

impl Alert {
    /// `fatal` or `warning`; `None` where it was encrypted or is neither.
    pub const fn level(&self) -> Option<&'static str> {
        match self.clear {
            Some((1, _)) => Some("warning"),
            Some((2, _)) => Some("fatal"),
            _ => None,
        }
    }

    /// Whether it ends the session by its level.
    pub const fn is_fatal(&self) -> bool {
        matches!(self.clear, Some((2, _)))
    }

    /// What it says; `None` where it was encrypted.
    pub fn code(&self) -> Option<AlertCode> {
        self.clear.map(|(_, code)| AlertCode(code))
    }

    /// The name of what it says; `None` where it was encrypted.
    pub fn description(&self) -> Option<String> {
        self.code().map(|code| code.to_string())
    }
}

/// What an alert says: its second byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AlertCode(pub u8);

impl fmt::Display for AlertCode {
    /// The name of RFC 5246 7.2 and RFC 8446 6, such as `unknown_ca`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0 {
            0 => "close_notify",
            10 => "unexpected_message",
            20 => "bad_record_mac",
            21 => "decryption_failed",
            22 => "record_overflow",
            30 => "decompression_failure",
            40 => "handshake_failure",
            41 => "no_certificate",
            42 => "bad_certificate",
            43 => "unsupported_certificate",
            44 => "certificate_revoked",
            45 => "certificate_expired",
            46 => "certificate_unknown",
            47 => "illegal_parameter",
            48 => "unknown_ca",
            49 => "access_denied",
            50 => "decode_error",
            51 => "decrypt_error",
            60 => "export_restriction",
            70 => "protocol_version",
            71 => "insufficient_security",
            80 => "internal_error",
            86 => "inappropriate_fallback",
            90 => "user_canceled",
            100 => "no_renegotiation",
            109 => "missing_extension",
            110 => "unsupported_extension",
            111 => "certificate_unobtainable",
            112 => "unrecognized_name",
            113 => "bad_certificate_status_response",
            114 => "bad_certificate_hash_value",
            115 => "unknown_psk_identity",
            116 => "certificate_required",
            120 => "no_application_protocol",
            other => return write!(f, "alert_{other}"),
        };
        f.write_str(name)
    }
}
