//! Models of devices, by the numbers and spellings that protocols use.
//!
//! In: a device type number, or text from a header. Out: the model as Cisco sells it, `CP-7975`. It refuses to guess: a
//! number that is not in the table stays a number.

/// The model of a device type number: SCCP's `deviceType`, and `model.ccm.cisco.com` in SIP, which count alike.
pub(super) fn of_device_type(number: u32) -> String {
    let model = match number {
        6 => "CP-7910",
        7 => "CP-7960",
        8 => "CP-7940",
        9 => "CP-7935",
        115 => "CP-7941G",
        119 => "CP-7971G",
        302 => "CP-7985",
        307 => "CP-7911G",
        308 => "CP-7961G-GE",
        309 => "CP-7941G-GE",
        348 => "CP-7931G",
        365 => "CP-7921G",
        369 => "CP-7906G",
        404 => "CP-7962G",
        412 => "CP-3951",
        431 => "CP-7937G",
        434 => "CP-7942G",
        435 => "CP-7945G",
        436 => "CP-7965G",
        437 => "CP-7975G",
        484 => "CP-7925G",
        493 => "CP-9971",
        495 => "CP-6921",
        496 => "CP-6941",
        497 => "CP-6961",
        503 => "Client Services Framework",
        537 => "CP-9951",
        540 => "CP-8961",
        547 => "CP-6901",
        548 => "CP-6911",
        564 => "CP-6945",
        585 => "CP-8945",
        586 => "CP-8941",
        592 => "CP-3905",
        621 => "CP-7821",
        622 => "CP-7841",
        623 => "CP-7861",
        659 => "CP-8831",
        683 => "CP-8841",
        684 => "CP-8851",
        685 => "CP-8861",
        20000 => "CP-7905",
        30002 => "CP-7920",
        30006 => "CP-7970G",
        30007 => "CP-7912G",
        30008 => "CP-7902G",
        30016 => "Cisco IP Communicator",
        30018 => "CP-7961G",
        30019 => "CP-7936",
        36213 => "CP-7811",
        36216 => "CP-8821",
        36217 => "CP-8811",
        36224 => "CP-8845",
        36225 => "CP-8865",
        36247 => "CP-7832",
        36258 => "CP-8832",
        other => return format!("device type {other}"),
    };
    model.to_owned()
}

/// The model and firmware of a SIP `User-Agent`: `Cisco-CP7821/12.1.1` is a CP-7821.
pub(super) fn of_user_agent(text: &str) -> Option<(String, Option<&str>)> {
    let text = text.strip_prefix("Cisco-")?;
    let (series, rest) = ["CP", "DP"].iter().find_map(|series| Some((series, text.strip_prefix(series)?)))?;
    let (model, version) = rest.split_once('/').unwrap_or((rest, ""));
    let model = model.trim_start_matches('-');
    let plain = !model.is_empty() && model.len() <= 16 && model.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    plain.then(|| (format!("{series}-{model}"), (!version.is_empty()).then_some(version)))
}

/// What stands before the model in text that people read, by the generations of phones.
const BEFORE_MODEL: [&str; 4] = ["IP Phone", "IP Conference Phone", "Desk Phone", "Video Phone"];
/// What article numbers of phones begin with; those of the 9800 series with the second.
const ARTICLES: [&str; 2] = ["CP-", "DP-"];

/// The model in text that people read: `Cisco IP Phone 7975`, `Cisco Systems, Inc. IP Phone CP-7975G`, `… CP-7911G,V2,`.
pub(super) fn of_platform(text: &str) -> Option<String> {
    let rest = BEFORE_MODEL.iter().find_map(|before| text.split_once(before)).map(|(_, rest)| rest)?;
    let word = rest.split(|c: char| c.is_whitespace() || c == ',' || c == ';').find(|word| !word.is_empty())?;
    let model = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let is_plain = model.len() <= 16 && model.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    // `Cisco IP Phone, …` has no model.
    let is_model = is_plain && model.chars().any(|c| c.is_ascii_digit());
    is_model.then(|| if is_article(model) { model.to_owned() } else { format!("CP-{model}") })
}

