//! Whom to believe: what the claims about one phone come to.
//!
//! In: claims as values, in the order in which each witness made them. Out: a [`Testimony`]: of each thing that rules ask for,
//! what is known, by whose word, or that the words differ. It never calls a witness.
//!
//! | question | rule |
//! | --- | --- |
//! | whose | claims are of this phone: a witness says nothing of what it cannot call the phone's own |
//! | when | of one witness the later word counts; clocks of witnesses are not mixed; an earlier boot is history |
//! | how strong | the order says which word is shown first; it does not silence the other |
//! | against what | words of one boot about one thing that differ are disputed, whatever their strength; only an inference drawn from the other word gives way |

use std::net::SocketAddr;
use std::sync::Arc;

use super::{Claim, Fact, Holding, Judgement, Known, Object, Source, Strength, When};
use crate::trust::ListKind;
use crate::x509::Certificate;

/// What is known of one phone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Testimony {
    /// What was said, history too. Everything below names claims by their place in here.
    pub claims: Vec<Claim>,
    /// The ITL that it holds now.
    pub itl: Known<Holding>,
    /// The CTL that it holds now.
    pub ctl: Known<Holding>,
    /// The ITL that it held when it was offered the last one.
    pub itl_at_offer: Known<Holding>,
    /// Whether it took the last list that it was served.
    pub list: Known<Judgement>,
    /// Whether it took the last configuration that it was served.
    pub config: Known<Judgement>,
    /// The TVS servers of its last boot.
    pub servers: Vec<ServerSeen>,
    /// Logs say that it finds TVS' certificate in its list, or that TVS vouched.
    pub trusts_tvs_by_log: Vec<usize>,
    /// Whether its screen shows that verification failed.
    pub failure: Known<bool>,
    /// Whether a backup of the old key exists.
    pub old_key_saved: Known<bool>,
    /// The server said of both kinds of names that it has no CTL for the phone.
    pub is_without_ctl: bool,
}

/// A TVS server in the last boot of a phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerSeen {
    /// Its address.
    pub address: SocketAddr,
    /// The certificate that it presented last, and the claim that says so.
    pub certificate: Option<(Arc<Certificate>, usize)>,
    /// Whether that came before the last list was there.
    pub before_offer: bool,
    /// What the phone thought of it.
    pub judged: Known<Judgement>,
    /// What it answered.
    pub vouched: Known<bool>,
    /// It gave no sign of life.
    pub silent: Option<usize>,
}

/// Reconciles the claims about one phone. `offered` is the list that it was served last in its last boot, if it took it.
pub fn reconcile(claims: Vec<Claim>, offered: Option<Holding>) -> Testimony {
    let same = |one: &Judgement, other: &Judgement| one == other;
    let judged = |object: Object| {
        weigh(&claims, same, move |claim| match claim.says {
            Fact::Judged(of, judgement) if of == object && claim.when.is_now() => Some(judgement),
            _ => None,
        })
    };
    let list = judged(Object::List(ListKind::Itl));
    let config = judged(Object::Config);
    let servers = servers(&claims, list.is(&Judgement::Accepted));
    let saying = Saying { claims: &claims, offered, list: &list };
    let itl = saying.holds_now(ListKind::Itl);
    let ctl = saying.holds_now(ListKind::Ctl);
    let itl_at_offer = saying.held_at_offer();
    let truth = |pick: fn(&Fact) -> Option<bool>| {
        weigh(&claims, bool::eq, move |claim| pick(&claim.says).filter(|_| claim.when.is_now()))
    };
    let failure = truth(|fact| if let Fact::ShowsFailure(shows) = fact { Some(*shows) } else { None });
    let old_key_saved = truth(|fact| if let Fact::OldKeySaved(saved) = fact { Some(*saved) } else { None });
    let by_log = claims.iter().enumerate().filter(|(_, claim)| {
        claim.by != Source::Wire && matches!(claim.says, Fact::KnowsTvs(_) | Fact::Vouched(_, true))
    });
    let trusts_tvs_by_log = by_log.map(|(index, _)| index).collect();
    let is_without_ctl = claims.iter().any(|claim| claim.says == Fact::NotServed(ListKind::Ctl) && claim.when.is_now());
    Testimony {
        claims,
        itl,
        ctl,
        itl_at_offer,
        list,
        config,
        servers,
        trusts_tvs_by_log,
        failure,
        old_key_saved,
        is_without_ctl,
    }
}

