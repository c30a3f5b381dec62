//! What is true in a world.
//!
//! In: facts, each with its time, as phones live through them. Out: what holds at a moment. It refuses to know what anybody
//! could see of it.

use super::pki::{Cert, List, Role};
use super::world::{TvsState, World};

/// Something that truly happened to a phone.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Fact {
    /// It begins its files; by itself, because it got nowhere the last time.
    Round {
        by_itself: bool,
    },
    /// A list came whole, from this server.
    Got {
        list: List,
        server: [u8; 4],
        kept: bool,
    },
    /// It took a list or a file, or refused it.
    Judged {
        what: What,
        took: bool,
    },
    /// What it holds from now on.
    Holds {
        itl: Option<List>,
        ctl: Option<List>,
    },
    AskedConfig {
        signed: bool,
    },
    /// It asked a TVS.
    Tvs {
        server: [u8; 4],
        presents: Option<Cert>,
        end: TvsEnd,
    },
    /// It told its alarm.
    Reported,
    Registered,
    AskedFurther,
    /// It connected to a web server.
    Web {
        accepted: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Ctl,
    Itl,
    Config,
    Further,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TvsEnd {
    /// It knew the certificate of TVS, and TVS said yes, or no.
    Yes,
    No,
    /// The phone did not know the certificate.
    Refused,
    Silent,
    Closed,
    Mismatch,
}

impl Fact {
    /// In a line, for whoever looks at one world.
    pub(crate) fn brief(&self) -> String {
        let list = |list: &Option<List>| list.as_ref().map_or_else(|| "nothing".to_owned(), List::brief);
        match self {
            Self::Got { list, .. } => format!("got {}", list.brief()),
            Self::Holds { itl, ctl } => format!("holds ITL {}, CTL {}", list(itl), list(ctl)),
            other => format!("{other:?}"),
        }
    }
}

/// All that happened to a phone, in its order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Life {
    /// Nanoseconds.
    pub(crate) facts: Vec<(i64, Fact)>,
}

/// A phone at a moment.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) itl: Option<List>,
    pub(crate) ctl: Option<List>,
    /// Its rounds, the last one last; the first stands for all that was before.
    pub(crate) rounds: Vec<Round>,
}

/// What happened in one round of files.
#[derive(Debug, Clone, Default)]
pub(crate) struct Round {
    /// Nanoseconds.
    pub(crate) began: i64,
    pub(crate) by_itself: bool,
    pub(crate) held_before: Option<List>,
    pub(crate) got: Option<(List, [u8; 4])>,
    /// The same, also where it had no room for it.
    pub(crate) offered: Option<(List, [u8; 4])>,
    pub(crate) took_itl: Option<bool>,
    pub(crate) took_config: Option<bool>,
    pub(crate) asked_signed: Option<bool>,
    /// Anything failed that it shows on its screen.
    pub(crate) failed: bool,
    /// Its CTL failed.
    pub(crate) failed_ctl: bool,
    pub(crate) tvs: Vec<([u8; 4], Option<Cert>, TvsEnd)>,
    pub(crate) web: Vec<bool>,
    pub(crate) registered: bool,
    pub(crate) reported: bool,
}

impl Life {
    /// The phone at a moment, in nanoseconds.
    pub(crate) fn at(&self, moment: i64) -> State {
        let mut state = State { itl: None, ctl: None, rounds: Vec::new() };
        for (_, fact) in self.facts.iter().filter(|(at, _)| *at <= moment) {
            state.take(fact);
        }
        for (round, (at, _)) in state.rounds.iter_mut().zip(self.rounds()) {
            round.began = *at;
        }
        state
    }

    fn rounds(&self) -> impl Iterator<Item = &(i64, Fact)> {
        self.facts.iter().filter(|(_, fact)| matches!(fact, Fact::Round { .. }))
    }
}

