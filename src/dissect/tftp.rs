//! TFTP downloads (RFC 1350, 2347, 2348, 2349, 7440).
//!
//! In: UDP datagrams that may be TFTP, either direction, in any order, some of them missing. Out: one [`Download`] for each
//! request. It keeps what the client's port tells together: the server answers from a port, sometimes an address, of its own
//! choice, and a repeated request may be answered twice.

mod message;
mod netascii;
#[cfg(test)]
mod tests;
mod transfer;

use std::net::{IpAddr, SocketAddr};

use foldhash::{HashSet, HashSetExt};

use super::content::ContentStore;
use super::flows::FlowTable;
use super::hardware::Hardware;
use crate::capture::{Moment, Span, Timestamp};
use crate::event::{Download, DownloadEnding, DownloadGap, Event, Outcome, Silence, Taken, Transport};
use crate::packet::{Datagram, Endpoint};

use message::{Message, Options, Request};
use transfer::{Asked, Transfer};

/// Server ports that may answer one client port before further ones are ignored.
const MOST_TRANSFERS: usize = 4;
/// Servers remembered as heard or unheard.
const MOST_SERVERS: usize = 4096;

/// What the reassembly of files may cost.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Client ports followed at once.
    pub conversations: usize,
    /// Nanoseconds of capture time without a packet after which a conversation is over.
    pub idle: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { conversations: 32_768, idle: 30_000_000_000 }
    }
}

/// The TFTP dissector.
#[derive(Debug)]
pub struct Tftp {
    conversations: FlowTable<Endpoint, Conversation>,
    /// Nanoseconds after which a conversation is over.
    idle: u64,
    /// Addresses that sent anything as a TFTP server.
    heard: HashSet<IpAddr>,
    /// Addresses to which clients acknowledged data that was not captured.
    unheard: HashSet<IpAddr>,
}

/// One message on its way through the dissector.
struct Context<'a> {
    udp: &'a Datagram<'a>,
    moment: Moment,
    store: &'a mut ContentStore,
    events: &'a mut Vec<Event>,
}

/// What goes on at one client port.
#[derive(Debug)]
struct Conversation {
    id: u64,
    client: SocketAddr,
    asked: Option<(Request, SocketAddr)>,
    /// A file is being written to the server: its DATA goes the other way and is none of our business.
    upload: bool,
    transfers: Vec<Transfer>,
    /// The server port of the download before, and the number of its last block: it may still repeat that block.
    previous: Option<(SocketAddr, u16)>,
    /// The client's own packets from this port are in the capture, in this conversation or the one before.
    client_heard: bool,
    hardware: Hardware,
    repeated_requests: u32,
    /// What was told last.
    announced: Option<(Outcome, Taken, Span, u32)>,
    /// The request and its repetitions; without one, the first message.
    span: Span,
    last_seen: Moment,
}

impl Conversation {
    fn new(id: u64, client: SocketAddr, moment: Moment) -> Self {
        Self {
            id,
            client,
            asked: None,
            upload: false,
            transfers: Vec::new(),
            previous: None,
            client_heard: false,
            hardware: Hardware::default(),
            repeated_requests: 0,
            announced: None,
            span: Span::starting(moment),
            last_seen: moment,
        }
    }

    fn asked(&self) -> Asked {
        self.asked.as_ref().map_or_else(Asked::default, |(request, _)| Asked {
            seen: true,
            options: request.options,
            netascii: request.netascii,
        })
    }

    /// Notes a message of the client.
    fn heard(&mut self, udp: &Datagram<'_>, moment: Moment) {
        self.client_heard = true;
        self.last_seen = moment;
        self.hardware.note(udp.hardware);
    }

    /// Whether a server may answer the request: any, where that was not captured.
    fn was_asked(&self, server: SocketAddr) -> bool {
        self.asked.as_ref().is_none_or(|(_, asked)| asked.ip() == server.ip())
    }

    /// The transfer with this server port, begun if there is room for one more. Answers that nobody asked for give way.
    fn transfer(&mut self, server: SocketAddr, moment: Moment, store: &mut ContentStore) -> Option<&mut Transfer> {
        if let Some(index) = self.transfers.iter().position(|transfer| transfer.server == server) {
            return self.transfers.get_mut(index);
        }
        if self.transfers.len() >= MOST_TRANSFERS {
            let stranger = |transfer: &Transfer| !transfer.is_acked() && !self.was_asked(transfer.server);
            let index = self.transfers.iter().position(stranger).filter(|_| self.was_asked(server))?;
            self.transfers.remove(index).forget(store);
        }
        // Hardly any request is answered twice.
        self.transfers.reserve_exact(1);
        self.transfers.push(Transfer::new(server, self.asked(), moment));
        self.transfers.last_mut()
    }

