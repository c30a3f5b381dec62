//! Claims in words.

use crate::claim::{Claim, Fact, Holding, Judgement, Object, Source};

/// What a claim says and who says it, in half a sentence.
pub(super) fn of_claim(claim: &Claim) -> String {
    let who = match claim.by {
        Source::Wire => "the capture",
        Source::ListAlarm => "the phone's alarm",
        Source::Log => "a log",
        Source::Told => "the option",
    };
    let judged = |judgement: Judgement| match judgement {
        Judgement::Accepted => "accepted",
        Judgement::Refused => "refused",
    };
    match &claim.says {
        Fact::Holds(kind, Holding::Nothing) => format!("{who} says that it holds no {}", kind.name()),
        Fact::Holds(kind, Holding::File(md5, sha1)) => {
            let sum = sha1.map(|sum| format!("SHA-1 {sum}")).or_else(|| md5.map(|sum| format!("MD5 {sum}")));
            format!("{who} names the {} with {}", kind.name(), sum.unwrap_or_default())
        }
        Fact::AsksSigned(true) => "it asks for a signed configuration, as a phone with a list does".to_owned(),
        Fact::AsksSigned(false) => "it asks for its configuration unsigned, as a phone without a list does".to_owned(),
        Fact::Judged(Object::List(_), judgement) => {
            format!("the capture suggests that it {} the list", judged(*judgement))
        }
        Fact::Judged(Object::Config, judgement) => {
            format!("the capture suggests that it {} the configuration", judged(*judgement))
        }
        Fact::Judged(Object::Tvs(server), judgement) => {
            format!("it {} the certificate of {server}", judged(*judgement))
        }
        Fact::ShowsFailure(true) => format!("{who} says that verification failed"),
        Fact::ShowsFailure(false) => format!("{who} says that verification succeeded"),
        Fact::NotServed(kind) => format!("the server has no {}", kind.name()),
        Fact::Presented(server, certificate) => format!("{server} presents serial {}", certificate.serial),
        Fact::Vouched(_, true) => format!("{who} says that TVS vouched"),
        Fact::Vouched(_, false) => format!("{who} says that TVS did not vouch"),
        Fact::Silent(server) => format!("{server} gave no sign of life"),
        Fact::KnowsTvs(_) => format!("{who} says that it found the certificate of TVS in its list"),
        Fact::OldKeySaved(true) => format!("{who} says that a backup of the old key exists"),
        Fact::OldKeySaved(false) => format!("{who} says that there is no backup of the old key"),
    }
}
