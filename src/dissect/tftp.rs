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
use std::sync::Arc;

use foldhash::{HashSet, HashSetExt};

use super::content::ContentStore;
use super::flows::FlowTable;
use crate::capture::{Moment, Span, Timestamp};
use crate::event::{Content, Download, DownloadEnding, DownloadGap, Event, Outcome, Silence, Taken, Transport};
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
    repeated_requests: u32,
    /// What was told last.
    announced: Option<(Outcome, Span)>,
    span: Span,
}

impl Conversation {
    const fn new(id: u64, client: SocketAddr, moment: Moment) -> Self {
        Self {
            id,
            client,
            asked: None,
            upload: false,
            transfers: Vec::new(),
            previous: None,
            repeated_requests: 0,
            announced: None,
            span: Span::starting(moment),
        }
    }

    fn asked(&self) -> Asked {
        self.asked.as_ref().map_or_else(Asked::default, |(request, _)| Asked {
            seen: true,
            options: request.options,
            netascii: request.netascii,
        })
    }

    /// The transfer with this server port, begun if there is room for one more.
    fn transfer(&mut self, server: SocketAddr) -> Option<&mut Transfer> {
        let index = match self.transfers.iter().position(|transfer| transfer.server == server) {
            Some(index) => index,
            None if self.transfers.len() < MOST_TRANSFERS => {
                // Hardly any request is answered twice.
                self.transfers.reserve_exact(1);
                self.transfers.push(Transfer::new(server, self.asked()));
                self.transfers.len() - 1
            }
            None => return None,
        };
        self.transfers.get_mut(index)
    }

    /// The transfer that says most about how the download went.
    fn best(&self) -> Option<&Transfer> {
        // Of equals the first: of several, max_by_key gives the last.
        let rank = |transfer: &&Transfer| (transfer.finished().is_some(), transfer.blocks(), transfer.has_error());
        self.transfers.iter().rev().max_by_key(rank)
    }

