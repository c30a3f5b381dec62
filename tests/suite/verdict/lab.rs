//! A small laboratory: keys and lists by name, phones that did what a scenario says.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock, Mutex};

use itlscope::capture::{FrameId, Moment, Span, Timestamp};
use itlscope::digest::{Sha1Sum, Sha256Sum};
use itlscope::event::Content;
use itlscope::event::{
    Alert, AlertCode, CertificateStatus, DownloadEnding, Holding as Held, How, Identity, IdentitySource, ListAlarm,
    Milestones, Outcome, Refusal, Service, SessionEnding, SessionGap, SessionOutcome, Side, Stage, Taken, TlsSession,
    TlsVersion, Transport, TvsAnswer, TvsExchange, TvsRequest,
};
use itlscope::phone::{
    Attributed, Attribution, DeviceName, DownloadRecord, FileKind, Ground, Phone, ServedList, SignatureFound, SignedAs,
};
use itlscope::report::{Report, write_json};
use itlscope::trust::testkit::{ListBuilder, RecordBuilder, TestKey};
use itlscope::trust::{ListKind, Reference, TrustList};
use itlscope::verdict::{Assessment, Assessments, Case, assess};
use itlscope::words::{self, By, Shown, Told, ToldHolding, ToldList, Whose};
use itlscope::x509::{Certificate, DistinguishedName, Serial};
use serde::Deserialize;

/// What happened to one phone, and what is to come out.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    pub(crate) name: String,
    /// The document or section that it is taken from.
    pub(crate) source: String,
    /// The ITL that the server hands out.
    pub(crate) served: Option<List>,
    /// The name under which it is asked for, where that is not the phone's own.
    pub(crate) served_as: Option<String>,
    /// The CTL that the server hands out.
    pub(crate) served_ctl: Option<List>,
    /// What the phone holds, said by option.
    pub(crate) holds: Option<Holding>,
    pub(crate) holds_ctl: Option<Holding>,
    /// What the phone reports to hold after the download.
    pub(crate) reports: Option<Holding>,
    /// What it reported before the download.
    pub(crate) reported_before: Option<Holding>,
    /// The reference given with -r.
    pub(crate) reference: Option<List>,
    /// The ITL that it was handed out in an earlier boot that went well.
    pub(crate) served_before: Option<List>,
    /// TVS answered the phone so many seconds before it asked for its files.
    pub(crate) tvs_answered_before: Option<u32>,
    #[serde(default)]
    pub(crate) tvs: Vec<Tvs>,
    /// What becomes of asking TVS about the configuration.
    pub(crate) tvs_about_config: Option<Tvs>,
    /// Who signed the configuration; by default the signer of the list.
    pub(crate) config_signer: Option<String>,
    /// The name of the configuration, where it is not the phone's own, signed.
    pub(crate) config_file: Option<String>,
    /// The encrypted configuration is asked for first, and there is none.
    #[serde(default)]
    pub(crate) asks_encrypted_first: bool,
    /// What the phone does then.
    #[serde(default)]
    pub(crate) then: Then,
    /// The files that it goes on to; one that is signed by default.
    pub(crate) further: Option<Vec<String>>,
    /// At last it connects to a web server, and asks this TVS about its certificate.
    pub(crate) web: Option<Tvs>,
    /// It registers.
    #[serde(default)]
    pub(crate) registers: bool,
    /// What it says that it is.
    pub(crate) model: Option<String>,
    /// It asks for no ITL.
    #[serde(default)]
    pub(crate) asks_no_itl: bool,
    pub(crate) phone_says: Option<String>,
    pub(crate) logged: Option<String>,
    pub(crate) old_key_backup: Option<bool>,
    pub(crate) expect: Expect,
}

/// A list: who signed it, and the names of its records.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct List {
    pub(crate) signer: String,
    #[serde(default)]
    pub(crate) records: Vec<String>,
    /// A byte is changed after signing.
    #[serde(default)]
    pub(crate) corrupt: bool,
    /// How often the records are repeated.
    #[serde(default)]
    pub(crate) repeated: usize,
}

