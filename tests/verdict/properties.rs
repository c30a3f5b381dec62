//! What holds for every set of facts.

use itlscope::verdict::{Answer, Deletion};
use proptest::prelude::*;

use super::lab::{Expect, Holding, List, Scenario, Then, Tvs};

fn list() -> impl Strategy<Value = List> {
    let signers = prop::sample::select(vec!["cm", "cm/2", "recovery", "token"]);
    let names = vec!["cm", "cm/2", "tvs", "tvs/2", "tvs-sub", "capf", "recovery", "recovery/2"];
    (signers, prop::sample::subsequence(names, 0..6), prop::bool::weighted(0.1)).prop_map(
        |(signer, records, corrupt)| List {
            signer: signer.to_owned(),
            corrupt: corrupt && !records.is_empty(),
            records: records.into_iter().map(str::to_owned).collect(),
        },
    )
}

fn holding() -> impl Strategy<Value = Option<Holding>> {
    let word = |word: &str| Some(Holding::Word(word.to_owned()));
    prop_oneof![
        3 => Just(None),
        1 => Just(word("nothing")),
        1 => Just(word("unknown-list")),
        4 => list().prop_map(|list| Some(Holding::List(list))),
    ]
}

fn tvs() -> impl Strategy<Value = Tvs> {
    let ends =
        ["established", "refused:unknown_ca", "refused:handshake_failure", "unanswered", "tls13", "resumed", "cut"];
    (prop::sample::select(vec!["tvs", "tvs/2", "tvs-sub"]), prop::sample::select(ends.to_vec())).prop_map(
        |(name, ends)| Tvs {
            presents: ["established", "refused:unknown_ca", "cut"].contains(&ends).then(|| name.to_owned()),
            ends: ends.to_owned(),
            expired: false,
        },
    )
}

prop_compose! {
    fn scenario()(
        served in prop::option::weighted(0.9, list()),
        served_ctl in prop::option::weighted(0.2, list()),
        holds in holding(),
        holds_ctl in holding(),
        reports in holding(),
        reported_before in holding(),
        reference in prop::option::of(list()),
        (tvs, tvs_answered_before) in (prop::collection::vec(tvs(), 0..3), prop::option::of(0..100_000_u32)),
        then in prop::sample::select(vec![Then::Nothing, Then::GoesOn, Then::BeginsAgain]),
        phone_says in prop::sample::select(vec![None, Some("verification-failed"), Some("ok")]),
        logged in prop::sample::select(vec![None, Some("failed"), Some("ok")]),
        old_key_backup in prop::option::of(any::<bool>()),
    ) -> Scenario {
        Scenario {
            name: String::new(),
            source: String::new(),
            served,
            served_as: None,
            served_ctl,
            holds,
            holds_ctl,
            reports,
            reported_before,
            reference,
            tvs,
            tvs_answered_before,
            config_signer: None,
            then,
            phone_says: phone_says.map(str::to_owned),
            logged: logged.map(str::to_owned),
            old_key_backup,
            expect: Expect {
                deletion: String::new(),
                conditions: None,
                advice: Vec::new(),
                not_advice: Vec::new(),
                simulated: None,
            },
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn needed_only_when_everything_is_known(scenario in scenario()) {
        let assessment = scenario.assess();
        let holds: Vec<_> = assessment.conditions.iter().map(|condition| condition.holds).collect();
        match assessment.deletion {
            Deletion::Needed => {
                prop_assert!(holds.iter().all(|&holds| holds == Answer::Yes), "{holds:?}");
                // Two of them only the engineer knows, and the third hangs on what the phone holds.
                prop_assert!(scenario.phone_says.is_some() || scenario.logged.is_some());
                prop_assert_eq!(scenario.old_key_backup, Some(false));
                prop_assert!(assessment.holds.source.is_some());
                prop_assert!(assessment.advice.iter().any(|advice| advice.id == "delete_itl"));
            }
            Deletion::NotNeeded => {
                prop_assert!(!assessment.advice.iter().any(|advice| advice.id == "delete_itl"));
            }
            Deletion::Undetermined => {
                prop_assert!(!assessment.advice.iter().any(|advice| advice.id == "delete_itl"));
            }
        }
    }

    #[test]
    fn a_capture_alone_never_asks_for_deletion(scenario in scenario()) {
        let alone = Scenario { holds: None, holds_ctl: None, phone_says: None, logged: None, old_key_backup: None, ..scenario };
        prop_assert_ne!(alone.assess().deletion, Deletion::Needed);
    }

    #[test]
    fn a_list_of_unknown_relation_decides_nothing(scenario in scenario(), other in prop::option::of(list())) {
        // Whatever reference is given, it changes neither the conditions nor the answer where the phone's list is not known.
        let unknown = Scenario {
            holds: None,
            holds_ctl: None,
            reports: None,
            reported_before: None,
            then: Then::Nothing,
            ..scenario
        };
        let with_other = Scenario { reference: other, ..unknown.clone() };
        let (one, two) = (unknown.assess(), with_other.assess());
        let answers = |assessment: &itlscope::verdict::Assessment| assessment.conditions.clone().map(|condition| condition.holds);
        prop_assert_eq!(answers(&one), answers(&two));
        prop_assert_eq!(one.deletion, two.deletion);
    }
}
