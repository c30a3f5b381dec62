//! DeviceTLInfo alarms in text: as XML in a SIP trace, and as CUCM's syslog and event viewers print them (domain.md 4.6).
//!
//! How a viewer lays the alarm out differs; what it calls the parameters does not. So the parameters are looked for by name,
//! and each `DeviceName` begins another alarm.

use std::sync::LazyLock;

use regex_lite::Regex;

use crate::digest::Sha1Sum;
use crate::phone::DeviceName;

/// What a phone reports of its lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// The phone.
    pub device: DeviceName,
    /// Its ITL; `None` where the alarm does not say.
    pub itl: Option<AlarmList>,
    /// Its CTL; `None` where the alarm does not say.
    pub ctl: Option<AlarmList>,
}

/// A list in an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlarmList {
    /// SHA-1 of the file.
    Installed(Sha1Sum),
    /// There is none.
    NotInstalled,
}

/// A parameter: its name, then what stands between it and its value in XML (`">`) or in viewers (`=`, `:`), then the value.
static PARAMETER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(DeviceName|CTL_Signature|ITL_Signature)\s*"?\s*[=:>\]]\s*"?\s*((?i:not installed)|[0-9A-Fa-f]{2}(?:[ :-]?[0-9A-Fa-f]{2}){19}|[A-Za-z0-9_.-]+)"#,
    )
    .ok()
});

/// Every alarm in the text with the line on which it begins, from 1.
pub(super) fn find(text: &str) -> Vec<(usize, Alarm)> {
    let mut alarms: Vec<(usize, Alarm)> = Vec::new();
    // Other alarms have a device name too; only those that speak of lists count.
    if !text.contains("_Signature") {
        return alarms;
    }
    let Some(pattern) = PARAMETER.as_ref() else { return alarms };
    let (mut line, mut counted) = (1, 0);
    for found in pattern.captures_iter(text) {
        let (Some(whole), Some(name), Some(value)) = (found.get(0), found.get(1), found.get(2)) else { continue };
        let between = text.get(counted..whole.start()).unwrap_or_default();
        line += between.bytes().filter(|&byte| byte == b'\n').count();
        counted = whole.start();
        let value = value.as_str();
        if name.as_str() == "DeviceName" {
            if let Some(device) = DeviceName::new(value) {
                alarms.push((line, Alarm { device, itl: None, ctl: None }));
            }
            continue;
        }
        let list = if value.eq_ignore_ascii_case("not installed") {
            Some(AlarmList::NotInstalled)
        } else {
            value.parse().ok().map(AlarmList::Installed)
        };
        if let Some((_, alarm)) = alarms.last_mut() {
            let slot = if name.as_str() == "ITL_Signature" { &mut alarm.itl } else { &mut alarm.ctl };
            *slot = slot.or(list);
        }
    }
    alarms.retain(|(_, alarm)| alarm.itl.is_some() || alarm.ctl.is_some());
    alarms
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUM: &str = "1B A1 C9 07 E9 9E 4D 3C 53 9D C8 14 24 AF 6C 9F 7D CE 4D 6D";

    fn only(text: &str) -> (usize, Alarm) {
        let mut alarms = find(text);
        assert_eq!(alarms.len(), 1, "{alarms:?}");
        alarms.remove(0)
    }

    #[test]
    fn the_same_alarm_in_every_layout() {
        let xml = format!(
            "<Alarm Name=\"DeviceTLInfo\">\n<String name=\"DeviceName\">SEPC80084AA8743</String>\n\
             <String name=\"CTL_Signature\">Not Installed</String>\n<String name=\"ITL_Signature\">{SUM} </String>\n"
        );
        let syslog = format!(
            "Mar  9 13:32:45 cucm-115 : 57: %UC_-6-DeviceTLInfo: %[DeviceName=SEPC80084AA8743][IPv4Address=192.168.7.104]\
             [CTL_Signature=Not Installed][ITL_Signature={SUM}][StatusCode=3]: phone"
        );
        let viewer = format!("\nDeviceName : SEPC80084AA8743\nCTL_Signature : Not Installed\nITL_Signature : {SUM}\n");
        let sum = SUM.parse().unwrap();
        for (text, line) in [(xml, 2), (syslog, 1), (viewer, 2)] {
            let (found, alarm) = only(&text);
            assert_eq!(alarm.device.as_str(), "SEPC80084AA8743", "{text}");
            assert_eq!(
                (alarm.itl, alarm.ctl),
                (Some(AlarmList::Installed(sum)), Some(AlarmList::NotInstalled)),
                "{text}"
            );
            assert_eq!(found, line, "{text}");
        }
    }

    #[test]
    fn several_phones_and_other_alarms() {
        let text = format!(
            "[DeviceName=SEP000000000001][Reason=8]\n[DeviceName=SEP000000000002][ITL_Signature={SUM}]\n\
             [DeviceName=SEP000000000003][ITL_Signature=Not Installed]\n[DeviceName=SEP000000000004][ITL_Signature=12 34]\n"
        );
        let names: Vec<_> = find(&text).into_iter().map(|(line, alarm)| (line, alarm.device.to_string())).collect();
        assert_eq!(names, [(2, "SEP000000000002".to_owned()), (3, "SEP000000000003".to_owned())]);
    }
}
