//! Addresses and ports as numbers.
//!
//! In: a [`SocketAddr`]. Out: the same in two numbers, to look things up by. It refuses to print itself.

use std::net::{IpAddr, SocketAddr};

/// An address and a port as two numbers: every packet is looked up by them, and a [`SocketAddr`] takes longer to hash than to
/// find. IPv4 is told from IPv6 beside the port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Endpoint {
    address: u128,
    port: u32,
}

impl From<SocketAddr> for Endpoint {
    fn from(socket: SocketAddr) -> Self {
        let port = u32::from(socket.port());
        match socket.ip() {
            IpAddr::V4(address) => Self { address: u128::from(address.to_bits()), port },
            IpAddr::V6(address) => Self { address: address.to_bits(), port: port | 1 << 16 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_sockets_are_different_endpoints() {
        let sockets = [
            "10.0.0.1:69",
            "10.0.0.1:70",
            "10.0.0.2:69",
            "[::10.0.0.1]:69",
            "[::ffff:10.0.0.1]:69",
            "[::]:0",
            "0.0.0.0:0",
        ];
        let endpoints: std::collections::HashSet<_> =
            sockets.iter().map(|socket| Endpoint::from(socket.parse::<SocketAddr>().unwrap())).collect();
        assert_eq!(endpoints.len(), sockets.len());
    }
}
