//! The tests.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::Not;
use super::lab::{Namespace, Watch, program, run};

const JSON: [&str; 3] = ["--headless", "--format", "json"];

fn check(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), Not> {
    if holds { Ok(()) } else { Err(Not::Failed(otherwise())) }
}

fn folder() -> Result<TempDir, String> {
    TempDir::new().map_err(|error| error.to_string())
}

fn captures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("captures")
}

/// The first word that a program prints.
fn first_word(program: &str, path: &Path) -> Result<String, String> {
    let text = run(Command::new(program).arg(path))?;
    text.split_whitespace().next().map(str::to_owned).ok_or_else(|| format!("{program} says nothing"))
}

/// The case `tvs-regenerated` of captures/, played while the program watches its SPAN port. What it says is compared with what
/// md5sum, sha1sum and openssl say of the files that the servers used.
pub(crate) fn a_phone_boots_among_real_servers() -> Result<(), Not> {
    let work = folder()?;
    fs::set_permissions(work.path(), fs::Permissions::from_mode(0o755)).map_err(|error| error.to_string())?;
    let reference = captures().join("references/itl-old.tlv");
    let output = Command::new("/usr/bin/python3")
        .args(["-W", "ignore"])
        .arg(captures().join("maker/live.py"))
        .arg("tvs-regenerated")
        .arg(work.path())
        .arg(program())
        .arg("-r")
        .arg(&reference)
        .env("OPENSSL_CONF", "/dev/null")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null())
        .output();
    let output = match output {
        Ok(output) => output,
        Err(error) => return Err(Not::Skipped(format!("/usr/bin/python3: {error}"))),
    };
    let errors = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    match output.status.code() {
        Some(0) => {}
        Some(77) => return Err(Not::Skipped(errors)),
        _ => return Err(Not::Failed(errors)),
    }
    let told: Value = serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
    let events = fs::read_to_string(work.path().join("watch.out")).map_err(|error| error.to_string())?;
    let events: Vec<Value> =
        events.lines().map(serde_json::from_str).collect::<Result<_, _>>().map_err(|e| e.to_string())?;
    let find = |what: &str, holds: &dyn Fn(&Value) -> bool| {
        events.iter().rev().find(|event| holds(event)).cloned().ok_or_else(|| format!("no {what} in {events:#?}"))
    };

    let list = find("download of the list", &|event| event["download"]["kind"] == "itl")?;
    let served = work.path().join("s0-tftp/ITLSEP0011215A1AE3.tlv");
    let size = fs::metadata(&served).map_err(|error| error.to_string())?.len();
    let expected = (first_word("md5sum", &served)?, first_word("sha1sum", &served)?, size);
    let download = &list["download"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let said = (text(&download["md5"]), text(&download["sha1"]), download["bytes"].as_u64().unwrap_or_default());
    check(said == expected, || format!("the list is {expected:?}, the event says {said:?}"))?;
    check(list["phone"]["name"] == "SEP0011215A1AE3", || format!("whose list? {list}"))?;

    let session = find("session with TVS", &|event| event["tls"]["service"] == "tvs")?;
    let certificate = text(&told["tvs"][0]);
    let serial = run(Command::new("openssl").args(["x509", "-noout", "-serial", "-in", &certificate]))?;
    let serial = serial.trim().trim_start_matches("serial=").to_owned();
    let presented = &session["tls"]["certificate"]["serial"];
    check(presented == &serial, || format!("TVS presents {serial}, the event says {presented}"))?;

    let verdict = find("verdict", &|event| event["event"] == "verdict")?;
    let checks = &verdict["checks"];
    check(checks["itl_checksum"] == "match" && checks["tvs_serial"] == "mismatch", || format!("checks: {checks}"))?;
    check(verdict["verdict"]["itl_deletion"] == "not_needed", || format!("verdict: {}", verdict["verdict"]))?;

    let end = events.last().cloned().unwrap_or_default();
    check(end["event"] == "end" && end["reason"] == "signal", || format!("the last event is {end}"))?;
    check(end["summary"]["mismatched"] == 1, || format!("summary: {}", end["summary"]))?;
    check(told["exit"] == 1, || format!("exit status {}", told["exit"]))
}

