//! One phone in its case: what rules look at.
//!
//! In: a phone, and the lists at hand. Out: what was testified of the phone, reconciled; the list that it was served; the list that
//! stands for the one it holds; its own decision, simulated. It refuses to answer the questions: rules do.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::Case;
use super::simulation::{self, Simulation};
use crate::claim::{self, Evidence, Fact, Holding, Judgement, Known, ServerSeen, Source, Strength, Testimony};
use crate::event::{DownloadEnding, Silence, TlsSession, Transport};
use crate::phone::{DownloadRecord, FileKind, Phone, ServedList};
use crate::trust::{Origin, Reference, ReferenceKind, TrustList};
use crate::witness;
use crate::witness::wire::{Observation, Wire};
use crate::words::Says;

/// One phone in its case.
pub(super) struct Matter<'a> {
    pub(super) phone: &'a Phone,
    pub(super) case: &'a Case,
    pub(super) wire: Wire<'a>,
    pub(super) testimony: Testimony,
    /// The ITL that it was served last in its last boot, where that is whole and a list.
    pub(super) served: Option<(&'a DownloadRecord, &'a ServedList)>,
    /// The last session with each TVS server in the last boot.
    pub(super) tvs: Vec<&'a TlsSession>,
    pub(super) simulation: Option<Simulation>,
}

impl<'a> Matter<'a> {
    pub(super) fn new(phone: &'a Phone, case: &'a Case) -> Self {
        let mut wire = witness::wire::testify(phone);
        let mut claims = std::mem::take(&mut wire.claims);
        // No conclusion may rest on silence that we ourselves caused.
        if wire.last_boots().any(|boot| case.lost_in(&boot.span())) {
            claims.retain(|claim| claim.strength > Strength::Inferred && !matches!(claim.says, Fact::Silent(_)));
        }
        claims.extend(witness::told::testify(phone, &case.told));
        let testimony = claim::reconcile(claims, wire.offered);
        let served = wire.itl.and_then(|download| Some((download, download.list.as_deref()?)));
        let tvs = witness::wire::last_of_each_server(wire.last_boots().flat_map(|boot| boot.sessions.iter().copied()));
        let mut matter = Self { phone, case, wire, testimony, served, tvs, simulation: None };
        matter.simulation = simulation::simulate(&matter);
        matter
    }

