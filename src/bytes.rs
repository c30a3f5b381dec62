//! A bounds-checked reader over a byte slice.
//!
//! In: bytes from a capture or a file. Out: integers and sub-slices, or `None` where the bytes end. It refuses to know any
//! format: it exists so that parsers of hostile bytes need neither indexing nor length arithmetic of their own.

/// Reads big-endian (network order) values from the front of a slice; every method advances only when it succeeds.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    all: &'a [u8],
    position: usize,
}

impl<'a> Reader<'a> {
    /// A reader that stands at the first byte of `bytes`.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { all: bytes, position: 0 }
    }

    /// Offset of the next byte, counted from the start of the slice that the reader was made from.
    pub const fn position(&self) -> usize {
        self.position
    }

    /// The bytes not read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.all.get(self.position..).unwrap_or_default()
    }

    /// How many bytes are not read yet.
    pub const fn remaining(&self) -> usize {
        self.all.len().saturating_sub(self.position)
    }

    /// Whether every byte was read.
    pub const fn is_empty(&self) -> bool {
        self.remaining() == 0
    }

    /// The next `count` bytes.
    pub fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let end = self.position.checked_add(count)?;
        let taken = self.all.get(self.position..end)?;
        self.position = end;
        Some(taken)
    }

    /// The next `N` bytes as an array.
    pub fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    /// Passes over `count` bytes.
    pub fn skip(&mut self, count: usize) -> Option<()> {
        self.take(count).map(|_| ())
    }

    /// The next byte.
    pub fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// The next two bytes as a big-endian number.
    pub fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    /// The next three bytes as a big-endian number.
    pub fn u24(&mut self) -> Option<u32> {
        self.array::<3>().map(|[a, b, c]| u32::from_be_bytes([0, a, b, c]))
    }

    /// The next four bytes as a big-endian number.
    pub fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    /// The bytes before the next `delimiter`; the delimiter itself is passed over.
    pub fn until(&mut self, delimiter: u8) -> Option<&'a [u8]> {
        let length = self.rest().iter().position(|&byte| byte == delimiter)?;
        let taken = self.take(length)?;
        self.skip(1)?;
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_big_endian_and_stops_at_the_end() {
        let mut reader = Reader::new(&[1, 0, 2, 0, 0, 3, 0, 0, 0, 4, 9]);
        assert_eq!(reader.u8(), Some(1));
        assert_eq!(reader.u16(), Some(2));
        assert_eq!(reader.u24(), Some(3));
        assert_eq!(reader.u32(), Some(4));
        assert_eq!(reader.u16(), None, "only one byte is left");
        assert_eq!(reader.position(), 10, "a failed read does not advance");
        assert_eq!(reader.take(1), Some(&[9][..]));
        assert!(reader.is_empty());
        assert_eq!(reader.take(usize::MAX), None, "no overflow");
    }

    #[test]
    fn until_finds_the_delimiter_or_leaves_the_reader_alone() {
        let mut reader = Reader::new(b"octet\0rest");
        assert_eq!(reader.until(0), Some(&b"octet"[..]));
        assert_eq!(reader.until(0), None);
        assert_eq!(reader.rest(), b"rest");
    }
}
