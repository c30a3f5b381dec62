//! Reading in large blocks: many frames a system call, one copy.
//!
//! In: a byte stream. Out: a window over it, as wide as is asked for. It refuses to know what the bytes are.

use std::io::{self, Read};

use super::ahead::{Ahead, ROOM};

/// How much is read at once. Large enough that system calls cost nothing, small enough to stay in the processor's cache.
const BLOCK: usize = 1 << 20;
/// How much is read first: many files are only looked at.
const FIRST_BLOCK: usize = 32 << 10;
/// What all captures of a case may read at once, and the least that one of them does.
const ALL_BLOCKS: usize = 64 << 20;
const SMALLEST_BLOCK: usize = 16 << 10;
/// Of more captures than this none is read ahead: they may all be open at once, and each would take a thread and three blocks.
const MOST_AHEAD: usize = 16;
/// After so many bytes it is worth a thread to read ahead.
const AHEAD_AFTER: u64 = 4 << 20;

/// A window over a byte stream that slides forward.
pub(super) struct BlockBuffer {
    supply: Supply,
    /// The offset from which on the stream is read ahead.
    ahead_after: u64,
    /// How much is read at once.
    block: usize,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Offset in the stream of the byte at `start`.
    offset: u64,
    at_end: bool,
}

/// Where the bytes come from.
enum Supply {
    /// From the stream itself, when they are asked for.
    Stream(Box<dyn Read + Send>),
    /// From a thread that reads ahead.
    Ahead(Ahead),
    /// From nowhere: no thread could be had.
    Nowhere,
}

impl BlockBuffer {
    /// A window over what is read when it is asked for, and not before.
    pub(super) fn new(reader: Box<dyn Read + Send>) -> Self {
        let supply = Supply::Stream(reader);
        Self {
            supply,
            ahead_after: u64::MAX,
            block: BLOCK,
            buffer: vec![0; FIRST_BLOCK],
            start: 0,
            end: 0,
            offset: 0,
            at_end: false,
        }
    }

    /// A window over what may be read ahead, on a thread of its own.
    pub(super) fn reading_ahead(reader: Box<dyn Read + Send>) -> Self {
        Self { ahead_after: AHEAD_AFTER, ..Self::new(reader) }
    }

    /// It is one of so many that may be open at once: it takes no more than its share.
    pub(super) fn share(&mut self, windows: usize) {
        self.block = (ALL_BLOCKS / windows.max(1)).clamp(SMALLEST_BLOCK, BLOCK);
        if windows > MOST_AHEAD {
            self.ahead_after = u64::MAX;
        }
    }

    /// Offset in the stream of the next byte.
    pub(super) const fn offset(&self) -> u64 {
        self.offset
    }

    /// At least the next `count` bytes, fewer only where the stream ends.
    #[inline]
    pub(super) fn peek(&mut self, count: usize) -> io::Result<&[u8]> {
        if self.end - self.start < count {
            self.fill(count)?;
        }
        Ok(self.window())
    }