/// What those claims come to of which `pick` finds a value: settled where all are the same, else disputed.
fn weigh<T: Clone>(claims: &[Claim], same: impl Fn(&T, &T) -> bool, pick: impl Fn(&Claim) -> Option<T>) -> Known<T> {
    let found = claims.iter().enumerate().filter_map(|(index, claim)| Some((index, pick(claim)?)));
    settle(claims, found.collect(), same)
}

fn settle<T: Clone>(claims: &[Claim], mut found: Vec<(usize, T)>, same: impl Fn(&T, &T) -> bool) -> Known<T> {
    let strength = |index: usize| claims.get(index).map_or(Strength::Inferred, |claim| claim.strength);
    found.sort_by_key(|&(index, _)| std::cmp::Reverse(strength(index)));
    let Some((_, value)) = found.first().cloned() else { return Known::Unknown };
    let (one, other): (Vec<_>, Vec<_>) = found.into_iter().partition(|(_, said)| same(&value, said));
    let indices = |side: Vec<(usize, T)>| side.into_iter().map(|(index, _)| index).collect::<Vec<_>>();
    if other.is_empty() {
        Known::Settled { value, by: indices(one) }
    } else {
        Known::Disputed(indices(one), indices(other))
    }
}

/// What is said of the lists on a phone.
struct Saying<'a> {
    claims: &'a [Claim],
    offered: Option<Holding>,
    list: &'a Known<Judgement>,
}

