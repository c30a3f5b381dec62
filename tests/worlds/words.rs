//! What an engineer gives with a capture: arguments, and the files that they name.
//!
//! In: a world and its story. Out: arguments of `itlscope triage`; the files are written to a folder. All that is said is true
//! at the end of the story.

use std::fmt::Write as _;
use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;

use super::pki::{List, Role};
use super::story::Story;
use super::truth::{Fact, TvsEnd, What};
use super::world::{SECOND, START, Word, World};

/// The words, after what every report needs; their files are written into `folder`.
pub(crate) fn arguments(world: &World, story: &Story, folder: &Path) -> Vec<String> {
    let mut arguments = vec!["--format".to_owned(), "json".to_owned()];
    for (number, word) in world.words.iter().enumerate() {
        arguments.extend(say(world, story, *word, number, folder));
    }
    arguments
}

/// The era of a cluster at the end.
fn last_era(world: &World, story: &Story, cluster: u8) -> usize {
    world.clusters[usize::from(cluster)].era_at(story.seconds())
}

fn say(world: &World, story: &Story, word: Word, number: usize, folder: &Path) -> Vec<String> {
    let file = |end: &str, bytes: &[u8]| {
        let path = folder.join(format!("word{number}.{end}"));
        fs::write(&path, bytes).unwrap();
        path.display().to_string()
    };
    let list = |list: &List, whole: bool| if whole { file("tlv", &list.bytes()) } else { list.sha1() };
    match word {
        Word::Serves { cluster, node, bound, whole } => {
            let served = world.served(cluster, node, last_era(world, story, cluster));
            let server = Ipv4Addr::from(World::address(cluster, node));
            // A list that is not whole is no file that a reference can be made of.
            let what = list(&served, whole && served.fault.is_none());
            vec!["-r".to_owned(), if bound { format!("{server}={what}") } else { what }]
        }
        Word::OldList { cluster, node, era } => {
            let old = world.itl(cluster, node, era);
            vec!["-r".to_owned(), list(&old, old.fault.is_none())]
        }
        Word::TvsCertificate { cluster, node } => {
            let der = world.cert(cluster, Role::Tvs, node, last_era(world, story, cluster)).der();
            let base64 = data_encoding::BASE64.encode(&der);
            let pem = format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n");
            vec!["-r".to_owned(), file("pem", pem.as_bytes())]
        }
        Word::Holds { phone, whole } => {
            let state = story.state(phone);
            let name = super::phone::name(&world.phones[phone]);
            let said = state.itl.as_ref().map_or_else(|| "none".to_owned(), |itl| list(itl, whole));
            let mut arguments = vec!["--holds".to_owned(), format!("{name}={said}")];
            if let Some(ctl) = state.ctl.as_ref() {
                let path = folder.join(format!("word{number}-ctl.tlv"));
                fs::write(&path, &ctl.bytes()[..]).unwrap();
                arguments.extend(["--holds".to_owned(), format!("{name}={}", path.display())]);
            }
            arguments
        }
        Word::Says { phone } => {
            let state = story.state(phone);
            let Some(round) = state.rounds.last() else { return Vec::new() };
            let says = if round.failed { "verification-failed" } else { "ok" };
            vec!["--phone-says".to_owned(), format!("{}={says}", super::phone::name(&world.phones[phone]))]
        }
        Word::Console { phone, back } => {
            let text = console(world, story, phone, back);
            if text.is_empty() {
                return Vec::new();
            }
            vec!["--console-log".to_owned(), file("log", text.as_bytes())]
        }
        Word::Status { phone, dated } => {
            let text = status(world, story, phone, dated);
            // What says nothing of trust lists is not given.
            if !text.contains("installed") && !text.to_lowercase().contains("fail") {
                return Vec::new();
            }
            let name = super::phone::name(&world.phones[phone]);
            vec!["--console-log".to_owned(), format!("{name}={}", file("txt", text.as_bytes()))]
        }
        Word::Syslog { phone } => {
            let text = syslog(world, story, phone);
            if text.is_empty() {
                return Vec::new();
            }
            vec!["--holds".to_owned(), file("syslog", text.as_bytes())]
        }
        Word::Backup => {
            let all: Vec<_> = world.clusters.iter().map(|cluster| cluster.backup).collect();
            // To the engineer the old key is one: what differs by cluster is not said.
            if all.iter().any(|backup| *backup != all[0]) {
                return Vec::new();
            }
            vec!["--old-key-backup".to_owned(), if all[0] { "yes" } else { "no" }.to_owned()]
        }
    }
}

/// Facts up to the end, each with the number of its round.
fn facts(story: &Story, phone: usize) -> impl Iterator<Item = (i64, usize, &Fact)> {
    let mut round = 0;
    story.lives[phone].facts.iter().filter(|(at, _)| *at <= story.end).filter_map(move |(at, fact)| {
        round += usize::from(matches!(fact, Fact::Round { .. }));
        (round > 0).then(|| (*at, round - 1, fact))
    })
}

