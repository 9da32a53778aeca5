//! Base64 as nginx decodes it, and with it Kong: the text ends at the first `=`, padding may be missing, and bits that are
//! left over may be any.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use std::borrow::Cow;

const LOOSE: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

/// What a text of the standard alphabet stands for; `None` if it has another byte before its end.
#[must_use]
pub fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let end = text.iter().position(|byte| *byte == b'=').unwrap_or(text.len());
    LOOSE.decode(&text[..end]).ok()
}

/// The same, of a text that may be of the alphabet for URLs (RFC 4648 §5), or a mixture.
#[must_use]
pub fn decode_url(text: &[u8]) -> Option<Vec<u8>> {
    let standard = |byte: &u8| match byte {
        b'-' => b'+',
        b'_' => b'/',
        other => *other,
    };
    let mixed = text.iter().any(|byte| matches!(byte, b'-' | b'_'));
    let text = if mixed { Cow::Owned(text.iter().map(standard).collect()) } else { Cow::Borrowed(text) };
    decode(&text)
}

#[cfg(test)]
mod tests {
    use super::{decode, decode_url};

    #[test]
    fn padding_and_leftover_bits_are_no_matter() {
        for text in ["+/8=", "+/8", "+/8==", "+/9=", "+/8=!?"] {
            assert_eq!(decode(text.as_bytes()), Some(vec![0xfb, 0xff]), "{text}");
        }
        assert_eq!((decode(b""), decode(b"====")), (Some(vec![]), Some(vec![])));
    }

    #[test]
    fn other_bytes_and_odd_lengths_are_none() {
        for text in ["-_8", "YQ YQ", "YQ\n", "Y", "YWJjZ", "é"] {
            assert_eq!(decode(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn both_alphabets_may_be_mixed() {
        for text in ["-_8", "+_8=", "-/8", "+/8"] {
            assert_eq!(decode_url(text.as_bytes()), Some(vec![0xfb, 0xff]), "{text}");
        }
    }
}