    /// What is in the window now.
    #[inline]
    pub(super) fn window(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Passes over `count` bytes, at most those in the window.
    #[inline]
    pub(super) fn consume(&mut self, count: usize) {
        let count = count.min(self.end - self.start);
        self.start += count;
        self.offset += count as u64;
    }

    /// Passes over `count` bytes of the stream without holding them. Returns how many there were.
    pub(super) fn skip(&mut self, count: u64) -> io::Result<u64> {
        let mut left = count;
        while left > 0 {
            let step = usize::try_from(left).unwrap_or(self.block).min(self.block);
            let there = self.peek(step)?.len().min(step);
            if there == 0 {
                break;
            }
            self.consume(there);
            left -= there as u64;
        }
        Ok(count - left)
    }

    #[cold]
    fn fill(&mut self, count: usize) -> io::Result<()> {
        if self.offset >= self.ahead_after {
            self.supply = match std::mem::replace(&mut self.supply, Supply::Nowhere) {
                Supply::Stream(reader) => Supply::Ahead(Ahead::begin(reader)?),
                other => other,
            };
        }
        match &self.supply {
            Supply::Stream(_) => self.read(count),
            Supply::Ahead(_) => self.take_blocks(count),
            Supply::Nowhere => Err(io::Error::other("no thread to read it with")),
        }
    }

    /// Reads until the window has `count` bytes.
    fn read(&mut self, count: usize) -> io::Result<()> {
        self.move_to_front();
        let length = if self.offset > 0 || self.end > 0 { count.max(self.block) } else { count };
        if self.buffer.len() < length {
            self.buffer.resize(length, 0);
        }
        while self.end < count && !self.at_end {
            let (Supply::Stream(reader), Some(free)) = (&mut self.supply, self.buffer.get_mut(self.end..)) else {
                break;
            };
            match reader.read(free) {
                Ok(0) => self.at_end = true,
                Ok(read) => self.end += read.min(free.len()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Takes blocks that were read ahead until the window has `count` bytes. What is left in the window is put in front of the
    /// next block, so only that little is copied.
    fn take_blocks(&mut self, count: usize) -> io::Result<()> {
        while self.end - self.start < count && !self.at_end {
            let Supply::Ahead(ahead) = &self.supply else { break };
            let Some(mut block) = ahead.next()? else {
                self.at_end = true;
                break;
            };
            let left = self.buffer.get(self.start..self.end).unwrap_or_default();
            let start = ROOM.checked_sub(left.len());
            if let Some((start, room)) = start.and_then(|start| Some((start, block.get_mut(start..ROOM)?))) {
                room.copy_from_slice(left);
                (self.start, self.end) = (start, block.len());
                ahead.give_back(std::mem::replace(&mut self.buffer, block));
                continue;
            }
            // A record larger than the room.
            self.move_to_front();
            self.buffer.truncate(self.end);
            self.buffer.extend_from_slice(block.get(ROOM..).unwrap_or_default());
            self.end = self.buffer.len();
        }
        Ok(())
    }

    fn move_to_front(&mut self) {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Yields a few bytes a call, as slow pipes do.
    struct Drip<'a>(&'a [u8], usize);

    impl Read for Drip<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.0.len().min(buffer.len()).min(self.1);
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    #[test]
    fn a_slow_reader_gives_the_same_bytes() {
        let mut buffer = BlockBuffer::new(Box::new(Drip(b"abcdefgh", 1)));
        assert_eq!(buffer.peek(3).unwrap(), b"abc");
        buffer.consume(2);
        assert_eq!(buffer.offset(), 2);
        assert_eq!(buffer.peek(4).unwrap(), b"cdef");
        assert_eq!(buffer.skip(5).unwrap(), 5);
        assert_eq!(buffer.peek(9).unwrap(), b"h");
        assert_eq!(buffer.skip(9).unwrap(), 1);
        assert_eq!(buffer.offset(), 8);
    }

    #[test]
    fn what_is_read_ahead_is_the_same_whatever_is_asked_for() {
        let bytes: Vec<u8> = (0..12_000_000u32).map(|number| (number % 251).to_le_bytes()[0]).collect();
        let bytes: &'static [u8] = bytes.leak();
        for at_a_time in [usize::MAX, 65_536, 1000] {
            let mut buffer = BlockBuffer::reading_ahead(Box::new(Drip(bytes, at_a_time)));
            let mut at = 0;
            for count in [1usize, 5000, 70_000, ROOM, ROOM + 1, 1 << 20, (1 << 20) + 70_000].into_iter().cycle() {
                let there = buffer.peek(count).unwrap();
                let expected = &bytes[at..(at + count).min(bytes.len())];
                assert_eq!(there.get(..expected.len()), Some(expected));
                // A part stays for the next look.
                let step = count - count / 3;
                at += expected.len().min(step);
                buffer.consume(step.min(expected.len()));
                assert_eq!(buffer.offset(), at as u64);
                assert!(buffer.buffer.capacity() < 8 << 20);
                if expected.len() < count && expected.len() <= step {
                    break;
                }
            }
            assert!(matches!(buffer.supply, Supply::Ahead(_)));
            assert_eq!(at, bytes.len());
        }
    }

    #[test]
    fn an_error_comes_behind_what_was_read_before_it() {
        struct Fails;
        impl Read for Fails {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("broken"))
            }
        }
        let bytes: &'static [u8] = vec![7; 6 << 20].leak();
        let mut buffer = BlockBuffer::reading_ahead(Box::new(bytes.chain(Fails)));
        while buffer.offset() < 6 << 20 {
            assert!(!buffer.peek(1).unwrap().is_empty());
            let there = buffer.window().len();
            buffer.consume(there);
        }
        assert_eq!(buffer.peek(1).unwrap_err().to_string(), "broken");
    }

    #[test]
    fn one_of_many_takes_no_more_than_its_share() {
        let bytes: &'static [u8] = vec![7; 6 << 20].leak();
        let mut buffer = BlockBuffer::reading_ahead(Box::new(bytes));
        buffer.share(5000);
        while !buffer.peek(100).unwrap().is_empty() {
            let there = buffer.window().len();
            buffer.consume(there);
            assert!(buffer.buffer.capacity() <= FIRST_BLOCK, "{}", buffer.buffer.capacity());
        }
        assert_eq!(buffer.offset(), 6 << 20);
        assert!(matches!(buffer.supply, Supply::Stream(_)));
    }

    #[test]
    fn more_than_a_block_can_be_asked_for() {
        let mut buffer = BlockBuffer::new(Box::new(io::Cursor::new(vec![7; BLOCK * 2])));
        buffer.peek(10).unwrap();
        buffer.consume(10);
        assert_eq!(buffer.peek(BLOCK + 5).unwrap().len(), BLOCK + 5);
    }
}