pub(crate) fn signals_end_with_a_summary() -> Result<(), Not> {
    for signal in ["INT", "TERM", "HUP"] {
        let namespace = Namespace::new()?;
        let mut watch = namespace.watch(&[&["-i", "lo"], &JSON[..]].concat())?;
        let begun = watch.wait_for_event("begun")?;
        check(begun["live"] == true && begun["source"] == "lo", || format!("{begun}"))?;
        namespace.ask_for_lists(3, 1)?;
        watch.signal(signal)?;
        // What came before the signal is in the summary.
        let end = watch.wait_for_event("end")?;
        check(end["reason"] == "signal", || format!("SIG{signal}: {end}"))?;
        let frames = end["sources"][0]["frames"].as_u64().unwrap_or_default();
        check(frames >= 3, || format!("SIG{signal}: {frames} frames"))?;
        check(end["summary"]["phones"] == 1, || format!("SIG{signal}: {end}"))?;
        let (status, errors) = watch.end()?;
        // A phone that was seen needs attention.
        check(status == 1 && errors.is_empty(), || format!("SIG{signal}: exit status {status}, {errors}"))?;
    }
    Ok(())
}

pub(crate) fn a_vanished_interface_ends_with_what_was_seen() -> Result<(), Not> {
    let namespace = Namespace::new()?;
    let ip = |arguments: &[&str]| run(namespace.command("ip").args(arguments));
    namespace.add_span()?;
    let mut watch = namespace.watch(&[&["-i", "span0"], &JSON[..]].concat())?;
    watch.wait_for_event("begun")?;
    ip(&["link", "del", "span0"])?;
    let end = watch.wait_for_event("end")?;
    check(end["reason"] == "fault", || format!("{end}"))?;
    let fault = end["fault"].as_str().unwrap_or_default().to_owned();
    check(fault.starts_with("span0: "), || fault.clone())?;
    let (status, errors) = watch.end()?;
    check(status == 2 && errors.contains(&fault), || format!("exit status {status}, {errors}"))
}

pub(crate) fn recordings_rotate_and_can_be_read() -> Result<(), Not> {
    let (namespace, work) = (Namespace::new()?, folder()?);
    let path = work.path().join("boot.pcapng");
    let recording = path.display().to_string();
    let options = ["-i", "lo", "--write", &recording, "--write-size", "1", "--write-files", "2"];
    let mut watch = namespace.watch(&[&options, &JSON[..]].concat())?;
    let begun = watch.wait_for_event("begun")?;
    check(begun["recording"].as_str().is_some_and(|text| text.contains("boot.pcapng")), || format!("{begun}"))?;
    namespace.ask_for_lists(7200, 400)?;
    watch.signal("INT")?;
    let end = watch.wait_for_event("end")?;
    let (status, errors) = watch.end()?;
    check(status == 1, || format!("exit status {status}, {errors}"))?;
    let entries = fs::read_dir(work.path()).map_err(|error| error.to_string())?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort();
    check(files.len() == 2, || format!("{files:?}"))?;
    let name = files[1].file_name().unwrap_or_default().to_string_lossy().into_owned();
    // 7200 frames of more than 500 bytes: at least four files were begun.
    check(name.starts_with("boot_") && name.as_str() > "boot_00004", || name.clone())?;
    let report = Command::new(program())
        .arg("triage")
        .args(&files)
        .args(["--format", "json"])
        .output()
        .map_err(|error| error.to_string())?;
    let report: Value = serde_json::from_slice(&report.stdout).map_err(|error| error.to_string())?;
    let read: u64 = [0, 1].iter().map(|&at| report["sources"][at]["frames"].as_u64().unwrap_or_default()).sum();
    let captured = end["sources"][0]["frames"].as_u64().unwrap_or_default();
    check(captured >= 7200 && read > 900 && read < captured, || format!("{captured} captured, {read} read"))?;
    for source in [0, 1] {
        let warnings = &report["sources"][source]["warnings"];
        check(warnings.as_array().is_some_and(Vec::is_empty), || format!("{warnings}"))?;
    }
    check(report["phones"][0]["name"] == "SEP0011215A1AE3", || format!("{}", report["phones"]))?;
    // A file that exists is not written over.
    let taken = files[0].display().to_string();
    let again = namespace.watch(&[&["-i", "lo", "--write", &taken], &JSON[..]].concat())?;
    let (status, errors) = again.end()?;
    check(status == 2 && errors.contains("exists"), || format!("exit status {status}, {errors}"))
}

