//! Makes captures of boot storms, healthy and hostile, for benchmarks and tests.
//!
//! ```text
//! cargo run --release --example storm -- --phones 10000 --rtp 4000000 -o target/storm.pcap
//! cargo run --release --example storm -- --phones 3 --attack fragments --attack-frames 100000 -o target/fragments.pcap
//! ```

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a tool for developers: what it cannot do, it may say by stopping"
)]

#[path = "storm/lib.rs"]
mod storm;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::time::Instant;

use clap::Parser;
use storm::{Attack, Plan};

/// Write a capture of phones that boot among voice traffic, the same for the same options
#[derive(Debug, Parser)]
struct Options {
    /// Phones that boot; 98 frames each
    #[arg(long, default_value_t = 100)]
    phones: u32,
    /// RTP frames around them
    #[arg(long, default_value_t = 40_000)]
    rtp: u64,
    /// Decides everything that is left to chance
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Seconds of capture time; without it 50 phones and 20,000 RTP frames a second
    #[arg(long)]
    seconds: Option<u32>,
    /// What is done to the reader besides
    #[arg(long, value_enum)]
    attack: Option<Attack>,
    /// Frames of the attack
    #[arg(long, default_value_t = 100_000)]
    attack_frames: u64,
    /// Leave the signatures of configurations as they are, so that none is valid: saves 0.2 ms a phone
    #[arg(long)]
    unsigned: bool,
    /// Where to write; '-' is the standard output
    #[arg(short, long)]
    output: PathBuf,
}

fn main() -> io::Result<()> {
    let options = Options::parse();
    let plan = Plan {
        phones: options.phones,
        rtp: options.rtp,
        seed: options.seed,
        seconds: options.seconds,
        attack: options.attack.map(|attack| (attack, options.attack_frames)),
        signed: !options.unsigned,
    };
    let begun = Instant::now();
    let written = if options.output.as_os_str() == "-" {
        storm::write(&plan, io::stdout().lock())?
    } else {
        let mut out = BufWriter::with_capacity(1 << 20, File::create(&options.output)?);
        let written = storm::write(&plan, &mut out)?;
        out.flush()?;
        written
    };
    let seconds = begun.elapsed().as_secs_f64();
    eprintln!("{} frames, {} bytes in {seconds:.1} s", written.frames, written.bytes);
    Ok(())
}
