//! The smallest world that still shows a fault.
//!
//! In: a world, and a question that it answers with yes. Out: a world with as little in it as still does. It refuses to know the
//! question.

use super::world::{Alarm, CtlSigner, Recorder, Release, Sees, Tls, TvsState, Word, World};

/// Takes elements away, and makes what is left plainer, as long as the answer stays yes.
pub(crate) fn shrink(world: &World, still: &dyn Fn(&World) -> bool) -> World {
    let mut smallest = world.clone();
    loop {
        let better = candidates(&smallest).into_iter().find(|candidate| *candidate != smallest && still(candidate));
        match better {
            Some(better) => smallest = better,
            None => return smallest,
        }
    }
}

/// Every world with one thing less, the larger steps first.
fn candidates(world: &World) -> Vec<World> {
    let mut all = Vec::new();
    let mut change = |change: &dyn Fn(&mut World)| {
        let mut other = world.clone();
        change(&mut other);
        all.push(other);
    };
    for index in 0..world.phones.len() {
        if world.phones.len() > 1 {
            change(&|other| without_phone(other, index));
        }
    }
    (0..world.hosts.len()).for_each(|index| change(&|other| drop(other.hosts.remove(index))));
    (0..world.words.len()).for_each(|index| {
        change(&|other| {
            other.words.remove(index);
        });
    });
    for (phone, plan) in world.phones.iter().enumerate() {
        if plan.boots.len() > 1 {
            (0..plan.boots.len()).for_each(|boot| change(&|other| drop(other.phones[phone].boots.remove(boot))));
        }
    }
    for index in 0..world.recorders.len() {
        if world.recorders.len() > 1 {
            change(&|other| drop(other.recorders.remove(index)));
        }
        let plain =
            Recorder { sees: Sees::All, loses: None, twice: false, skew: 0, step: None, snaps: None, from: None };
        change(&|other| other.recorders[index] = plain.clone());
    }
    change(&|other| other.end = None);
    if world.clusters.len() > 1 {
        change(&|other| {
            other.clusters.truncate(1);
            other.phones.iter_mut().for_each(|phone| phone.came_with = phone.came_with.map(|(_, era)| (0, era)));
        });
    }
    for (cluster, plan) in world.clusters.iter().enumerate() {
        let last = plan.eras.len() - 1;
        if last > 0
            && world
                .phones
                .iter()
                .all(|phone| phone.came_with.is_none_or(|(of, era)| usize::from(of) != cluster || era < last))
        {
            change(&|other| drop(other.clusters[cluster].eras.pop()));
        }
        change(&|other| other.clusters[cluster].nodes = 1);
        change(&|other| other.clusters[cluster].group = None);
        change(&|other| other.clusters[cluster].ctl = plan.ctl.map(|_| CtlSigner::CallManager));
        change(&|other| other.clusters[cluster].ctl = None);
        change(&|other| other.clusters[cluster].backup = false);
        change(&|other| other.clusters[cluster].release = Release::Nine);
        for era in 1..=last {
            change(&|other| other.clusters[cluster].eras[era].from = -3600);
            change(&|other| other.clusters[cluster].eras[era].tvs_state = [TvsState::Up; 2]);
            change(&|other| {
                let era = &mut other.clusters[cluster].eras[era];
                era.presents = era.tvs;
            });
            change(&|other| other.clusters[cluster].eras[era].served = era);
            change(&|other| {
                let era = &mut other.clusters[cluster].eras[era];
                (era.localkey, era.forged, era.rollback, era.fault) = (false, false, false, None);
            });
            change(&|other| {
                let era = &mut other.clusters[cluster].eras[era];
                (era.has_lists, era.answers) = (true, true);
            });
        }
    }
    for phone in 0..world.phones.len() {
        change(&|other| other.phones[phone].again = 0);
        change(&|other| other.phones[phone].further = false);
        change(&|other| other.phones[phone].resumes = false);
        change(&|other| other.phones[phone].registers = false);
        change(&|other| other.phones[phone].alarm = Alarm::No);
        change(&|other| other.phones[phone].http = false);
        change(&|other| other.phones[phone].tls = Tls::One);
        change(&|other| other.phones[phone].node = 0);
        change(&|other| other.phones[phone].sees_mac = true);
        change(&|other| other.phones[phone].holds_ctl = false);
        for boot in 0..world.phones[phone].boots.len() {
            change(&|other| {
                let boot = &mut other.phones[phone].boots[boot];
                (boot.dhcp, boot.moves_to, boot.late_block, boot.repeats) = (false, None, None, None);
                (boot.erased, boot.aborts, boot.rival) = (false, false, false);
            });
            change(&|other| other.phones[phone].boots[boot].directory = false);
        }
    }
    all.retain(is_sound);
    all
}

/// Nothing in it points to what is not there.
fn is_sound(world: &World) -> bool {
    world.phones.iter().all(|phone| phone.node < world.clusters[usize::from(phone.cluster)].nodes)
        && world.words.iter().all(|word| match *word {
            Word::Serves { cluster, node, .. } | Word::TvsCertificate { cluster, node } => {
                node < world.clusters[usize::from(cluster)].nodes
            }
            Word::OldList { cluster, node, era } => {
                let cluster = &world.clusters[usize::from(cluster)];
                node < cluster.nodes && era < cluster.eras.len()
            }
            _ => true,
        })
}

fn without_phone(world: &mut World, index: usize) {
    world.phones.remove(index);
    world.hosts.retain(|host| host.phone != index);
    let renumber = |phone: &mut usize| *phone -= usize::from(*phone > index);
    world.hosts.iter_mut().for_each(|host| renumber(&mut host.phone));
    world.words.retain(|word| of_phone(word) != Some(index));
    for word in &mut world.words {
        match word {
            Word::Holds { phone, .. }
            | Word::Says { phone }
            | Word::Console { phone, .. }
            | Word::Syslog { phone }
            | Word::Status { phone, .. } => {
                renumber(phone);
            }
            _ => {}
        }
    }
}

const fn of_phone(word: &Word) -> Option<usize> {
    match *word {
        Word::Holds { phone, .. }
        | Word::Says { phone }
        | Word::Console { phone, .. }
        | Word::Status { phone, .. }
        | Word::Syslog { phone } => Some(phone),
        _ => None,
    }
}
