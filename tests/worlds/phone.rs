//! A phone that decides by rules of its own (domain.md 6), and what it does on the wire meanwhile.
//!
//! In: a plan, and the servers of its world. Out: packets, and the facts of its life. It shares no code with the program.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use super::pki::{self, Cert, Kind, List, Role};
use super::truth::{Fact, Life, TvsEnd, What};
use super::wire::{Answer, Line, Reply, Talk, Whose, Wire};
use super::world::{Alarm, Boot, Era, MILLISECOND, Phone, SECOND, START, Tls, TvsState, World};

/// How long an answer of TVS is kept (domain.md 5.3).
const KEPT: i64 = 86_400;

/// A phone at work.
struct Body<'w> {
    world: &'w World,
    plan: &'w Phone,
    index: usize,
    address: [u8; 4],
    port: u16,
    itl: Option<List>,
    ctl: Option<List>,
    /// Servers to ask, from the configuration that it holds: cluster and node.
    tvs: Vec<(u8, u8)>,
    /// TVS servers with which it has a session to take up, and what they presented in it.
    sessions: HashMap<(u8, u8), Cert>,
    /// Signers that TVS vouched for, and until when.
    vouched: HashMap<Cert, i64>,
    round: usize,
    life: Life,
}

/// A signed file as the phone sees it: who says that he signed it, and with which key it truly was.
struct Signed {
    signer: Cert,
    key: pki::Key,
    is_whole: bool,
}

/// Lives through the phone's plan.
pub(crate) fn live(world: &World, index: usize, wire: &mut Wire) -> Life {
    let plan = &world.phones[index];
    let itl = plan.came_with.map(|(cluster, era)| world.itl(cluster, plan.node.min(nodes(world, cluster) - 1), era));
    let home = plan.came_with.map_or(plan.cluster, |(cluster, _)| cluster);
    let ctl = plan.came_with.filter(|_| plan.holds_ctl).and_then(|(cluster, era)| world.ctl(cluster, era));
    let mut body = Body {
        world,
        plan,
        index,
        address: plan.address,
        port: 49_000 + u16::try_from(index).unwrap() * 4000,
        itl,
        ctl,
        tvs: members(world, home),
        sessions: HashMap::new(),
        vouched: HashMap::new(),
        round: 0,
        life: Life::default(),
    };
    body.life.facts.push((i64::MIN, Fact::Holds { itl: body.itl.clone(), ctl: body.ctl.clone() }));
    // A phone that knows nobody asks those of its configuration, and has none.
    if body.itl.is_none() {
        body.tvs.clear();
    }
    for (number, boot) in plan.boots.iter().enumerate() {
        let until = plan.boots.get(number + 1).map_or(i64::MAX, |next| (START + next.at - 5) * SECOND);
        body.boot(boot, until, wire);
    }
    body.life
}

fn nodes(world: &World, cluster: u8) -> u8 {
    world.clusters[usize::from(cluster)].nodes
}

/// The TVS servers of a cluster's configurations.
fn members(world: &World, cluster: u8) -> Vec<(u8, u8)> {
    let all = nodes(world, cluster);
    let group = world.clusters[usize::from(cluster)].group.map_or(all, |group| group.min(all));
    (0..group).map(|node| (cluster, node)).collect()
}

/// The name of the phone's files.
pub(crate) fn name(plan: &Phone) -> String {
    format!("SEP001121{:06X}", plan.mac)
}

/// The configuration that a cluster has for a phone.
pub(crate) fn configuration(world: &World, plan: &Phone) -> String {
    let member = |(priority, (cluster, node)): (usize, (u8, u8))| {
        let address = std::net::Ipv4Addr::from(World::address(cluster, node));
        format!("<member priority=\"{priority}\"><port>2445</port><address>{address}</address></member>\n")
    };
    let members: String = members(world, plan.cluster).into_iter().enumerate().map(member).collect();
    format!(
        "<?xml version=\"1.0\"?>\n<device>\n<fullConfig>true</fullConfig>\n<deviceProtocol>SIP</deviceProtocol>\n<TVS>\n\
         <members>\n{members}</members>\n</TVS>\n</device>\n"
    )
}

