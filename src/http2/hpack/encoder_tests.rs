#![allow(clippy::unwrap_used)]
use super::*;
use crate::http1::names::Names;
use crate::http2::hpack::{Broken, Decoder, Field};
use proptest::prelude::*;

type Fields = Vec<(HeaderName, HeaderValue)>;

/// Both ends of a connection.
struct Ends {
    encoder: Encoder,
    decoder: Decoder,
    names: Names,
}

impl Ends {
    fn new() -> Self {
        Self { encoder: Encoder::new(), decoder: Decoder::new(TABLE), names: Names::default() }
    }

    /// The block of an answer, which is read as it was meant.
    fn answer(&mut self, fields: &Fields) -> Vec<u8> {
        let mut out = Vec::new();
        self.encoder.begin(&mut out);
        self.encoder.status(&mut out, StatusCode::OK);
        for (name, value) in fields {
            self.encoder.field(&mut out, name, value);
        }
        let mut read = Vec::new();
        let each = |field, _| {
            read.push(field);
            Ok::<_, Broken>(())
        };
        self.decoder.decode(&out, &mut self.names, each).unwrap();
        let meant = fields.iter().map(|(name, value)| Field::Plain(name.clone(), value.clone()));
        assert_eq!(read, [Field::Malformed].into_iter().chain(meant).collect::<Vec<_>>());
        out
    }

    /// The last of some answers with the same fields.
    fn answers(&mut self, count: usize, fields: &Fields) -> Vec<u8> {
        (0..count).map(|_| self.answer(fields)).last().unwrap_or_default()
    }
}