/// Whether the text begins like the article number of a phone.
pub(super) fn is_article(text: &str) -> bool {
    ARTICLES.iter().any(|article| text.starts_with(article))
}

/// Whether the text is the name of a desk phone: `SEP` and twelve hexadecimal digits.
pub(super) fn is_phone_name(text: &str) -> bool {
    let digits = text.strip_prefix("SEP").or_else(|| text.strip_prefix("sep")).unwrap_or_default();
    digits.len() == 12 && digits.chars().all(|c| c.is_ascii_hexdigit())
}

/// The name of the desk phone with this MAC address.
pub(super) fn phone_name(mac: [u8; 6]) -> String {
    mac.iter().fold("SEP".to_owned(), |name, byte| format!("{name}{byte:02X}"))
}

/// What the common name of a phone's certificate says: `CP-8861-SEP0011215A1AE3` is the model and the device (domain.md 4.1).
pub(super) fn of_common_name(name: &str) -> Option<(Option<String>, String)> {
    let at = name.rfind("SEP").or_else(|| name.rfind("sep"))?;
    let (model, device) = (name.get(..at)?, name.get(at..)?);
    let model = model.trim_end_matches('-');
    is_phone_name(device).then(|| ((!model.is_empty()).then(|| model.to_owned()), device.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_spellings() {
        assert_eq!(of_device_type(437), "CP-7975G");
        assert_eq!(of_device_type(36217), "CP-8811");
        assert_eq!(of_device_type(36258), "CP-8832");
        assert_eq!(of_device_type(4711), "device type 4711");
        assert_eq!(of_user_agent("Cisco-CP7821/12.1.1"), Some(("CP-7821".to_owned(), Some("12.1.1"))));
        assert_eq!(of_user_agent("Cisco-CP7962G/9.4.2"), Some(("CP-7962G".to_owned(), Some("9.4.2"))));
        assert_eq!(of_user_agent("Cisco-DP-9871/3.1"), Some(("DP-9871".to_owned(), Some("3.1"))));
        assert_eq!(of_user_agent("Cisco-CP/1"), None);
        assert_eq!(of_user_agent("Twinkle/1.4"), None);
        assert_eq!(of_platform("Cisco IP Phone 7975").as_deref(), Some("CP-7975"));
        assert_eq!(of_platform("Cisco Systems, Inc. IP Phone CP-8861\0").as_deref(), Some("CP-8861"));
        assert_eq!(of_platform("Cisco IP Phone 8861, V1, sip88xx.12-1").as_deref(), Some("CP-8861"));
        assert_eq!(of_platform("Cisco IP Phone CP-7911G,V2, SCCP11.9-4-2SR3-1S").as_deref(), Some("CP-7911G"));
        assert_eq!(of_platform("Cisco IP Phone CP-7911G,V2,").as_deref(), Some("CP-7911G"));
        assert_eq!(of_platform("Cisco IP Conference Phone 8832").as_deref(), Some("CP-8832"));
        assert_eq!(of_platform("Cisco Desk Phone 9871").as_deref(), Some("CP-9871"));
        assert_eq!(of_platform("Cisco Systems, Inc. Desk Phone DP-9841").as_deref(), Some("DP-9841"));
        assert_eq!(of_platform("Cisco Video Phone 8875, PhoneOS.3.1").as_deref(), Some("CP-8875"));
        assert_eq!(of_platform("Cisco IP Phone, of any kind"), None);
        assert_eq!(of_platform("cisco WS-C3750"), None);
        assert!(is_phone_name("SEP0011215A1AE3") && !is_phone_name("SEP0011215A1AE") && !is_phone_name("CUCM"));
    }

    #[test]
    fn names_in_certificates() {
        let device = "SEP0011215A1AE3".to_owned();
        assert_eq!(of_common_name("CP-8861-SEP0011215A1AE3"), Some((Some("CP-8861".to_owned()), device.clone())));
        assert_eq!(of_common_name("SEP0011215A1AE3"), Some((None, device)));
        assert_eq!(of_common_name("CUCM.SEPTEMBER.example"), None);
        assert_eq!(of_common_name("SEP"), None);
    }
}
