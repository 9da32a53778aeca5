use super::*;

fn words(verdict: Verdict) -> String {
    verdict.err().unwrap_or_else(|| "fine".to_owned())
}

#[test]
fn hosts_are_taken_apart_as_kong_does() {
    let taken = |text: &'static str| host_port(text).map(|h| (h.kind, h.host, h.port));
    assert_eq!(taken("a.test"), Ok((HostKind::Name, "a.test", None)));
    assert_eq!(taken("a.test:80"), Ok((HostKind::Name, "a.test", Some(80))));
    assert_eq!(taken("1.2.3.4:80"), Ok((HostKind::V4, "1.2.3.4", Some(80))));
    assert_eq!(taken("::1"), Ok((HostKind::V6, "::1", None)));
    assert_eq!(taken("[::1]:8080"), Ok((HostKind::V6, "::1", Some(8080))));
    assert_eq!(taken("a.test:99999"), Err("invalid port number".to_owned()));
    assert_eq!(taken("1.2.3.400"), Err("invalid ipv4 address: 1.2.3.400".to_owned()));
    assert_eq!(taken("a..b"), Err("invalid hostname: a..b".to_owned()));
    assert_eq!(taken("a-.b"), Err("invalid hostname: a-.b".to_owned()));
    assert_eq!(taken("a:b"), Err("invalid hostname: a:b".to_owned()));
}

#[test]
fn a_service_host_has_no_port() {
    assert_eq!(host("my_host"), Ok(()));
    assert_eq!(words(host("h.test:80")), "must not have a port");
    assert_eq!(words(host("http://h.test")), "invalid value: http://h.test");
}

#[test]
fn one_label_of_a_route_host_may_be_a_star() {
    for good in ["a.test", "*.a.test", "a.*", "a.*:80", "*.a.test:8443", "[::1]:80"] {
        assert_eq!(host_pattern(good), Ok(()), "{good}");
    }
    assert_eq!(words(host_pattern("*.a.*")), "invalid wildcard: must have at most one wildcard");
    assert_eq!(words(host_pattern("*")), "invalid wildcard: must be placed at leftmost or rightmost label");
    assert_eq!(words(host_pattern("*a.test")), "invalid wildcard: must be placed at leftmost or rightmost label");
    assert_eq!(words(host_pattern("a.test/x")), "invalid hostname: a.test/x");
    assert_eq!(words(host_pattern("*.a.test/x")), "invalid hostname: *.a.test/x");
}

#[test]
fn server_names_may_have_one_star_in_kong_3() {
    assert_eq!(sni("a.test"), Ok(()));
    assert_eq!(sni("a.test."), Ok(()));
    assert_eq!(words(sni("1.2.3.4")), "must not be an IP");
    assert_eq!(words(sni("a:1")), "must not have a port");
    assert_eq!(sni_pattern("*.a.test"), Ok(()));
    assert_eq!(sni_pattern("*"), Ok(()));
    assert_eq!(words(sni_pattern("a.*.b")), "wildcard must be leftmost or rightmost character");
    assert_eq!(words(sni_pattern("*.*")), "only one wildcard must be specified");
}

#[test]
fn paths_of_kong_2_are_plain_or_expressions() {
    for good in ["/", "/a%20b", "/users/(?<id>\\d+)$", "/a~b"] {
        assert_eq!(path_or_regex(good), Ok(()), "{good}");
    }
    assert!(words(path_or_regex("/a(")).starts_with("invalid regex: '/a(' (PCRE returned: "));
    assert_eq!(words(path_or_regex("/a%2")), "invalid url-encoded value: '%2'");
    assert_eq!(words(path_or_regex("/a%zz/b")), "invalid url-encoded value: '%zz'");
    assert_eq!(
        words(path("/a?b=c")),
        "invalid path: '/a?b=c' (characters outside of the reserved list of RFC 3986 found)"
    );
    assert_eq!(path_3("/a:b"), Ok(()));
}

#[test]
fn plain_paths_of_kong_3_are_normal() {
    for good in ["/", "/a/", "/a%2Fb", "~/a/(b|c)$", "/(literal)"] {
        assert_eq!(path_or_regex_3(good), Ok(()), "{good}");
    }
    for (bad, better) in [("/a/../b", "/b"), ("/%61", "/a"), ("/a%2fb", "/a%2Fb"), ("/a/.", "/a/"), ("/a/..", "/")] {
        assert_eq!(words(path_or_regex_3(bad)), format!("non-normalized path, consider use '{better}' instead"));
    }
    assert!(words(path_or_regex_3("~/a(")).starts_with("invalid regex: '~/a(' (PCRE returned: "));
    assert!(path_or_regex_start_3("a").is_err());
}

#[test]
fn names_tags_and_targets() {
    assert_eq!(name("größe~1"), Ok(()));
    assert!(name("a b").is_err());
    assert!(tag("a b").is_err());
    assert_eq!(tag_with_blanks("a b"), Ok(()));
    assert!(tag("a/b").is_err());
    assert_eq!(words(upstream_name("1.2.3.4")), "Invalid name ('1.2.3.4'); no ip addresses allowed");
    assert_eq!(words(upstream_name("a:1")), "Invalid name ('a:1'); no port allowed");
    assert_eq!(words(target("a b")), "Invalid target ('a b'); not a valid hostname or ip address");
    assert_eq!(ip_or_cidr("10.0.0.0/8"), Ok(()));
    assert!(ip_or_cidr("10.0.0.0/99").is_err());
}

proptest::proptest! {
    #[test]
    fn no_text_makes_any_test_panic(text in "\\PC{0,30}") {
        for test in [
            host, host_with_port, host_pattern, sni, sni_pattern, name, tag, method, path, path_3, path_or_regex,
            path_or_regex_3, ip_or_cidr, upstream_name, target, route_header, cookie_name,
        ] {
            let _ = test(&text);
        }
    }
}
