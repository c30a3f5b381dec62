//! Live capture against the real thing: the kernel's interfaces, real servers, a phone. Each test makes network namespaces of its
//! own and takes them away again. Where that is not allowed, every test is reported as skipped, with the reason.

#![allow(clippy::print_stdout, clippy::indexing_slicing, reason = "a test runner prints; fields of JSON")]

mod lab;
mod tests;

use std::process::{Command, ExitCode};

/// Why a test did not succeed.
pub(crate) enum Not {
    Failed(String),
    Skipped(String),
}

impl From<String> for Not {
    fn from(reason: String) -> Self {
        Self::Failed(reason)
    }
}

impl From<&str> for Not {
    fn from(reason: &str) -> Self {
        Self::Failed(reason.to_owned())
    }
}

type Test = (&'static str, fn() -> Result<(), Not>);

const TESTS: [Test; 13] = [
    ("a_phone_boots_among_real_servers", tests::a_phone_boots_among_real_servers),
    ("signals_end_with_a_summary", tests::signals_end_with_a_summary),
    ("a_vanished_interface_ends_with_what_was_seen", tests::a_vanished_interface_ends_with_what_was_seen),
    ("recordings_rotate_and_can_be_read", tests::recordings_rotate_and_can_be_read),
    ("privileges_are_dropped", tests::privileges_are_dropped),
    ("without_permission_it_says_what_to_do", tests::without_permission_it_says_what_to_do),
    ("voice_is_left_to_the_kernel", tests::voice_is_left_to_the_kernel),
    ("all_interfaces_together", tests::all_interfaces_together),
    ("what_cannot_be_opened_is_named", tests::what_cannot_be_opened_is_named),
    ("it_ends_when_its_reader_goes", tests::it_ends_when_its_reader_goes),
    ("recordings_are_made_with_the_rights_of_the_caller", tests::recordings_are_made_with_the_rights_of_the_caller),
    ("interface_that_goes_down_and_up_is_told", tests::interface_that_goes_down_and_up_is_told),
    ("recording_goes_on_when_there_is_room_again", tests::recording_goes_on_when_there_is_room_again),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let wanted = arguments.iter().find(|argument| !argument.starts_with('-'));
    let tests = TESTS.iter().filter(|(name, _)| wanted.is_none_or(|wanted| name.contains(wanted)));
    if arguments.iter().any(|argument| argument == "--list") {
        tests.for_each(|(name, _)| println!("{name}: test"));
        return ExitCode::SUCCESS;
    }
    let cannot = cannot();
    let (mut failed, mut skipped) = (0, 0);
    for (name, test) in tests {
        let result = cannot.clone().map_or_else(test, |reason| Err(Not::Skipped(reason)));
        match result {
            Ok(()) => println!("test {name} ... ok"),
            Err(Not::Skipped(reason)) => {
                skipped += 1;
                println!("test {name} ... skipped: {reason}");
            }
            Err(Not::Failed(reason)) => {
                failed += 1;
                println!("test {name} ... FAILED: {reason}");
            }
        }
    }
    println!("live tests: {failed} failed, {skipped} skipped");
    if failed > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Why nothing of this can be done here.
fn cannot() -> Option<String> {
    if !cfg!(target_os = "linux") {
        return Some("network namespaces are Linux's".to_owned());
    }
    if let Err(reason) = lab::Namespace::new() {
        return Some(format!("no network namespace can be made ({reason})"));
    }
    let bash = Command::new("bash").args(["-c", "true"]).output();
    bash.is_err().then(|| "there is no bash".to_owned())
}
