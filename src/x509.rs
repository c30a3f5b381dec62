//! Certificates as far as trust questions need them.
//!
//! In: DER, or the textual names and serials that trust lists hold. Out: [`Certificate`], [`Serial`], [`DistinguishedName`].
//! It refuses to judge: no chain is built, no date is compared with a clock.

mod certificate;
mod lenient;
mod name;
mod serial;

use std::cell::RefCell;
use std::sync::Arc;

use crate::memo::Memo;

pub use certificate::{Certificate, NotACertificate};
pub use name::DistinguishedName;
pub use serial::Serial;

impl Certificate {
    /// A certificate as somebody showed it: where a field of it is no DER, the others are read all the same. `None` where not
    /// even a serial number can be read.
    pub fn shown(der: &[u8]) -> Option<Self> {
        Self::from_der(der).ok().or_else(|| lenient::read(der))
    }
}

thread_local! {
    static REMEMBERED: RefCell<Memo<Vec<u8>, Option<Arc<Certificate>>, 16>> = const { RefCell::new(Memo::new()) };
}

/// What [`Certificate::from_der`] reads, for certificates that are looked at again and again.
pub fn remembered(der: &[u8]) -> Option<Arc<Certificate>> {
    REMEMBERED.with_borrow_mut(|known| {
        if let Some(certificate) = known.get(|known| known == der) {
            return certificate.clone();
        }
        let certificate = Certificate::from_der(der).ok().map(Arc::new);
        known.put(der.to_vec(), certificate.clone());
        certificate
    })
}
