//! What an engineer should know about a list and CUCM's own listing does not say.
//!
//! In: a list or signed file, what became of its signature, and what time it is. Out: sentences. It refuses to look at the
//! clock and to judge phones.

use super::envelope::SignedFile;
use super::header::Header;
use super::key::PublicKey;
use super::list::{ListKind, Origin, TrustList};
use super::record::Record;
use super::signature::{Outcome, Verification};
use crate::escape;
use crate::timestamp::Timestamp;
use crate::x509::Certificate;

/// Past this size phones fail to load an ITL (domain.md 2.5).
const LARGEST_FOR_PHONES: usize = 64 * 1024;

/// Remarks on a list. `verification` is what became of its signature, `now` the time to judge validity by.
pub fn list(list: &TrustList, verification: &Verification, now: Timestamp) -> Vec<String> {
    let mut notes = vec![signature(&list.header, verification)];
    let doubt = list.doubt();
    if verification.outcome == Outcome::Invalid || doubt.is_some() {
        if list.said_verified == Some(false) {
            notes.push("The server said that the verification of this list failed.".to_owned());
        } else if let Some(doubt) = doubt {
            notes.push(format!("{}.", capitalised(doubt)));
        }
        notes.push(
            "A list that its own signer's record does not verify is a fault of the server that made it, as after restoring \
             a backup without the CallManager key (CSCtn50405). Deleting it from phones does not help: regenerate \
             CallManager.pem on that server, restart TVS and TFTP."
                .to_owned(),
        );
    }
    notes.extend(contents(list));
    notes.extend(list.records.iter().flat_map(|record| certificate(record, now)));
    notes.extend(list.warnings.iter().map(|warning| escape::line(warning).into_owned()));
    notes
}

/// Remarks on a signed file.
pub fn signed_file(file: &SignedFile, verification: &Verification) -> Vec<String> {
    let mut notes = vec![signature(&file.header, verification)];
    if file.is_encrypted() {
        notes.push(
            "The body is encrypted; the signature covers it as it is, so it can be checked all the same.".to_owned(),
        );
    }
    notes.extend(file.warnings.iter().map(|warning| escape::line(warning).into_owned()));
    notes
}

fn signature(header: &Header, verification: &Verification) -> String {
    let digest = header.digest.map_or_else(String::new, |digest| format!(" ({digest})"));
    format!("Signature{digest} {}: {}.", verification.status(), escape::line(&verification.why))
}

/// What the records amount to.
fn contents(list: &TrustList) -> Vec<String> {
    let mut notes = Vec::new();
    let blank = list.records.iter().filter(|record| record.is_blank()).count();
    if list.looks_rolled_back() && list.is_whole() {
        let what =
            if list.records.is_empty() { "no records" } else { "no CCM+TFTP, TFTP or TVS record with a certificate" };
        notes.push(format!(
            "This is an empty list ({what}), as the parameter \"Prepare Cluster for Rollback to pre 8.0\" makes it: a phone \
             that holds it accepts the next list and any configuration. It is not corrupt."
        ));
    } else if list.kind == ListKind::Ctl && blank > 0 {
        notes.push(format!(
            "{blank} records without a certificate: this CTL was made when the cluster was set from mixed mode to non-secure \
             mode."
        ));
    }
    if list.kind == ListKind::Itl && !list.looks_rolled_back() {
        notes.push(match list.itl_recovery() {
            Some(record) => format!(
                "{} is the recovery key: phones that hold this list accept a list that 'utils itl reset' signs with it.",
                capitalised(&label(record))
            ),
            None if list.is_whole() => "No ITLRecovery record: phones that hold this list cannot be recovered by 'utils itl \
                 reset' (the record exists from release 10.0(1))."
                .to_owned(),
            None => "No ITLRecovery record in what there is of this list.".to_owned(),
        });
        if list.is_whole() && list.tvs_records().next().is_none() {
            notes.push("No TVS record: phones that hold this list cannot ask TVS about a new signer.".to_owned());
        }
    }
    if list.kind == ListKind::Unknown {
        notes.push("The list does not say whether it is an ITL or a CTL; it is shown like an ITL.".to_owned());
    }
    if list.length.is_some_and(|length| length > LARGEST_FOR_PHONES) {
        notes.push(
            "The list is larger than 64 KB: phones fail to load it. Remove certificates that are not needed."
                .to_owned(),
        );
    }
    if list.origin == Origin::Text {
        notes.push("Read from text: hashes, serial numbers and roles are known, key material is not.".to_owned());
    }
    notes
}

/// How long a record's certificate is valid, and where the record contradicts it.
fn certificate(record: &Record, now: Timestamp) -> Vec<String> {
    let Some(der) = record.certificate.as_deref() else {
        return Vec::new();
    };
    let label = label(record);
    let certificate = match Certificate::from_der(der) {
        Ok(certificate) => certificate,
        Err(error) => return vec![format!("{label}: {}", escape::line(&error.to_string()))],
    };
    let mut notes = vec![format!("{label}: certificate {}", validity(&certificate, now))];
    if record.serial.as_ref().is_some_and(|serial| *serial != certificate.serial) {
        notes.push(format!("{label}: its certificate has another serial number, {}", certificate.serial));
    }
    let key = record.public_key.as_deref().and_then(|key| PublicKey::from_record(key).ok());
    if key.is_some() && key != PublicKey::from_certificate(der).ok() {
        notes.push(format!("{label}: its public key is not that of its certificate"));
    }
    notes
}

/// `valid 2014-06-05 to 2019-06-04`, with what is wrong about it in capitals.
fn validity(certificate: &Certificate, now: Timestamp) -> String {
    let day = |time: Timestamp| time.to_string().chars().take(10).collect::<String>();
    let (from, to) = (day(certificate.not_before), day(certificate.not_after));
    let range = format!("valid {from} to {to}");
    if now > certificate.not_after {
        format!("EXPIRED ({range})")
    } else if now < certificate.not_before {
        format!("NOT YET VALID ({range})")
    } else {
        range
    }
}

fn label(record: &Record) -> String {
    escape::line(&record.label()).into_owned()
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}
