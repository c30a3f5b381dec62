//! The example of the library, run.

use std::path::Path;

use crate::captures_to_json::report;
use crate::support::run;

#[test]
fn the_example_says_what_the_program_says() {
    // The program is run among the captures, tests are not: only the paths differ.
    for capture in ["healthy/capture.pcap", "tvs-regenerated/capture.pcap"] {
        let (_, program, _) = run(&["triage", "-r", "references/itl-old.tlv", "--format", "json", capture]);
        let mut example = Vec::new();
        report(Path::new("captures/references/itl-old.tlv"), &[Path::new("captures").join(capture)], &mut example)
            .unwrap();
        let example = String::from_utf8(example).unwrap().replace("captures/", "");
        assert!(program.contains("\"phones\""));
        assert_eq!(example, program);
    }
}
