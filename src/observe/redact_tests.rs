#![allow(clippy::unwrap_used)]

use super::*;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;

const JWT: &str = "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoieCJ9.c2lnbmF0dXJl";

#[test]
fn secrets_are_masked_and_the_rest_stays() {
    for (from, to) in [
        ("/a?b=c", "/a?b=c"),
        ("/a", "/a"),
        ("*", "*"),
        ("", ""),
        ("/rt?apikey=abc&vsn=1", "/rt?apikey=REDACTED&vsn=1"),
        ("/rt?Token=abc", "/rt?Token=REDACTED"),
        ("/rt?%61pikey=abc&X%20Pass=d&x=e", "/rt?%61pikey=REDACTED&X%20Pass=REDACTED&x=e"),
        ("/rt?X+Pass=d", "/rt?X+Pass=REDACTED"),
        ("/v?X-Amz-Signature=abc&token_hash=d&keyword=e", "/v?X-Amz-Signature=REDACTED&token_hash=REDACTED&keyword=e"),
        ("/a?b=1;token=x;c=2&d=3", "/a?b=REDACTED&d=3"),
        ("/a?token=x/y?z&d", "/a?token=REDACTED?z&d"),
        ("/a/token=x/b", "/a/token=REDACTED/b"),
        ("/hook/sb_secret_abc/x?y=sb_publishable_a", "/hook/REDACTED/x?y=sb_publishable_a"),
        ("/a?to=https%3A%2F%2Fapp%2F%3Fa%3D1%26access_token%3Dx&b=2", "/a?to=REDACTED&b=2"),
        ("/a?to=https%3A%2F%2Fapp%2F%3Fa%3D1&b=2", "/a?to=https%3A%2F%2Fapp%2F%3Fa%3D1&b=2"),
        ("/a?to=https://u:p@app/", "/a?to=REDACTED"),
        ("/users/me@example.com?mail=a@b.c", "/users/me@example.com?mail=a@b.c"),
        ("https://u:p@h:1/x@y?a=b#token=x&c", "https://REDACTED@h:1/x@y?a=b#token=REDACTED&c"),
        ("https://h", "https://h"),
        ("https://u@sb_secret_a", "https://REDACTED@REDACTED"),
        ("sb_secret_a://u@token=b", "REDACTED//REDACTED@token=REDACTED"),
        ("/x?a&&=&b=%zz&%", "/x?a&&=&b=%zz&%"),
    ] {
        assert_eq!(redact(from, &["x pass".into()]), to);
    }
}

#[test]
fn a_token_is_known_by_its_looks() {
    for (from, to) in [
        (format!("/v/{JWT}/x"), "/v/REDACTED/x"),
        (format!("/v?q={JWT}"), "/v?q=REDACTED"),
        (format!("/v?{JWT}"), "/v?REDACTED"),
        (format!("/v?q=Bearer%20{}", JWT.replace('.', "%2E")), "/v?q=REDACTED"),
    ] {
        assert_eq!(redact(&from, &[]), to);
    }
}

#[test]
fn headers_that_bring_secrets() {
    let shown = |name: &str, value: &str| {
        header(&name.parse().unwrap(), &HeaderValue::from_str(value).unwrap(), &["x-pass".into()])
    };
    assert_eq!(shown("authorization", "Basic abc"), MASK);
    assert_eq!(shown("x-pass", "abc"), MASK);
    assert_eq!(shown("cookie", &format!("a=b; X-Pass=c; t={JWT}; session_token=d")), {
        "a=b; X-Pass=REDACTED; t=REDACTED; session_token=REDACTED"
    });
    assert_eq!(shown("referer", "http://h/?token=x"), "http://h/?token=REDACTED");
    assert_eq!(shown("accept", "text/html;q=0.9, */*"), "text/html;q=0.9, */*");
}

/// A name that is a secret's, in some spelling.
fn telling_name() -> impl Strategy<Value = String> {
    let name =
        prop_oneof![Just("apikey"), Just("access_token"), Just("X-Amz-Signature"), Just("key"), Just("own name")];
    (name, any::<u64>()).prop_map(|(name, bits)| {
        let spelled = name.bytes().enumerate().map(|(at, byte)| match (bits >> (2 * at)) & 3 {
            0 => (byte as char).to_ascii_uppercase().to_string().replace(' ', "+"),
            1 => format!("%{byte:02x}"),
            _ => (byte as char).to_string().replace(' ', "%20"),
        });
        spelled.collect()
    })
}

/// Something that is no secret, as it stands in a target.
fn filler() -> impl Strategy<Value = String> {
    "[a-d0-9/;=%?&#:@._~+-]{0,20}"
}

const SECRET: &str = "Zm9vYmFy.S3CRET";

proptest! {
    #[test]
    fn no_text_breaks_it_and_twice_is_as_once(text in "\\PC{0,60}") {
        let once = redact(&text, &["own name".into()]).into_owned();
        prop_assert_eq!(redact(&once, &["own name".into()]), once.as_str());
    }

    #[test]
    fn twice_is_as_once_where_much_is_to_be_found(text in "([a-b/?&#;=@%:.]|token|key|://|eyJ|%3d|%26|sb_secret_){0,14}") {
        let once = redact(&text, &[]).into_owned();
        prop_assert_eq!(redact(&once, &[]), once.as_str());
    }

    #[test]
    fn a_named_secret_is_never_shown(name in telling_name(), before in filler(), after in filler()) {
        let names = ["own name".into()];
        for target in [
            format!("/{before}?{name}={SECRET}&{after}"),
            format!("/p?{before}&{name}={SECRET}#{after}"),
            format!("http://h/p?{before};{name}={SECRET}&{after}"),
            format!("/p?to={}&{after}", utf8_percent_encode(&format!("https://h/?{name}={SECRET}"), NON_ALPHANUMERIC)),
        ] {
            let shown = redact(&target, &names);
            prop_assert!(!shown.contains("S3CRET"), "{} shows {}", target, shown);
        }
    }

    #[test]
    fn a_secret_that_looks_like_one_is_never_shown(before in filler(), after in filler(), start in 0..3usize) {
        let token = ["eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoieCJ9.S3CRET", "sb_secret_S3CRET", "%65yJhbGci.eyJyb2xl%2ES3CRET"][start];
        for target in [format!("/{before}/{token}/{after}"), format!("/?{before}={token}&{after}")] {
            let shown = redact(&target, &[]);
            prop_assert!(!shown.contains("S3CRET"), "{} shows {}", target, shown);
        }
    }

    #[test]
    fn a_target_without_secrets_stays_as_it_is(path in "[a-z/.@-]{0,20}", query in "[a-c=&/:.]{0,20}") {
        let target = format!("/{path}?{query}");
        prop_assume!(!target.contains("://"));
        prop_assert!(matches!(redact(&target, &[]), Cow::Borrowed(_)));
    }
}
