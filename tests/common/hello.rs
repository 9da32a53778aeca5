//! A TLS ClientHello as bytes (RFC 8446 §4.1.2), of which a test may spoil any part.

/// TLS record types (RFC 8446 §5.1).
pub(crate) const CHANGE_CIPHER_SPEC: u8 = 20;
pub(crate) const ALERT: u8 = 21;
pub(crate) const HANDSHAKE: u8 = 22;
pub(crate) const APPLICATION_DATA: u8 = 23;

/// TLS extensions (IANA's "TLS ExtensionType Values").
pub(crate) const SERVER_NAME: u16 = 0;
pub(crate) const SUPPORTED_GROUPS: u16 = 10;
pub(crate) const SIGNATURE_ALGORITHMS: u16 = 13;
pub(crate) const ALPN: u16 = 16;
pub(crate) const PRE_SHARED_KEY: u16 = 41;
pub(crate) const SUPPORTED_VERSIONS: u16 = 43;
pub(crate) const KEY_SHARE: u16 = 51;
pub(crate) const RENEGOTIATION_INFO: u16 = 0xff01;

pub(crate) const X25519: u16 = 0x001d;
pub(crate) const SECP256R1: u16 = 0x0017;

/// What a ClientHello says.
#[derive(Clone)]
pub(crate) struct Hello {
    pub(crate) version: u16,
    pub(crate) session: Vec<u8>,
    pub(crate) suites: Vec<u16>,
    pub(crate) compression: Vec<u8>,
    pub(crate) extensions: Vec<(u16, Vec<u8>)>,
}

// === impl Hello ===

impl Hello {
    /// What any server of today takes: TLS 1.3 with X25519.
    pub(crate) fn modern() -> Self {
        Self {
            version: 0x0303,
            session: vec![7; 32],
            suites: vec![0x1301, 0x1302, 0x1303],
            compression: vec![0],
            extensions: vec![
                (SERVER_NAME, server_name(b"gw.test")),
                (SUPPORTED_GROUPS, list16(&pairs(&[X25519]))),
                (SIGNATURE_ALGORITHMS, list16(&pairs(&[0x0403, 0x0804]))),
                (SUPPORTED_VERSIONS, list8(&pairs(&[0x0304]))),
                (KEY_SHARE, key_share(X25519, &base_point())),
            ],
        }
    }

    /// The same for TLS 1.2, or for what was before: nothing of TLS 1.3 is in it.
    pub(crate) fn old(version: u16) -> Self {
        let mut hello = Self::modern().without(SUPPORTED_VERSIONS).without(KEY_SHARE);
        hello.version = version;
        // ECDHE with AES-GCM, and with AES-CBC for versions that know no other.
        hello.suites = vec![0xc02b, 0xc02f, 0xc009, 0xc013];
        hello
    }

    pub(crate) fn without(mut self, extension: u16) -> Self {
        self.extensions.retain(|(kind, _)| *kind != extension);
        self
    }

    /// Replaces an extension, or adds it at the end.
    pub(crate) fn with(mut self, extension: u16, body: Vec<u8>) -> Self {
        match self.extensions.iter_mut().find(|(kind, _)| *kind == extension) {
            Some((_, old)) => *old = body,
            None => self.extensions.push((extension, body)),
        }
        self
    }

    /// Everything after the handshake message's head.
    pub(crate) fn body(&self) -> Vec<u8> {
        let extensions: Vec<u8> =
            self.extensions.iter().flat_map(|(kind, body)| [&kind.to_be_bytes()[..], &list16(body)].concat()).collect();
        [
            &self.version.to_be_bytes()[..],
            &[5; 32],
            &list8(&self.session),
            &list16(&pairs(&self.suites)),
            &list8(&self.compression),
            &list16(&extensions),
        ]
        .concat()
    }

    /// As a handshake message.
    pub(crate) fn message(&self) -> Vec<u8> {
        message(1, &self.body())
    }

    /// As a record.
    pub(crate) fn record(&self) -> Vec<u8> {
        record(HANDSHAKE, &self.message())
    }
}

/// A handshake message of this type (RFC 8446 §4).
pub(crate) fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&[kind], &length[1..], body].concat()
}

/// A record in the clear, of any length that two bytes can say.
pub(crate) fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind, 3, 1][..], &list16(body)].concat()
}

/// Bytes with their number before them, in one byte.
pub(crate) fn list8(bytes: &[u8]) -> Vec<u8> {
    [&[u8::try_from(bytes.len()).unwrap()], bytes].concat()
}

/// Bytes with their number before them, in two bytes.
pub(crate) fn list16(bytes: &[u8]) -> Vec<u8> {
    [&u16::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat()
}

/// Numbers of two bytes each.
pub(crate) fn pairs(numbers: &[u16]) -> Vec<u8> {
    numbers.iter().flat_map(|n| n.to_be_bytes()).collect()
}

/// The body of `server_name` (RFC 6066 §3).
pub(crate) fn server_name(name: &[u8]) -> Vec<u8> {
    list16(&[&[0], &list16(name)[..]].concat())
}

/// The body of `key_share` with one share.
pub(crate) fn key_share(group: u16, key: &[u8]) -> Vec<u8> {
    list16(&[&group.to_be_bytes()[..], &list16(key)].concat())
}

/// A point on Curve25519 that every library takes.
pub(crate) fn base_point() -> [u8; 32] {
    let mut point = [0; 32];
    point[0] = 9;
    point
}
