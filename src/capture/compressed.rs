//! Captures that are compressed, recognised by their first bytes.
//!
//! In: a byte stream. Out: the same stream, or what gzip (RFC 1952) or zstd (RFC 8878) made it of: several members or frames
//! one after the other, frames to be skipped among them, and gzip within either, as mail and archives leave it. Memory is bounded by the window that a zstd frame may ask for.

use std::borrow::Cow;
use std::io::{self, BufRead, BufReader, Chain, Cursor, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ruzstd::decoding::errors::FrameDecoderError;
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};

/// Compressed bytes are read in blocks of this length.
const BLOCK: usize = 32 << 10;
/// Bytes are decompressed in pieces of this length.
const PIECE: usize = 8 << 10;
/// Windows larger than this are refused: what `zstd --ultra` writes without `--long`.
const LARGEST_WINDOW: u64 = 128 << 20;
/// The windows of all captures that are read at once take no more than this.
const ALL_WINDOWS: u64 = 256 << 20;
/// zstd's magic number, and that of frames to be skipped, whose lowest four bits are free.
const ZSTD: u32 = 0xfd2f_b528;
const SKIPPABLE: u32 = 0x184d_2a50;

/// How many bytes were taken of a stream, told while more are: for whoever shows progress, or says where it broke.
#[derive(Debug, Clone, Default)]
pub struct BytesRead(Arc<AtomicU64>);

impl BytesRead {
    /// Bytes so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Counts what is taken.
struct Counted<R> {
    inner: R,
    count: BytesRead,
}

impl<R> Counted<R> {
    fn add(&self, taken: usize) {
        self.count.0.fetch_add(taken as u64, Ordering::Relaxed);
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.add(read);
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.inner.consume(amount);
        self.add(amount);
    }
}

/// How a stream is compressed.
pub(super) struct Compression {
    pub(super) name: &'static str,
    /// How far its bytes were understood.
    pub(super) taken: BytesRead,
}

/// A stream to be read as a capture, and how it was compressed.
pub(super) type Opened = (Box<dyn Read + Send>, Option<Compression>);

/// Times that a stream may have been compressed.
const MOST_LAYERS: usize = 3;

/// The stream without its compression, if it has one. What is read of it is counted in `count`.
pub(super) fn open(reader: Box<dyn Read + Send>, count: &BytesRead) -> io::Result<Opened> {
    let (start, reader) = peek(reader, count)?;
    let (mut reader, compression) = layer(start, reader, true);
    for _ in 1..MOST_LAYERS {
        if compression.is_none() {
            break;
        }
        let (start, all) = match peek(reader, &BytesRead::default()) {
            Ok(peeked) => peeked,
            // Whoever reads it is told, and by then knows how it was compressed.
            Err(error) => return Ok((Box::new(Fails(Some(error))), compression)),
        };
        let inner;
        // One window of zstd has to be enough.
        (reader, inner) = layer(start, all, false);
        if inner.is_none() {
            break;
        }
    }
    Ok((reader, compression))
}

/// The first bytes of a stream, and all of it.
fn peek(reader: Box<dyn Read + Send>, count: &BytesRead) -> io::Result<(Option<[u8; 4]>, impl Read + Send + use<>)> {
    let mut reader = Counted { inner: reader, count: count.clone() };
    let mut start = Vec::with_capacity(4);
    let failed = (&mut reader).take(4).read_to_end(&mut start).err();
    if start.is_empty()
        && let Some(error) = failed
    {
        return Err(error);
    }
    let first = start.first_chunk().copied().or(match *start.as_slice() {
        [a, b, c] => Some([a, b, c, 0]),
        [a, b] => Some([a, b, 0, 0]),
        _ => None,
    });
    Ok((first, Cursor::new(start).chain(Fails(failed)).chain(reader)))
}

/// One compression taken off, if there is one.
fn layer(start: Option<[u8; 4]>, all: impl Read + Send + 'static, any: bool) -> Opened {
    let taken = BytesRead::default();
    let blocks = |all| Counted { inner: BufReader::with_capacity(BLOCK, all), count: taken.clone() };
    let magic = start.map_or(0, u32::from_le_bytes);
    let (reader, name): (Box<dyn Read + Send>, _) = match start {
        Some([0x1f, 0x8b, ..]) => (Box::new(flate2::bufread::MultiGzDecoder::new(blocks(all))), "gzip"),
        Some(_) if any && (magic == ZSTD || magic & !0xf == SKIPPABLE) => {
            (Box::new(Zstd { state: State::Between(blocks(all)) }), "zstd")
        }
        _ => return (Box::new(all), None),
    };
    (Box::new(Pieces { inner: reader, failed: None }), Some(Compression { name, taken }))
}

/// Fails once, with what stopped somebody who only looked.
struct Fails(Option<io::Error>);

impl Read for Fails {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// What is wrong with compressed data, in words for people: those of decompressors are for programmers.
pub(super) fn in_words(error: &io::Error) -> String {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Damage>()) {
        _ if error.kind() == io::ErrorKind::UnexpectedEof => "it ends in the middle".to_owned(),
        Some(damage) => damage.to_string(),
        None => "it is damaged".to_owned(),
    }
}

/// What was found to be wrong here.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Damage(Cow<'static, str>);

/// Reads piece by piece. A decompressor that comes upon damage keeps back what it made of the same piece: the smaller it is, the
/// more of what stands before the damage is read.
struct Pieces<R> {
    inner: R,
    /// What is told when all before it was given.
    failed: Option<io::Error>,
}

impl<R: Read> Read for Pieces<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let mut filled = 0;
        for piece in buffer.chunks_mut(PIECE) {
            match self.inner.read(piece) {
                Ok(read) => {
                    filled += read;
                    // The end, or all that a pipe has to give now.
                    if read < piece.len() {
                        break;
                    }
                }
                Err(error) if filled == 0 => return Err(error),
                Err(error) => {
                    self.failed = Some(error);
                    break;
                }
            }
        }
        Ok(filled)
    }
}

