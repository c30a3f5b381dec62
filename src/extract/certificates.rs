//! Certificates that were presented, as PEM.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use data_encoding::BASE64;

use super::client::Client;
use super::failure::Failure;
use super::folder::Folder;
use super::manifest::{CertificateEntry, Manifest, Presented};
use super::names::Names;
use crate::digest::Sha256Sum;
use crate::event::Side;
use crate::x509::Certificate;

/// Writes every certificate that a server or a phone presented, each once, and tells the manifest. Returns what failed.
pub(super) fn write(
    clients: &[Client<'_>],
    folder: &Folder,
    names: &mut Names,
    manifest: &mut Manifest,
) -> Vec<Failure> {
    let mut all: BTreeMap<Sha256Sum, (Arc<Certificate>, Vec<Presented>)> = BTreeMap::new();
    for client in clients {
        for session in &client.sessions {
            let milestones = &session.milestones;
            let shown = [
                (&session.certificate, Side::Server, milestones.certificate),
                (&session.client_certificate, Side::Client, milestones.client_certificate),
            ];
            for (certificate, by, moment) in shown {
                if let (Some(certificate), Some(moment)) = (certificate, moment) {
                    let entry = all.entry(certificate.sha256).or_insert_with(|| (Arc::clone(certificate), Vec::new()));
                    entry.1.push(Presented::new(client, session, by, moment));
                }
            }
        }
    }
    let mut all: Vec<_> = all.into_values().collect();
    all.sort_by_key(|(certificate, presented)| (presented.iter().map(Presented::position).min(), certificate.sha256));
    let mut failed = Vec::new();
    for (certificate, mut presented) in all {
        presented.sort_by_key(Presented::position);
        let path = names.take("certificates", &format!("{}.pem", certificate.serial));
        match folder.write(&path, pem(&certificate).as_bytes()) {
            Ok(()) => manifest.certificates.push(CertificateEntry::new(path, &certificate, presented)),
            Err(error) => failed.push(Failure::new(&path, &error)),
        }
    }
    failed
}

/// The certificate as text (RFC 7468).
fn pem(certificate: &Certificate) -> String {
    let mut text = "-----BEGIN CERTIFICATE-----\n".to_owned();
    // 48 bytes make a line of 64 characters.
    for line in certificate.der.chunks(48) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", BASE64.encode_display(line));
    }
    text.push_str("-----END CERTIFICATE-----\n");
    text
}