    /// The transfer that is the download: the one that the client acknowledged, whatever others there are; where it
    /// acknowledged none, the one of the host that was asked that says most.
    fn chosen(&self) -> Option<&Transfer> {
        let may_be =
            |transfer: &&Transfer| !transfer.is_disowned() && (transfer.is_acked() || self.was_asked(transfer.server));
        let rank = |transfer: &&Transfer| {
            (
                transfer.end_acked(),
                transfer.data_acked(),
                transfer.finished().is_some(),
                transfer.blocks(),
                transfer.has_error(),
            )
        };
        // Of equals the first: of several, max_by_key gives the last.
        self.transfers.iter().rev().filter(may_be).max_by_key(rank)
    }

    /// How many complete answers there are that differ, where the client acknowledged none of them; 0 where which one it took
    /// is not in doubt.
    fn rivals(&self) -> usize {
        let candidates = || self.transfers.iter().filter(|transfer| !transfer.is_disowned());
        if candidates().any(Transfer::data_acked) {
            return 0;
        }
        let asked = candidates().filter(|transfer| self.was_asked(transfer.server));
        let mut prints: Vec<u64> = asked.filter_map(|transfer| Some(transfer.finished()?.print)).collect();
        prints.sort_unstable();
        prints.dedup();
        if prints.len() > 1 { prints.len() } else { 0 }
    }

    /// Whether nothing more is waited for: the client acknowledged the end, or gave up.
    fn is_settled(&self) -> bool {
        let taken = self.chosen().and_then(Transfer::taken);
        matches!(taken, Some(Taken::Acknowledged | Taken::Refused))
    }

    /// Whether a message of this number can only be the repeated end of the download before.
    fn is_late(&self, server: SocketAddr, number: u16) -> bool {
        let begun = self.transfers.iter().any(|transfer| transfer.server == server && transfer.blocks() > 0);
        self.previous == Some((server, number)) && number != 1 && !begun
    }

    /// Whether the same request again would be a repetition rather than a new download.
    fn is_waiting(&self) -> bool {
        self.transfers
            .iter()
            .all(|transfer| !transfer.data_acked() && transfer.finished().is_none() && !transfer.has_error())
    }
}

impl Tftp {
    /// A dissector with these limits.
    pub fn new(limits: Limits) -> Self {
        Self {
            conversations: FlowTable::new(limits.conversations, limits.idle),
            idle: limits.idle,
            heard: HashSet::new(),
            unheard: HashSet::new(),
        }
    }

    /// Takes a datagram. Returns whether it was a TFTP message.
    pub(super) fn datagram(
        &mut self,
        udp: &Datagram<'_>,
        moment: Moment,
        store: &mut ContentStore,
        events: &mut Vec<Event>,
    ) -> bool {
        let Some(message) = Message::parse(udp.payload, udp.missing > 0) else {
            return false;
        };
        let mut context = Context { udp, moment, store, events };
        match message {
            Message::Read(request) => self.request(request, &mut context),
            Message::Write => {
                let upload =
                    Conversation { upload: true, ..Conversation::new(context.store.new_id(), udp.src, moment) };
                self.begin(upload, &mut context);
            }
            Message::Data { block, bytes } => self.data(block, bytes, &mut context),
            Message::Ack { block } => self.ack(block, &mut context),
            Message::OptionAck(options) => {
                if self.follows_complete(&context, None) || !self.conversations.contains(&udp.dst.into()) {
                    let orphan = Conversation::new(context.store.new_id(), udp.dst, moment);
                    self.begin(orphan, &mut context);
                }
                self.option_ack(options, &mut context);
            }
            Message::Error { code, message } => self.error(code, message, &mut context),
        }
        true
    }

    /// Conversations that are followed.
    pub(super) fn held(&self) -> usize {
        self.conversations.len()
    }

    /// Whether more conversations are followed than may be.
    pub(super) fn is_full(&self) -> bool {
        self.conversations.is_full()
    }

    /// Ends conversations that were idle for too long.
    pub(super) fn expire(&mut self, now: Timestamp, store: &mut ContentStore, events: &mut Vec<Event>) {
        while let Some((_, conversation)) = self.conversations.pop_expired(now, store.is_full()) {
            let for_room = now.nanos_since(conversation.last_seen.time) <= self.idle;
            let is_open = conversation.chosen().is_none_or(|best| best.finished().is_none() && !best.has_error());
            store.hit.conversations += u64::from(for_room && is_open && !conversation.upload);
            self.conclude(conversation, store, events);
        }
    }

