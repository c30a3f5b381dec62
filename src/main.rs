//! The `itlscope` program.

fn main() -> std::process::ExitCode {
    itlscope::commands::run()
}