impl State {
    fn take(&mut self, fact: &Fact) {
        if let Fact::Holds { itl, ctl } = fact {
            self.itl.clone_from(itl);
            self.ctl.clone_from(ctl);
            return;
        }
        if let Fact::Round { by_itself } = *fact {
            self.rounds.push(Round { by_itself, held_before: self.itl.clone(), ..Round::default() });
            return;
        }
        let Some(round) = self.rounds.last_mut() else { return };
        match fact {
            Fact::Got { list, server, kept } => {
                round.offered = Some((list.clone(), *server));
                round.got = round.offered.clone().filter(|_| *kept);
            }
            Fact::Judged { what, took } => {
                match what {
                    What::Itl => round.took_itl = Some(*took),
                    What::Config => round.took_config = Some(*took),
                    What::Ctl | What::Further => {}
                }
                round.failed |= !took;
                round.failed_ctl |= !took && *what == What::Ctl;
            }
            Fact::AskedConfig { signed } => round.asked_signed = Some(*signed),
            Fact::Tvs { server, presents, end } => round.tvs.push((*server, *presents, *end)),
            Fact::Web { accepted } => round.web.push(*accepted),
            Fact::Registered => round.registered = true,
            Fact::Reported => round.reported = true,
            Fact::Holds { .. } | Fact::Round { .. } | Fact::AskedFurther => {}
        }
    }
}

/// How a phone that is stuck may come to take what its server serves without deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Means {
    /// It holds nothing that binds it.
    Unbound,
    /// It holds what is served.
    UpToDate,
    /// The list's signer is known to it.
    Signer,
    /// A TVS of its list presents the certificate that its list names.
    Tvs,
    /// The key of a record that may sign is there, or was saved.
    Key,
    /// Its CTL has a signer whose key is there.
    Ctl,
}

/// Whether a list lets its holder verify another: the signer is in it, and the key is the signer's.
pub(crate) fn verifies(held: &List, list: &List) -> bool {
    held.signs(list.signer) && list.key == list.signer.key() && list.fault.is_none()
}

impl World {
    /// Whether the private key of a certificate can still be used in an era of its cluster.
    fn key_exists(&self, cert: Cert, seconds: i64) -> bool {
        let cluster = &self.clusters[usize::from(cert.cluster)];
        if cluster.gone && cert.cluster > 0 {
            return cluster.backup;
        }
        let era = &cluster.eras[cluster.era_at(seconds)];
        let current = match cert.role {
            Role::CallManager => era.call_manager[usize::from(cert.node)] == cert.version,
            Role::Recovery => era.recovery == cert.version,
            // Tokens are kept in a safe.
            Role::Token => true,
            _ => false,
        };
        current || cluster.backup
    }

    /// Whether the TVS of a certificate presents it at this moment, or would if it were reached.
    fn is_presented(&self, cert: Cert, seconds: i64) -> bool {
        let cluster = &self.clusters[usize::from(cert.cluster)];
        let era = &cluster.eras[cluster.era_at(seconds)];
        !(cluster.gone && cert.cluster > 0) && era.presents[usize::from(cert.node)] == cert.version
    }

    /// Every way in which this phone gets on without deletion; none where deletion is needed.
    pub(crate) fn means(&self, phone: usize, state: &State, seconds: i64) -> Vec<Means> {
        let plan = &self.phones[phone];
        let era = self.clusters[usize::from(plan.cluster)].era_at(seconds);
        let served = self.served(plan.cluster, plan.node, era);
        let mut means = Vec::new();
        let Some(held) = state.itl.as_ref().filter(|itl| !itl.is_blank()) else { return vec![Means::Unbound] };
        if *held == served {
            means.push(Means::UpToDate);
        }
        // A list that does not verify is the server's fault: the key counts, which made it or should have.
        if held.signs(served.signer) && served.key == served.signer.key() {
            means.push(Means::Signer);
        }
        if held.tvs().any(|cert| self.is_presented(cert, seconds)) {
            means.push(Means::Tvs);
        }
        if held.signing().any(|cert| self.key_exists(cert, seconds)) {
            means.push(Means::Key);
        }
        if state.ctl.as_ref().is_some_and(|ctl| ctl.signing().any(|cert| self.key_exists(cert, seconds))) {
            means.push(Means::Ctl);
        }
        means
    }

    pub(crate) fn tvs_state(&self, cluster: u8, node: u8, seconds: i64) -> TvsState {
        let servers = &self.clusters[usize::from(cluster)];
        if servers.gone && cluster > 0 {
            return TvsState::Silent;
        }
        servers.eras[servers.era_at(seconds)].tvs_state[usize::from(node)]
    }
}
