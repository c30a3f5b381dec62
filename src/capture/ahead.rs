//! Reading ahead, on a thread of its own.
//!
//! In: a byte stream. Out: its bytes in blocks, in order, as they were read. While one block is looked at, the next are read and,
//! where the stream is compressed, decompressed. It refuses to know what the bytes are.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::Builder;

/// Bytes that are left free before those of a block: what was left of the block before is put there.
pub(super) const ROOM: usize = 64 << 10;
/// Bytes of a block.
const BLOCK: usize = 1 << 20;
/// Blocks that wait to be looked at.
const BLOCKS: usize = 2;

/// A stream that is read ahead.
pub(super) struct Ahead {
    blocks: Receiver<io::Result<Vec<u8>>>,
    spent: Sender<Vec<u8>>,
}

impl Ahead {
    /// Begins to read. The thread ends with the stream, and where nobody takes its blocks any more.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(super) fn begin(reader: Box<dyn Read + Send>) -> io::Result<Self> {
        let (read, blocks) = sync_channel(BLOCKS);
        let (spent, empty) = channel();
        Builder::new().name("read ahead".to_owned()).spawn(move || read_blocks(reader, &read, &empty))?;
        Ok(Self { blocks, spent })
    }

    /// The next block, its bytes behind [`ROOM`] others; `None` at the end. After an error nothing more comes.
    pub(super) fn next(&self) -> io::Result<Option<Vec<u8>>> {
        self.blocks.recv().ok().transpose()
    }

    /// Gives back a block that was looked at.
    pub(super) fn give_back(&self, block: Vec<u8>) {
        // At the end of the stream nobody wants it any more.
        let _ = self.spent.send(block);
    }
}

fn read_blocks(mut reader: Box<dyn Read + Send>, read: &SyncSender<io::Result<Vec<u8>>>, empty: &Receiver<Vec<u8>>) {
    loop {
        let mut block = empty.try_recv().unwrap_or_default();
        block.resize(ROOM + BLOCK, 0);
        let count = match reader.read(block.get_mut(ROOM..).unwrap_or_default()) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            count => count,
        };
        let is_over = !matches!(count, Ok(1..));
        let block = count.map(|count| {
            block.truncate(ROOM + count);
            block
        });
        // An empty block says nothing; that no more come says it all.
        let is_empty = is_over && block.is_ok();
        if is_empty || read.send(block).is_err() || is_over {
            return;
        }
    }
}