/// Frames of zstd, one after the other.
struct Zstd<R: BufRead> {
    state: State<R>,
}

type Decoder<R> = StreamingDecoder<Chain<Cursor<[u8; 4]>, R>, FrameDecoder>;

enum State<R: BufRead> {
    Between(R),
    /// The frame's magic number was read already, and is put before the rest.
    Frame(Box<Decoder<R>>, Window),
    Ended,
}

impl<R: BufRead> Read for Zstd<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match std::mem::replace(&mut self.state, State::Ended) {
                State::Between(mut source) => {
                    if source.fill_buf()?.is_empty() {
                        return Ok(0);
                    }
                    self.state = next_frame(source)?;
                }
                State::Frame(mut decoder, window) => {
                    let read = decoder.read(buffer)?;
                    if read > 0 || buffer.is_empty() {
                        self.state = State::Frame(decoder, window);
                        return Ok(read);
                    }
                    let frame = &decoder.decoder;
                    let (written, calculated) = (frame.get_checksum_from_data(), frame.get_calculated_checksum());
                    if written.is_some() && calculated.is_some() && written != calculated {
                        return Err(damaged("the checksum of a frame is wrong"));
                    }
                    self.state = State::Between(decoder.into_inner().into_inner().1);
                }
                State::Ended => return Ok(0),
            }
        }
    }
}

