//! What holds for every set of facts.

use itlscope::claim::Source;
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
            repeated: 0,
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
        |(name, ends)| Tvs::new(["established", "refused:unknown_ca", "cut"].contains(&ends).then_some(name), ends),
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
        served_before in prop::option::weighted(0.3, list()),
        web in prop::option::weighted(0.3, tvs()),
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
            served_before,
            tvs_about_config: None,
            config_signer: None,
            config_file: None,
            asks_encrypted_first: false,
            then,
            further: None,
            web,
            registers: false,
            model: None,
            asks_no_itl: false,
            phone_says: phone_says.map(str::to_owned),
            logged: logged.map(str::to_owned),
            old_key_backup,
            expect: Expect {
                deletion: String::new(),
                conditions: None,
                advice: Vec::new(),
                not_advice: Vec::new(),
                simulated: None,
                observed: Vec::new(),
                not_observed: Vec::new(),
                because: None,
            },
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn needed_only_when_everything_is_known(scenario in scenario()) {
        let assessment = scenario.assess();
        let holds: Vec<_> = assessment.conditions.all().map(|condition| condition.holds).into_iter().collect();
        match assessment.deletion {
            Deletion::Needed => {
                prop_assert!(holds.iter().all(|&holds| holds == Answer::Yes), "{holds:?}");
                // Two of them only the engineer knows, and the third hangs on what the phone holds.
                prop_assert!(scenario.phone_says.is_some() || scenario.logged.is_some());
                prop_assert_eq!(scenario.old_key_backup, Some(false));
                prop_assert!(matches!(assessment.holds.source, Some(Source::Told | Source::ListAlarm)));
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
            served_before: None,
            then: Then::Nothing,
            ..scenario
        };
        let with_other = Scenario { reference: other, ..unknown.clone() };
        let (one, two) = (unknown.assess(), with_other.assess());
        let answers = |assessment: &itlscope::verdict::Assessment| assessment.conditions.all().map(|condition| condition.holds);
        prop_assert_eq!(answers(&one), answers(&two));
        prop_assert_eq!(one.deletion, two.deletion);
    }

    #[test]
    fn what_contradicts_itself_is_not_certain(scenario in scenario()) {
        // Whatever is said by option of the list on the phone: where the phone itself says otherwise, that decides nothing.
        let said = Scenario { phone_says: None, logged: None, old_key_backup: None, tvs: Vec::new(), served_before: None, web: None, ..scenario };
        let assessment = said.assess();
        if assessment.findings.iter().any(|finding| finding.id.name() == "contradiction") {
            prop_assert_ne!(assessment.deletion, Deletion::Needed);
            let direct = assessment.conditions.all().into_iter().any(|condition| {
                condition.holds == Answer::No && ["reports to hold exactly", "takes the next one"].iter().any(|certain| condition.why.contains(certain))
            });
            prop_assert!(direct || assessment.deletion == Deletion::Undetermined, "{}", assessment.because);
        }
    }

    #[test]
    fn a_phone_that_failed_at_tvs_has_not_accepted(scenario in scenario()) {
        let refused = Tvs::new(Some("tvs/2"), "refused:unknown_ca");
        let stuck = Scenario { tvs: vec![refused], served_before: None, ..scenario };
        let assessment = stuck.assess();
        prop_assert!(!assessment.observed.iter().any(|inference| inference.id == "list_accepted"));
    }
}
