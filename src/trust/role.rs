//! Which service a certificate is of.
//!
//! In: a certificate, what was said of it, the name of its file, and lists that may have it. Out: [`Role`]. It refuses to take a
//! certificate for TVS's because somebody gave it as a reference.

use super::described::Described;
use super::list::TrustList;
use super::record::Function;

/// Which service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// The Trust Verification Service.
    Tvs,
    /// Another one, in words.
    Other(String),
    /// It cannot be told.
    Unknown,
}

/// What files are called that OS Administration exports; the first that fits counts.
const FILES: [(&str, &str); 9] = [
    ("tvs", "TVS"),
    ("capf", "CAPF"),
    ("itlrecovery", "ITLRecovery"),
    ("recovery", "ITLRecovery"),
    ("callmanager", "CallManager"),
    ("tomcat", "Tomcat"),
    ("ipsec", "IPsec"),
    ("authz", "Authz"),
    ("sast", "an eToken"),
];

/// Finds out which service a certificate is of: by what is said, by a list that has it, by its subject, by its file's name.
pub fn role<'a>(
    certificate: &Described,
    said: Option<&str>,
    path: &str,
    lists: impl Iterator<Item = &'a TrustList>,
) -> Role {
    if let Some(said) = said.or(certificate.role.as_deref()) {
        return if said.eq_ignore_ascii_case("tvs") { Role::Tvs } else { Role::Other(said.to_owned()) };
    }
    let mut of_list: Option<String> = None;
    let mut issues_others = false;
    for record in lists.flat_map(|list| &list.records) {
        let same_hash = certificate.sha1.zip(record.certificate_sha1).map(|(one, other)| one == other);
        let same_name = match (&certificate.issuer, &record.issuer) {
            (Some(one), Some(other)) => one == other,
            _ => true,
        };
        let same_serial = record.serial.as_ref().is_some_and(|serial| certificate.serials.contains(serial));
        if same_hash.unwrap_or(same_serial && same_name) {
            if record.function == Some(Function::TVS) {
                return Role::Tvs;
            }
            of_list = of_list.or_else(|| record.function.map(|function| function.to_string()));
        }
        issues_others |=
            record.issuer.is_some() && record.issuer == certificate.subject && record.subject != certificate.subject;
    }
    if let Some(function) = of_list {
        return Role::Other(function);
    }
    let common = certificate.subject.as_ref().and_then(|subject| subject.common_name_folded()).unwrap_or_default();
    if common.starts_with("capf-") {
        return Role::Other("CAPF".to_owned());
    }
    if common.starts_with("itlrecovery") {
        return Role::Other("ITLRecovery".to_owned());
    }
    if issues_others {
        return Role::Other("a certificate authority".to_owned());
    }
    let name = path.rsplit(['/', '\\']).next().unwrap_or_default().to_ascii_lowercase();
    if let Some((_, words)) = FILES.iter().find(|(part, _)| name.contains(part)) {
        return if *words == "TVS" { Role::Tvs } else { Role::Other((*words).to_owned()) };
    }
    let stem = name.split('.').next().unwrap_or_default();
    if matches!(stem, "ca" | "root" | "rootca" | "cacert" | "ca-cert" | "issuer") {
        return Role::Other("a certificate authority".to_owned());
    }
    Role::Unknown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x509::DistinguishedName;

    fn named(subject: &str, path: &str) -> Role {
        let certificate = Described { subject: Some(DistinguishedName::from_text(subject)), ..Described::default() };
        role(&certificate, None, path, std::iter::empty())
    }

    #[test]
    fn subject_and_file_tell_the_role() {
        assert_eq!(named("CN=cm-a", "old/TVS.pem"), Role::Tvs);
        assert_eq!(named("CN=CAPF-9c4cba7d", "TVS.pem"), Role::Other("CAPF".to_owned()));
        assert_eq!(named("CN=cm-a", "CallManager.pem"), Role::Other("CallManager".to_owned()));
        assert_eq!(named("CN=cm-a", "tvs/ca.pem"), Role::Other("a certificate authority".to_owned()));
        assert_eq!(named("CN=cm-a", "s_client.txt"), Role::Unknown);
    }

    #[test]
    fn what_is_said_goes_first() {
        let certificate = Described { role: Some("CAPF".to_owned()), ..Described::default() };
        assert_eq!(role(&certificate, Some("tvs"), "ca.pem", std::iter::empty()), Role::Tvs);
        assert_eq!(role(&certificate, None, "tvs.pem", std::iter::empty()), Role::Other("CAPF".to_owned()));
    }
}
