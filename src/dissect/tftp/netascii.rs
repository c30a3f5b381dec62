//! Netascii (RFC 764): lines end with CR LF on the wire, a lone CR is sent as CR NUL.

/// Turns netascii back into the bytes of the file, as a Unix server holds them: LF for CR LF, CR for CR NUL.
#[derive(Debug, Default)]
pub(super) struct Netascii {
    /// The last byte was a CR whose meaning the next byte decides.
    pending: bool,
}

impl Netascii {
    /// Decodes the next piece.
    pub(super) fn decode(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut decoded = Vec::with_capacity(bytes.len() + 1);
        for &byte in bytes {
            match (std::mem::replace(&mut self.pending, byte == b'\r'), byte) {
                (true, b'\n') => decoded.push(b'\n'),
                (true, 0 | b'\r') => decoded.push(b'\r'),
                (true, other) => decoded.extend([b'\r', other]),
                (false, b'\r') => {}
                (false, other) => decoded.push(other),
            }
        }
        decoded
    }

    /// What is left at the end of the file.
    pub(super) fn finish(&mut self) -> &'static [u8] {
        if std::mem::take(&mut self.pending) { b"\r" } else { b"" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encode(file: &[u8]) -> Vec<u8> {
        file.iter()
            .flat_map(|&byte| match byte {
                b'\n' => b"\r\n".to_vec(),
                b'\r' => b"\r\0".to_vec(),
                other => vec![other],
            })
            .collect()
    }

    proptest! {
        #[test]
        fn decoding_undoes_encoding_wherever_it_is_cut(
            file in prop::collection::vec(prop::sample::select(b"\r\n\0ab".to_vec()), 0..40),
            cut in any::<prop::sample::Index>(),
        ) {
            let encoded = encode(&file);
            let (left, right) = encoded.split_at(cut.index(encoded.len() + 1));
            let mut netascii = Netascii::default();
            let decoded = [netascii.decode(left), netascii.decode(right), netascii.finish().to_vec()].concat();
            prop_assert_eq!(decoded, file);
        }
    }
}