fn clock(at: i64) -> (i64, i64, i64) {
    let seconds = at.div_euclid(SECOND).rem_euclid(86_400);
    (seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// The console log of a 79xx, of one round (domain.md 9).
pub(crate) fn console(world: &World, story: &Story, phone: usize, back: usize) -> String {
    let plan = &world.phones[phone];
    let device = super::phone::name(plan);
    let Some(wanted) = story.state(phone).rounds.len().checked_sub(back + 1) else { return String::new() };
    let server = Ipv4Addr::from(World::address(plan.cluster, plan.node));
    let mut text = String::new();
    let mut number = 830;
    for (at, _, fact) in facts(story, phone).filter(|(_, round, _)| *round == wanted) {
        let says = match fact {
            Fact::Round { .. } => vec![format!("TFTP: [27]:Requesting CTL{device}.tlv from {server}")],
            Fact::Got { list, .. } => vec![
                format!("TFTP: [27]:Requesting ITL{device}.tlv from {server}"),
                format!("TFTP: [27]:Finished --> rcvd {} bytes", list.bytes().len()),
            ],
            Fact::AskedConfig { signed } => {
                let end = if *signed { ".sgn" } else { "" };
                vec![format!("TFTP: [27]:Requesting {device}.cnf.xml{end} from {server}")]
            }
            Fact::Judged { what: What::Further, .. } => continue,
            Fact::Judged { took: true, .. } => {
                vec!["SECD: validate_file_envelope: File sign verify SUCCESS; header length <296>".to_owned()]
            }
            Fact::Judged { took: false, .. } => {
                vec!["SECD: EROR:validate_file_envelope: File sign verify FAILED; header length <296>".to_owned()]
            }
            Fact::Tvs { server, end, .. } => {
                let server = Ipv4Addr::from(*server);
                let mut lines = vec![format!("SECD: connectToTvsServer: TVS server: IP: {server}, port:2445")];
                match end {
                    TvsEnd::Yes => {
                        lines.push(format!("SECD: TVS cert verified with hash from TL, <{server}>"));
                        lines.push("SECD: Response received, status : 0".to_owned());
                    }
                    TvsEnd::No => lines.push("SECD: Response received, status : 1".to_owned()),
                    _ => {}
                }
                lines
            }
            _ => continue,
        };
        for line in says {
            let (hour, minute, second) = clock(at);
            let micros = at.rem_euclid(SECOND) / 1000;
            writeln!(text, "{number}: NOT {hour:02}:{minute:02}:{second:02}.{micros:06} {line}").unwrap();
            number += 1;
        }
    }
    text
}

/// The phone's alarms as CUCM's syslog has them (domain.md 9): the last two.
pub(crate) fn syslog(world: &World, story: &Story, phone: usize) -> String {
    let plan = &world.phones[phone];
    let reports = story.lives[phone].facts.iter().filter(|(at, fact)| *at <= story.end && *fact == Fact::Reported);
    let lines = reports.map(|(at, _)| {
        let state = story.lives[phone].at(*at);
        let (hour, minute, second) = clock(*at);
        let checksum = |list: Option<&List>| super::phone::checksum(list).trim_end().to_owned();
        format!(
            "Jun  2 {hour:02}:{minute:02}:{second:02} cucm-pub local7 6 ccm: 1: UTC %UC_CALLMANAGER-6-DeviceTLInfo: \
             %[DeviceName={}][IPv4Address={}][IPv6Address=][CTL_Signature={}][CTL_TFTP_Server=N/A][ITL_Signature={}]\
             [ITL_TFTP_Server=cucm][StatusCode=3][AppID=Cisco CallManager][ClusterID=StandAloneCluster][NodeID=cucm-pub]: TLInfo\n",
            super::phone::name(plan),
            Ipv4Addr::from(plan.address),
            checksum(state.ctl.as_ref()),
            checksum(state.itl.as_ref()),
        )
    });
    lines.collect()
}

/// The status messages of a phone: the last 30 (domain.md 9).
pub(crate) fn status(world: &World, story: &Story, phone: usize, dated: bool) -> String {
    let device = super::phone::name(&world.phones[phone]);
    let mut lines = Vec::new();
    let mut held = world.phones[phone].came_with.is_some();
    for (at, _, fact) in facts(story, phone) {
        let says = match fact {
            Fact::Holds { itl: Some(_), .. } => {
                held = true;
                "ITL installed".to_owned()
            }
            Fact::Round { .. } if !held => "No Trust List installed".to_owned(),
            Fact::Judged { what: What::Itl | What::Ctl, took: false } => "Trust List Verification Failed".to_owned(),
            Fact::Judged { what: What::Config, took: false } => {
                format!("invalid file {device}.cnf.xml.sgn, authenticated fail. Reason:14.")
            }
            Fact::Judged { what: What::Config, took: true } => format!("{device}.cnf.xml.sgn(TFTP)"),
            _ => continue,
        };
        let (hour, minute, second) = clock(at);
        let half = if hour < 12 { "am" } else { "pm" };
        let twelve = (hour + 11) % 12 + 1;
        let day = 2 + (at - START * SECOND + 8 * 3600 * SECOND).div_euclid(86_400 * SECOND);
        lines.push(if dated {
            format!("[{twelve}:{minute:02}:{second:02}{half} 06/{day:02}/25] {says}\n")
        } else {
            format!("{hour:02}:{minute:02}:{second:02} {says}\n")
        });
    }
    let start = lines.len().saturating_sub(30);
    lines[start..].concat()
}

/// Whether the last word of its status messages is a failure: the phone shows it, whatever came after.
pub(crate) fn status_fails(text: &str) -> bool {
    let last = text.lines().rfind(|line| ["installed", "Failed", "fail"].iter().any(|word| line.contains(word)));
    last.is_some_and(|line| line.to_lowercase().contains("fail"))
}