/// A list on a phone.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum Holding {
    /// `nothing`, `served` or `unknown-list`.
    Word(String),
    List(List),
}

/// A TVS server and how the phone's session with it went.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tvs {
    pub(crate) presents: Option<String>,
    pub(crate) ends: String,
    /// The certificate expired before the capture.
    #[serde(default)]
    pub(crate) expired: bool,
}

#[derive(Debug, Clone, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Then {
    #[default]
    Nothing,
    GoesOn,
    BeginsAgain,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expect {
    pub(crate) deletion: String,
    /// The four conditions in order; `?` is unknown.
    pub(crate) conditions: Option<[String; 4]>,
    /// Advice that must be given.
    #[serde(default)]
    pub(crate) advice: Vec<String>,
    /// Advice that must not be given.
    #[serde(default)]
    pub(crate) not_advice: Vec<String>,
    pub(crate) simulated: Option<String>,
    /// What must be inferred.
    #[serde(default)]
    pub(crate) observed: Vec<String>,
    /// What must not be inferred.
    #[serde(default)]
    pub(crate) not_observed: Vec<String>,
    /// Words of the reason.
    pub(crate) because: Option<String>,
}

/// A key by name, the same throughout the run.
fn key(name: &str) -> Arc<TestKey> {
    static KEYS: LazyLock<Mutex<BTreeMap<String, Arc<TestKey>>>> = LazyLock::new(Mutex::default);
    let mut keys = KEYS.lock().unwrap();
    Arc::clone(keys.entry(name.to_owned()).or_insert_with(|| Arc::new(TestKey::generate())))
}

/// `tvs-pub/2` is the second certificate of the subject `tvs-pub`; names of eTokens and recovery keys are as Cisco's.
fn subject(name: &str) -> String {
    let base = name.split('/').next().unwrap();
    match base {
        base if base.starts_with("recovery") => format!("CN=ITLRECOVERY_{base};O=Cisco"),
        base if base.starts_with("token") => format!("cn=\"SAST-{base} \";o=Cisco Systems"),
        base => format!("CN={base};O=Cisco"),
    }
}

fn serial(name: &str) -> Vec<u8> {
    Sha1Sum::of(name.as_bytes()).0[..8].to_vec()
}

fn hash(name: &str) -> [u8; 20] {
    Sha1Sum::of(format!("certificate {name}").as_bytes()).0
}

fn records(name: &str) -> Vec<RecordBuilder> {
    // SAST, CCM+TFTP, TVS, CAPF: domain.md 2.5.
    let functions: &[u16] = match name {
        name if name.starts_with("tvs") => &[21],
        name if name.starts_with("capf") => &[4],
        name if name.starts_with("recovery") || name.starts_with("token") => &[0],
        _ => &[0, 2],
    };
    let key = key(name);
    if name.contains("sha256") {
        let (subject, hash) = (subject(name), Sha256Sum::of(name.as_bytes()));
        let record = RecordBuilder::new().subject(&subject).function(21).issuer(&subject).serial(&serial(name));
        return vec![record.raw(11, &hash.0).raw(12, &[2])];
    }
    let record =
        |&function: &u16| RecordBuilder::new().hashed(function, &subject(name), &serial(name), key.point(), hash(name));
    functions.iter().map(record).collect()
}

fn build(list: &List, builder: ListBuilder) -> Arc<ServedList> {
    let mut builder = builder.digest(2).signer(&subject(&list.signer), &serial(&list.signer), &subject(&list.signer));
    for name in list.records.iter().cycle().take(list.records.len() * (list.repeated + 1)) {
        for record in records(name) {
            builder = builder.record(&record);
        }
    }
    let mut bytes = builder.build_signed(&key(&list.signer));
    if list.corrupt {
        *bytes.last_mut().unwrap() ^= 1;
    }
    let parsed = TrustList::parse(&bytes).unwrap();
    let verification = parsed.verify(&bytes);
    Arc::new(ServedList { list: parsed, verification, content: Arc::new(Content::new(bytes)) })
}