fn field(name: &'static str, value: &str) -> (HeaderName, HeaderValue) {
    (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
}

fn usual() -> Fields {
    [
        ("date", "Mon, 01 Jan 2024 00:00:00 GMT"),
        ("server", "postgrest/12.2"),
        ("content-type", "application/json; charset=utf-8"),
        ("x-own", "first"),
        ("x-own", "second"),
        ("via", "kong/3.4.2"),
        ("vary", ""),
    ]
    .map(|(name, value)| field(name, value))
    .to_vec()
}

#[test]
fn what_comes_again_is_an_index() {
    let mut ends = Ends::new();
    let sizes = [1, 2, 3, 4].map(|_| ends.answer(&usual()).len());
    assert!(sizes[0] > 120 && sizes[1] > 100, "{sizes:?}");
    // One byte for each, but three for what is empty.
    assert_eq!(sizes[2..], [10, 10]);
}

#[test]
fn order_does_not_matter_nor_what_is_left_out() {
    let mut ends = Ends::new();
    ends.answers(3, &usual());
    let mut fields = usual();
    for _ in 0..fields.len() {
        fields.rotate_left(1);
        assert_eq!(ends.answer(&fields).len(), 10);
        let empty = fields[..6].iter().any(|(_, value)| value.is_empty());
        assert_eq!(ends.answer(&fields[..6].to_vec()).len(), if empty { 9 } else { 7 });
        fields.swap(0, 3);
    }
}

#[test]
fn what_never_comes_again_is_not_inserted() {
    let mut ends = Ends::new();
    let size = ends.answers(3, &usual()).len();
    for number in 0..10_000 {
        ends.answer(&vec![field("etag", &format!("\"etag {number}\""))]);
    }
    assert_eq!(ends.answer(&usual()).len(), size);
}

#[test]
fn a_name_gets_an_index_though_its_values_change() {
    let mut ends = Ends::new();
    let sizes: Vec<_> =
        (0..100).map(|id| ends.answer(&vec![field("x-request-id", &format!("{id:032}"))]).len()).collect();
    assert_eq!(sizes[..3], [1 + 1 + 13 + 33, 1 + 1 + 13 + 33, 1 + 2 + 33]);
    assert!(sizes[2..].iter().all(|size| *size == sizes[2]));
}

#[test]
fn numbers_are_written_out_behind_an_index_of_their_name() {
    let mut ends = Ends::new();
    let mut size = |length: &str, latency: &str| {
        ends.answer(&vec![field("content-length", length), field("x-latency", latency)]).len()
    };
    assert_eq!([size("1024", "3"), size("1024", "4")], [1 + 7 + 13; 2]);
    for _ in 0..3 {
        assert_eq!(size("1024", "3"), 1 + 7 + 4);
        assert_eq!(size("77", "12345678"), 1 + 5 + 11);
    }
    assert_eq!(ends.answers(3, &vec![field("x-latency", "123456789")]).len(), 2);
}

#[test]
fn what_is_secret_is_in_no_table() {
    let mut secret = field("x-key", "secret");
    secret.1.set_sensitive(true);
    let mut ends = Ends::new();
    let cookie = field("set-cookie", "session=1");
    assert_eq!(ends.answers(5, &vec![cookie])[1..], *b"\x1f\x28\x09session=1");
    assert_eq!(ends.answers(5, &vec![secret])[1..], *b"\x10\x05x-key\x06secret");
    let open = vec![field("x-key", "secret")];
    assert_eq!(ends.answers(3, &open).len(), 2);
    let mut secret = field("x-key", "secret");
    secret.1.set_sensitive(true);
    assert_eq!(ends.answers(5, &vec![secret])[1..], *b"\x1f\x2f\x06secret");
}

#[test]
fn nothing_of_an_encoder_is_shown() {
    let mut ends = Ends::new();
    ends.answers(3, &vec![field("x-own", "secret")]);
    assert!(!format!("{:?}", ends.encoder).contains("secret"));
}

#[test]
fn what_is_large_pushes_nothing_out() {
    let mut ends = Ends::new();
    let size = ends.answers(3, &usual()).len();
    let large = |size| vec![field("x-large", &"a".repeat(size))];
    assert!(ends.answers(9, &large(1024 - 32 - 7 + 1)).len() > 985);
    assert_eq!(ends.answer(&usual()).len(), size);
    assert_eq!(ends.answers(3, &large(1024 - 32 - 7)).len(), 2);
    assert!(ends.answers(9, &large(100_000)).len() > 100_000);
}

#[test]
fn what_was_pushed_out_comes_back_at_once() {
    let mut ends = Ends::new();
    let size = ends.answers(3, &usual()).len();
    let large = |letter: &str| vec![field("x-large", &letter.repeat(900))];
    for letter in ["a", "b", "c", "d", "e"] {
        ends.answers(3, &large(letter));
    }
    assert!(ends.answer(&usual()).len() > 100);
    assert_eq!(ends.answer(&usual()).len(), size);
}

#[test]
fn statuses_are_said_with_and_without_an_index() {
    let mut encoder = Encoder::new();
    let mut said = |code| {
        let mut out = Vec::new();
        encoder.status(&mut out, StatusCode::from_u16(code).unwrap());
        out
    };
    assert_eq!([200, 204, 304, 500].map(&mut said), [[0x88], [0x89], [0x8b], [0x8e]]);
    assert_eq!([100, 201, 999].map(said), [b"\x08\x03100", b"\x08\x03201", b"\x08\x03999"]);
}

#[test]
fn sizes_are_told_once_the_smallest_and_the_last() {
    let cases: [(&[u32], &[u8]); 8] = [
        (&[], &[]),
        (&[4096], &[]),
        (&[4097, u32::MAX], &[]),
        (&[0], &[0x20]),
        (&[100], &[0x3f, 69]),
        (&[100, 10, 200], &[0x2a, 0x3f, 169, 1]),
        (&[0, u32::MAX], &[0x20, 0x3f, 225, 31]),
        (&[200, 100], &[0x3f, 69]),
    ];
    for (sizes, told) in cases {
        let mut ends = Ends::new();
        ends.answers(3, &usual());
        for size in sizes {
            ends.encoder.resize(*size);
        }
        let block = ends.answer(&usual());
        assert_eq!(block[..told.len() + 1], [told, &[0x88]].concat(), "{sizes:?}");
        assert_eq!(ends.answer(&usual())[0], 0x88);
    }
}

#[test]
fn without_a_table_all_is_written_out() {
    let mut ends = Ends::new();
    ends.answers(3, &usual());
    ends.encoder.resize(0);
    let sizes = [1, 2, 3, 4].map(|_| ends.answer(&usual()).len());
    assert_eq!(sizes[1..], [sizes[0] - 1; 3]);
}

fn some_field() -> impl Strategy<Value = (HeaderName, HeaderValue)> {
    let name = prop_oneof!["[a-c]{1,2}", Just("content-type".to_owned()), Just("set-cookie".to_owned())];
    let value = prop_oneof!["[a-c]{0,2}", "[0-9]{1,9}", "[a-b]{30}", "a{990,1000}", "\\PC{0,9}"];
    (name, value, any::<u8>()).prop_map(|(name, value, odd)| {
        let mut value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        value.set_sensitive(odd < 16);
        (HeaderName::from_bytes(name.as_bytes()).unwrap(), value)
    })
}

/// Sizes that a client sets before an answer, and its fields.
fn some_answer() -> impl Strategy<Value = (Vec<u32>, Fields)> {
    let size = prop_oneof![0_u32..300, Just(u32::MAX), 0_u32..5000];
    (prop_oneof![3 => Just(vec![]), 1 => prop::collection::vec(size, 0..4)], prop::collection::vec(some_field(), 0..12))
}

proptest! {
    #[test]
    fn every_answer_is_read_as_it_was_meant(answers in prop::collection::vec(some_answer(), 1..12), again in 1_usize..4) {
        let mut ends = Ends::new();
        for (sizes, fields) in answers {
            for size in sizes {
                ends.encoder.resize(size);
            }
            ends.answers(again, &fields);
        }
    }
}
