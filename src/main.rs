//! The `itlscope` program.

fn main() {}
