//! Everybody who is no phone of the plan.
//!
//! In: a [`Host`] of the plan. Out: its packets. It refuses to know what anybody makes of them.

use std::net::SocketAddr;

use super::phone::{alarm, configuration, name, registration};
use super::pki::{self, Role};
use super::truth::State;
use super::wire::{Answer, Line, Reply, Talk, Whose, Wire};
use super::world::{Deed, Host, SECOND, START, Tls, TvsState, World};

/// Does what the host does; `state` is the phone's at that moment.
pub(crate) fn act(world: &World, host: &Host, index: usize, state: &State, wire: &mut Wire) {
    let plan = &world.phones[host.phone];
    let shares = matches!(host.does, Deed::SharesAddress | Deed::Leases);
    let address = if shares { plan.address } else { host.address };
    let mac = if host.does == Deed::SharesAddress {
        [0, 0x1b, 0x54, 9, 9, 9]
    } else {
        [0, 0x50, 0x56, 1, 1, host.address[3]]
    };
    let port = 42_000 + u16::try_from(index).unwrap() * 300;
    let mut line = Line {
        wire,
        now: (START + host.at) * SECOND,
        address,
        mac,
        whose: Whose::Host,
        port,
        repeats: None,
        rival: None,
    };
    let server = World::address(plan.cluster, plan.node);
    let era = world.clusters[usize::from(plan.cluster)].era_at(host.at);
    let answers = world.clusters[usize::from(plan.cluster)].eras[era].answers;
    let reply = |file| if answers { Reply::File(file) } else { Reply::Silence };
    let device = name(plan);
    match host.does {
        Deed::LooksAtList => {
            let list = world.served(plan.cluster, plan.node, era).bytes();
            line.tftp(server, &format!("ITL{device}.tlv"), reply(&list), None);
        }
        Deed::ReadsConfig => {
            let signer = world.cert(plan.cluster, Role::CallManager, plan.node, era);
            let file = format!("{device}.cnf.xml.sgn");
            let bytes = pki::signed_file(&file, &configuration(world, plan), signer, signer.key(), false);
            line.tftp(server, &file, reply(&bytes), None);
        }
        Deed::Central => {
            let list = world.served(plan.cluster, plan.node, era).bytes();
            line.tftp(server, &format!("ITL{device}.tlv"), reply(&list), None);
            let signer = world.cert(plan.cluster, Role::CallManager, plan.node, era);
            let file = format!("{device}.cnf.xml.sgn");
            let bytes = pki::signed_file(&file, &configuration(world, plan), signer, signer.key(), false);
            line.tftp(server, &file, reply(&bytes), None);
            line.tftp(server, "g3-tones.xml.sgn", Reply::NotFound, None);
        }
        Deed::Forges => {
            let other = world.itl(plan.cluster, plan.node, if state.itl.is_some() { era } else { 0 });
            line.sip(server, false, &[alarm(plan, plan.address, Some(&other), None)]);
            return;
        }
        Deed::Injects => {
            line.inject(plan.address, &world.itl(plan.cluster, plan.node, 0).bytes());
            return;
        }
        Deed::Misspells => line.tftp([10, 20, 0, 99], &format!("ITL{device}.tlv"), Reply::Silence, None),
        Deed::Relays => {
            let messages =
                [alarm(plan, plan.address, state.itl.as_ref(), state.ctl.as_ref()), registration(plan, plan.address)];
            line.sip(server, true, &messages);
        }
        Deed::Router => {
            line.tftp(server, "network-confg", Reply::NotFound, None);
            line.tftp(server, "cisco-router-confg", Reply::NotFound, None);
            return;
        }
        Deed::Leases => line.dhcp("workstation"),
        Deed::Scans | Deed::SharesAddress => {}
    }
    line.now += 2 * SECOND;
    let cert = world.cert(plan.cluster, Role::Tvs, plan.node, era);
    let answer = match world.tvs_state(plan.cluster, plan.node, host.at) {
        TvsState::Up | TvsState::Ignorant => Answer::Presents(cert),
        TvsState::Silent => Answer::Silence,
        TvsState::Closed => Answer::Reset,
        TvsState::Mismatch => Answer::HandshakeFailure,
    };
    // It takes any certificate, as `openssl s_client` does, and presses a key.
    if let Some(talk) = Talk::call(&mut line, SocketAddr::from((server, 2445)), Tls::One, answer) {
        talk.exchange(&mut line, 4, 14);
    }
}