    /// The list that a holding names, where it is at hand.
    pub(super) fn at_hand(&self, holding: &Known<Holding>) -> Option<&'a TrustList> {
        match holding.settled()? {
            Holding::Nothing => None,
            Holding::File(md5, sha1) => self.case.identify(*md5, *sha1),
        }
    }

    /// The list at hand that the phone held when it was offered the last one, else the one that it holds now; and how that is
    /// known.
    pub(super) fn held(&self) -> Option<(&Known<Holding>, &'a TrustList)> {
        let known = [&self.testimony.itl_at_offer, &self.testimony.itl];
        known.into_iter().find_map(|known| Some((known, self.at_hand(known)?)))
    }

    /// How it is known what the phone holds, where more than an inference says so: in the words of whoever says it.
    pub(super) fn relation(&self, holding: &Known<Holding>) -> &'static str {
        match self.strongest(holding) {
            Some((Source::Told, _)) => "the phone's list (said by option)",
            Some((Source::ListAlarm, _)) => "the phone's list (identified by the hash that it reports)",
            Some((Source::Log, _)) => "the phone's list (by its log)",
            Some((Source::Wire, _)) => "the list that the phone was seen to accept",
            None => "a list of unknown relation to the phone",
        }
    }

    /// The strongest of the claims that something known rests on: who makes it, and how strong it is.
    pub(super) fn strongest<T>(&self, known: &Known<T>) -> Option<(Source, Strength)> {
        let claims = known.by().into_iter().filter_map(|index| self.testimony.claims.get(index));
        claims.map(|claim| (claim.by, claim.strength)).max_by_key(|(source, strength)| (*strength, *source))
    }

    /// Whether what the phone holds is known by more than an inference.
    pub(super) fn is_identified(&self, known: &Known<Holding>) -> bool {
        known.settled().is_some() && self.strongest(known).is_some_and(|(_, strength)| strength >= Strength::Stated)
    }

    /// The list that the phone held when it was shown this server's certificate: what came before the last list was there is
    /// compared with the list from before.
    pub(super) fn list_before(&self, server: &ServerSeen) -> (&Known<Holding>, Option<&'a TrustList>) {
        let testimony = &self.testimony;
        let known = if server.before_offer || !matches!(testimony.itl, Known::Settled { .. }) {
            &testimony.itl_at_offer
        } else {
            &testimony.itl
        };
        (known, self.at_hand(known))
    }

    /// The evidence of the claims that something known rests on.
    pub(super) fn evidence<T>(&self, known: &Known<T>) -> Vec<Evidence> {
        self.evidence_of(&known.by())
    }

    pub(super) fn evidence_of(&self, claims: &[usize]) -> Vec<Evidence> {
        let claims = claims.iter().filter_map(|&index| self.testimony.claims.get(index));
        let mut evidence: Vec<Evidence> = Vec::new();
        for one in claims.flat_map(|claim| &claim.evidence) {
            if !evidence.contains(one) {
                evidence.push(one.clone());
            }
        }
        evidence
    }

    /// A list that stands for the phone's own where that is not known: a reference for its TFTP server.
    pub(super) fn unrelated_list(&self) -> Option<(&'a str, &'a TrustList)> {
        let (download, _) = self.served?;
        let references = self.case.references_for(download.server.ip(), |reference| {
            reference.kind == ReferenceKind::Itl && reference.list.is_some()
        });
        references.first().and_then(|reference| Some((reference.path.as_str(), reference.list.as_ref()?)))
    }

    /// Where its rules and what it was seen to do contradict each other, or two who know say different things: in words, with
    /// where both can be looked up.
    pub(super) fn contradictions(&self) -> Vec<(String, Vec<Evidence>)> {
        let testimony = &self.testimony;
        let mut found = Vec::new();
        for (known, what) in [
            (&testimony.itl, "which ITL the phone holds"),
            (&testimony.itl_at_offer, "which ITL the phone held when it was offered the last one"),
            (&testimony.ctl, "which CTL the phone holds"),
        ] {
            if let Known::Disputed(one, other) = known
                && !(std::ptr::eq(known, &raw const testimony.itl_at_offer) && testimony.itl.is_disputed())
            {
                found.push((self.disputed(what, one, other), self.evidence(known)));
            }
        }
        if let Known::Disputed(one, other) = &testimony.list {
            found.push((self.disputed("whether the phone took the list", one, other), self.evidence(&testimony.list)));
        }
        if let Known::Disputed(one, other) = &testimony.failure {
            let what = "whether the phone shows that verification failed";
            found.push((self.disputed(what, one, other), self.evidence(&testimony.failure)));
        }
        for server in &testimony.servers {
            if let Known::Disputed(one, other) = &server.judged {
                let what = format!("whether the phone accepts the certificate of TVS {}", server.address);
                found.push((self.disputed(&what, one, other), self.evidence(&server.judged)));
            }
            if let Some((certificate, list)) = self.accepted_against_its_list(server) {
                let why = format!(
                    "the phone completed a handshake with TVS {}, whose certificate with serial {certificate} is not in {list}: \
                     either it holds another list, or that session is not its own",
                    server.address
                );
                found.push((why, self.evidence(&server.judged)));
            }
        }
        let refuses = testimony.servers.iter().find(|server| server.judged.is(&Judgement::Refused));
        if let (false, Some(server)) = (testimony.trusts_tvs_by_log.is_empty(), refuses) {
            let why = format!(
                "a log says that the phone believed TVS, and the capture shows that it refused the certificate of {}",
                server.address
            );
            let mut evidence = self.evidence_of(&testimony.trusts_tvs_by_log);
            evidence.extend(self.evidence(&server.judged));
            found.push((why, evidence));
        }
        found.dedup();
        found
    }

    /// Two sides of a dispute, in words.
    fn disputed(&self, what: &str, one: &[usize], other: &[usize]) -> String {
        let side = |claims: &[usize]| {
            claims.first().and_then(|&index| self.testimony.claims.get(index)).map_or_else(String::new, |claim| {
                let place = claim.evidence.first().map(|evidence| format!(", {}", self.case.place(evidence)));
                format!("{}{}", super::words::of_claim(claim), place.unwrap_or_default())
            })
        };
        format!("it is disputed {what}: {}; but {}", side(one), side(other))
    }

    /// The serial of a certificate that the phone accepted although the list that it held does not have it, and that list.
    pub(super) fn accepted_against_its_list(&self, server: &ServerSeen) -> Option<(String, &'static str)> {
        let (certificate, _) = server.certificate.as_ref().filter(|_| server.judged.is(&Judgement::Accepted))?;
        let (known, list) = self.list_before(server);
        let list = list.filter(|list| list.is_whole() && self.is_identified(known))?;
        let may_be = |record| crate::trust::compare::is_certificate_of(record, certificate) != Some(false);
        (!list.tvs_records().any(may_be)).then(|| (certificate.serial.to_string(), self.relation(known)))
    }

    /// The sessions of the last boot with web servers.
    pub(super) fn web_sessions(&self) -> impl Iterator<Item = &'a TlsSession> {
        self.sessions().filter(|session| session.service.is_secure_web())
    }

    /// The sessions of the last boot.
    pub(super) fn sessions(&self) -> impl DoubleEndedIterator<Item = &'a TlsSession> {
        self.wire.last_boots().flat_map(|boot| boot.sessions.iter().copied())
    }

    /// The downloads of the last boot.
    pub(super) fn downloads(&self) -> impl DoubleEndedIterator<Item = &'a DownloadRecord> {
        self.wire.last_boots().flat_map(|boot| boot.downloads.iter().copied())
    }

    /// The first request of the last boot that nobody answered over TFTP. Over HTTP it is no fault: phones fall back to TFTP.
    pub(super) fn unanswered(&self) -> Option<&'a DownloadRecord> {
        self.downloads().find(|download| {
            // One request whose answer the capture lost looks the same; a phone that got none asks again.
            matches!(download.ending, DownloadEnding::Unanswered(Silence::Requests { count: 2.., .. }))
                && download.transport == Transport::Tftp
                // Where its files were asked for from several addresses, whoever got no answer may be another host.
                && self.phone.homes.iter().all(|&(address, _)| address == download.client.ip())
                && !self.case.lost_in(&download.span)
        })
    }

    /// A TVS server of the last boot.
    pub(super) fn server(&self, address: SocketAddr) -> Option<&ServerSeen> {
        self.testimony.servers.iter().find(|server| server.address == address)
    }

    /// The last answered download of a kind in the last boot that is no list at all. Of what was not read nobody knows that.
    pub(super) fn broken_list(&self) -> Option<&'a DownloadRecord> {
        let is_broken = |download: &&DownloadRecord| download.was_read && download.list.is_none();
        self.wire.itl.filter(|download| is_broken(download) && download.kind == FileKind::Itl)
    }

    /// Whether nothing of the phone was on the wire: it was only told of.
    pub(super) fn is_unseen(&self) -> bool {
        let Phone { downloads, sessions, reports, identities, .. } = self.phone;
        downloads.is_empty() && sessions.is_empty() && reports.is_empty() && identities.is_empty()
    }

    /// The reference that is the very list on a phone that was not on the wire: what the server itself printed of its list, or a
    /// checksum. A file may be the old list, given so that it is at hand.
    pub(super) fn reference_that_is_held(&self) -> Option<&'a str> {
        let held = self.testimony.itl.settled()?;
        let is_of_server = |reference: &&Reference| {
            let is_itl = matches!(reference.kind, ReferenceKind::Itl | ReferenceKind::Checksum);
            is_itl
                && reference.server.is_none()
                && reference.list.as_ref().is_none_or(|list| list.origin == Origin::Text)
                && held.is(&Holding::File(reference.md5, reference.sha1)) == Some(true)
        };
        let mut references = self.case.references.iter().filter(|_| self.is_unseen());
        references.find(is_of_server).map(|reference| reference.path.as_str())
    }

    /// What texts say of this phone beside verification. Their clocks are not the capture's, so they prove nothing about it.
    pub(super) fn told_observations(&self) -> Vec<Observation> {
        let mut last: Vec<Observation> = Vec::new();
        for heard in self.case.told.about(self.phone.name.as_ref(), &self.phone.addresses).heard() {
            let Some((id, text)) = told(&heard.statement.says) else { continue };
            let place = format!("{}, line {}", heard.path, heard.statement.line);
            let evidence =
                vec![Evidence::line(Arc::clone(&heard.path), heard.statement.line, heard.statement.quote.clone())];
            let observation =
                Observation { id, text: format!("{text}, at a time that its log tells ({place})"), evidence };
            match last.iter_mut().find(|known| known.id == id) {
                Some(known) => *known = observation,
                None => last.push(observation),
            }
        }
        last
    }
}

