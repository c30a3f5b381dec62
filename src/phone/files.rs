//! What downloaded files are and say.
//!
//! In: complete files. Out: trust lists, signers, and whether signatures verify with the keys at hand. The same list
//! downloaded by ten thousand phones is read once and held once.

use std::collections::VecDeque;
use std::sync::Arc;

use foldhash::{HashMap, HashMapExt, HashSet, HashSetExt};

use super::config::ConfigFacts;
use crate::digest::Digests;
use crate::event::Content;
use crate::trust::signature::{self, Candidate, Verification};
use crate::trust::{ListKind, Record, Reference, SignedFile, Signer, TrustFile, TrustList};

/// Distinct lists known at most, and the bytes that they take: more than all servers of a cluster serve.
const MOST_LISTS: usize = 4096;
const MOST_LIST_BYTES: usize = 24 << 20;
/// Distinct configurations, signers, and reasons, held once for all.
const MOST_SHARED: usize = 1024;
/// Lists whose keys are tried on a signed file, the latest first.
const MOST_KEYS: usize = 8;

/// What stands in the names of configurations, whatever their envelope.
const CONFIG: &[u8] = b".cnf.xml";
/// Files read lately whose result is remembered.
const MOST_RECENT: usize = 16;

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileKind {
    /// Identity trust list.
    Itl,
    /// Certificate trust list.
    Ctl,
    /// A device's configuration.
    Config,
    /// Anything else.
    Other,
}

impl FileKind {
    /// For machines.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Itl => "itl",
            Self::Ctl => "ctl",
            Self::Config => "config",
            Self::Other => "other",
        }
    }

    /// Whether it is a trust list of either kind.
    pub const fn is_list(self) -> bool {
        matches!(self, Self::Itl | Self::Ctl)
    }

    /// The kind that the name tells (domain.md 4.2).
    pub fn from_name(path: &str) -> Self {
        let file = path.rsplit(['/', '\\']).next().unwrap_or_default().as_bytes();
        let begins = |with: &[u8]| file.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with));
        let is_tlv = file.last_chunk::<4>().is_some_and(|end| end.eq_ignore_ascii_case(b".tlv"));
        if is_tlv && begins(b"ITL") {
            Self::Itl
        } else if is_tlv && begins(b"CTL") {
            Self::Ctl
        } else if file.windows(CONFIG.len()).any(|part| part.eq_ignore_ascii_case(CONFIG)) {
            Self::Config
        } else {
            Self::Other
        }
    }
}

/// A trust list that was served, with its bytes and what its own records say of its signature.
#[derive(Debug, PartialEq, Eq)]
pub struct ServedList {
    /// The list.
    pub list: TrustList,
    /// Whether it verifies with its own records.
    pub verification: Verification,
    /// The file.
    pub content: Arc<Content>,
}

/// What is known of the signature of a signed file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureFound {
    /// Who signed, as the file says.
    pub signer: Option<Arc<Signer>>,
    /// What was verified, in three words.
    pub status: signature::SignatureStatus,
    /// Why.
    pub why: Arc<str>,
}

/// What a complete file turned out to be.
#[derive(Debug, Clone, Default)]
pub(super) struct Understood {
    /// The name that it was signed under.
    pub(super) signed_name: Option<String>,
    pub(super) list: Option<Arc<ServedList>>,
    pub(super) signature: Option<SignatureFound>,
    pub(super) config: Option<Arc<ConfigFacts>>,
    /// Its checksums, where they are wanted.
    pub(super) digests: Option<Digests>,
    /// Whether its bytes were there to be read.
    pub(super) was_read: bool,
}

