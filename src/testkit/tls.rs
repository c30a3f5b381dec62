//! TLS records and handshake messages (RFC 5246, RFC 8446).

/// A record of this content type; version 3.1, as most hellos have it.
pub fn record(kind: u8, payload: &[u8]) -> Vec<u8> {
    record_of(kind, 0x0301, payload)
}

pub fn record_of(kind: u8, version: u16, payload: &[u8]) -> Vec<u8> {
    [&[kind][..], &version.to_be_bytes(), &(payload.len() as u16).to_be_bytes(), payload].concat()
}

/// A handshake message.
pub fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u32).to_be_bytes();
    [&[kind][..], &length[1..], body].concat()
}

fn extensions(list: &[(u16, &[u8])]) -> Vec<u8> {
    let each =
        |(kind, body): &(u16, &[u8])| [&kind.to_be_bytes()[..], &(body.len() as u16).to_be_bytes(), *body].concat();
    let all: Vec<u8> = list.iter().flat_map(each).collect();
    if list.is_empty() { all } else { [&(all.len() as u16).to_be_bytes()[..], &all].concat() }
}

pub fn client_hello(version: u16, extended: &[(u16, &[u8])]) -> Vec<u8> {
    let suites = [0, 4, 0, 0x35, 0, 0x2f, 1, 0];
    message(1, &[&version.to_be_bytes()[..], &[7; 32], &[0], &suites, &extensions(extended)].concat())
}

pub fn server_hello(version: u16, cipher: u16, extended: &[(u16, &[u8])]) -> Vec<u8> {
    let cipher = cipher.to_be_bytes();
    message(2, &[&version.to_be_bytes()[..], &[9; 32], &[0], &cipher, &[0], &extensions(extended)].concat())
}

/// A ServerHello that asks for another ClientHello (RFC 8446 4.1.3).
pub fn hello_retry_request(cipher: u16) -> Vec<u8> {
    let random = [
        0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2,
        0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
    ];
    let cipher = cipher.to_be_bytes();
    message(2, &[&[3, 3][..], &random, &[0], &cipher, &[0], &extensions(&[(43, &[3, 4])])].concat())
}

/// A Certificate message with this chain.
pub fn certificate(chain: &[&[u8]]) -> Vec<u8> {
    let sized = |bytes: &[u8]| [&(bytes.len() as u32).to_be_bytes()[1..], bytes].concat();
    let all: Vec<u8> = chain.iter().flat_map(|der| sized(der)).collect();
    message(11, &sized(&all))
}

pub fn server_hello_done() -> Vec<u8> {
    message(14, &[])
}

pub fn client_key_exchange() -> Vec<u8> {
    message(16, &[&[1, 0][..], &[0x5a; 256]].concat())
}

pub fn change_cipher_spec() -> Vec<u8> {
    record(20, &[1])
}

/// An encrypted record of this type.
pub fn encrypted(kind: u8, length: usize) -> Vec<u8> {
    record(kind, &(0..length).map(|n| (n * 37 + 11) as u8 | 0x80).collect::<Vec<_>>())
}

pub fn alert(level: u8, description: u8) -> Vec<u8> {
    record(21, &[level, description])
}

/// One side's turns in a handshake, and what follows.
#[derive(Debug, Clone)]
pub enum Turn {
    Client(Vec<u8>),
    Server(Vec<u8>),
}

/// A full handshake of TLS 1.0 with AES256-SHA, data both ways, and its end, as in the source documents.
pub fn full(der: &[u8]) -> Vec<Turn> {
    let flight = [server_hello(0x0301, 0x35, &[]), certificate(&[der]), server_hello_done()].concat();
    let finished = encrypted(22, 48);
    vec![
        Turn::Client(record(22, &client_hello(0x0301, &[]))),
        Turn::Server(record(22, &flight)),
        Turn::Client([record(22, &client_key_exchange()), change_cipher_spec(), finished.clone()].concat()),
        Turn::Server([change_cipher_spec(), finished].concat()),
        Turn::Client(encrypted(23, 1008)),
        Turn::Server(encrypted(23, 64)),
        Turn::Client(encrypted(21, 32)),
        Turn::Server(encrypted(21, 32)),
    ]
}

/// TLS 1.3 with AES-128-GCM in compatibility mode (RFC 8446 D.4).
pub fn full_1_3() -> Vec<Turn> {
    let hello = record_of(22, 0x0303, &server_hello(0x0303, 0x1301, &[(43, &[3, 4])]));
    vec![
        Turn::Client(record(22, &client_hello(0x0303, &[(43, &[2, 3, 4])]))),
        Turn::Server(
            [hello, change_cipher_spec(), encrypted(23, 23), encrypted(23, 900), encrypted(23, 281), encrypted(23, 53)]
                .concat(),
        ),
        Turn::Client([change_cipher_spec(), encrypted(23, 53)].concat()),
        Turn::Server(encrypted(23, 250)),
        Turn::Client(encrypted(23, 170)),
        Turn::Server(encrypted(23, 43)),
        Turn::Client(encrypted(23, 19)),
    ]
}