impl<'w> Body<'w> {
    fn line<'a>(&self, wire: &'a mut Wire, now: i64, repeats: Option<u8>) -> Line<'a> {
        let mac = [0, 0x11, 0x21, (self.plan.mac >> 16) as u8, (self.plan.mac >> 8) as u8, self.plan.mac as u8];
        Line {
            wire,
            now,
            address: self.address,
            // Behind a router frames bear the router's address.
            mac: if self.plan.sees_mac { mac } else { [0, 0x1b, 0x54, 9, 9, 9] },
            whose: Whose::Phone { phone: self.index, round: self.round },
            port: self.port,
            repeats,
            rival: None,
        }
    }

    fn note(&mut self, line: &Line<'_>, fact: Fact) {
        self.life.facts.push((line.now, fact));
    }

    fn boot(&mut self, boot: &Boot, until: i64, wire: &mut Wire) {
        if let Some(address) = boot.moves_to {
            self.address = address;
        }
        let mut line = self.line(wire, (START + boot.at) * SECOND, boot.repeats);
        // Sessions are forgotten with the power.
        self.sessions.clear();
        if boot.rival {
            let plain = self.world.itl(self.plan.cluster, self.plan.node, 0);
            line.rival = Some(List { rows: Vec::new(), fault: None, ..plain }.bytes());
        }
        if boot.erased {
            (self.itl, self.ctl) = (None, None);
            self.vouched.clear();
            self.life.facts.push((line.now - SECOND, Fact::Holds { itl: None, ctl: None }));
        }
        if boot.dhcp {
            line.dhcp(&name(self.plan));
        }
        let mut by_itself = false;
        for again in 0..=self.plan.again {
            line.whose = Whose::Phone { phone: self.index, round: self.round };
            let got_on = self.files(&mut line, boot, by_itself);
            self.round += 1;
            if got_on || again == self.plan.again || line.now + 60 * SECOND > until {
                break;
            }
            by_itself = true;
            line.now += 15 * SECOND;
        }
        line.whose = Whose::Phone { phone: self.index, round: self.round - 1 };
        self.register(&mut line);
        if boot.directory {
            line.now += 10 * SECOND;
            self.directory(&mut line);
        }
        self.port = line.port;
    }

    fn era(&self, line: &Line<'_>) -> (usize, &'w Era) {
        let cluster = &self.world.clusters[usize::from(self.plan.cluster)];
        let index = cluster.era_at(line.seconds());
        (index, &cluster.eras[index])
    }

    fn pause(line: &mut Line<'_>, boot: &Boot) {
        line.now += boot.pace * MILLISECOND;
    }

    fn download(&self, line: &mut Line<'_>, name: &str, file: Option<&[u8]>, late_block: Option<i64>) {
        let (_, era) = self.era(line);
        let server = World::address(self.plan.cluster, self.plan.node);
        let reply = match file {
            _ if !era.answers => Reply::Silence,
            Some(file) => Reply::File(file),
            None => Reply::NotFound,
        };
        if self.plan.http {
            line.http(server, name, reply);
            if !matches!(reply, Reply::File(_)) {
                line.tftp(server, name, reply, None);
            }
        } else {
            line.tftp(server, name, reply, late_block);
        }
    }

    /// One round of files. Returns whether it got on.
    fn files(&mut self, line: &mut Line<'_>, boot: &Boot, by_itself: bool) -> bool {
        self.note(line, Fact::Round { by_itself });
        let name = name(self.plan);
        let (index, era) = self.era(line);
        let answers = era.answers;
        let server = World::address(self.plan.cluster, self.plan.node);

        let ctl = self.world.ctl(self.plan.cluster, index);
        let bytes = ctl.as_ref().map(List::bytes);
        self.download(line, &format!("CTL{name}.tlv"), bytes.as_ref().map(|bytes| &bytes[..]), None);
        match ctl {
            Some(ctl) if answers => {
                let took = self.judge_list(line, &ctl);
                self.note(line, Fact::Judged { what: What::Ctl, took });
            }
            _ => self.download(line, "CTLFile.tlv", None, None),
        }
        Self::pause(line, boot);

        let served = self.world.served(self.plan.cluster, self.plan.node, index);
        let mut took_list = true;
        if era.has_lists {
            let bytes = served.bytes();
            self.download(line, &format!("ITL{name}.tlv"), Some(&bytes), boot.late_block);
            if answers && boot.aborts && !self.plan.http {
                self.note(line, Fact::Got { list: served.clone(), server, kept: false });
                line.no_room(server);
                took_list = false;
            } else if answers {
                self.note(line, Fact::Got { list: served.clone(), server, kept: true });
                took_list = self.judge_list(line, &served);
                self.note(line, Fact::Judged { what: What::Itl, took: took_list });
            }
        } else {
            self.download(line, &format!("ITL{name}.tlv"), None, None);
            self.download(line, "ITLFile.tlv", None, None);
        }
        Self::pause(line, boot);

        let binds = self.is_bound();
        let took_config = self.config(line, &name, binds) && answers;
        Self::pause(line, boot);
        if self.plan.further {
            let further = format!("SK50719f11-d822-4f39-8b34-{:012x}.xml", self.plan.mac);
            self.signed(line, &further, "<softkeys/>\n", binds, What::Further);
            self.note(line, Fact::AskedFurther);
        }
        took_list && took_config
    }

    fn is_bound(&self) -> bool {
        [&self.itl, &self.ctl].into_iter().flatten().any(|list| !list.is_blank())
    }

    fn config(&mut self, line: &mut Line<'_>, name: &str, binds: bool) -> bool {
        self.note(line, Fact::AskedConfig { signed: binds });
        let body = configuration(self.world, self.plan);
        let took = self.signed(line, &format!("{name}.cnf.xml"), &body, binds, What::Config);
        if took {
            self.tvs = members(self.world, self.plan.cluster);
        }
        took
    }

    /// Asks for a file, signed where a list binds the phone, and judges it.
    fn signed(&mut self, line: &mut Line<'_>, name: &str, body: &str, binds: bool, what: What) -> bool {
        let (index, era) = self.era(line);
        if !binds {
            self.download(line, name, Some(body.as_bytes()), None);
            return era.answers;
        }
        let name = format!("{name}.sgn");
        let signer = self.world.cert(self.plan.cluster, Role::CallManager, self.plan.node, index);
        let file: Arc<Vec<u8>> = pki::signed_file(&name, body, signer, signer.key(), false);
        self.download(line, &name, Some(&file), None);
        if !era.answers {
            return false;
        }
        let took = self.judge(line, &Signed { signer, key: signer.key(), is_whole: true });
        self.note(line, Fact::Judged { what, took });
        took
    }

    fn judge_list(&mut self, line: &mut Line<'_>, list: &List) -> bool {
        let takes = if self.is_bound() {
            let is_whole = list.fault.is_none();
            self.judge(line, &Signed { signer: list.signer, key: list.key, is_whole })
        } else {
            // Without a list that binds it, it takes any that can be read.
            list.fault != Some(pki::Fault::Short)
        };
        if takes {
            match list.kind {
                Kind::Itl => self.itl = Some(list.clone()),
                Kind::Ctl => self.ctl = Some(list.clone()),
            }
            self.note(line, Fact::Holds { itl: self.itl.clone(), ctl: self.ctl.clone() });
            if self.tvs.is_empty() {
                self.tvs = members(self.world, self.plan.cluster);
            }
        }
        takes
    }

    /// domain.md 6: the CTL, then the ITL, then TVS.
    fn judge(&mut self, line: &mut Line<'_>, file: &Signed) -> bool {
        let known = [&self.ctl, &self.itl].into_iter().flatten().any(|list| list.signs(file.signer));
        let is_genuine = file.is_whole && file.key == file.signer.key();
        if known {
            return is_genuine;
        }
        if self.vouched.get(&file.signer).is_some_and(|until| *until > line.seconds()) {
            return is_genuine;
        }
        line.now += 40 * MILLISECOND;
        let vouches = self.ask_tvs(line, file.signer, false);
        if vouches {
            self.vouched.insert(file.signer, line.seconds() + KEPT);
        }
        vouches && is_genuine
    }

    /// Asks the servers of the configuration in their order, until one answers. VERIFY where the certificate is at hand.
    fn ask_tvs(&mut self, line: &mut Line<'_>, about: Cert, verify: bool) -> bool {
        for (cluster, node) in self.tvs.clone() {
            let address = World::address(cluster, node);
            let server = SocketAddr::from((address, 2445));
            let state = self.world.tvs_state(cluster, node, line.seconds());
            let servers = &self.world.clusters[usize::from(cluster)];
            let era = servers.era_at(line.seconds());
            let cert = self.world.cert(cluster, Role::Tvs, node, era);
            let takes_up = self.plan.resumes
                && self.plan.tls != Tls::OneThree
                && self.sessions.get(&(cluster, node)) == Some(&cert);
            let answer = match state {
                TvsState::Up | TvsState::Ignorant if takes_up => Answer::Resumes(cert),
                TvsState::Up | TvsState::Ignorant => Answer::Presents(cert),
                TvsState::Silent => Answer::Silence,
                TvsState::Closed => Answer::Reset,
                TvsState::Mismatch => Answer::HandshakeFailure,
            };
            let talk = Talk::call(line, server, self.plan.tls, answer);
            let end = match talk {
                None => match state {
                    TvsState::Silent => TvsEnd::Silent,
                    TvsState::Closed => TvsEnd::Closed,
                    _ => TvsEnd::Mismatch,
                },
                Some(talk) if takes_up || self.knows_tvs(cert) => {
                    self.sessions.insert((cluster, node), cert);
                    // TVS knows the certificates of its own cluster.
                    let yes = about.cluster == cluster && (state == TvsState::Up || about.version == 0);
                    let size = about.der().len();
                    let (asks, answers) = match (verify, yes) {
                        (false, true) => (160, size + 30),
                        (false, false) => (160, 14),
                        (true, true) => (40 + size, 26),
                        (true, false) => (40 + size, 14),
                    };
                    talk.exchange(line, asks, answers);
                    if yes { TvsEnd::Yes } else { TvsEnd::No }
                }
                Some(talk) => {
                    talk.refuse(line, self.plan.refuses);
                    TvsEnd::Refused
                }
            };
            let presents = matches!(answer, Answer::Presents(_) | Answer::Resumes(_)).then_some(cert);
            self.note(line, Fact::Tvs { server: address, presents, end });
            line.now += 30 * MILLISECOND;
            if matches!(end, TvsEnd::Yes | TvsEnd::No) {
                return end == TvsEnd::Yes;
            }
        }
        false
    }

    fn knows_tvs(&self, cert: Cert) -> bool {
        self.itl.as_ref().is_some_and(|itl| itl.tvs().any(|of| of == cert))
    }

    fn register(&mut self, line: &mut Line<'_>) {
        let server = World::address(self.plan.cluster, self.plan.node);
        let mut messages = Vec::new();
        if self.plan.alarm != Alarm::No {
            messages.push(alarm(self.plan, self.address, self.itl.as_ref(), self.ctl.as_ref()));
        }
        if self.plan.registers {
            messages.push(registration(self.plan, self.address));
        }
        if messages.is_empty() {
            return;
        }
        line.now += SECOND;
        line.sip(server, self.plan.alarm != Alarm::Udp, &messages);
        if self.plan.alarm != Alarm::No {
            self.note(line, Fact::Reported);
        }
        if self.plan.registers {
            self.note(line, Fact::Registered);
        }
    }

    /// Presses Directories: Tomcat's certificate is in no list, so TVS is asked while that handshake waits (domain.md 6).
    fn directory(&mut self, line: &mut Line<'_>) {
        let tomcat = Cert::new(self.plan.cluster, Role::Tomcat, self.plan.node, 0);
        let server = SocketAddr::from((World::address(self.plan.cluster, self.plan.node), 8443));
        let Some(web) = Talk::call(line, server, self.plan.tls, Answer::Presents(tomcat)) else { return };
        let known = self.vouched.get(&tomcat).is_some_and(|until| *until > line.seconds());
        let accepted = known || self.ask_tvs(line, tomcat, true);
        if accepted {
            self.vouched.insert(tomcat, line.seconds() + KEPT);
            web.exchange(line, 300, 900);
        } else {
            web.refuse(line, self.plan.refuses);
        }
        self.note(line, Fact::Web { accepted });
    }
}

