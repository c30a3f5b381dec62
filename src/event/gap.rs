//! Why a file is not complete.
//!
//! In: nothing. Out: one value for each way in which part of a file can be missing, and its words. It refuses to know how the
//! parts are put together.

use std::fmt;

use super::Side;
use super::answer::{http_status, tftp_error};

/// Why a file is not complete, or not known to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DownloadGap {
    /// Only packets of phones to this server were captured, so whether it answered is not known.
    ServerUnheard,
    /// One request, which was not repeated, and no answer to it: a phone that gets none asks again, so the answer may be missing
    /// from the capture.
    AnswerUnseen,
    /// Of this connection, only the phone's side was captured.
    OneSide,
    /// One side ended a transfer that had begun with an ERROR.
    Ended {
        /// Which.
        by: Side,
        /// The code of the ERROR.
        code: u16,
        /// Its text.
        message: String,
    },
    /// Two copies of this block differ.
    BlocksDiffer(u64),
    /// This block is longer than those before it.
    BlockTooLong(u64),
    /// A block follows one that was short, and so the last.
    BlockAfterEnd {
        /// The block that follows.
        block: u64,
        /// The short one.
        end: u64,
    },
    /// The server announced another length than it sent.
    LengthDiffers {
        /// Bytes announced (RFC 2349 tsize).
        announced: u64,
        /// Bytes sent.
        found: u64,
    },
    /// The snap length of the capture cut a block.
    BlockCut {
        /// The block.
        block: u64,
        /// The number of its frame.
        frame: u64,
        /// Bytes captured.
        captured: usize,
        /// Bytes of the block.
        length: usize,
    },
    /// The phone acknowledged blocks up to this one, and no data is in the capture.
    DataUnseen {
        /// The last block acknowledged.
        acked: u64,
    },
    /// The server accepted the options (OACK), and no data is in the capture.
    NoData,
    /// Blocks are missing from the capture.
    BlocksMissing {
        /// The first of them.
        first: u64,
        /// How many.
        missing: u64,
        /// How many the file has, where its last block was seen.
        of: Option<u64>,
        /// Whether the phone acknowledged the first of them, where it acknowledged anything.
        acked: Option<bool>,
    },
    /// The end is not in the capture, although the phone acknowledged more than the last block seen.
    EndUncaptured {
        /// The last block seen.
        last: u64,
        /// The first block that is missing.
        next: u64,
    },
    /// The end is missing.
    EndMissing {
        /// The last block seen.
        last: u64,
        /// Its bytes.
        length: usize,
        /// The phone acknowledged blocks, but not this one.
        unacked: bool,
        /// How often the server repeated it.
        repeats: u32,
    },
    /// So many ports or hosts answered one request with files that differ, and the phone acknowledged none of them.
    AnswersDiffer(usize),
    /// Which answer of the connection is this request's is not known.
    Unpaired,
    /// Two copies of bytes of the stream differ.
    BytesDiffer,
    /// Bytes of the body are missing from the capture.
    BytesMissing {
        /// How many.
        missing: u64,
        /// Of how many.
        of: u64,
    },
    /// The body has a coding that is not read.
    Coded,
    /// Only part of the file was sent, and the request is not known.
    Part,
    /// A status without a file.
    NoFile {
        /// Its code.
        status: u16,
        /// What stands behind the code.
        words: String,
    },
    /// A range of the file was asked for and sent.
    Range {
        /// Its first byte.
        first: u64,
        /// Its last byte.
        last: u64,
        /// Bytes of the file.
        total: Option<u64>,
    },
    /// The connection ended, or the capture did, within the body.
    BodyEnds {
        /// Bytes of the body that came.
        after: u64,
        /// Who reset the connection.
        reset: Option<Side>,
    },
    /// The stream of the answer was lost within the body.
    BodyLost {
        /// Bytes of the body that came.
        after: u64,
    },
    /// The answer is missing from the capture.
    AnswerMissing,
}

