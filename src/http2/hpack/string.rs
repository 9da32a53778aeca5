//! Strings of a block (RFC 7541 §5.2).

use super::{Broken, TRUNCATED, huffman, integer};

/// Takes a string: a part of the block, or of `scratch` if it had to be decoded.
pub(super) fn read<'a, 'b: 'a>(rest: &mut &'b [u8], scratch: &'a mut Vec<u8>) -> Result<&'a [u8], Broken> {
    let coded = rest.first().is_some_and(|byte| byte & 0x80 != 0);
    let length = integer::read(rest, integer::PLAIN)?;
    let (string, after) = rest.split_at_checked(length).ok_or(TRUNCATED)?;
    *rest = after;
    if !coded {
        return Ok(string);
    }
    scratch.clear();
    huffman::decode(string, scratch)?;
    Ok(scratch)
}

/// Writes one as it is: to encode it would take more time than the bytes that it saves.
pub(super) fn write(out: &mut Vec<u8>, string: &[u8]) {
    integer::write(out, integer::PLAIN, string.len());
    out.extend_from_slice(string);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read_all(mut bytes: &[u8]) -> Result<(Vec<u8>, &[u8]), Broken> {
        let mut scratch = b"of before".to_vec();
        let string = read(&mut bytes, &mut scratch)?.to_vec();
        Ok((string, bytes))
    }

    #[test]
    fn strings_are_read_in_either_form() {
        assert_eq!(read_all(b"\x02ab!"), Ok((b"ab".to_vec(), &b"!"[..])));
        assert_eq!(read_all(b"\x82\x64\x02!"), Ok((b"302".to_vec(), &b"!"[..])));
        assert_eq!(read_all(b"\x80\x00"), Ok((vec![], &b"\x00"[..])));
        let mut out = Vec::new();
        write(&mut out, &[b'a'; 1000]);
        assert_eq!(read_all(&out), Ok((vec![b'a'; 1000], &b""[..])));
    }

    #[test]
    fn what_is_cut_off_is_none() {
        for wrong in [&b""[..], b"\x01", b"\x7f", b"\x7f\xff", b"\x82\x64", b"\xff\xff\xff\xff\x7f"] {
            assert_eq!(read_all(wrong), Err(TRUNCATED), "{wrong:?}");
        }
    }
}