/// A list's checksum as phones report it.
pub(crate) fn checksum(list: Option<&List>) -> String {
    let bytes = list.map(|list| pki::sha1(&list.bytes()));
    bytes.map_or_else(
        || "Not Installed".to_owned(),
        |sha1| sha1.iter().map(|byte| format!("{byte:02X} ")).collect::<String>(),
    )
}

fn dotted(address: [u8; 4]) -> String {
    std::net::Ipv4Addr::from(address).to_string()
}

/// The alarm DeviceTLInfo (domain.md 4.6).
pub(crate) fn alarm(plan: &Phone, address: [u8; 4], itl: Option<&List>, ctl: Option<&List>) -> String {
    let (name, own, server) = (name(plan), dotted(address), dotted(World::address(plan.cluster, plan.node)));
    let (itl, ctl) = (checksum(itl), checksum(ctl));
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<x-cisco-alarm>\n<Alarm Name=\"DeviceTLInfo\">\n<ParameterList>\n\
         <String name=\"DeviceName\">{name}</String>\n<String name=\"IPv4Address\">{own}</String>\n\
         <String name=\"IPv6Address\"></String>\n<String name=\"CTL_Signature\">{ctl}</String>\n\
         <String name=\"CTL_TFTP_Server\">N/A</String>\n<String name=\"ITL_Signature\">{itl}</String>\n\
         <String name=\"ITL_TFTP_Server\">{server}</String>\n<String name=\"StatusCode\">3</String>\n\
         </ParameterList>\n</Alarm>\n</x-cisco-alarm>\n"
    );
    format!(
        "REFER sip:{server} SIP/2.0\r\nVia: SIP/2.0/TCP {own}:51778;branch=z9hG4bK20eb83bf\r\n\
         From: \"2222\" <sip:2222@{own}>;tag=c80084aa\r\nTo: <sip:{server}>\r\nCall-ID: c80084aa@{own}\r\n\
         CSeq: 1000 REFER\r\nUser-Agent: Cisco-CP7821/12.1.1\r\nExpires: 10\r\nMax-Forwards: 70\r\n\
         Contact: <sip:04984998@{own}:51778;transport=tcp>;+u.sip!devicename.ccm.cisco.com=\"{name}\"\r\n\
         Require: norefersub\r\nContent-Id: <5098d8fa@{own}>\r\nContent-Length: {}\r\n\
         Content-Type: application/x-cisco-alarm+xml\r\nContent-Disposition: session;handling=required\r\n\r\n{body}",
        body.len()
    )
}

/// A registration (domain.md 4.6).
pub(crate) fn registration(plan: &Phone, address: [u8; 4]) -> String {
    let (name, own, server) = (name(plan), dotted(address), dotted(World::address(plan.cluster, plan.node)));
    format!(
        "REGISTER sip:{server} SIP/2.0\r\nVia: SIP/2.0/TCP {own}:51778;branch=z9hG4bK66da98ae\r\n\
         From: <sip:2222@{server}>;tag=c80084aa\r\nTo: <sip:2222@{server}>\r\nCSeq: 113 REGISTER\r\n\
         User-Agent: Cisco-CP7821/12.1.1\r\n\
         Contact: <sip:04984998@{own}:51778;transport=tcp>;+u.sip!devicename.ccm.cisco.com=\"{name}\";\
         +u.sip!model.ccm.cisco.com=\"621\"\r\nReason: SIP;cause=200;text=\"cisco-alarm:23 Name={name} \
         ActiveLoad=sip78xx.12-1-1-12.loads Last=reset-restart\"\r\nExpires: 3600\r\nContent-Length: 0\r\n\r\n"
    )
}