impl Saying<'_> {
    /// What is said of this list by those who speak of such a time: of each witness the last word.
    fn said(&self, kind: ListKind, times: &[When]) -> Vec<(usize, Holding)> {
        let mut said: Vec<(Source, usize, Holding)> = Vec::new();
        for (index, claim) in self.claims.iter().enumerate() {
            let Fact::Holds(of, holding) = claim.says else { continue };
            if of != kind || !times.contains(&claim.when) {
                continue;
            }
            match said.iter_mut().find(|(source, ..)| *source == claim.by && claim.by != Source::Told) {
                Some(earlier) => *earlier = (claim.by, index, holding),
                None => said.push((claim.by, index, holding)),
            }
        }
        said.into_iter().map(|(_, index, holding)| (index, holding)).collect()
    }

    fn asks_signed(&self, signed: bool) -> Option<usize> {
        self.claims.iter().position(|claim| claim.says == Fact::AsksSigned(signed) && claim.when.is_now())
    }

    fn is_told(&self, index: usize) -> bool {
        self.claims.get(index).is_some_and(|claim| claim.by == Source::Told)
    }

    fn holds_now(&self, kind: ListKind) -> Known<Holding> {
        let mut said = self.said(kind, &[When::AfterOffer, When::Standing]);
        let is_itl = kind == ListKind::Itl;
        // What it held before it holds still, where it was offered nothing or refused that.
        let kept = self.offered.is_none() || !is_itl || self.list.is(&Judgement::Refused);
        if said.is_empty() && kept {
            said = self.said(kind, &[When::BeforeOffer]);
        }
        if is_itl && let (Known::Settled { value: Judgement::Accepted, by }, Some(offered)) = (self.list, self.offered)
        {
            // Who does not say when, may have said it before the phone took another list: then nobody knows which it holds now.
            let is_standing = |index: usize| self.claims.get(index).is_some_and(|claim| claim.when == When::Standing);
            if said.iter().any(|&(index, holding)| is_standing(index) && !is_same(&holding, &offered)) {
                said.retain(|&(index, _)| !is_standing(index));
            } else {
                said.extend(by.iter().map(|&index| (index, offered)));
            }
        }
        let signed = self.asks_signed(true).filter(|_| is_itl);
        if signed.is_some()
            && let [(index, Holding::Nothing)] = said[..]
            && self.is_told(index)
        {
            // That it held none is no contradiction: it has taken one since.
            said.clear();
        }
        let known = settle(self.claims, said, is_same);
        let against = match &known {
            Known::Settled { value: Holding::Nothing, .. } => signed,
            Known::Settled { value: Holding::File(..), .. } if is_itl && signed.is_none() => self.asks_signed(false),
            _ => None,
        };
        disputed_by(known, against)
    }

    fn held_at_offer(&self) -> Known<Holding> {
        let mut said = self.said(ListKind::Itl, &[When::BeforeOffer, When::Standing]);
        // Another list than it was offered, reported afterwards, is the one that it kept.
        let by = |index: usize| self.claims.get(index).map(|claim| claim.by);
        let kept = self.said(ListKind::Itl, &[When::AfterOffer]).into_iter().filter(|(index, holding)| {
            holding.sha1().is_some()
                && self.offered.is_some_and(|offered| holding.is(&offered) == Some(false))
                && !said.iter().any(|(earlier, _)| by(*earlier) == by(*index))
        });
        let kept: Vec<_> = kept.collect();
        said.extend(kept);
        let known = settle(self.claims, said, is_same);
        let against = match &known {
            Known::Settled { value: Holding::Nothing, by } => {
                // Who holds none refuses none. That no list was there at some time says nothing of this boot.
                let refused = self.list.by().first().copied().filter(|_| self.list.is(&Judgement::Refused));
                let undated = by.iter().all(|&index| {
                    let claim = self.claims.get(index);
                    claim.is_some_and(|claim| claim.when == When::Standing && claim.by != Source::Told)
                });
                refused.or_else(|| self.asks_signed(true).filter(|_| undated))
            }
            _ => None,
        };
        disputed_by(known, against)
    }
}

/// Two holdings without a common checksum do not contradict each other.
fn is_same(one: &Holding, other: &Holding) -> bool {
    one.is(other) != Some(false)
}

fn disputed_by(known: Known<Holding>, against: Option<usize>) -> Known<Holding> {
    match (known, against) {
        (Known::Settled { by, .. }, Some(against)) => Known::Disputed(by, vec![against]),
        (known, _) => known,
    }
}

impl ServerSeen {
    const fn new(address: SocketAddr) -> Self {
        Self {
            address,
            certificate: None,
            before_offer: false,
            judged: Known::Unknown,
            vouched: Known::Unknown,
            silent: None,
        }
    }
}