pub(crate) fn privileges_are_dropped() -> Result<(), Not> {
    let namespace = Namespace::new()?;
    let status_of = |watch: &Watch| -> Result<Vec<String>, String> {
        let tasks = fs::read_dir(format!("/proc/{}/task", watch.id())).map_err(|error| error.to_string())?;
        tasks.flatten().map(|task| fs::read_to_string(task.path().join("status")).map_err(|e| e.to_string())).collect()
    };
    let line = |status: &str, name: &str| -> String {
        let found = status.lines().find_map(|line| line.strip_prefix(name));
        found.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
    };
    for (caller, user, said) in [
        (None, "0 0 0 0", "root without capabilities"),
        (Some("65534"), "65534 65534 65534 65534", "running as nobody"),
    ] {
        let mut command = namespace.command(program());
        command.args(["watch", "-i", "lo"]).args(JSON).env_remove("SUDO_UID").env_remove("SUDO_GID");
        if let Some(caller) = caller {
            command.env("SUDO_UID", caller).env("SUDO_GID", caller);
        }
        let mut watch = Watch::start(command)?;
        let begun = watch.wait_for_event("begun")?;
        check(begun["privileges"].as_str().is_some_and(|text| text.contains(said)), || format!("{begun}"))?;
        let threads = status_of(&watch)?;
        check(threads.len() >= 3, || format!("{} threads", threads.len()))?;
        for thread in &threads {
            for set in ["CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"] {
                check(line(thread, set) == "0000000000000000", || format!("{set} {}", line(thread, set)))?;
            }
            check(line(thread, "Uid:") == user, || format!("Uid: {}", line(thread, "Uid:")))?;
            check(line(thread, "Gid:") == user, || format!("Gid: {}", line(thread, "Gid:")))?;
        }
        // It still captures.
        namespace.ask_for_lists(3, 1)?;
        watch.signal("TERM")?;
        let end = watch.wait_for_event("end")?;
        check(end["sources"][0]["frames"].as_u64().unwrap_or_default() >= 3, || format!("{end}"))?;
    }
    Ok(())
}

pub(crate) fn without_permission_it_says_what_to_do() -> Result<(), Not> {
    let work = folder()?;
    let copy = work.path().join("itlscope");
    fs::copy(program(), &copy).map_err(|error| error.to_string())?;
    fs::set_permissions(work.path(), fs::Permissions::from_mode(0o755)).map_err(|error| error.to_string())?;
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all"]).arg(&copy);
    command.args(["watch", "-i", "lo"]).args(JSON);
    let watch = match Watch::start(command) {
        Ok(watch) => watch,
        Err(error) => return Err(Not::Skipped(error)),
    };
    let (status, errors) = watch.end()?;
    check(status == 2, || format!("exit status {status}"))?;
    for part in [
        "lo: no permission to capture",
        &format!("setcap cap_net_raw,cap_net_admin=eip {}", copy.display()),
        "sudo ",
        "group",
    ] {
        check(errors.contains(part), || format!("'{part}' is missing in {errors}"))?;
    }
    Ok(())
}

pub(crate) fn voice_is_left_to_the_kernel() -> Result<(), Not> {
    let namespace = Namespace::new()?;
    let mut watch = namespace.watch(&[&["-i", "lo", "--filter", "udp"], &JSON[..]].concat())?;
    watch.wait_for_event("begun")?;
    let rtp = r"exec 3<>/dev/udp/127.0.0.1/16384
        for i in $(seq 200); do printf '\200\000\000\001\000\000\000\001voice' >&3 || true; done";
    run(namespace.command("bash").args(["-c", rtp]))?;
    namespace.ask_for_lists(3, 1)?;
    watch.signal("INT")?;
    let end = watch.wait_for_event("end")?;
    let frames = end["sources"][0]["frames"].as_u64().unwrap_or_default();
    check(frames == 3, || format!("{frames} frames"))
}

