//! Which files may hold secrets.
//!
//! Configurations hold passwords and keys, and come under many names: `SEP….cnf.xml`, `SIP….cnf`, `ATA….cfg`. So files are
//! taken to hold secrets unless they are known not to: trust lists, firmware, and what it brings with it.

use crate::phone::{DownloadRecord, FileKind};
use crate::trust::SignedFile;

/// Extensions of files that are the same for all phones, and public.
const HARMLESS: [&str; 13] =
    ["bin", "cop", "jar", "loads", "pcm", "png", "raw", "rwb", "sb2", "sbn", "sebn", "wav", "zz"];

/// Whether a file may hold secrets.
pub(super) fn possible(record: &DownloadRecord, bytes: &[u8]) -> bool {
    if record.list.is_some() {
        return false;
    }
    let Some(name) = record.file() else { return true };
    let name = name.to_ascii_lowercase();
    let unsigned = [".sgn", ".sha512"].into_iter().find_map(|signed| name.strip_suffix(signed)).unwrap_or(&name);
    let extension = unsigned.rsplit_once('.').map(|(_, extension)| extension);
    let harmless = extension.is_some_and(|extension| HARMLESS.contains(&extension));
    !harmless || record.kind == FileKind::Config || is_markup(bytes)
}

/// Whether the file, without the envelope of a signature, is XML, whatever its name says.
fn is_markup(bytes: &[u8]) -> bool {
    let signed = SignedFile::parse(bytes).ok();
    let body = signed.as_ref().map_or(bytes, |signed| signed.body(bytes));
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let utf16 = body.starts_with(&[0xff, 0xfe]) || body.starts_with(&[0xfe, 0xff]);
    utf16 || body.trim_ascii_start().starts_with(b"<")
}