/// Lists are signed with a random nonce, so each is made once.
fn served(list: &List, is_ctl: bool) -> Arc<ServedList> {
    static LISTS: LazyLock<Mutex<BTreeMap<String, Arc<ServedList>>>> = LazyLock::new(Mutex::default);
    let builder = if is_ctl { ListBuilder::ctl() } else { ListBuilder::itl() };
    let mut lists = LISTS.lock().unwrap();
    let made = lists.entry(format!("{is_ctl} {list:?}")).or_insert_with(|| build(list, builder));
    Arc::clone(made)
}

fn certificate(name: &str, expired: bool) -> Certificate {
    Certificate {
        serial: Serial::from_bytes(&serial(name)),
        subject: DistinguishedName::from_text(&subject(name)),
        issuer: DistinguishedName::from_text(&subject(name)),
        malformed: Vec::new(),
        not_before: Timestamp::default(),
        not_after: Timestamp::from_seconds_and_nanos(if expired { 10 } else { 1_000_000 }, 0),
        sha1: Sha1Sum(hash(name)),
        sha256: Sha256Sum::of(name.as_bytes()),
        der: Vec::new(),
    }
}

const NAME: &str = "SEP0011215A1AE3";

/// Puts events one after the other.
struct Timeline {
    /// Seconds.
    start: i64,
    frame: u64,
    id: u64,
}

impl Timeline {
    fn moment(&mut self) -> Moment {
        self.frame += 1;
        let time = Timestamp::from_seconds_and_nanos(self.start + i64::try_from(self.frame).unwrap(), 0);
        Moment { time, frame: FrameId { source: 0, number: self.frame } }
    }

    fn span(&mut self) -> Span {
        Span { first: self.moment(), last: self.moment() }
    }

    fn download(&mut self, file: &str, list: Option<Arc<ServedList>>, outcome: Outcome) -> DownloadRecord {
        self.id += 1;
        let content = list.as_ref().map(|list| Arc::clone(&list.content));
        let complete = outcome == Outcome::Complete;
        DownloadRecord {
            id: self.id,
            transport: Transport::Tftp,
            asked_for: Some(file.to_owned()),
            signed_as: SignedAs::Nothing,
            kind: FileKind::from_name(file),
            client: "10.0.0.1:50000".parse().unwrap(),
            server: "10.0.1.1:69".parse().unwrap(),
            ending: match outcome {
                Outcome::Complete => DownloadEnding::Complete { length: 1 },
                _ => DownloadEnding::Refused(Refusal::Tftp { code: 1, message: String::new() }),
            },
            taken: if complete { Taken::Acknowledged } else { Taken::Open },
            client_seen: true,
            hardware: None,
            completed: None,
            digests: content.as_ref().map(|content| content.digests()),
            retransmits: 0,
            was_read: complete,
            config: None,
            signature: list.as_ref().map(|list| SignatureFound {
                signer: list.list.signer().cloned().map(Arc::new),
                status: list.verification.status(),
                why: "".into(),
            }),
            list,
            span: self.span(),
        }
    }

