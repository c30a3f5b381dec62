//! Files out of captures: `itlscope extract`, and `show --file`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use itlscope::digest::Digests;
use itlscope::testkit::{self, Owned};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{captures, keys, run};

fn capture(case: &str) -> String {
    captures().join(case).join("capture.pcap").to_string_lossy().into_owned()
}

struct Extracted {
    folder: TempDir,
    exit: i32,
    out: String,
    err: String,
    manifest: Value,
}

impl Extracted {
    fn root(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    /// Every file below the folder that was written into, by its path there.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        let mut folders = vec![self.root()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(self.root()).unwrap().to_string_lossy().into_owned();
                    files.insert(name, fs::read(&path).unwrap());
                }
            }
        }
        files
    }

    /// The entries of a list of the manifest, by their paths.
    fn entries(&self, list: &str) -> BTreeMap<String, Value> {
        let entries = self.manifest[list].as_array().unwrap().iter();
        entries.map(|entry| (entry["path"].as_str().unwrap().to_owned(), entry.clone())).collect()
    }
}

fn extract(captures: &[&str], options: &[&str]) -> Extracted {
    extract_into(tempfile::tempdir().unwrap(), captures, options)
}

fn extract_into(folder: TempDir, captures: &[&str], options: &[&str]) -> Extracted {
    let root = folder.path().join("out");
    let arguments = [&["extract"], captures, &["-o", root.to_str().unwrap()], options].concat();
    let (exit, out, err) = run(&arguments);
    let manifest =
        fs::read(root.join("manifest.json")).map_or(Value::Null, |text| serde_json::from_slice(&text).unwrap());
    Extracted { folder, exit, out, err, manifest }
}

/// A capture of these frames in a folder.
fn written(folder: &TempDir, frames: &[Owned]) -> String {
    let path = folder.path().join("written.pcap");
    fs::write(&path, testkit::pcap(1, true, frames)).unwrap();
    path.to_string_lossy().into_owned()
}

/// Transfers one after the other, each of another port.
fn transfers(files: &[(&str, &str, &[u8])]) -> Vec<Owned> {
    let mut frames = Vec::new();
    for (index, (server, name, file)) in (0u16..).zip(files) {
        let client = format!("14.48.44.202:{}", 30_000 + index);
        let mut transfer = testkit::tftp(&client, &format!("{server}:69"), name, file);
        for frame in &mut transfer {
            frame.time += i64::from(index) * 1_000_000_000;
        }
        frames.extend(transfer);
    }
    frames
}

fn list(name: &str) -> Vec<u8> {
    fs::read(captures().join("references").join(name)).unwrap()
}

#[test]
fn lists_and_certificates_name_their_frames() {
    let found = extract(&[&capture("tvs-regenerated")], &[]);
    assert_eq!((found.exit, found.err.as_str()), (0, ""), "{}", found.out);
    let files = found.files();
    // The list that the server gave is the reference file, byte for byte.
    let path = "14.48.44.80/ITLSEP0011215A1AE3.tlv";
    assert_eq!(files[path], list("itl-old.tlv"));
    let entry = &found.entries("files")[path];
    assert_eq!(entry["sha1"], Digests::of(&files[path]).sha1.to_string());
    assert_eq!(entry["name"], "ITLSEP0011215A1AE3.tlv");
    let download = &entry["downloads"][0];
    assert_eq!((&download["phone"], &download["transport"]), (&"SEP0011215A1AE3".into(), &"tftp".into()));
    // Configurations hold secrets: none is written, and that is told.
    assert!(files.keys().all(|path| !path.contains("cnf.xml")), "{:?}", files.keys());
    assert!(files.values().all(|bytes| !String::from_utf8_lossy(bytes).contains("never-print")));
    let withheld = found.manifest["not_written"].as_array().unwrap();
    assert!(withheld.iter().any(|entry| {
        entry["name"] == "SEP0011215A1AE3.cnf.xml.sgn" && entry["reason"].as_str().unwrap().contains("--with-configs")
    }));
    assert!(found.out.contains("--with-configs"), "{}", found.out);
    // The frames are those of the report.
    let (_, report, _) = run(&["triage", &capture("tvs-regenerated"), "--format", "json"]);
    let report: Value = serde_json::from_str(&report).unwrap();
    let phone = &report["phones"][0];
    let reported = phone["downloads"].as_array().unwrap().iter().find(|download| download["kind"] == "itl").unwrap();
    assert_eq!(download["frames"], reported["frames"]);
    for session in phone["tls"].as_array().unwrap().iter().filter(|session| !session["certificate"].is_null()) {
        let path = format!("certificates/{}.pem", session["certificate"]["serial"].as_str().unwrap());
        let entry = &found.entries("certificates")[&path];
        assert_eq!(entry["sha256"], session["certificate"]["sha256"]);
        let shown = entry["presented"].as_array().unwrap();
        assert!(shown.iter().any(|shown| shown["frame"] == session["certificate"]["frame"]), "{entry}");
    }
}

