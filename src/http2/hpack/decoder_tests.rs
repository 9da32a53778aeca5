#![allow(clippy::unwrap_used)]
use super::*;
use crate::http2::hpack::TABLE;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderName, HeaderValue, Method};
use proptest::prelude::*;

/// A decoder, its names, and what it said last.
struct Reader {
    decoder: Decoder,
    names: Names,
    counted: usize,
}

impl Reader {
    fn new(most: usize) -> Self {
        Self { decoder: Decoder::new(most), names: Names::default(), counted: 0 }
    }

    fn read(&mut self, block: &[u8]) -> Result<Vec<Field>, Broken> {
        let mut fields = Vec::new();
        self.counted = 0;
        self.decoder.decode(block, &mut self.names, |field, size| {
            self.counted += size;
            fields.push(field);
            Ok(())
        })?;
        Ok(fields)
    }

    /// Bytes of the table, as they are counted.
    fn held(&self) -> usize {
        (0..).map_while(|at| self.decoder.table.get(at)).map(|entry| entry.size()).sum()
    }
}

fn read(block: &[u8]) -> Result<Vec<Field>, Broken> {
    Reader::new(TABLE).read(block)
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.chars().filter_map(|c| c.to_digit(16)).map(|digit| digit.try_into().unwrap()).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn get() -> Field {
    Field::Method(Method::GET)
}

fn scheme(scheme: Scheme) -> Field {
    Field::Scheme(scheme)
}

fn path(path: &'static str) -> Field {
    Field::Path(PathAndQuery::from_static(path))
}

fn authority(authority: &'static str) -> Field {
    Field::Authority(Authority::from_static(authority))
}

fn plain(name: &'static str, value: &'static str) -> Field {
    Field::Plain(HeaderName::from_static(name), HeaderValue::from_static(value))
}

/// A field whose name is an index, with its mark.
fn named(mark: u8, value: &[u8]) -> Vec<u8> {
    [&[mark, u8::try_from(value.len()).unwrap()], value].concat()
}

/// A field that is written out, both strings shorter than 127 bytes; inserted if so marked.
fn literal(mark: u8, name: &[u8], value: &[u8]) -> Vec<u8> {
    let length = |of: &[u8]| u8::try_from(of.len()).unwrap();
    [&[mark, length(name)], name, &[length(value)], value].concat()
}

#[test]
fn single_fields_of_the_rfc() {
    let cases = [
        ("400a637573746f6d2d6b65790d637573746f6d2d686561646572", plain("custom-key", "custom-header"), 55),
        ("040c2f73616d706c652f70617468", path("/sample/path"), 0),
        ("100870617373776f726406736563726574", plain("password", "secret"), 0),
        ("82", get(), 0),
    ];
    for (block, field, held) in cases {
        let mut reader = Reader::new(TABLE);
        assert_eq!(reader.read(&hex(block)), Ok(vec![field]), "{block}");
        assert_eq!(reader.held(), held, "{block}");
    }
}

#[test]
fn requests_of_the_rfc() {
    let plainly = [
        "828684410f7777772e6578616d706c652e636f6d",
        "828684be58086e6f2d6361636865",
        "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565",
    ];
    let coded = [
        "828684418cf1e3c2e5f23a6ba0ab90f4ff",
        "828684be5886a8eb10649cbf",
        "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf",
    ];
    for blocks in [plainly, coded] {
        let mut reader = Reader::new(TABLE);
        let site = || authority("www.example.com");
        let first = vec![get(), scheme(Scheme::HTTP), path("/"), site()];
        let second = [first.clone(), vec![plain("cache-control", "no-cache")]].concat();
        let own = plain("custom-key", "custom-value");
        let third = vec![get(), scheme(Scheme::HTTPS), path("/index.html"), site(), own];
        for (block, (fields, held)) in blocks.iter().zip([(first, 57), (second, 110), (third, 164)]) {
            assert_eq!(reader.read(&hex(block)), Ok(fields), "{block}");
            assert_eq!(reader.held(), held, "{block}");
        }
    }
}

#[test]
fn answers_of_the_rfc_and_what_they_evict() {
    let plainly = [
        "4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d546e1768747470733a2f2f\
         7777772e6578616d706c652e636f6d",
        "4803333037c1c0bf",
        "88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d4153444a4b48514b42\
         5a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273696f6e3d31",
    ];
    let coded = [
        "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3",
        "4883640effc1c0bf",
        "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f\
         3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
    ];
    for blocks in [plainly, coded] {
        let mut reader = Reader::new(256);
        let (private, site) = (plain("cache-control", "private"), plain("location", "https://www.example.com"));
        let [date, later] =
            ["Mon, 21 Oct 2013 20:13:21 GMT", "Mon, 21 Oct 2013 20:13:22 GMT"].map(|date| plain("date", date));
        let first = vec![Field::Malformed, private.clone(), date, site.clone()];
        let cookie = plain("set-cookie", "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1");
        let third = vec![Field::Malformed, private, later, site, plain("content-encoding", "gzip"), cookie];
        for (block, (fields, held)) in blocks.iter().zip([(first.clone(), 222), (first, 222), (third, 215)]) {
            assert_eq!(reader.read(&hex(block)), Ok(fields), "{block}");
            assert_eq!(reader.held(), held, "{block}");
        }
    }
}

#[test]
fn what_is_no_field_of_a_request_is_malformed_and_what_follows_is_read() {
    let cases: [(&[u8], &[u8]); 17] = [
        (b"", b"nameless"),
        (b"Host", b"upper-case"),
        (b"x-owN", b"upper-case"),
        (b"x own", b"space"),
        (b"x:own", b"colon"),
        (b"x\xe4", b"not ASCII"),
        (b":status", b"200"),
        (b":protocol", b"websocket"),
        (b":own", b""),
        (b":path", b""),
        (b":path", b"no-slash"),
        (b":path", b"/a b"),
        (b":authority", b""),
        (b":authority", b"a b"),
        (b":method", b"G T"),
        (b":scheme", b"ht:tp"),
        (b"x-own", b"line\nfeed"),
    ];
    for (name, value) in cases {
        for mark in [0x40, 0, 0x10] {
            let block = [literal(mark, name, value), vec![0x82]].concat();
            let mut reader = Reader::new(TABLE);
            assert_eq!(reader.read(&block), Ok(vec![Field::Malformed, get()]), "{name:?} {value:?}");
            let size = name.len() + value.len() + 32;
            assert_eq!((reader.counted, reader.held()), (size + 42, if mark == 0x40 { size } else { 0 }));
            assert_eq!(reader.read(&[0xbe]).is_ok_and(|fields| fields == [Field::Malformed]), mark == 0x40);
        }
    }
    // The static table's statuses, and its empty `:authority`.
    assert_eq!(read(&[0x81, 0x88, 0x8e]), Ok(vec![Field::Malformed; 3]));
}

#[test]
fn a_name_of_a_malformed_value_is_as_good_as_any() {
    for (name, value, good) in [
        (&b"x-own"[..], &b"a\0"[..], plain("x-own", "good")),
        (b":authority", b"a b", authority("good")),
        (b":method", b"a b", Field::Method(Method::from_bytes(b"good").unwrap())),
        (b":path", b"/\x7f", Field::Malformed),
        (b"X-Own", b"a", Field::Malformed),
    ] {
        let block = [literal(0x40, name, value), named(0x7e, b"good"), vec![0xbe, 0xbf]].concat();
        let mut reader = Reader::new(TABLE);
        assert_eq!(reader.read(&block), Ok(vec![Field::Malformed, good.clone(), good, Field::Malformed]), "{name:?}");
        assert_eq!(reader.held(), 2 * (name.len() + 32) + value.len() + 4);
    }
}

#[test]
fn values_are_kept_as_they_are() {
    let block = literal(0, b"x-own", b" \ta b\xff ");
    let value = HeaderValue::from_bytes(b" \ta b\xff ").unwrap();
    assert_eq!(read(&block), Ok(vec![Field::Plain(HeaderName::from_static("x-own"), value)]));
    assert_eq!(read(&literal(0, b":path", b"/a?b#c")), Ok(vec![path("/a?b")]));
    assert_eq!(read(&literal(0, b":path", b"*")), Ok(vec![path("*")]));
}

#[test]
fn what_may_be_in_no_table_is_sensitive() {
    for (mark, expected) in [(0x40, false), (0, false), (0x10, true)] {
        let fields = read(&literal(mark, b"x-own", b"secret")).unwrap();
        assert!(matches!(&fields[..], [Field::Plain(_, value)] if value.is_sensitive() == expected), "{mark}");
    }
}

#[test]
fn nothing_of_a_decoder_is_shown() {
    let mut reader = Reader::new(TABLE);
    reader.read(&literal(0x40, b"authorization", b"secret")).unwrap();
    assert!(!format!("{:?}", reader.decoder).contains("secret"));
}

#[test]
fn an_index_of_nothing_breaks() {
    for block in [&[0x80][..], &[0xbe], &[0xff, 0x80, 0x80, 0x80, 0x7f], &[0x7e, 1, b'a'], &[0x0f, 47, 1, b'a']] {
        assert_eq!(read(block), Err(Broken("there is nothing at an index")), "{block:?}");
    }
}

#[test]
fn a_block_that_is_cut_off_breaks() {
    let whole = [literal(0x40, b"x-own", b"value"), hex("0f0b0431303030"), hex("4882 6402")].concat();
    let ends = [0, 13, 20];
    for size in (0..whole.len()).filter(|size| !ends.contains(size)) {
        assert_eq!(read(&whole[..size]), Err(crate::http2::hpack::TRUNCATED), "{size}");
    }
    for size in ends {
        assert!(read(&whole[..size]).is_ok(), "{size}");
    }
}

#[test]
fn sizes_are_changed_only_before_the_first_field_and_within_our_own() {
    let own = literal(0x40, b"x-own", b"value");
    let mut reader = Reader::new(100);
    reader.read(&own).unwrap();
    assert_eq!(reader.read(&[0x20, 0x3f, 69, 0xbe]), Err(Broken("there is nothing at an index")));
    assert_eq!(reader.read(&own).map(|fields| fields.len()), Ok(1));
    assert_eq!(reader.held(), 42);
    assert_eq!(reader.read(&[0x3f, 10]).map(|fields| fields.len()), Ok(0));
    assert_eq!(reader.held(), 0);
    reader.read(&own).unwrap();
    assert_eq!(reader.held(), 0);
    assert_eq!(reader.read(&[0x3f, 70]), Err(Broken("a table is to be larger than it may be")));
    for late in [[0x82, 0x20], [0x82, 0x3e]] {
        assert_eq!(reader.read(&late), Err(Broken("a table's size is changed within a header block")));
    }
}

#[test]
fn each_can_stop_at_any_field() {
    #[derive(Debug, PartialEq)]
    enum Stop {
        Broken(Broken),
        At(usize),
    }
    impl From<Broken> for Stop {
        fn from(broken: Broken) -> Self {
            Self::Broken(broken)
        }
    }
    let (mut decoder, mut names, mut counted) = (Decoder::new(TABLE), Names::default(), 0);
    let stopped = decoder.decode(&[0x82, 0x86, 0x84, 0x80], &mut names, |_, size| {
        counted += size;
        if counted > 80 { Err(Stop::At(counted)) } else { Ok(()) }
    });
    assert_eq!(stopped, Err(Stop::At(85)));
    let broken = decoder.decode(&[0x82, 0x80], &mut names, |_, _| Ok::<_, Stop>(()));
    assert_eq!(broken, Err(Stop::Broken(Broken("there is nothing at an index"))));
}

#[test]
fn a_long_string_leaves_no_memory_behind() {
    let mut reader = Reader::new(TABLE);
    let block = [&[0x00, 0x81, 0x1f, 0xff, 0x91, 0x4d][..], &[0x00; 10_000]].concat();
    // A name of one letter, a value of 10,000 bytes that say "0" 16,000 times.
    assert_eq!(reader.read(&block).unwrap().len(), 1);
    assert_eq!(reader.counted, 1 + 16_000 + 32);
    assert!(reader.decoder.scratch.capacity() <= KEPT);
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    // Any bytes, and such as mean something.
    let some = prop_oneof![
        any::<u8>().prop_map(|byte| vec![byte]),
        (0x80_u8..0xc8).prop_map(|byte| vec![byte]),
        (any::<bool>(), ":?[a-z]{0,4}", "[ -~]{0,20}").prop_map(|(inserted, name, value)| {
            literal(if inserted { 0x40 } else { 0 }, name.as_bytes(), value.as_bytes())
        }),
        (0x41_u8..0x7f, "[ -~]{0,20}").prop_map(|(mark, value)| named(mark, value.as_bytes())),
    ];
    prop_oneof![any::<Vec<u8>>(), prop::collection::vec(some, 0..40).prop_map(|parts| parts.concat())]
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(blocks in prop::collection::vec(bytes(), 1..8), most in 0_usize..300) {
        let mut reader = Reader::new(most);
        for block in blocks {
            if let Ok(fields) = reader.read(&block) {
                prop_assert!(fields.len() <= block.len());
                prop_assert!(reader.counted >= 32 * fields.len());
            }
            prop_assert!(reader.held() <= most);
        }
    }
}