/// Begins the next frame, or passes over one that is to be skipped.
fn next_frame<R: BufRead>(mut source: R) -> io::Result<State<R>> {
    let mut magic = [0; 4];
    source.read_exact(&mut magic)?;
    if u32::from_le_bytes(magic) & !0xf == SKIPPABLE {
        let mut length = [0; 4];
        source.read_exact(&mut length)?;
        let length = u64::from(u32::from_le_bytes(length));
        let skipped = io::copy(&mut (&mut source).take(length), &mut io::sink())?;
        return if skipped == length { Ok(State::Between(source)) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
    }
    // Where the header stands in two blocks, the decoder finds out alone.
    let window = Window::take(window_of(source.fill_buf()?).unwrap_or(0).min(LARGEST_WINDOW))?;
    let source = Cursor::new(magic).chain(source);
    let decoder = StreamingDecoder::new_with_max_window_size(source, LARGEST_WINDOW);
    decoder.map(|decoder| State::Frame(Box::new(decoder), window)).map_err(|error| match error {
        FrameDecoderError::WindowSizeTooBig { .. } => {
            damaged("it was compressed with a window of more than 128 MiB (zstd --long); decompress it first (zstd -d --long=31)")
        }
        _ => damaged("it is damaged"),
    })
}

/// The window that the header of a frame asks for, behind its magic number (RFC 8878 3.1.1.1).
fn window_of(header: &[u8]) -> Option<u64> {
    let (&descriptor, rest) = header.split_first()?;
    let is_single_segment = descriptor & 0x20 != 0;
    if !is_single_segment {
        let &window = rest.first()?;
        let base = 1_u64 << (10 + (window >> 3));
        return Some(base + base / 8 * u64::from(window & 7));
    }
    // The window is as large as the content.
    let rest = rest.get([0, 1, 2, 4].get(usize::from(descriptor & 3)).copied()?..)?;
    Some(match descriptor >> 6 {
        0 => u64::from(*rest.first()?),
        1 => u64::from(u16::from_le_bytes(*rest.first_chunk()?)) + 256,
        2 => u32::from_le_bytes(*rest.first_chunk()?).into(),
        _ => u64::from_le_bytes(*rest.first_chunk()?),
    })
}

/// Bytes of windows that are held.
static WINDOWS: AtomicU64 = AtomicU64::new(0);

/// The right to hold a window; it goes back when this goes.
#[derive(Debug)]
struct Window(u64);

impl Window {
    fn take(bytes: u64) -> io::Result<Self> {
        let taken = WINDOWS.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |held| {
            held.checked_add(bytes).filter(|&held| held <= ALL_WINDOWS)
        });
        taken.map(|_| Self(bytes)).map_err(|held| {
            damaged(format!(
                "its window of {} MiB and those of others that are read at the same time ({} MiB) are more than {} MiB: \
                 decompress some of them first (zstd -d)",
                bytes >> 20,
                held >> 20,
                ALL_WINDOWS >> 20
            ))
        })
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        WINDOWS.fetch_sub(self.0, Ordering::Relaxed);
    }
}

