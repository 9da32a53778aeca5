#![allow(clippy::unwrap_used)]

use super::*;
use http_body::Body as _;
use http_body_util::BodyExt;

fn asker(headers: &HeaderMap, compat: Compat) -> Asker<'_> {
    let request_id = (compat == Compat::Kong3).then_some("ID");
    Asker { headers: Some(headers), http2: false, default_type: ErrorType::Plain, compat, request_id }
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
}

fn content_type(res: &Response<Body>) -> &str {
    res.headers().get(header::CONTENT_TYPE).map_or("", |value| value.to_str().unwrap())
}

fn text(res: Response<Body>) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let bytes = runtime.block_on(res.into_body().collect()).unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn bad_gateway(pairs: &[(&'static str, &str)], compat: Compat) -> Response<Body> {
    proxy_error(StatusCode::BAD_GATEWAY, &asker(&headers(pairs), compat))
}

#[test]
fn the_error_handler_takes_accept_for_one_type() {
    let cases = [
        (None, "text/plain"),
        (Some("text/plain"), "text/plain"),
        (Some("text/*"), "text/plain"),
        (Some("text/html;q=0.5"), "text/html"),
        (Some("text/html; charset=utf-8"), "text/html"),
        (Some("TEXT/HTML"), "application/json"),
        (Some("text/xml"), "application/json"),
        (Some("*/*"), "application/json"),
        (Some("image/png"), "application/json"),
        (Some("text/html,application/xml;q=0.9,*/*;q=0.8"), "application/json"),
        (Some("application/xml"), "application/xml"),
    ];
    for (accept, expected) in cases {
        let pairs: Vec<_> = accept.map(|accept| ("accept", accept)).into_iter().collect();
        let res = bad_gateway(&pairs, Compat::Kong2);
        assert_eq!(content_type(&res), format!("{expected}; charset=utf-8"), "{accept:?}");
    }
}

#[test]
fn without_accept_the_requests_own_type_decides_then_the_setting() {
    for (sent, expected) in [("text/html; charset=x", "text/html"), ("multipart/form-data", "application/json")] {
        let res = bad_gateway(&[("content-type", sent)], Compat::Kong2);
        assert_eq!(content_type(&res), format!("{expected}; charset=utf-8"));
    }
    let none = HeaderMap::new();
    let unread = Asker { headers: None, default_type: ErrorType::Xml, ..asker(&none, Compat::Kong2) };
    assert_eq!(content_type(&proxy_error(StatusCode::BAD_REQUEST, &unread)), "application/xml; charset=utf-8");
}

#[test]
fn kong_3_reads_the_whole_list() {
    let accept = [("accept", "image/png;q=0, application/json;q=0.1"), ("accept", "text/html;q=1")];
    assert_eq!(content_type(&bad_gateway(&accept, Compat::Kong3)), "text/html; charset=utf-8");
}

#[test]
fn plugins_errors_follow_the_best_of_accept() {
    let cases = [
        (None, "application/json"),
        (Some("application/json;q=0.1, text/plain"), "text/plain"),
        (Some("text/html, text/plain"), "text/html"),
        (Some("text/plain;q=0.5, image/png;q=0.4"), "text/plain"),
        (Some("image/png"), "application/json"),
        (Some("text/plain;q=0.9, text/html;q=0"), "text/html"),
    ];
    for (accept, expected) in cases {
        let pairs: Vec<_> = accept.map(|accept| ("accept", accept)).into_iter().collect();
        let res = error(StatusCode::UNAUTHORIZED, None, &asker(&headers(&pairs), Compat::Kong2));
        assert_eq!(content_type(&res), format!("{expected}; charset=utf-8"), "{accept:?}");
    }
}

#[test]
fn bodies_are_kongs_to_the_byte() {
    let cases = [
        ("application/json", "{\n  \"message\":\"M\"\n}", "{\n  \"message\":\"M\",\n  \"request_id\":\"ID\"\n}"),
        ("text/plain", "M\n", "M\nrequest_id: ID\n"),
        (
            "text/html",
            "<!doctype html>\n<html>\n  <head>\n    <meta charset=\"utf-8\">\n    <title>Kong Error</title>\n  </head>\n  <body>\n    <h1>Kong Error</h1>\n    <p>M.</p>\n  </body>\n</html>\n",
            "<!doctype html>\n<html>\n  <head>\n    <meta charset=\"utf-8\">\n    <title>Error</title>\n  </head>\n  <body>\n    <h1>Error</h1>\n    <p>M.</p>\n    <p>request_id: ID</p>\n  </body>\n</html>\n",
        ),
        (
            "application/xml",
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<error>\n  <message>M</message>\n</error>\n",
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<error>\n  <message>M</message>\n  <requestid>ID</requestid>\n</error>\n",
        ),
    ];
    for (accept, two, three) in cases {
        let headers = headers(&[("accept", accept)]);
        let say = |compat| text(error(StatusCode::FORBIDDEN, Some("M"), &asker(&headers, compat)));
        assert_eq!((&*say(Compat::Kong2), &*say(Compat::Kong3)), (two, three));
    }
}

#[test]
fn lengths_are_the_recorded_ones() {
    let cases = [("text/plain", 58), ("application/json", 75), ("application/xml", 135), ("text/html", 220)];
    for (accept, length) in cases {
        let res = bad_gateway(&[("accept", accept)], Compat::Kong2);
        assert_eq!(res.body().size_hint().exact(), Some(length), "{accept}");
    }
}

#[test]
fn the_error_handlers_words() {
    let cases = [
        (400, 400, "Bad request", "Bad request"),
        (405, 405, "The upstream server responded with 405", "Method not allowed"),
        (494, 400, "Bad request", "Request header or cookie too large"),
        (504, 504, "The upstream server is timing out", "The upstream server is timing out"),
        (599, 599, "The upstream server responded with 599", "The upstream server responded with 599"),
    ];
    for (status, sent, two, three) in cases {
        for (compat, message) in [(Compat::Kong2, two), (Compat::Kong3, three)] {
            let res = proxy_error(StatusCode::from_u16(status).unwrap(), &asker(&HeaderMap::new(), compat));
            assert_eq!(res.status().as_u16(), sent);
            assert_eq!(text(res).lines().next(), Some(message));
        }
    }
}

#[test]
fn exit_is_compact_json_whatever_is_asked_for() {
    let res = exit(StatusCode::NOT_FOUND, "a/b \"q\" café");
    assert_eq!(content_type(&res), "application/json; charset=utf-8");
    assert_eq!(text(res), "{\"message\":\"a/b \\\"q\\\" café\"}");
}

#[test]
fn an_exit_without_body_is_a_page_where_nginx_has_one() {
    let (none, at) = (HeaderMap::new(), |status| StatusCode::from_u16(status).unwrap());
    let bare = |status| exit_bare(at(status), &asker(&none, Compat::Kong2));
    let moved = bare(301);
    assert_eq!(content_type(&moved), "text/html");
    assert_eq!(moved.body().size_hint().exact(), Some(134));
    let forbidden = "<html>\r\n<head><title>403 Forbidden</title></head>\r\n<body>\r\n<center><h1>403 Forbidden</h1></center>\r\n</body>\r\n</html>\r\n";
    assert_eq!(text(bare(403)), forbidden);
    assert_eq!(text(bare(413)), "Payload too large\n");
    for status in [200, 204, 418, 599] {
        let empty = bare(status);
        assert_eq!((empty.headers().len(), empty.body().size_hint().exact()), (0, Some(0)), "{status}");
    }
}

#[test]
fn reason_phrases_are_nginxs() {
    let phrase = |status| reason(StatusCode::from_u16(status).unwrap());
    assert_eq!(phrase(503).unwrap().as_bytes(), b"Service Temporarily Unavailable");
    assert_eq!(phrase(302).unwrap().as_bytes(), b"Moved Temporarily");
    for status in [200, 401, 404, 502] {
        assert_eq!(phrase(status), None, "{status}");
    }
    let res = exit(StatusCode::SERVICE_UNAVAILABLE, "m");
    assert_eq!(res.extensions().get(), phrase(503).as_ref());
}

#[test]
fn a_grpc_client_gets_the_status_in_headers_over_http_2_only() {
    let accept = headers(&[("accept", "application/grpc+proto"), ("content-type", "application/grpc")]);
    let one = asker(&accept, Compat::Kong2);
    let two = Asker { http2: true, ..one };
    assert_eq!(
        text(proxy_error(StatusCode::BAD_GATEWAY, &one)),
        exit_text("An invalid response was received from the upstream server")
    );
    let status = StatusCode::SERVICE_UNAVAILABLE;
    for (res, message) in [
        (proxy_error(status, &two), "The upstream server is currently unavailable"),
        (error(status, Some("M"), &two), "Unavailable"),
    ] {
        assert_eq!((res.status(), &res.headers()["grpc-status"]), (status, &HeaderValue::from(14)));
        assert_eq!(res.headers()["grpc-message"], message);
        assert_eq!(text(res), "");
    }
}

fn exit_text(message: &str) -> String {
    text(exit(StatusCode::OK, message))
}

#[test]
fn text_types_without_charset_get_one() {
    let cases = [
        (200, "text/html", "text/html; charset=UTF-8"),
        (200, "TEXT/Plain", "TEXT/Plain; charset=UTF-8"),
        (200, "application/rss+xml", "application/rss+xml; charset=UTF-8"),
        (307, "text/html", "text/html; charset=UTF-8"),
        (301, "text/html", "text/html"),
        (302, "text/html", "text/html"),
        (200, "text/plain; boundary=x", "text/plain; boundary=x"),
        (200, "text/css", "text/css"),
        (200, "application/json", "application/json"),
    ];
    for (status, before, after) in cases {
        let mut headers = headers(&[("content-type", before)]);
        add_charset(StatusCode::from_u16(status).unwrap(), &mut headers);
        assert_eq!(headers[header::CONTENT_TYPE], after);
    }
}