    fn tvs(&mut self, number: u8, tvs: &Tvs) -> TlsSession {
        let presents = tvs.presents.as_deref().map(|name| Arc::new(certificate(name, tvs.expired)));
        let span = self.span();
        let (ends, alert) = tvs.ends.split_once(':').unwrap_or((&tvs.ends, ""));
        let alert = match alert {
            "" => None,
            "unknown_ca" => Some((Side::Client, (2, 48))),
            "bad_certificate" => Some((Side::Client, (2, 42))),
            "certificate_expired" => Some((Side::Client, (2, 45))),
            "handshake_failure" => Some((Side::Server, (2, 40))),
            other => panic!("{other}"),
        };
        let status = match ends {
            "refused" if presents.is_none() => CertificateStatus::NotCaptured,
            "established" | "refused" | "cut" => CertificateStatus::Seen,
            "tls13" => CertificateStatus::Encrypted,
            "resumed" => CertificateStatus::Resumed,
            "unanswered" | "pending" => CertificateStatus::NotCaptured,
            other => panic!("{other}"),
        };
        let ending = match (ends, alert) {
            ("established" | "tls13" | "resumed", _) => {
                SessionEnding::Established { at: span.last, judged: ends != "resumed" }
            }
            ("refused", Some((by, (_, code)))) => {
                SessionEnding::Refused { by, how: How::Fatal(AlertCode(code)), at: span.last }
            }
            ("refused", None) => {
                SessionEnding::Refused { by: Side::Client, how: How::Closed(Stage::Certificate), at: span.last }
            }
            ("unanswered", _) => SessionEnding::Silent { syns: 3, reset: false, at: span.last },
            ("pending", _) => SessionEnding::Open,
            _ => SessionEnding::Unseen(SessionGap::Missing),
        };
        let answered = ends != "unanswered";
        let established = matches!(ending, SessionEnding::Established { .. });
        let server: SocketAddr = format!("10.0.1.{number}:2445").parse().unwrap();
        TlsSession {
            id: self.frame,
            service: Service::Tvs,
            client: "10.0.0.1:51000".parse().unwrap(),
            server,
            server_name: None,
            version: answered.then_some(TlsVersion(if ends == "tls13" { 0x304 } else { 0x301 })),
            cipher: None,
            milestones: Milestones {
                client_hello: answered.then_some(span.first),
                server_hello: (answered && alert != Some((Side::Server, (2, 40)))).then_some(span.first),
                certificate: presents.as_ref().map(|_| span.first),
                established: established.then_some(span.last),
                client_data: established.then_some(span.last),
                ..Milestones::default()
            },
            certificate: presents,
            certificate_status: status,
            client_certificate: None,
            ending,
            server_answered: answered,
            hardware: None,
            alerts: alert
                .map(|(from, clear)| Alert { from, clear: Some(clear), moment: span.last })
                .into_iter()
                .collect(),
            client_data: Vec::new(),
            server_data: Vec::new(),
            tvs_exchange: (ends == "established").then(|| TvsExchange {
                request: TvsRequest::Query,
                answer: TvsAnswer::Yes,
                why: "the answer carries the certificate".to_owned(),
            }),
            span,
        }
    }
}

/// Something that is known to be the phone's.
fn own<T>(record: T) -> Attributed<T> {
    Attributed::new(Arc::new(record), Attribution::Own(Ground::Files))
}

impl Tvs {
    pub(crate) fn new(presents: Option<&str>, ends: &str) -> Self {
        Self { presents: presents.map(str::to_owned), ends: ends.to_owned(), expired: false }
    }
}

/// A session with a web server, which waits for what becomes of the one with TVS in between.
fn directory(time: &mut Timeline, tvs: &Tvs, sessions: &mut Vec<TlsSession>) {
    let first = time.moment();
    let tvs = time.tvs(1, tvs);
    let last = time.moment();
    let went_on = (tvs.outcome() == SessionOutcome::Established).then_some(last);
    sessions.push(TlsSession {
        service: Service::Tomcat,
        server: "10.0.1.1:8443".parse().unwrap(),
        certificate: None,
        certificate_status: CertificateStatus::NotCaptured,
        milestones: Milestones {
            certificate: Some(first),
            established: went_on,
            client_data: went_on,
            ..Milestones::default()
        },
        ending: match went_on {
            Some(at) => SessionEnding::Established { at, judged: true },
            None => SessionEnding::Refused { by: Side::Client, how: How::Closed(Stage::Certificate), at: last },
        },
        alerts: Vec::new(),
        span: Span { first, last },
        ..tvs.clone()
    });
    sessions.push(tvs);
}

impl Scenario {
    /// The assessment of the phone that this happened to.
    pub(crate) fn assess(&self) -> Assessment {
        let phones = [self.phone()];
        assess(&phones[0], &self.case(&phones))
    }

    /// The same as the report says it.
    pub(crate) fn document(&self) -> serde_json::Value {
        let phones = [self.phone()];
        let case = self.case(&phones);
        let assessments = Assessments { phones: &phones, case: &case };
        let mut out = Vec::new();
        write_json(&Report { sources: Vec::new(), notes: Vec::new(), assessments, others: Vec::new() }, &mut out)
            .unwrap();
        serde_json::from_slice(&out).unwrap()
    }