    /// The bytes of the complete file, to be given out once: a conversation that waits for its end holds none.
    fn take_content(&mut self) -> Option<Arc<Content>> {
        let server = self.best()?.server;
        self.transfer(server)?.take_content()
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
            let for_room = now.nanos_since(conversation.span.last.time) <= self.idle;
            let is_open = conversation.best().is_none_or(|best| best.finished().is_none() && !best.has_error());
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
            return;
        }
        let mut conversation = Conversation::new(context.store.new_id(), udp.src, moment);
        conversation.asked = Some((request, udp.dst));
        announce(&mut conversation, DownloadEnding::Open, context.events);
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
        let Some(transfer) = conversation.transfer(udp.src) else {
            return;
        };
        if transfer.data(block, bytes, udp.missing, moment.frame, asked, context.store) {
            announce_result(conversation, context.events);
        }
    }

    fn option_ack(&mut self, options: Options, context: &mut Context<'_>) {
        let Some(conversation) = self.answered(context, |_| true) else { return };
        let asked = conversation.asked();
        let Some(transfer) = conversation.transfer(context.udp.src) else { return };
        if transfer.option_ack(options, asked, context.store) {
            announce_result(conversation, context.events);
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
        let Some(transfer) = conversation.transfer(udp.dst) else {
            return;
        };
        transfer.ack(block);
        let unheard = block > 0 && transfer.blocks() == 0;
        let complete = transfer.finished().is_some();
        conversation.span.extend(moment);
        if complete {
            // Told again: the acknowledgment of the last block belongs to it.
            announce_result(conversation, context.events);
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
            conversation.span.extend(moment);
            if code == 5 && conversation.transfers.len() > 1 {
                let mut second = conversation.transfers.remove(index);
                second.conclude(Asked::default(), context.store);
            } else if let Some(transfer) = conversation.transfers.get_mut(index) {
                transfer.error(false, code, message);
            }
            return;
        }
        let Some(conversation) = self.answered(context, |_| true) else {
            return;
        };
        let Some(transfer) = conversation.transfer(udp.src) else {
            return;
        };
        transfer.error(true, code, message);
        if transfer.refused() && conversation.transfers.len() == 1 {
            announce_result(conversation, context.events);
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
                    known.map_or_else(
                        || transfers.iter().any(|transfer| transfer.is_followed_by(udp.src, bytes)),
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
        conversation.span.extend(moment);
        if self.heard.len() < MOST_SERVERS {
            self.heard.insert(udp.src.ip());
        }
        Some(conversation)
    }

    /// Puts a conversation in the place of the one before at the same client port, which is over.
    fn begin(&mut self, mut conversation: Conversation, context: &mut Context<'_>) {
        let client = conversation.client;
        let before = self.conversations.get(&client.into(), context.moment.time).and_then(|before| {
            let complete = before.best().filter(|transfer| transfer.finished().is_some())?;
            Some((complete.server, u16::try_from(complete.blocks() & 0xffff).ok()?))
        });
        conversation.previous = before;
        if let Some(ended) = self.conversations.insert(client.into(), context.moment.time, conversation) {
            self.conclude(ended, context.store, context.events);
        }
    }

    fn conclude(&mut self, mut conversation: Conversation, store: &mut ContentStore, events: &mut Vec<Event>) {
        let asked = conversation.asked();
        for transfer in &mut conversation.transfers {
            transfer.conclude(asked, store);
        }
        if conversation.upload {
            return;
        }
        let Some(best) = conversation.best() else {
            if let Some(server) = conversation.asked.as_ref().map(|(_, server)| *server) {
                let one_sided = self.unheard.contains(&server.ip()) && !self.heard.contains(&server.ip());
                let ending = if one_sided {
                    DownloadEnding::Incomplete(DownloadGap::ServerUnheard)
                } else {
                    DownloadEnding::Unanswered(unanswered(&conversation))
                };
                announce(&mut conversation, ending, events);
            }
            return;
        };
        // Without a request, only what can hardly be chance is told.
        if conversation.asked.is_none() && best.blocks() < 2 && best.finished().is_none() && !best.options_accepted() {
            return;
        }
        announce_result(&mut conversation, events);
    }
}

fn unanswered(conversation: &Conversation) -> Silence {
    let Span { first, last } = conversation.span;
    Silence::Requests { count: conversation.repeated_requests + 1, nanos: last.time.nanos_since(first.time) }
}

/// Tells how the download stands, unless that was told already.
fn announce(conversation: &mut Conversation, ending: DownloadEnding, events: &mut Vec<Event>) {
    let news = Some((ending.outcome(), conversation.span));
    if conversation.announced != news {
        conversation.announced = news;
        events.extend(download(conversation, ending));
    }
}

/// Tells what came of the transfers so far.
fn announce_result(conversation: &mut Conversation, events: &mut Vec<Event>) {
    let asked = conversation.asked();
    let Some(best) = conversation.best() else { return };
    announce(conversation, best.ending(asked), events);
}

fn download(conversation: &mut Conversation, ending: DownloadEnding) -> Option<Event> {
    let complete = ending.outcome() == Outcome::Complete;
    let content = if complete { conversation.take_content() } else { None };
    let best = conversation.best();
    let finished = best.and_then(Transfer::finished).filter(|_| complete);
    let server = conversation.asked.as_ref().map(|(_, server)| *server).or(best.map(|best| best.server))?;
    let retransmits = conversation.transfers.iter().map(|transfer| transfer.retransmits).sum::<u32>();
    Some(Event::Download(Box::new(Download {
        id: conversation.id,
        transport: Transport::Tftp,
        asked_for: conversation.asked.as_ref().map(|(request, _)| request.file.clone()),
        client: conversation.client,
        server,
        ending,
        taken: Taken::Open,
        client_seen: conversation.asked.is_some(),
        hardware: None,
        content,
        hashed: finished.and_then(|finished| finished.hashed),
        retransmits: retransmits + conversation.repeated_requests,
        completed: complete.then_some(conversation.span.last),
        span: conversation.span,
    })))
}
