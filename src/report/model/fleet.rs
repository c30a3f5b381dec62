//! What all phones have in common, as fields.

use std::net::SocketAddr;

use serde::Serialize;

use super::SignerView;
use super::verdict::check_name;
use crate::capture::Timestamp;
use crate::digest::{Digests, Md5Sum, Sha1Sum};
use crate::verdict::{Case, Fleet, Group, Presented, ServedLists, against_references};
use crate::x509::{DistinguishedName, Serial};

#[derive(Debug, Clone, Serialize)]
pub(super) struct FleetView {
    /// Phones with the same finding, the largest group first.
    groups: Vec<GroupView>,
    tftp_servers: Vec<TftpServerView>,
    tvs_servers: Vec<TvsServerView>,
    warnings: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
struct GroupView {
    id: &'static str,
    text: String,
    phones: usize,
    /// How many of them need something to be done; the others only differ from a reference.
    needing_attention: usize,
    deletion_needed: usize,
    undetermined: usize,
    /// The first phones of the group.
    examples: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
struct TftpServerView {
    server: std::net::IpAddr,
    lists: Vec<ServedListView>,
}

#[derive(Debug, Clone, Serialize)]
struct ServedListView {
    md5: Md5Sum,
    sha1: Sha1Sum,
    signer: Option<SignerView>,
    /// When the list was signed.
    signed: Option<Timestamp>,
    /// Phones that got it last.
    phones: usize,
    first_seen: Timestamp,
    last_seen: Timestamp,
}

#[derive(Debug, Clone, Serialize)]
struct TvsServerView {
    server: String,
    certificates: Vec<PresentedView>,
}

#[derive(Debug, Clone, Serialize)]
struct PresentedView {
    /// How it compares with the references that speak of TVS.
    reference: &'static str,
    serial: Serial,
    sha1: Sha1Sum,
    subject: DistinguishedName,
    /// Phones that were shown it.
    phones: usize,
    first_seen: Timestamp,
    last_seen: Timestamp,
}

impl FleetView {
    pub(super) fn new(fleet: &Fleet, case: &Case) -> Self {
        let group = |group: &Group| GroupView {
            id: group.id.name(),
            text: group.text.clone(),
            phones: group.phones,
            needing_attention: group.attention,
            deletion_needed: group.needed,
            undetermined: group.undetermined,
            examples: group.examples.clone(),
        };
        let list = |(digests, served): (Digests, &ServedLists)| {
            let list = served.list.as_deref().map(|served| &served.list);
            ServedListView {
                md5: digests.md5,
                sha1: digests.sha1,
                signer: list.and_then(|list| list.signer()).map(SignerView::from),
                signed: list
                    .and_then(|list| list.header.timestamp)
                    .map(|seconds| Timestamp::from_seconds_and_nanos(i64::from(seconds), 0)),
                phones: served.phones,
                first_seen: served.first.time,
                last_seen: served.last.time,
            }
        };
        let presented = |server: SocketAddr, presented: &Presented| PresentedView {
            reference: check_name(against_references(case, server.ip(), &presented.certificate)),
            serial: presented.certificate.serial.clone(),
            sha1: presented.certificate.sha1,
            subject: presented.certificate.subject.clone(),
            phones: presented.phones,
            first_seen: presented.first.time,
            last_seen: presented.last.time,
        };
        Self {
            groups: fleet.groups().into_iter().map(group).collect(),
            tftp_servers: fleet
                .lists()
                .map(|(server, lists)| TftpServerView { server, lists: lists.into_iter().map(list).collect() })
                .collect(),
            tvs_servers: fleet
                .certificates()
                .map(|(server, certificates)| TvsServerView {
                    server: server.to_string(),
                    certificates: certificates.into_iter().map(|one| presented(server, one)).collect(),
                })
                .collect(),
            warnings: fleet.warnings(case),
        }
    }
}