    /// What the phone is assessed with.
    fn case(&self, phones: &[Phone]) -> Case {
        let name = phones[0].name.clone().unwrap();
        let whose = Whose::Device(name);
        let mut told = Told::new(self.old_key_backup, None, BTreeMap::new());
        if let Some(words) = &self.phone_says {
            let says = words::of_words(words).unwrap();
            told.show(whose.clone(), Shown { says, words: words.clone() });
        }
        if let Some(says) = &self.logged {
            let text = if says == "failed" { "Trust List Verification Failed" } else { "Trust List updated" };
            let (readings, _) = words::read("console.log", text.as_bytes(), &whose);
            for reading in readings {
                told.hear(reading);
            }
        }
        let lists = [(ListKind::Itl, self.holds.as_ref()), (ListKind::Ctl, self.holds_ctl.as_ref())];
        for (kind, holding) in lists {
            if let Some(list) = self.told(holding, kind == ListKind::Ctl) {
                told.hold(
                    whose.clone(),
                    ToldHolding { kind, list, by: By::Option, source: "a list".into(), line: None },
                );
            }
        }
        Case::new(self.reference().into_iter().collect(), told, phones)
    }

    fn list_of(&self, holding: &Holding, is_ctl: bool) -> Option<Arc<ServedList>> {
        match holding {
            Holding::Word(word) => match word.as_str() {
                "served" => Some(served(self.served.as_ref().unwrap(), is_ctl)),
                "nothing" => None,
                other => panic!("{other}"),
            },
            Holding::List(list) => Some(served(list, is_ctl)),
        }
    }

    #[expect(clippy::option_option, reason = "not told, told that there is none, told which")]
    fn told(&self, holding: Option<&Holding>, is_ctl: bool) -> Option<Option<ToldList>> {
        let holding = holding?;
        if matches!(holding, Holding::Word(word) if word == "unknown-list") {
            let sha1 = Some(Sha1Sum::of(b"a list that is not at hand"));
            return Some(Some(ToldList { sha1, ..ToldList::default() }));
        }
        Some(self.list_of(holding, is_ctl).map(|list| ToldList {
            md5: list.list.md5,
            sha1: list.list.sha1,
            list: Some(Arc::new(list.list.clone())),
        }))
    }

    fn report(&self, holding: &Holding, moment: Moment) -> ListAlarm {
        let itl = match self.told(Some(holding), false).unwrap() {
            None => Held::Nothing,
            Some(list) => Held::List(list.sha1.unwrap()),
        };
        ListAlarm {
            device: Some(NAME.to_owned()),
            itl: Some(itl),
            ctl: Some(Held::Nothing),
            itl_tftp_server: None,
            ctl_tftp_server: None,
            status_code: None,
            client: "10.0.0.1:52000".parse().unwrap(),
            server: "10.0.1.1:5060".parse().unwrap(),
            moment,
        }
    }

    /// The lists of one round.
    fn lists(&self, time: &mut Timeline, itl: Option<&List>, downloads: &mut Vec<DownloadRecord>) {
        let outcome = |is_there: bool| if is_there { Outcome::Complete } else { Outcome::Refused };
        let ctl = self.served_ctl.as_ref().map(|list| served(list, true));
        downloads.push(time.download(&format!("CTL{NAME}.tlv"), ctl.clone(), outcome(ctl.is_some())));
        if ctl.is_none() {
            downloads.push(time.download("CTLFile.tlv", None, Outcome::Refused));
        }
        if self.asks_no_itl {
            return;
        }
        let itl = itl.map(|list| served(list, false));
        let own = format!("ITL{NAME}.tlv");
        let name = self.served_as.as_ref().unwrap_or(&own);
        if *name != own {
            downloads.push(time.download(&own, None, Outcome::Refused));
        }
        downloads.push(time.download(name, itl.clone(), outcome(itl.is_some())));
    }