/// What a statement of a text is shown as.
fn told(says: &Says) -> Option<(&'static str, String)> {
    let of = |server: &Option<IpAddr>| server.map_or_else(String::new, |server| format!(" {server}"));
    Some(match says {
        Says::TvsHandshake => ("tvs_log_handshake", "TVS completed a TLS handshake with this phone".to_owned()),
        Says::TvsRequest(request) => ("tvs_log_request", request.to_string()),
        Says::TvsInList(server) => {
            ("log_tvs_in_list", format!("the phone found the certificate of TVS{} in its list", of(server)))
        }
        Says::TvsAnswered(true) => ("log_tvs_answered", "TVS vouched for a certificate to the phone".to_owned()),
        Says::TvsAnswered(false) => ("log_tvs_answered", "TVS did not vouch for a certificate to the phone".to_owned()),
        Says::WebNotInList(server) => {
            let text = format!("the certificate of web server{} is in neither list of the phone", of(server));
            ("log_web_not_in_list", text)
        }
        Says::WebThroughTvs => {
            ("log_web_through_tvs", "the phone trusts a web server because TVS vouched for it".to_owned())
        }
        Says::AssumesNonsecure => {
            ("log_no_list", "the phone takes its server for not secure: it holds no list".to_owned())
        }
        Says::NotInstalled(lists) if lists.may_be_itl() => {
            ("log_not_installed", "the phone says that no list is installed".to_owned())
        }
        Says::Erased(_) => ("log_erased", "somebody deleted the lists of the phone".to_owned()),
        Says::HostNotFound => ("log_host_not_found", "the phone did not find or accept a service".to_owned()),
        _ => return None,
    })
}
