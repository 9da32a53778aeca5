//! The base64 of the crypts: an alphabet of their own, and the lowest bits first.

const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Whether all are letters of it.
pub(super) fn is_spelt(text: &[u8]) -> bool {
    text.iter().all(|byte| ALPHABET.contains(byte))
}

/// Three bytes, the highest first, in as many letters as there is room for.
pub(super) fn spell(bytes: [u8; 3], out: &mut [u8]) {
    let mut bits = bytes.iter().fold(0, |bits, byte| bits << 8 | usize::from(*byte));
    for letter in out {
        *letter = ALPHABET[bits % 64];
        bits /= 64;
    }
}