/// An error that is told as it is.
pub(super) fn damaged(what: impl Into<Cow<'static, str>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, Damage(what.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
    }

    fn skippable(length: usize) -> Vec<u8> {
        [&0x184d_2a53_u32.to_le_bytes()[..], &u32::try_from(length).unwrap().to_le_bytes(), &vec![7; length]].concat()
    }

    fn read(bytes: &[u8]) -> io::Result<(Vec<u8>, Option<&'static str>, u64)> {
        let count = BytesRead::default();
        let (mut reader, compression) = open(Box::new(Cursor::new(bytes.to_vec())), &count)?;
        let mut all = Vec::new();
        reader.read_to_end(&mut all)?;
        if let Some(compression) = &compression {
            assert_eq!(compression.taken.get(), count.get());
        }
        Ok((all, compression.map(|compression| compression.name), count.get()))
    }

    #[test]
    fn what_is_not_compressed_stays_as_it_is() {
        for bytes in [&b""[..], b"abc", b"\xd4\xc3\xb2\xa1 and so on", b"\x1f"] {
            assert_eq!(read(bytes).unwrap(), (bytes.to_vec(), None, bytes.len() as u64));
        }
    }

    #[test]
    fn several_members_and_frames() {
        let bytes: Vec<u8> = (0..200_000u32).flat_map(u32::to_le_bytes).collect();
        let (first, second) = bytes.split_at(300_001);
        let members = [gzip(first), gzip(b""), gzip(second)].concat();
        assert_eq!(read(&members).unwrap(), (bytes.clone(), Some("gzip"), members.len() as u64));
        let frames = [skippable(0), zstd(first), skippable(300_000), zstd(b""), zstd(second), skippable(5)].concat();
        assert_eq!(read(&frames).unwrap(), (bytes, Some("zstd"), frames.len() as u64));
    }

    #[test]
    fn gzip_within_gzip_and_within_zstd() {
        let bytes: Vec<u8> = (0..20_000u32).flat_map(u32::to_le_bytes).collect();
        for twice in [gzip(&gzip(&bytes)), zstd(&gzip(&bytes)), gzip(&gzip(&gzip(&bytes)))] {
            assert_eq!(read(&twice).unwrap().0, bytes);
        }
        let deep = (0..4).fold(bytes.clone(), |bytes, _| gzip(&bytes));
        assert_eq!(read(&deep).unwrap().0, gzip(&bytes), "so deep nobody goes");
        let cut = gzip(&gzip(&bytes)[..20_000]);
        assert!(read(&cut).is_err());
    }

    #[test]
    fn what_is_wrong_is_said_in_words() {
        let mut bytes = gzip(&vec![5; 100_000]);
        let last = bytes.len() - 6;
        bytes[last] ^= 0xff;
        assert_eq!(in_words(&read(&bytes).unwrap_err()), "it is damaged");
        // 256 MiB.
        let wide = [&ZSTD.to_le_bytes()[..], &[0, 18 << 3, 0, 0, 0]].concat();
        assert!(in_words(&read(&wide).unwrap_err()).contains("window"), "{:?}", read(&wide));
    }

    #[test]
    fn what_stands_before_damage_is_read() {
        /// Gives sevens, and fails like a decompressor: in the middle of what it is asked for.
        struct Fails(usize);
        impl Read for Fails {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                self.0 = self.0.checked_sub(buffer.len()).ok_or_else(|| io::Error::other("damaged"))?;
                buffer.fill(7);
                Ok(buffer.len())
            }
        }
        let mut reader = Pieces { inner: Fails(100_000), failed: None };
        let mut bytes = Vec::new();
        assert_eq!(reader.read_to_end(&mut bytes).unwrap_err().to_string(), "damaged");
        assert!((100_000 - PIECE..=100_000).contains(&bytes.len()), "{}", bytes.len());
        let mut reader = Pieces { inner: Fails(100_000), failed: None };
        assert_eq!(reader.read(&mut vec![0; 1 << 20]).unwrap(), 100_000 / PIECE * PIECE);
        assert!(reader.read(&mut vec![0; 1 << 20]).is_err());
    }

    #[test]
    fn cut_and_damaged_streams_are_errors() {
        let bytes = vec![5; 10_000];
        for compressed in [gzip(&bytes), zstd(&bytes), [zstd(&bytes), skippable(20)].concat()] {
            for cut in 5..compressed.len() {
                let whole = read(&compressed[..cut]);
                assert!(whole.is_err() || cut == zstd(&bytes).len(), "{cut} of {}", compressed.len());
            }
        }
        let wide = [&ZSTD.to_le_bytes()[..], &[0, 0xff, 0, 0, 0]].concat();
        assert!(read(&wide).is_err(), "a window of terabytes");
    }

    #[test]
    fn windows_are_what_headers_say() {
        assert_eq!(window_of(&[0x00, 0x00]), Some(1 << 10));
        assert_eq!(window_of(&[0x00, (17 << 3) | 1]), Some((128 << 20) + (16 << 20)));
        assert_eq!(window_of(&[0x20, 7]), Some(7));
        assert_eq!(window_of(&[0x60, 1, 0]), Some(257));
        assert_eq!(window_of(&[0xa3, 9, 9, 9, 9, 0, 0, 16, 0]), Some(16 << 16));
        assert_eq!(window_of(&[0xe0, 1, 0, 0]), None, "the header is not whole");
        assert_eq!(window_of(&[]), None);
    }

    #[test]
    fn windows_have_one_bound_together() {
        let first = Window::take(LARGEST_WINDOW).unwrap();
        let refused = Window::take(ALL_WINDOWS - LARGEST_WINDOW / 2).unwrap_err().to_string();
        assert!(refused.contains("(128 MiB) are more than 256 MiB: decompress"), "{refused}");
        drop(first);
        drop(Window::take(ALL_WINDOWS - LARGEST_WINDOW / 2).unwrap());
    }

    proptest! {
        #[test]
        fn any_bytes_do_no_harm(start in prop::sample::select(vec![0x0000_8b1f_u32, ZSTD, SKIPPABLE]), rest in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&[&start.to_le_bytes()[..], &rest].concat());
        }
    }
}