    /// The configuration of one round.
    fn config(&self, time: &mut Timeline, itl: Option<&List>, downloads: &mut Vec<DownloadRecord>) {
        if self.asks_encrypted_first {
            downloads.push(time.download(&format!("{NAME}.cnf.xml.enc.sgn"), None, Outcome::Refused));
        }
        let own = format!("{NAME}.cnf.xml.sgn");
        let mut config = time.download(self.config_file.as_ref().unwrap_or(&own), None, Outcome::Complete);
        let signer = self.config_signer.clone().or_else(|| itl.map(|list| list.signer.clone()));
        config.signature = signer.map(|signer| {
            let list = served(&List { signer, records: Vec::new(), corrupt: false, repeated: 0 }, false);
            SignatureFound {
                signer: list.list.signer().cloned().map(Arc::new),
                status: itlscope::trust::signature::SignatureStatus::Unknown,
                why: "".into(),
            }
        });
        downloads.push(config);
    }

    /// The phone that this happened to, under another name.
    pub(crate) fn phone_named(&self, name: &str) -> Phone {
        Phone { name: DeviceName::new(name), ..self.phone() }
    }

    /// The reference given with -r.
    pub(crate) fn reference(&self) -> Option<Reference> {
        let list = served(self.reference.as_ref()?, false);
        Some(Reference::from_bytes("reference.tlv", None, &list.content.bytes).unwrap())
    }

    fn phone(&self) -> Phone {
        let mut time = Timeline { start: 1000, frame: 0, id: 0 };
        let mut downloads = Vec::new();
        let mut sessions = Vec::new();
        let mut reports = Vec::new();
        if let Some(before) = &self.reported_before {
            reports.push(self.report(before, time.moment()));
        }
        if let Some(seconds) = self.tvs_answered_before {
            let tvs = Tvs::new(None, "tls13");
            let mut session = time.tvs(9, &tvs);
            let answered = Moment { time: Timestamp::from_seconds_and_nanos(2000, 0), ..session.span.last };
            session.milestones.server_data = Some(answered);
            time.start = 2000 + i64::from(seconds);
            sessions.push(session);
        }
        if let Some(before) = &self.served_before {
            self.lists(&mut time, Some(before), &mut downloads);
            self.config(&mut time, Some(before), &mut downloads);
            downloads.push(time.download("tzupdate.jar.sgn", None, Outcome::Complete));
            directory(&mut time, &Tvs::new(Some("tvs"), "established"), &mut sessions);
            time.start += 3600;
        }
        let rounds = if self.then == Then::BeginsAgain { 2 } else { 1 };
        for _ in 0..rounds {
            self.lists(&mut time, self.served.as_ref(), &mut downloads);
            for (number, tvs) in (1..).zip(&self.tvs) {
                sessions.push(time.tvs(number, tvs));
            }
            self.config(&mut time, self.served.as_ref(), &mut downloads);
            sessions.extend(self.tvs_about_config.iter().map(|tvs| time.tvs(1, tvs)));
        }
        if self.then == Then::GoesOn {
            let signed = vec!["tzupdate.jar.sgn".to_owned()];
            for file in self.further.as_ref().unwrap_or(&signed) {
                downloads.push(time.download(file, None, Outcome::Complete));
            }
        }
        if let Some(tvs) = &self.web {
            directory(&mut time, tvs, &mut sessions);
        }
        let mut identities = Vec::new();
        if self.registers || self.model.is_some() {
            identities.push(Arc::new(Identity {
                source: if self.registers { IdentitySource::SipRegister } else { IdentitySource::Cdp },
                address: Some("10.0.0.1".parse().unwrap()),
                device: Some(NAME.to_owned()),
                model: self.model.clone(),
                software: None,
                tftp_servers: Vec::new(),
                moment: time.moment(),
            }));
        }
        if let Some(after) = &self.reports {
            reports.push(self.report(after, time.moment()));
        }
        Phone {
            name: DeviceName::new(NAME),
            addresses: vec!["10.0.0.1".parse().unwrap()],
            certain: Vec::new(),
            homes: vec![("10.0.0.1".parse().unwrap(), 0)],
            downloads: downloads.into_iter().map(own).collect(),
            sessions: sessions.into_iter().map(own).collect(),
            reports: reports.into_iter().map(own).collect(),
            identities,
            shared_by: Vec::new(),
            clocks: Arc::default(),
        }
    }
}
