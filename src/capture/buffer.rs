//! Reading in large blocks: many frames a system call, one copy.

use std::io::{self, Read};

/// How much is read at once. Large enough that system calls cost nothing, small enough to stay in the processor's cache.
const BLOCK: usize = 1 << 20;
/// How much is read first: many files are only looked at.
const FIRST_BLOCK: usize = 32 << 10;

/// A window over a byte stream that slides forward.
pub(super) struct BlockBuffer<R> {
    reader: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Offset in the stream of the byte at `start`.
    offset: u64,
    at_end: bool,
}

impl<R: Read> BlockBuffer<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, buffer: vec![0; FIRST_BLOCK], start: 0, end: 0, offset: 0, at_end: false }
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
            let step = usize::try_from(left).unwrap_or(BLOCK).min(BLOCK);
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
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        let length = if self.offset > 0 || self.end > 0 { count.max(BLOCK) } else { count };
        if self.buffer.len() < length {
            self.buffer.resize(length, 0);
        }
        while self.end < count && !self.at_end {
            let Some(free) = self.buffer.get_mut(self.end..) else {
                break;
            };
            match self.reader.read(free) {
                Ok(0) => self.at_end = true,
                Ok(read) => self.end += read.min(free.len()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Yields one byte a call, as slow pipes do.
    struct Drip<'a>(&'a [u8]);

    impl Read for Drip<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.0.len().min(buffer.len()).min(1);
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    #[test]
    fn a_slow_reader_gives_the_same_bytes() {
        let mut buffer = BlockBuffer::new(Drip(b"abcdefgh"));
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
    fn more_than_a_block_can_be_asked_for() {
        let bytes = vec![7; BLOCK * 2];
        let mut buffer = BlockBuffer::new(&bytes[..]);
        buffer.peek(10).unwrap();
        buffer.consume(10);
        assert_eq!(buffer.peek(BLOCK + 5).unwrap().len(), BLOCK + 5);
    }
}