    /// Ends all conversations: the capture is over.
    pub(super) fn finish(&mut self, store: &mut ContentStore, events: &mut Vec<Event>) {
        for (_, conversation) in self.conversations.drain() {
            self.conclude(conversation, store, events);
        }
    }

    fn request(&mut self, request: Request, context: &mut Context<'_>) {
        let &mut Context { udp, moment, .. } = context;
        if let Some(conversation) = self.conversations.get(&udp.src.into(), moment.time)
            && let Some((earlier, _)) = &conversation.asked
            && earlier.file == request.file
            && conversation.is_waiting()
        {
            conversation.repeated_requests += 1;
            conversation.span.extend(moment);
            conversation.heard(udp, moment);
            return;
        }
        let mut conversation = Conversation::new(context.store.new_id(), udp.src, moment);
        conversation.asked = Some((request, udp.dst));
        conversation.heard(udp, moment);
        announce(&mut conversation, DownloadEnding::Open, context.store, context.events);
        self.begin(conversation, context);
    }

    fn data(&mut self, block: u16, bytes: &[u8], context: &mut Context<'_>) {
        let &mut Context { udp, moment, .. } = context;
        if self.conversations.get(&udp.src.into(), moment.time).is_some_and(|conversation| conversation.upload) {
            return;
        }
        let is_another = block == 1 && self.follows_complete(context, Some(bytes));
        if is_another || !self.conversations.contains(&udp.dst.into()) {
            // The request was not captured. The middle of a file is no beginning worth following.
            if block != 1 {
                return;
            }
            let orphan = Conversation::new(context.store.new_id(), udp.dst, moment);
            self.begin(orphan, context);
        }
        let Some(conversation) = self.answered(context, |conversation| !conversation.is_late(udp.src, block)) else {
            return;
        };
        let asked = conversation.asked();
        let was_told = conversation.announced.is_some_and(|(outcome, ..)| outcome == Outcome::Complete);
        let Some(transfer) = conversation.transfer(udp.src, moment, context.store) else { return };
        let changed = transfer.data(block, bytes, udp.missing, moment, asked, context.store);
        // A complete file is told when the client has acknowledged it: until then another answer may be the one that it takes.
        if changed && (was_told || conversation.is_settled()) {
            announce_result(conversation, context.store, context.events);
        }
    }

    fn option_ack(&mut self, options: Options, context: &mut Context<'_>) {
        let &mut Context { udp, moment, .. } = context;
        let Some(conversation) = self.answered(context, |_| true) else { return };
        let asked = conversation.asked();
        let Some(transfer) = conversation.transfer(udp.src, moment, context.store) else { return };
        if transfer.option_ack(options, asked, context.store) && conversation.is_settled() {
            announce_result(conversation, context.store, context.events);
        }
    }

    fn ack(&mut self, block: u16, context: &mut Context<'_>) {
        let &mut Context { udp, moment, .. } = context;
        let Some(conversation) = self.conversations.get(&udp.src.into(), moment.time) else {
            return;
        };
        if conversation.upload || conversation.is_late(udp.dst, block) {
            return;
        }
        conversation.heard(udp, moment);
        let Some(transfer) = conversation.transfer(udp.dst, moment, context.store) else { return };
        transfer.ack(block, moment);
        let unheard = block > 0 && transfer.blocks() == 0;
        if transfer.finished().is_some() && conversation.is_settled() {
            announce_result(conversation, context.store, context.events);
        }
        if unheard && self.unheard.len() < MOST_SERVERS {
            self.unheard.insert(udp.dst.ip());
        }
    }

    fn error(&mut self, code: u16, message: String, context: &mut Context<'_>) {
        let &mut Context { udp, moment, .. } = context;
        // From the client: ERROR 5 tells a second server port that its answer came too late (RFC 1350 4).
        if let Some(conversation) = self.conversations.get(&udp.src.into(), moment.time)
            && let Some(index) = conversation.transfers.iter().position(|transfer| transfer.server == udp.dst)
        {
            conversation.heard(udp, moment);
            let several = conversation.transfers.len() > 1;
            let Some(transfer) = conversation.transfers.get_mut(index) else { return };
            if code == 5 && several {
                transfer.disown();
            } else {
                transfer.error(false, code, message, moment);
            }
            if conversation.is_settled() {
                announce_result(conversation, context.store, context.events);
            }
            return;
        }
        let Some(conversation) = self.answered(context, |_| true) else {
            return;
        };
        let Some(transfer) = conversation.transfer(udp.src, moment, context.store) else {
            return;
        };
        transfer.error(true, code, message, moment);
        if transfer.refused() && conversation.transfers.len() == 1 && conversation.was_asked(udp.src) {
            announce_result(conversation, context.store, context.events);
        }
    }