#[test]
fn certificates_are_what_openssl_reads() {
    let found = extract(&[&capture("phone-certificate")], &[]);
    let entries = found.entries("certificates");
    assert!(entries.values().any(|entry| entry["presented"][0]["by"] == "phone"), "{entries:#?}");
    for (path, entry) in entries {
        let output = Command::new("openssl")
            .args(["x509", "-noout", "-serial", "-fingerprint", "-sha1", "-in"])
            .arg(found.root().join(&path))
            .output()
            .expect("openssl is installed");
        let text = String::from_utf8(output.stdout).unwrap();
        let serial = entry["serial"].as_str().unwrap();
        assert!(text.contains(&format!("serial={serial}")), "{text}");
        let sha1 = entry["sha1"].as_str().unwrap().to_ascii_uppercase();
        assert!(text.replace(':', "").contains(&sha1), "{text}");
        assert!(path.ends_with(&format!("{serial}.pem")));
    }
}

#[test]
fn configurations_only_when_they_are_asked_for() {
    let found = extract(&[&capture("healthy")], &["--with-configs"]);
    let files = found.files();
    let config = &files["14.48.44.80/SEP0011215A1AE3.cnf.xml.sgn"];
    assert!(String::from_utf8_lossy(config).contains("never-print"), "the passwords are in it");
    assert!(found.manifest["not_written"].as_array().unwrap().is_empty());
    assert!(!found.out.contains("never-print") && !found.manifest.to_string().contains("never-print"));
}

