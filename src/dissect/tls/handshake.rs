//! What the handshake messages say, read by `tls-parser`.

use tls_parser::{
    TlsExtension, TlsMessage, TlsMessageHandshake, parse_tls_client_hello_extensions, parse_tls_message_handshake,
    parse_tls_server_hello_extensions,
};

use crate::bytes::Reader;

/// The random value by which a ServerHello is a HelloRetryRequest (RFC 8446 4.1.3).
const HELLO_RETRY_REQUEST: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11,
    0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// A handshake message, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Handshake<'a> {
    ClientHello {
        server_name: Option<String>,
        /// The session that it offers to resume; empty where none.
        session_id: &'a [u8],
    },
    ServerHello {
        version: u16,
        cipher: u16,
        /// The session that the server names; empty where none.
        session_id: &'a [u8],
        /// TLS 1.3 goes on with a key of an earlier session, without certificates (RFC 8446 4.2.11).
        resumes: bool,
    },
    HelloRetryRequest,
    /// The certificates of a chain, the sender's own first; none where a client has none to show.
    Certificate(Vec<&'a [u8]>),
    ServerHelloDone,
    ClientKeyExchange,
    /// Anything else, by its type.
    Other(u8),
    /// A message of this type that does not parse.
    Unreadable(u8),
}

impl<'a> Handshake<'a> {
    /// Reads one whole message with its four-byte header.
    pub(super) fn parse(message: &'a [u8]) -> Self {
        let kind = message.first().copied().unwrap_or(0);
        if !matches!(kind, 1 | 2 | 11 | 14 | 16) {
            return Self::Other(kind);
        }
        // What the key exchange holds depends on the cipher suite and is of no use here.
        if kind == 16 {
            return Self::ClientKeyExchange;
        }
        let Ok((_, TlsMessage::Handshake(parsed))) = parse_tls_message_handshake(message) else {
            return Self::Unreadable(kind);
        };
        match parsed {
            TlsMessageHandshake::ClientHello(hello) => {
                let session_id = hello.session_id.unwrap_or_default();
                Self::ClientHello { server_name: hello.ext.and_then(server_name), session_id }
            }
            TlsMessageHandshake::ServerHello(hello) if hello.random == HELLO_RETRY_REQUEST => Self::HelloRetryRequest,
            TlsMessageHandshake::ServerHello(hello) => Self::ServerHello {
                // TLS 1.3 says 1.2 here and its own version in an extension (RFC 8446 4.1.3).
                version: hello.ext.and_then(selected_version).unwrap_or(hello.version.0),
                cipher: hello.cipher.0,
                session_id: hello.session_id.unwrap_or_default(),
                resumes: hello.ext.is_some_and(|extensions| has_extension(extensions, PRE_SHARED_KEY)),
            },
            TlsMessageHandshake::Certificate(certificates) => {
                Self::Certificate(certificates.cert_chain.iter().map(|certificate| certificate.data).collect())
            }
            TlsMessageHandshake::ServerDone(_) => Self::ServerHelloDone,
            _ => Self::Unreadable(kind),
        }
    }
}

/// The extension by which a TLS 1.3 server accepts a key of an earlier session.
const PRE_SHARED_KEY: u16 = 41;

fn has_extension(extensions: &[u8], wanted: u16) -> bool {
    let mut reader = Reader::new(extensions);
    while let (Some(kind), Some(length)) = (reader.u16(), reader.u16()) {
        if kind == wanted {
            return true;
        }
        if reader.skip(length.into()).is_none() {
            return false;
        }
    }
    false
}

fn server_name(extensions: &[u8]) -> Option<String> {
    let (_, extensions) = parse_tls_client_hello_extensions(extensions).ok()?;
    extensions.into_iter().find_map(|extension| match extension {
        TlsExtension::SNI(names) => names.first().map(|(_, name)| String::from_utf8_lossy(name).into_owned()),
        _ => None,
    })
}

fn selected_version(extensions: &[u8]) -> Option<u16> {
    let (_, extensions) = parse_tls_server_hello_extensions(extensions).ok()?;
    extensions.into_iter().find_map(|extension| match extension {
        TlsExtension::SupportedVersions(versions) => versions.first().map(|version| version.0),
        _ => None,
    })
}