/// Reads files and remembers what was read.
#[derive(Debug)]
pub struct Files {
    lists: HashMap<Digests, Option<Arc<ServedList>>>,
    list_bytes: usize,
    /// Records of the references: keys for signed files.
    reference_records: Vec<(String, Vec<Record>)>,
    reference_certificates: Vec<(String, crate::x509::Certificate)>,
    /// Lists served lately, the latest last: their records are keys too.
    served: Vec<Arc<ServedList>>,
    signers: Vec<Arc<Signer>>,
    /// What verifying signatures came to, in words.
    whys: HashSet<Arc<str>>,
    /// What configurations say: mostly the same for all phones.
    configs: HashSet<Arc<ConfigFacts>>,
    recent: VecDeque<Recent>,
    /// Whether all files are hashed, or only those that may be lists.
    hashes_all: bool,
}

/// A file, the kind that its name tells, and what it turned out to be.
type Recent = (Arc<Content>, Option<FileKind>, Understood);

impl Files {
    /// A reader that tries the keys of these references.
    pub fn new(references: &[Reference]) -> Self {
        let lists = references
            .iter()
            .filter_map(|reference| reference.list.as_ref().map(|list| (reference.path.clone(), list.records.clone())));
        let certificates = references.iter().flat_map(|reference| {
            reference.certificates.iter().map(|certificate| (reference.path.clone(), certificate.clone()))
        });
        Self {
            lists: HashMap::new(),
            list_bytes: 0,
            reference_records: lists.collect(),
            reference_certificates: certificates.collect(),
            served: Vec::new(),
            signers: Vec::new(),
            whys: HashSet::new(),
            configs: HashSet::new(),
            recent: VecDeque::new(),
            hashes_all: true,
        }
    }

    /// From now on, files that are no lists get no checksums.
    pub(super) const fn hash_only_lists(&mut self) {
        self.hashes_all = false;
    }

    /// Reads a complete file. The same download is told more than once, so what was read lately is remembered.
    pub(super) fn read(&mut self, name: Option<&str>, content: &Arc<Content>) -> Understood {
        let kind = name.map(FileKind::from_name);
        let same = |(known, of_kind, _): &&Recent| Arc::ptr_eq(known, content) && *of_kind == kind;
        if let Some((.., understood)) = self.recent.iter().rev().find(same) {
            return understood.clone();
        }
        let mut understood = Understood { was_read: true, ..self.read_anew(name, content) };
        let is_list = understood.list.is_some() || kind.is_none_or(FileKind::is_list);
        understood.digests = (self.hashes_all || is_list).then(|| content.digests());
        if self.recent.len() >= MOST_RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back((Arc::clone(content), kind, understood.clone()));
        understood
    }

    fn read_anew(&mut self, name: Option<&str>, content: &Arc<Content>) -> Understood {
        // Trust lists and signed files begin with a version of two bytes (domain.md 2.2).
        if !content.bytes.starts_with(&[1, 0, 2]) {
            let config = self.config(name, &content.bytes);
            return Understood { config, ..Understood::default() };
        }
        let may_be_list = name.is_none_or(|name| FileKind::from_name(name).is_list());
        if may_be_list {
            return self.read_list(content);
        }
        match SignedFile::parse(&content.bytes) {
            Ok(signed) => self.read_signed(&signed, content),
            Err(_) => Understood::default(),
        }
    }

    fn read_list(&mut self, content: &Arc<Content>) -> Understood {
        if let Some(known) = self.lists.get(&content.digests()) {
            return known.clone().map(|list| self.of_list(&list)).unwrap_or_default();
        }
        if self.lists.len() >= MOST_LISTS || self.list_bytes > MOST_LIST_BYTES {
            self.lists = HashMap::new();
            self.list_bytes = 0;
        }
        self.list_bytes += content.bytes.len();
        match TrustFile::parse(&content.bytes) {
            Ok(TrustFile::List(list)) => {
                let verification = list.verify(&content.bytes);
                self.list_bytes += list.weight();
                let served = Arc::new(ServedList { list, verification, content: Arc::clone(content) });
                self.lists.insert(content.digests(), Some(Arc::clone(&served)));
                if self.served.len() >= MOST_KEYS {
                    self.served.remove(0);
                }
                self.served.push(Arc::clone(&served));
                self.of_list(&served)
            }
            Ok(TrustFile::Signed(signed)) => self.read_signed(&signed, content),
            Err(_) => {
                self.lists.insert(content.digests(), None);
                Understood::default()
            }
        }
    }

