//! Segments of a connection to TVS: TCP reassembly, then TLS.

#![no_main]

mod pieces;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| pieces::connection(bytes, ([10, 0, 0, 2], 2445).into()));