pub(crate) fn all_interfaces_together() -> Result<(), Not> {
    let namespace = Namespace::new()?;
    let mut watch = namespace.watch(&[&["-i", "any", "--filter", "udp port 69"], &JSON[..]].concat())?;
    let begun = watch.wait_for_event("begun")?;
    check(begun["source"] == "any (udp port 69)", || format!("{begun}"))?;
    namespace.ask_for_lists(3, 1)?;
    watch.signal("INT")?;
    let end = watch.wait_for_event("end")?;
    check(end["summary"]["phones"] == 1, || format!("{end}"))
}

pub(crate) fn what_cannot_be_opened_is_named() -> Result<(), Not> {
    let namespace = Namespace::new()?;
    let fails = |arguments: &[&str], parts: &[&str]| -> Result<(), Not> {
        let (status, errors) = namespace.watch(&[arguments, &JSON[..]].concat())?.end()?;
        check(status == 2, || format!("{arguments:?}: exit status {status}"))?;
        parts.iter().try_for_each(|part| check(errors.contains(part), || format!("'{part}' is missing in {errors}")))
    };
    fails(&["-i", "eth77"], &["eth77: there is no such interface", "lo"])?;
    fails(&["-i", "lo", "--filter", "prot 69"], &["the filter 'prot 69' is refused", "syntax error"])?;
    fails(&[], &["an interface with -i", "lo", "loopback"])
}

pub(crate) fn it_ends_when_its_reader_goes() -> Result<(), Not> {
    let namespace = Namespace::new()?;
    let script = format!("'{}' watch -i lo --headless --heartbeat 1 | head -n 1; echo ${{PIPESTATUS[0]}}", program());
    let text = run(namespace.command("timeout").args(["30", "bash", "-c", &script]))?;
    check(text.lines().count() == 2 && text.trim_end().ends_with("\n0"), || text.clone())
}

pub(crate) fn recordings_are_made_with_the_rights_of_the_caller() -> Result<(), Not> {
    let (namespace, work) = (Namespace::new()?, folder()?);
    let text = |error: std::io::Error| error.to_string();
    let own = work.path().join("own");
    let victim = work.path().join("victim");
    fs::set_permissions(work.path(), fs::Permissions::from_mode(0o755)).map_err(text)?;
    fs::create_dir(&own).map_err(text)?;
    fs::write(&victim, "whole").map_err(text)?;
    std::os::unix::fs::chown(&own, Some(65534), Some(65534)).map_err(text)?;
    let watch = |path: &Path| -> Result<Watch, String> {
        let mut command = namespace.command(program());
        command.args(["watch", "-i", "lo", "--write"]).arg(path).args(JSON);
        Watch::start({
            command.env("SUDO_UID", "65534").env("SUDO_GID", "65534");
            command
        })
    };
    // Root may write here, whoever called sudo may not.
    let refused = work.path().join("refused.pcapng");
    let (status, errors) = watch(&refused)?.end()?;
    check(status == 2 && errors.contains("Permission denied"), || format!("exit status {status}, {errors}"))?;
    check(!refused.exists(), || "root made the file".to_owned())?;
    // The owner of the folder puts links in the place of whatever comes, as fast as can be.
    let race = "cd $0 && while :; do mv -f x.pcapng y; ln -s ../victim x.pcapng; rm -f x.pcapng; done 2>/dev/null";
    let mut racing = Command::new("setpriv");
    racing.args(["--reuid=65534", "--regid=65534", "--clear-groups", "bash", "-c", race]).arg(&own);
    let mut racing = racing.spawn().map_err(text)?;
    let mut outcome = Ok(());
    for _ in 0..15 {
        // It may lose the race, and then says so.
        let mut watch = watch(&own.join("x.pcapng"))?;
        if watch.wait_for_event("begun").is_ok() {
            watch.signal("INT")?;
        }
        watch.end()?;
        let of_root =
            |path: &Path| fs::symlink_metadata(path).is_ok_and(|is| std::os::unix::fs::MetadataExt::uid(&is) == 0);
        let won = fs::read_dir(&own).map_err(text)?.flatten().any(|entry| of_root(&entry.path()));
        if won || !of_root(&victim) {
            outcome = check(false, || "a file of root's was won".to_owned());
            break;
        }
    }
    racing.kill().map_err(text)?;
    racing.wait().map_err(text)?;
    outcome?;
    let kept = fs::read_to_string(&victim).map_err(text)?;
    check(kept == "whole", || kept.clone())
}