#[cfg(unix)]
#[test]
fn nobody_else_may_read_what_is_written() {
    use std::os::unix::fs::PermissionsExt;
    let found = extract(&[&capture("healthy")], &["--with-configs"]);
    for path in found.files().keys() {
        let mode = fs::metadata(found.root().join(path)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{path}");
    }
    assert_eq!(fs::metadata(found.root()).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn nothing_is_overwritten_unless_that_is_asked_for() {
    let first = extract(&[&capture("healthy")], &[]);
    let before = first.files();
    let second = extract_into(first.folder, &[&capture("itl-differs")], &[]);
    assert_eq!(second.exit, 2);
    assert!(second.err.contains("manifest.json") && second.err.lines().count() == 1, "{}", second.err);
    assert_eq!(second.files(), before);
    let forced = extract_into(second.folder, &[&capture("itl-differs")], &["--force"]);
    assert_eq!((forced.exit, forced.err.as_str()), (0, ""));
    let path = "14.48.44.80/ITLSEP0011215A1AE3.tlv";
    assert_ne!(forced.files()[path], before[path]);

    // A file of somebody else in the way stays; the rest is written, and what was not is told.
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("out/14.48.44.80")).unwrap();
    fs::write(folder.path().join("out").join(path), "mine").unwrap();
    let found = extract_into(folder, &[&capture("healthy")], &[]);
    assert_eq!(found.exit, 2);
    assert!(found.err.contains(path) && found.err.contains("--force"), "{}", found.err);
    assert_eq!(found.files()[path], b"mine");
    assert!(!found.entries("certificates").is_empty());
    assert!(found.manifest["not_written"].to_string().contains("exists already"));
}

#[cfg(unix)]
#[test]
fn links_in_the_way_are_not_followed() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    let (root, elsewhere) = (folder.path().join("out"), folder.path().join("elsewhere"));
    fs::create_dir_all(&root).unwrap();
    fs::create_dir(&elsewhere).unwrap();
    symlink(&elsewhere, root.join("14.48.44.80")).unwrap();
    fs::create_dir(root.join("certificates")).unwrap();
    fs::write(folder.path().join("victim"), "whole").unwrap();
    symlink(folder.path().join("victim"), root.join("certificates/2E3E1A7BDAA64D84.pem")).unwrap();
    let found = extract_into(folder, &[&capture("healthy")], &["--force"]);
    assert_eq!(found.exit, 2, "the folder that is a link is refused");
    assert_eq!(fs::read_dir(found.folder.path().join("elsewhere")).unwrap().count(), 0);
    assert_eq!(fs::read(found.folder.path().join("victim")).unwrap(), b"whole");
    assert!(found.files()["certificates/2E3E1A7BDAA64D84.pem"].starts_with(b"-----BEGIN"), "the link was replaced");
}

#[test]
fn names_from_the_wire_stay_in_the_folder_and_apart() {
    let (old, new) = (list("itl-old.tlv"), list("itl-tvs-new.tlv"));
    let frames = transfers(&[
        ("14.48.44.80", "../../../tmp/evil/ITLSEP0011215A1AE3.tlv", &old),
        ("14.48.44.80", "/etc/cron.d/x.jar", b"jar"),
        ("14.48.44.80", "..", b"dots"),
        ("14.48.44.80", "con.jar", b"device"),
        ("14.48.44.80", "a\u{1b}[2Jb\u{202e}.jar", b"escape"),
        // One name, another content: before and after a regeneration.
        ("14.48.44.80", "ITLSEP0011215A1AE3.tlv", &old),
        ("14.48.44.80", "ITLSEP0011215A1AE3.tlv", &new),
        ("14.48.44.80", "ITLSEP0011215A1AE3.tlv", &old),
        // Names that some file systems take for the same.
        ("14.48.44.80", "itlsep0011215a1ae3.TLV", &new),
        // Another server's.
        ("14.48.44.81", "ITLSEP0011215A1AE3.tlv", &new),
    ]);
    let folder = tempfile::tempdir().unwrap();
    let path = written(&folder, &frames);
    let found = extract(&[&path], &["--with-configs"]);
    assert_eq!((found.exit, found.err.as_str()), (0, ""), "{}", found.out);
    assert!(!found.out.chars().any(|c| c == '\u{1b}' || c == '\u{202e}'));
    let outside: Vec<_> = fs::read_dir(found.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(outside, ["out"]);
    let mut files = found.files();
    files.remove("manifest.json");
    let expected: BTreeMap<String, Vec<u8>> = [
        ("14.48.44.80/_.._.._.._tmp_evil_ITLSEP0011215A1AE3.tlv", &old[..]),
        ("14.48.44.80/etc_cron.d_x.jar", b"jar"),
        ("14.48.44.80/_.._", b"dots"),
        ("14.48.44.80/_con.jar", b"device"),
        ("14.48.44.80/a__2Jb_.jar", b"escape"),
        ("14.48.44.80/ITLSEP0011215A1AE3.tlv", &old),
        ("14.48.44.80/ITLSEP0011215A1AE3-2.tlv", &new),
        ("14.48.44.80/itlsep0011215a1ae3-3.TLV", &new),
        ("14.48.44.81/ITLSEP0011215A1AE3.tlv", &new),
    ]
    .into_iter()
    .map(|(path, bytes)| (path.to_owned(), bytes.to_vec()))
    .collect();
    assert_eq!(files.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    assert_eq!(files, expected);
    let twice = &found.entries("files")["14.48.44.80/ITLSEP0011215A1AE3.tlv"];
    assert_eq!(twice["downloads"].as_array().unwrap().len(), 2, "{twice}");
}

#[test]
fn only_what_holds_no_secrets_is_written_by_itself() {
    let frames = transfers(&[
        ("14.48.44.80", "SIPDefault.cnf", b"phone_password: cisco"),
        ("14.48.44.80", "SIP0011215A1AE3.cnf", b"line1_password: x"),
        ("14.48.44.80", "ata0011215a1ae3.cfg", b"UIPassword:x"),
        ("14.48.44.80", "ringlist.xml", b"<x/>"),
        ("14.48.44.80", "tricky.jar", b" \n<device><sshPassword>x"),
        ("14.48.44.80", "noextension", b"?"),
        ("14.48.44.80", "term75.default.loads", b"loads"),
        ("14.48.44.80", "jar75sip.9-4-2SR3.sbn", b"firmware"),
    ]);
    let folder = tempfile::tempdir().unwrap();
    let found = extract(&[&written(&folder, &frames)], &[]);
    let paths: Vec<_> = found.files().into_keys().collect();
    assert_eq!(paths, ["14.48.44.80/jar75sip.9-4-2SR3.sbn", "14.48.44.80/term75.default.loads", "manifest.json"]);
    assert_eq!(found.manifest["not_written"].as_array().unwrap().len(), 6);
}

#[test]
fn incomplete_and_large_files_are_named_with_why() {
    let big = vec![7; 70_000];
    let mut frames =
        transfers(&[("14.48.44.80", "big.bin", &big), ("14.48.44.80", "ITLFile.tlv", &list("itl-old.tlv"))]);
    // The last DATA but two of the list: a block is missing.
    frames.remove(frames.len() - 6);
    let folder = tempfile::tempdir().unwrap();
    let found = extract(&[&written(&folder, &frames)], &["--max-file", "64K"]);
    assert_eq!(found.exit, 0, "{}", found.err);
    assert_eq!(found.files().into_keys().collect::<Vec<_>>(), ["manifest.json"]);
    let reasons: BTreeMap<_, _> = found.manifest["not_written"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["name"].as_str().unwrap(), entry))
        .collect();
    let large = reasons["big.bin"];
    assert!(large["reason"].as_str().unwrap().contains("hashed, not held"), "{large}");
    assert_eq!(large["sha1"], Digests::of(&big).sha1.to_string(), "its checksum is known all the same");
    let missing = reasons["ITLFile.tlv"];
    assert!(missing["reason"].as_str().unwrap().contains("missing from the capture"), "{missing}");
    assert!(missing["sha1"].is_null());
    assert!(found.manifest["notes"].to_string().contains("--max-file"));
}

#[test]
fn a_file_that_a_later_frame_takes_back_is_removed() {
    let mut frames = transfers(&[("14.48.44.80", "ITLFile.tlv", &list("itl-old.tlv"))]);
    // The last block once more, with another content: nothing says which one the phone took.
    let mut copy = frames[frames.len() - 2].clone();
    let last = copy.data.len() - 1;
    copy.data[last] ^= 1;
    copy.data[19] ^= 0x55;
    copy.time += 500_000_000;
    frames.push(copy);
    let folder = tempfile::tempdir().unwrap();
    let found = extract(&[&written(&folder, &frames)], &[]);
    assert_eq!(found.files().into_keys().collect::<Vec<_>>(), ["manifest.json"]);
    assert!(found.manifest["not_written"].to_string().contains("differ"), "{}", found.manifest);
    assert!(found.manifest["notes"].to_string().contains("files removed again: 1;"));
}

#[test]
fn without_the_request_a_list_is_named_by_itself() {
    let found = extract(&[&capture("from-server-only")], &[]);
    let files = found.files();
    let lists: Vec<_> = files.keys().filter(|path| path.contains(".tlv")).collect();
    assert_eq!(lists, ["14.48.44.80/CTLFile.tlv", "14.48.44.80/ITLFile.tlv"], "{:?}", files.keys());
}

#[test]
fn no_more_files_than_asked_for() {
    let found = extract(&[&capture("six-phones")], &["--with-configs", "--max-files", "3"]);
    assert_eq!(found.entries("files").len(), 3);
    assert!(found.manifest["not_written"].to_string().contains("--max-files"));
}

#[test]
fn what_cannot_be_read_or_written() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text");
    fs::write(&text, "hello").unwrap();
    let text = text.to_str().unwrap();
    let found = extract(&[text], &[]);
    assert_eq!(found.exit, 2);
    assert!(found.err.contains("is not a capture") && found.err.lines().count() == 1, "{}", found.err);
    let both = extract(&[text, &capture("healthy")], &[]);
    assert_eq!(both.exit, 2, "one could not be read");
    assert!(!both.entries("files").is_empty(), "the other was");
    let (exit, _, err) = run(&["extract", &capture("healthy"), "-o", text]);
    assert_eq!((exit, err.lines().count()), (2, 1), "{err}");
}

#[test]
fn the_manifest_is_described() {
    let description = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/manifest.md")).unwrap();
    let mut found = BTreeSet::new();
    for case in ["healthy", "phone-certificate", "span-drops"] {
        keys(&extract(&[&capture(case)], &[]).manifest, &mut found);
    }
    assert!(found.len() > 20);
    for key in found {
        assert!(
            description.contains(&format!("`{key}`")) || description.contains(&format!("`{key}[]`")),
            "docs/manifest.md does not speak of {key}"
        );
    }
}

#[test]
fn a_list_in_a_capture_is_shown_as_the_file_would_be() {
    let (exit, out, err) = run(&["show", "--file", "ITLSEP0011215A1AE3.tlv", &capture("healthy")]);
    assert_eq!((exit, err.as_str()), (0, ""));
    let reference = captures().join("references/itl-old.tlv");
    let (_, expected, _) = run(&["show", reference.to_str().unwrap()]);
    assert_eq!(out, expected);
    // By the name that the list itself bears, in any case of letters.
    let (exit, by_its_own_name, _) = run(&["show", "--file", "itlfile.tlv", &capture("healthy")]);
    assert_eq!((exit, by_its_own_name), (0, expected));
    let (_, json, _) = run(&["show", "--format", "json", "--file", "SEP0011215A1AE3.cnf.xml.sgn", &capture("healthy")]);
    let document: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(document["kind"], "signed_file");
    assert!(!json.contains("never-print"));
}

#[test]
fn files_of_one_name_say_where_each_was_seen() {
    let (old, new) = (list("itl-old.tlv"), list("itl-tvs-new.tlv"));
    let name = "ITLSEP0011215A1AE3.tlv";
    let frames = transfers(&[("14.48.44.80", name, &old), ("14.48.44.81", name, &new), ("14.48.44.80", name, &old)]);
    let folder = tempfile::tempdir().unwrap();
    let path = written(&folder, &frames);
    let (exit, out, err) = run(&["show", "--file", name, &path]);
    assert_eq!((exit, err.as_str()), (0, ""));
    let titles: Vec<_> = out.lines().filter(|line| line.starts_with("==> ")).collect();
    let by = format!("==> {path}: {name}, by SEP0011215A1AE3 from");
    assert_eq!(
        titles,
        [
            format!("{by} 14.48.44.80, frames 1\u{2013}23, and again: 2 downloads of the same <=="),
            format!("{by} 14.48.44.81, frames 24\u{2013}46 <==")
        ]
    );
}

#[test]
fn a_capture_without_a_name_says_what_there_is() {
    for arguments in [&["show", &capture("healthy")][..], &["show", "--file", "nothing.tlv", &capture("healthy")]] {
        let (exit, out, err) = run(arguments);
        assert_eq!((exit, out.as_str(), err.lines().count()), (2, "", 1), "{err}");
        assert!(
            err.contains("--file: CTLSEP0011215A1AE3.tlv, ITLSEP0011215A1AE3.tlv, SEP0011215A1AE3.cnf.xml.sgn"),
            "{err}"
        );
    }
    let (exit, _, err) = run(&["show", "--file", "ITLSEP0011215A1AE3.tlv", &capture("span-drops")]);
    assert_eq!(exit, 2);
    assert!(err.contains("missing from the capture"), "why it is not complete: {err}");
    let reference = captures().join("references/itl-old.tlv");
    let (exit, _, err) = run(&["show", "--file", "ITLFile.tlv", reference.to_str().unwrap()]);
    assert_eq!((exit, err.lines().count()), (2, 1), "{err}");
    assert!(err.contains("is not a capture"), "{err}");
    for (path, wanted) in [("-", "standard input: is empty"), (captures().to_str().unwrap(), "is a directory")] {
        let (exit, out, err) = run(&["show", "--file", "ITLFile.tlv", path]);
        assert_eq!((exit, out.as_str(), err.lines().count()), (2, "", 1), "{err}");
        assert!(err.contains(wanted), "{err}");
    }
}

/// Runs a script in a mount namespace of its own, where a small disk can be had; `None` where that is not allowed.
#[cfg(target_os = "linux")]
fn on_a_small_disk(folder: &Path, script: &str) -> Option<String> {
    let script =
        format!("set -e; cd {}; mkdir disk; mount -t tmpfs -o size=128k none disk; {script}", folder.display());
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", &script]);
    let output = command.env("ITLSCOPE", env!("CARGO_BIN_EXE_itlscope")).output().ok()?;
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    if err.contains("unshare") || err.contains("mount:") {
        eprintln!("skipped: no small disk can be had: {err}");
        return None;
    }
    assert!(output.status.success(), "{err}");
    Some(String::from_utf8_lossy(&output.stdout).into_owned() + &err)
}

#[cfg(target_os = "linux")]
#[test]
fn full_disk_leaves_no_half_file_and_another_run_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<(String, Vec<u8>)> =
        (0..8_u8).map(|number| (format!("a{number}.sbn"), vec![number; 30_000])).collect();
    let all: Vec<_> = files.iter().map(|(name, bytes)| ("14.48.44.80", name.as_str(), bytes.as_slice())).collect();
    let capture = written(&folder, &transfers(&all));
    let list = "find disk -type f -printf '%s %P\\n' | sort";
    let Some(out) = on_a_small_disk(
        folder.path(),
        &format!(
            "$ITLSCOPE extract {capture} -o disk/out || echo status $?; {list}; echo then; \
             mount -o remount,size=4m disk; $ITLSCOPE extract {capture} -o disk/out >/dev/null; {list}"
        ),
    ) else {
        return;
    };
    let (first, then) = out.split_once("\nthen\n").unwrap();
    assert!(first.contains("status 2") && !first.contains("manifest.json\n0"), "{out}");
    assert!(
        out.contains("a7.sbn: No space left on device") && out.contains("it goes on with what is missing"),
        "{out}"
    );
    let sizes = |text: &str| {
        let found = text.lines().filter(|line| line.contains("out/14.48.44.80/"));
        found.filter_map(|line| line.split(' ').next()?.parse::<usize>().ok()).collect::<Vec<_>>()
    };
    assert!(sizes(first).iter().all(|&size| size == 30_000) && (1..8).contains(&sizes(first).len()), "{out}");
    assert!(!first.contains(" out/manifest.json") && !out.contains(".part\n"), "{out}");
    assert!(sizes(then) == [30_000; 8] && then.contains(" out/manifest.json"), "{out}");
}
