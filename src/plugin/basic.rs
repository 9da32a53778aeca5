//! User and password, as HTTP Basic sends them (RFC 7617).

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Clients that leave out the padding, or pad with other bits than zero, are understood, as by nginx.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// A user's name and password, in whatever bytes they came.
pub(super) struct Credentials {
    pub(super) user: Box<[u8]>,
    pub(super) password: Box<[u8]>,
}

// === impl Credentials ===

impl Credentials {
    /// Reads what follows the scheme. The first colon divides, and a user has a name.
    pub(super) fn decode(text: &[u8]) -> Option<Self> {
        let pair = LENIENT.decode(text.trim_ascii()).ok()?;
        let colon = pair.iter().position(|byte| *byte == b':')?;
        let (user, password) = (&pair[..colon], &pair[colon + 1..]);
        (!user.is_empty()).then(|| Self { user: user.into(), password: password.into() })
    }
}