pub(crate) fn interface_that_goes_down_and_up_is_told() -> Result<(), Not> {
    let namespace = Namespace::new()?;
    let ip = |arguments: &[&str]| run(namespace.command("ip").args(arguments));
    namespace.add_span()?;
    let mut watch = namespace.watch(&[&["-i", "span0"], &JSON[..]].concat())?;
    watch.wait_for_event("begun")?;
    let says = |words: &'static str| move |event: &Value| event["warnings"].to_string().contains(words);
    ip(&["link", "set", "span0", "down"])?;
    watch.wait_for("that it is down", says("span0 is down"))?;
    ip(&["link", "set", "span0", "up"])?;
    watch.wait_for("that it is up", says("span0 is up again"))?;
    watch.signal("INT")?;
    let (status, errors) = watch.end()?;
    check(status == 0, || format!("exit status {status}, {errors}"))
}

pub(crate) fn recording_goes_on_when_there_is_room_again() -> Result<(), Not> {
    for makes_room in [true, false] {
        let (namespace, work) = (Namespace::new()?, folder()?);
        let disk = work.path().display().to_string();
        let script = format!(
            "mount --make-rprivate / && mount -t tmpfs -o size=64k none {disk} && exec {} watch -i lo --write {disk}/x.pcapng {}",
            program(),
            JSON.join(" ")
        );
        let mut command = namespace.command("unshare");
        command.args(["--mount", "sh", "-c", &script]);
        let mut watch = Watch::start(command)?;
        if watch.wait_for_event("begun").is_err() {
            return Err(Not::Skipped("no small disk can be had".to_owned()));
        }
        let says = |words: &'static str| move |event: &Value| event["warnings"].to_string().contains(words);
        namespace.ask_for_lists(300, 400)?;
        watch.wait_for("that the disk is full", says("No space left on device"))?;
        let id = watch.id().to_string();
        let inside = |script: &str| run(Command::new("nsenter").args(["-m", "-t", &id, "sh", "-c", script]));
        if makes_room {
            inside(&format!("mount -o remount,size=8m {disk}"))?;
            // It looks again after a second.
            std::thread::sleep(std::time::Duration::from_millis(1500));
            namespace.ask_for_lists(300, 400)?;
            watch.wait_for("that it goes on", says("recording goes on"))?;
        }
        let copy = work.path().join("copy.pcapng");
        let capture = inside(&format!("base64 {disk}/x.pcapng"))?;
        fs::write(&copy, data_encoding::BASE64.decode(capture.replace('\n', "").as_bytes()).unwrap_or_default())
            .map_err(|error| error.to_string())?;
        watch.signal("INT")?;
        let (status, errors) = watch.end()?;
        check(errors.contains("the recording"), || errors.clone())?;
        check(status == if makes_room { 1 } else { 2 }, || format!("exit status {status}, {errors}"))?;
        let report = Command::new(program()).arg("triage").arg(&copy).args(["--format", "json"]).output();
        let report: Value = serde_json::from_slice(&report.map_err(|error| error.to_string())?.stdout)
            .map_err(|error| error.to_string())?;
        let source = &report["sources"][0];
        check(source["warnings"].as_array().is_some_and(Vec::is_empty), || format!("{source}"))?;
        let frames = source["frames"].as_u64().unwrap_or_default();
        check(frames > if makes_room { 300 } else { 0 }, || format!("{source}"))?;
    }
    Ok(())
}