    /// Whether the client's port has a complete download, and this server message begins another one. `first_block` is `None`
    /// for an option acknowledgment.
    fn follows_complete(&mut self, context: &Context<'_>, first_block: Option<&[u8]>) -> bool {
        let &Context { udp, moment, .. } = context;
        self.conversations.get(&udp.dst.into(), moment.time).is_some_and(|conversation| {
            let transfers = &conversation.transfers;
            match first_block {
                Some(bytes) => {
                    // A repeated request may have been answered by two ports, and then this is only the second answer.
                    let known = transfers.iter().find(|transfer| transfer.server == udp.src);
                    let over = conversation.is_settled() || !conversation.client_heard;
                    known.map_or_else(
                        || over && transfers.iter().any(|transfer| transfer.is_followed_by(udp.src, bytes)),
                        |transfer| transfer.is_followed_by(udp.src, bytes),
                    )
                }
                // Where the request was captured, this is a late answer to its repetition.
                None => {
                    conversation.asked.is_none()
                        && transfers.iter().any(|transfer| transfer.finished().is_some())
                        && !transfers.iter().any(|transfer| transfer.server == udp.src)
                }
            }
        })
    }

    /// The conversation that a server's message belongs to, if it takes that.
    fn answered(
        &mut self,
        context: &Context<'_>,
        takes: impl FnOnce(&Conversation) -> bool,
    ) -> Option<&mut Conversation> {
        let &Context { udp, moment, .. } = context;
        let conversation = self.conversations.get(&udp.dst.into(), moment.time)?;
        if conversation.upload || !takes(conversation) {
            return None;
        }
        conversation.last_seen = moment;
        if self.heard.len() < MOST_SERVERS {
            self.heard.insert(udp.src.ip());
        }
        Some(conversation)
    }

    /// Puts a conversation in the place of the one before at the same client port, which is over.
    fn begin(&mut self, mut conversation: Conversation, context: &mut Context<'_>) {
        let client = conversation.client;
        if let Some(before) = self.conversations.get(&client.into(), context.moment.time) {
            let complete = before.chosen().filter(|transfer| transfer.finished().is_some());
            conversation.previous =
                complete.and_then(|complete| Some((complete.server, u16::try_from(complete.blocks() & 0xffff).ok()?)));
            conversation.client_heard |= before.client_heard;
        }
        if let Some(ended) = self.conversations.insert(client.into(), context.moment.time, conversation) {
            self.conclude(ended, context.store, context.events);
        }
    }

    fn conclude(&mut self, mut conversation: Conversation, store: &mut ContentStore, events: &mut Vec<Event>) {
        let asked = conversation.asked();
        for transfer in &mut conversation.transfers {
            transfer.conclude(asked, store);
        }
        if !conversation.upload {
            self.tell_end(&mut conversation, store, events);
            tell_others(&mut conversation, store, events);
        }
        for mut transfer in conversation.transfers {
            transfer.forget(store);
        }
    }

    /// Tells what came of the request, or of the transfer whose request was not captured.
    fn tell_end(&self, conversation: &mut Conversation, store: &mut ContentStore, events: &mut Vec<Event>) {
        let Some(best) = conversation.chosen() else {
            if let Some(server) = conversation.asked.as_ref().map(|(_, server)| *server) {
                let one_sided = self.unheard.contains(&server.ip()) && !self.heard.contains(&server.ip());
                let ending = if one_sided {
                    DownloadEnding::Incomplete(DownloadGap::ServerUnheard)
                } else if conversation.repeated_requests == 0 {
                    DownloadEnding::Incomplete(DownloadGap::AnswerUnseen)
                } else {
                    DownloadEnding::Unanswered(unanswered(conversation))
                };
                announce(conversation, ending, store, events);
            }
            return;
        };
        // Without a request, only what can hardly be chance is told.
        if conversation.asked.is_none() && best.blocks() < 2 && best.finished().is_none() && !best.options_accepted() {
            return;
        }
        announce_result(conversation, store, events);
    }
}

fn unanswered(conversation: &Conversation) -> Silence {
    let Span { first, last } = conversation.span;
    Silence::Requests { count: conversation.repeated_requests + 1, nanos: last.time.nanos_since(first.time) }
}

/// The later of two moments: within one capture its frames order them, whatever its clock does.
fn later(one: Moment, other: Moment) -> Moment {
    let one_is_later =
        if one.frame.source == other.frame.source { one.frame > other.frame } else { one.time > other.time };
    if one_is_later { one } else { other }
}