impl fmt::Display for DownloadGap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AnswerUnseen => f.write_str("no answer to the one request was captured"),
            Self::ServerUnheard => {
                f.write_str("only the phones' packets to this server were captured: whether it answered is not known")
            }
            Self::OneSide => {
                f.write_str("only the phone's side was captured: whether the server answered is not known")
            }
            Self::Ended { by, code, message } => {
                write!(f, "{} ended the transfer with {}", by.words(), tftp_error(*code, message))
            }
            Self::BlocksDiffer(block) => write!(f, "two copies of block {block} differ"),
            Self::BlockTooLong(block) => write!(f, "block {block} is longer than the blocks before it"),
            Self::BlockAfterEnd { block, end } => {
                write!(f, "block {block} follows block {end}, which was short and so the last")
            }
            Self::LengthDiffers { announced, found } => {
                write!(f, "the server announced {announced} bytes (tsize) but sent {found}")
            }
            Self::BlockCut { block, frame, captured, length } => write!(
                f,
                "block {block} is cut by the capture's snap length: frame {frame} holds {captured} of its {length} bytes"
            ),
            Self::DataUnseen { acked } => write!(
                f,
                "only the phone's packets were captured: it acknowledged blocks up to {acked}, the data was not seen"
            ),
            Self::NoData => f.write_str("the server accepted the request (OACK) but no data was seen"),
            &Self::BlocksMissing { first, missing, of, acked } => {
                let of = of.map(|of| format!(" of {of}")).unwrap_or_default();
                if missing == 1 {
                    write!(f, "block {first}{of} is missing from the capture{}", dropped(acked))
                } else {
                    write!(
                        f,
                        "{missing} blocks{of} are missing from the capture, the first is block {first}{}",
                        dropped(acked)
                    )
                }
            }
            Self::EndUncaptured { last, next } => write!(
                f,
                "the end is missing: block {last} is the last one seen, block {next} and what follows is not in the capture{}",
                dropped(Some(true))
            ),
            Self::EndMissing { last, length, unacked, repeats } => {
                write!(f, "the end is missing: nothing follows block {last} ({length} bytes)")?;
                if *unacked {
                    f.write_str(", which the phone did not acknowledge")?;
                }
                match repeats {
                    0 => Ok(()),
                    times => write!(f, "; the server sent it {} times", times.saturating_add(1)),
                }
            }
            Self::AnswersDiffer(answers) => write!(
                f,
                "{answers} ports or hosts answered with files that differ, and the phone acknowledged none of them: which one it took is not known"
            ),
            Self::Unpaired => f.write_str(
                "part of the connection is missing from the capture: which answer is this request's is not known",
            ),
            Self::BytesDiffer => f.write_str("two copies of the same bytes differ"),
            Self::BytesMissing { missing, of } => write!(f, "{missing} of {of} bytes are missing from the capture"),
            Self::Coded => f.write_str("the file was sent in a coding that is not read"),
            Self::Part => f.write_str("only part of the file was sent"),
            Self::NoFile { status, words } => f.write_str(&http_status(*status, words)),
            Self::Range { first, last, total: Some(total) } => {
                write!(f, "only bytes {first} to {last} of {total} were sent, as asked")
            }
            Self::Range { first, last, total: None } => write!(f, "only bytes {first} to {last} were sent, as asked"),
            Self::BodyEnds { after, reset: Some(side) } => {
                write!(f, "the end is missing: {} reset the connection after {after} bytes", side.words())
            }
            Self::BodyEnds { after, reset: None } => {
                write!(f, "the end is missing: nothing more was captured after {after} bytes")
            }
            Self::BodyLost { after } => {
                write!(f, "part of the answer is missing from the capture, after {after} bytes of the file")
            }
            Self::AnswerMissing => f.write_str("the answer is missing from the capture"),
        }
    }
}

/// What the phone's acknowledgment says of a block that is missing.
const fn dropped(acked: Option<bool>) -> &'static str {
    match acked {
        Some(true) => "; the phone acknowledged it, so the capture dropped it",
        Some(false) => "; the phone did not acknowledge it",
        None => "",
    }
}
