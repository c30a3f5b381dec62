//! The `itlscope` program.

/// Files and events are made on one thread and freed on another; with the system's allocator the two wait for each other.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    itlscope::commands::run()
}