/// Tells how the download stands, unless that was told already.
fn announce(
    conversation: &mut Conversation,
    ending: DownloadEnding,
    store: &mut ContentStore,
    events: &mut Vec<Event>,
) {
    let Conversation { id, client, client_heard, ref asked, span: Span { first, last }, .. } = *conversation;
    let chosen = conversation.chosen();
    let span = match chosen {
        Some(chosen) if asked.is_none() => chosen.span,
        Some(chosen) => Span { first, last: later(last, chosen.span.last) },
        None => Span { first, last },
    };
    // What came to a port whose packets are captured, unasked and unacknowledged, is not what the client got.
    let unasked = asked.is_none() && client_heard;
    let taken = chosen.and_then(Transfer::taken).unwrap_or(if unasked { Taken::Unasked } else { Taken::Open });
    let retransmits = conversation.transfers.iter().map(|transfer| transfer.retransmits).sum::<u32>()
        + conversation.repeated_requests;
    let news = Some((ending.outcome(), taken, span, retransmits));
    if conversation.announced == news {
        return;
    }
    let Some(server) = asked.as_ref().map(|(_, server)| *server).or(chosen.map(|chosen| chosen.server)) else { return };
    let complete = ending.outcome() == Outcome::Complete;
    let finished =
        chosen.and_then(|chosen| Some((chosen.finished()?.hashed, chosen.delivered_at))).filter(|_| complete);
    let answered = chosen.map(|chosen| chosen.server).filter(|_| complete);
    let told = Download {
        id,
        transport: Transport::Tftp,
        asked_for: asked.as_ref().map(|(request, _)| request.file.clone()),
        client,
        server,
        ending,
        taken,
        client_seen: client_heard,
        hardware: conversation.hardware.one(),
        content: None,
        hashed: finished.and_then(|(hashed, _)| hashed),
        retransmits,
        completed: finished.map(|(_, at)| at),
        span,
    };
    conversation.announced = news;
    let mut transfers = conversation.transfers.iter_mut();
    let content = answered.and_then(|server| transfers.find(|transfer| transfer.server == server)?.take_content(store));
    events.push(Event::Download(Box::new(Download { content, ..told })));
}

/// Tells what came of the transfers so far.
fn announce_result(conversation: &mut Conversation, store: &mut ContentStore, events: &mut Vec<Event>) {
    let asked = conversation.asked();
    let Some(chosen) = conversation.chosen() else { return };
    let ending = match conversation.rivals() {
        0 => chosen.ending(asked),
        rivals => DownloadEnding::Incomplete(DownloadGap::AnswersDiffer(rivals)),
    };
    announce(conversation, ending, store, events);
}

/// Tells the answers that are not the download of the request: files that the client did not take, or took besides.
fn tell_others(conversation: &mut Conversation, store: &mut ContentStore, events: &mut Vec<Event>) {
    if conversation.rivals() > 0 {
        return;
    }
    let asked = conversation.asked();
    let chosen = conversation.chosen().map(|chosen| (chosen.server, chosen.finished().map(|finished| finished.print)));
    let Conversation { client, hardware, client_heard, .. } = *conversation;
    let asked_host = conversation.asked.as_ref().map(|(_, server)| server.ip());
    for transfer in &mut conversation.transfers {
        let server = transfer.server;
        let is_stranger = asked_host.is_some_and(|host| host != server.ip());
        // A repeated request is answered twice, with the same file.
        let repeats = chosen.is_some_and(|(chosen, print)| {
            chosen.ip() == server.ip() && print.is_some() && print == transfer.finished().map(|finished| finished.print)
        });
        let is_file = transfer.finished().is_some() || (is_stranger && transfer.blocks() > 1);
        if chosen.is_some_and(|(chosen, _)| chosen == server) || repeats || !is_file {
            continue;
        }
        let hashed = transfer.finished().and_then(|finished| finished.hashed);
        let told = Download {
            id: store.new_id(),
            transport: Transport::Tftp,
            asked_for: None,
            client,
            server,
            ending: transfer.ending(asked),
            taken: transfer.taken().unwrap_or(if client_heard { Taken::Unasked } else { Taken::Open }),
            client_seen: (client_heard && !is_stranger) || transfer.is_acked(),
            hardware: hardware.one(),
            content: transfer.take_content(store),
            hashed,
            retransmits: transfer.retransmits,
            completed: transfer.finished().map(|_| transfer.delivered_at),
            span: transfer.span,
        };
        events.push(Event::Download(Box::new(told)));
    }
}