/// The TVS servers of the last boot. Where the phone took a list meanwhile, what it thought of them before is of the list before.
fn servers(claims: &[Claim], took_list: bool) -> Vec<ServerSeen> {
    let mut servers: Vec<ServerSeen> = Vec::new();
    for (index, claim) in claims.iter().enumerate().filter(|(_, claim)| claim.when.is_now()) {
        let (Fact::Presented(address, _)
        | Fact::Silent(address)
        | Fact::Judged(Object::Tvs(address), _)
        | Fact::Vouched(Some(address), _)) = claim.says
        else {
            continue;
        };
        if !servers.iter().any(|server| server.address == address) {
            servers.push(ServerSeen::new(address));
        }
        let Some(server) = servers.iter_mut().find(|server| server.address == address) else { continue };
        match &claim.says {
            Fact::Presented(_, certificate) => {
                server.certificate = Some((Arc::clone(certificate), index));
                server.before_offer = claim.when == When::BeforeOffer;
            }
            Fact::Silent(_) => server.silent = Some(index),
            _ => {}
        }
    }
    for server in &mut servers {
        let address = server.address;
        let is_of = |claim: &Claim| matches!(claim.says, Fact::Judged(Object::Tvs(of), _) if of == address);
        let since = took_list && claims.iter().any(|claim| is_of(claim) && claim.when == When::AfterOffer);
        server.judged = weigh(claims, Judgement::eq, |claim| match claim.says {
            Fact::Judged(_, judgement) if is_of(claim) && claim.when.is_now() => {
                (!since || claim.when == When::AfterOffer).then_some(judgement)
            }
            _ => None,
        });
        server.vouched = weigh(claims, bool::eq, |claim| match claim.says {
            Fact::Vouched(Some(of), yes) if of == address && claim.when.is_now() => Some(yes),
            _ => None,
        });
        if server.certificate.is_some() || server.judged != Known::Unknown {
            server.silent = None;
        }
    }
    servers
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sum(byte: u8) -> Holding {
        Holding::File(None, Some(crate::digest::Sha1Sum([byte; 20])))
    }

    fn claim(says: Fact, when: When, by: Source) -> Claim {
        let strength = match by {
            Source::Wire => Strength::Inferred,
            Source::ListAlarm | Source::Log | Source::Told => Strength::Stated,
        };
        Claim { says, when, by, strength, evidence: Vec::new() }
    }

    fn holds(holding: Holding, when: When, by: Source) -> Claim {
        claim(Fact::Holds(ListKind::Itl, holding), when, by)
    }

    fn judged(judgement: Judgement) -> Claim {
        claim(Fact::Judged(Object::List(ListKind::Itl), judgement), When::AfterOffer, Source::Wire)
    }

    #[test]
    fn nobody_says_anything() {
        let testimony = reconcile(Vec::new(), Some(sum(1)));
        assert_eq!((testimony.itl, testimony.itl_at_offer), (Known::Unknown, Known::Unknown));
        assert_eq!((testimony.list, testimony.failure), (Known::Unknown, Known::Unknown));
    }

    #[test]
    fn an_earlier_boot_is_history() {
        for says in [Fact::Holds(ListKind::Itl, sum(1)), Fact::Judged(Object::Config, Judgement::Refused)] {
            let testimony = reconcile(vec![claim(says, When::Earlier, Source::ListAlarm)], Some(sum(1)));
            assert_eq!((testimony.itl, testimony.itl_at_offer), (Known::Unknown, Known::Unknown));
            assert_eq!(testimony.config, Known::Unknown);
        }
    }

    #[test]
    fn an_alarm_before_the_list_is_of_the_list_before() {
        let before = holds(sum(1), When::BeforeOffer, Source::ListAlarm);
        let testimony = reconcile(vec![before.clone()], Some(sum(2)));
        assert_eq!((testimony.itl, testimony.itl_at_offer.settled()), (Known::Unknown, Some(&sum(1))));
        let testimony = reconcile(vec![before, judged(Judgement::Refused)], Some(sum(2)));
        assert_eq!(testimony.itl.settled(), Some(&sum(1)), "it kept what it had");
    }

    #[test]
    fn an_alarm_behind_the_list_tells_which_it_kept() {
        let after = |byte| reconcile(vec![holds(sum(byte), When::AfterOffer, Source::ListAlarm)], Some(sum(2)));
        assert_eq!((after(2).itl.settled(), after(2).itl_at_offer), (Some(&sum(2)), Known::Unknown));
        assert_eq!((after(1).itl.settled(), after(1).itl_at_offer.settled()), (Some(&sum(1)), Some(&sum(1))));
    }

    #[test]
    fn the_later_alarm_counts() {
        let alarms = [1, 2].map(|byte| holds(sum(byte), When::AfterOffer, Source::ListAlarm));
        assert_eq!(reconcile(alarms.to_vec(), Some(sum(2))).itl.settled(), Some(&sum(2)));
    }

    #[test]
    fn option_and_alarm_that_differ_are_disputed() {
        let told = holds(sum(1), When::Standing, Source::Told);
        let alarm = holds(sum(2), When::AfterOffer, Source::ListAlarm);
        for claims in [vec![told.clone(), alarm.clone()], vec![alarm, told]] {
            assert!(reconcile(claims, Some(sum(3))).itl.is_disputed());
        }
    }

    #[test]
    fn two_checksums_of_different_kinds_do_not_differ() {
        let md5 = Holding::File(Some(crate::digest::Md5Sum([1; 16])), None);
        let claims = vec![holds(md5, When::Standing, Source::Told), holds(sum(2), When::AfterOffer, Source::ListAlarm)];
        assert!(!reconcile(claims, None).itl.is_disputed());
    }

    #[test]
    fn unsigned_request_speaks_against_a_list() {
        let told = holds(sum(1), When::Standing, Source::Told);
        let asks = |signed| claim(Fact::AsksSigned(signed), When::AfterOffer, Source::Wire);
        assert!(reconcile(vec![told.clone(), asks(false)], None).itl.is_disputed());
        assert_eq!(reconcile(vec![told, asks(true)], None).itl.settled(), Some(&sum(1)));
    }

    #[test]
    fn who_holds_none_refuses_none() {
        let none = holds(Holding::Nothing, When::BeforeOffer, Source::ListAlarm);
        assert_eq!(reconcile(vec![none.clone()], Some(sum(1))).itl_at_offer.settled(), Some(&Holding::Nothing));
        assert!(reconcile(vec![none, judged(Judgement::Refused)], Some(sum(1))).itl_at_offer.is_disputed());
    }

    #[test]
    fn acceptance_and_refusal_are_disputed() {
        let both = vec![judged(Judgement::Accepted), judged(Judgement::Refused)];
        let testimony = reconcile(both, Some(sum(1)));
        assert!(testimony.list.is_disputed());
        assert_eq!(testimony.itl, Known::Unknown, "a dispute settles nothing");
    }

    #[test]
    fn of_each_server_its_own() {
        let server = |last: u8| SocketAddr::from(([10, 0, 1, last], 2445));
        let says = |last, judgement| Fact::Judged(Object::Tvs(server(last)), judgement);
        let claims =
            [(1, Judgement::Refused), (2, Judgement::Accepted), (3, Judgement::Accepted), (3, Judgement::Refused)];
        let claims = claims.map(|(last, judgement)| claim(says(last, judgement), When::AfterOffer, Source::Wire));
        let servers = reconcile(claims.to_vec(), None).servers;
        assert!(servers[0].judged.is(&Judgement::Refused) && servers[1].judged.is(&Judgement::Accepted));
        assert!(servers[2].judged.is_disputed());
    }

    proptest! {
        // What unrelated witnesses say comes to the same in whatever order they say it.
        #[test]
        fn order_of_claims_changes_nothing(order in Just((0..6).collect::<Vec<usize>>()).prop_shuffle()) {
            let server = SocketAddr::from(([10, 0, 1, 1], 2445));
            let all = [
                holds(sum(1), When::Standing, Source::Told),
                holds(sum(1), When::AfterOffer, Source::ListAlarm),
                claim(Fact::ShowsFailure(true), When::Standing, Source::Told),
                claim(Fact::ShowsFailure(false), When::Standing, Source::Log),
                claim(Fact::Judged(Object::Tvs(server), Judgement::Refused), When::AfterOffer, Source::Wire),
                claim(Fact::AsksSigned(true), When::BeforeOffer, Source::Wire),
            ];
            let gist = |testimony: &Testimony| {
                let kind = |known: &Known<bool>| (known.settled().copied(), known.is_disputed());
                (testimony.itl.settled().copied(), testimony.itl_at_offer.settled().copied(), kind(&testimony.failure),
                 testimony.servers[0].judged.settled().copied())
            };
            let shuffled = order.iter().map(|&index| all[index].clone()).collect();
            prop_assert_eq!(gist(&reconcile(shuffled, None)), gist(&reconcile(all.to_vec(), None)));
        }
    }
}
