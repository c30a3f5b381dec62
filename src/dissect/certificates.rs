//! Certificates that were seen, parsed once each.

use std::sync::Arc;

use foldhash::HashMap;

use crate::x509::Certificate;

/// Certificates kept for comparison with those that come.
const MOST_CERTIFICATES: usize = 1024;
/// Bytes of these; real ones have one or two thousand each.
const MOST_CERTIFICATE_BYTES: usize = 2 << 20;

/// Parses each certificate once, however often it is presented.
#[derive(Debug, Default)]
pub(super) struct CertificateCache {
    known: HashMap<Box<[u8]>, Arc<Certificate>>,
    bytes: usize,
}

impl CertificateCache {
    /// The certificate with these bytes; `None` where they are none.
    pub(super) fn get(&mut self, der: &[u8]) -> Option<Arc<Certificate>> {
        if let Some(known) = self.known.get(der) {
            return Some(Arc::clone(known));
        }
        let certificate = Arc::new(Certificate::shown(der)?);
        if self.known.len() >= MOST_CERTIFICATES || self.bytes > MOST_CERTIFICATE_BYTES {
            *self = Self::default();
        }
        self.bytes += der.len();
        self.known.insert(der.into(), Arc::clone(&certificate));
        Some(certificate)
    }
}
