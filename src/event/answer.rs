//! What servers say instead of sending a file, in words.

/// `ERROR 1 (File not found): its own text` (RFC 1350 appendix I, RFC 2347).
pub(super) fn tftp_error(code: u16, message: &str) -> String {
    let name = match code {
        0 => "not defined",
        1 => "File not found",
        2 => "Access violation",
        3 => "Disk full or allocation exceeded",
        4 => "Illegal TFTP operation",
        5 => "Unknown transfer ID",
        6 => "File already exists",
        7 => "No such user",
        8 => "Options refused",
        _ => "unknown code",
    };
    let own = !message.is_empty() && !message.eq_ignore_ascii_case(name);
    if own { format!("ERROR {code} ({name}): {message}") } else { format!("ERROR {code} ({name})") }
}

/// `HTTP 404 (Not Found)`.
pub(super) fn http_status(status: u16, words: &str) -> String {
    let usual = match status {
        304 => "Not Modified",
        403 => "Forbidden",
        404 => "Not Found",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "",
    };
    let words = if words.is_empty() { usual } else { words };
    if words.is_empty() { format!("HTTP {status}") } else { format!("HTTP {status} ({words})") }
}