    fn of_list(&mut self, served: &Arc<ServedList>) -> Understood {
        let signer = served.list.signer().map(|signer| self.signer(signer));
        Understood {
            signed_name: served.list.header.file_name.clone(),
            list: Some(Arc::clone(served)),
            signature: Some(SignatureFound {
                signer,
                status: served.verification.status(),
                why: self.why(&served.verification.why),
            }),
            ..Understood::default()
        }
    }

    /// A signed file names its signer by issuer and serial; the key stands in a list (domain.md 2.7).
    fn read_signed(&mut self, signed: &SignedFile, content: &Arc<Content>) -> Understood {
        let mut candidates = Vec::new();
        for (path, records) in &self.reference_records {
            candidates.extend(Candidate::records(path, records));
        }
        for (source, certificate) in &self.reference_certificates {
            candidates.push(Candidate::Certificate { source, certificate });
        }
        for served in self.served.iter().rev() {
            let name = served.list.header.file_name.as_deref().unwrap_or("the downloaded list");
            candidates.extend(Candidate::records(name, &served.list.records));
        }
        if let Some(signer) = &signed.header.signer {
            candidates.retain(|candidate| candidate.is(signer));
        }
        // One certificate stands in several records and several lists: its key is tried once.
        let mut keys: Vec<&[u8]> = Vec::new();
        candidates.retain(|candidate| match candidate {
            Candidate::Record { record, .. } => {
                let key = record.public_key.as_deref().unwrap_or_default();
                let is_new = !keys.contains(&key);
                keys.push(key);
                is_new
            }
            Candidate::Certificate { .. } => true,
        });
        candidates.truncate(MOST_KEYS);
        let verification = signature::verify(&signed.header, &content.bytes, &candidates);
        let status = verification.status();
        let why = self.why(&verification.why);
        let signer = signed.header.signer.as_ref().map(|signer| self.signer(signer));
        let signed_name = signed.header.file_name.clone();
        let config = self.config(signed_name.as_deref(), signed.body(&content.bytes));
        let signature = Some(SignatureFound { signer, status, why });
        Understood { signed_name, signature, config, ..Understood::default() }
    }

    /// What a configuration says, held once for all phones of which it says the same. Without a name the content tells.
    fn config(&mut self, name: Option<&str>, body: &[u8]) -> Option<Arc<ConfigFacts>> {
        if name.is_some_and(|name| FileKind::from_name(name) != FileKind::Config) {
            return None;
        }
        let facts = ConfigFacts::parse(body)?;
        if let Some(known) = self.configs.get(&facts) {
            return Some(Arc::clone(known));
        }
        let facts = Arc::new(facts);
        if self.configs.len() < MOST_SHARED {
            self.configs.insert(Arc::clone(&facts));
        }
        Some(facts)
    }

    /// Why a signature is what it is, held once for all files of which that is said.
    fn why(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.whys.get(text) {
            return Arc::clone(known);
        }
        let why: Arc<str> = text.into();
        if self.whys.len() < MOST_SHARED {
            self.whys.insert(Arc::clone(&why));
        }
        why
    }

    /// The signer, held once for all files that it signed.
    fn signer(&mut self, signer: &Signer) -> Arc<Signer> {
        if let Some(known) = self.signers.iter().find(|known| known.as_ref() == signer) {
            return Arc::clone(known);
        }
        let signer = Arc::new(signer.clone());
        if self.signers.len() < MOST_SHARED {
            self.signers.push(Arc::clone(&signer));
        }
        signer
    }
}

impl ServedList {
    /// ITL or CTL, as a kind of file.
    pub const fn file_kind(&self) -> FileKind {
        match self.list.kind {
            ListKind::Ctl => FileKind::Ctl,
            ListKind::Itl | ListKind::Unknown => FileKind::Itl,
        }
    }
}
