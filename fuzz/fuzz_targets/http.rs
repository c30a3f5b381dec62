//! Segments of a connection to the HTTP server for files: TCP reassembly, then HTTP.

#![no_main]

mod pieces;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| pieces::connection(bytes, ([10, 0, 0, 2], 6970).into()));
