use super::*;

#[test]
fn the_answers_head_is_seen_and_changed() {
    let seen = "kong.response.get_status(), kong.response.get_header('X_Up'), kong.response.get_source(), \
                kong.service.response.get_status(), kong.service.response.get_header('x-up'), ngx.status, \
                ngx.header.x_up, ngx.var.upstream_status, ngx.var.status, ngx.var.sent_http_x_up";
    assert_eq!(of(answered(), seen), "404|u|service|404|u|404|u|404|404|u");
    let chunk = "local r = kong.response r.set_status(202) r.set_header('X-Set', 1) r.add_header('x_set', 2) \
                 r.clear_header('x-up') r.set_headers({['x-l'] = {'a', 'b'}}) ngx.header['X_N'] = {'c'} \
                 r.set_header('Content-Length', 7) r.set_header('Transfer-Encoding', 'x')";
    let (current, result) = after(answered(), chunk);
    assert_eq!(result, Ok(()));
    let res = current.res.unwrap();
    assert_eq!(res.status(), 202);
    assert_eq!(lines(res.headers()), ["x-l: a", "x-l: b", "x-n: c", "x-set: 1", "x-set: 2"]);
    let current = after(answered(), "kong.response.set_header('x-up', 'mine')").0;
    assert_eq!(of(current, "kong.response.get_header('x-up'), kong.service.response.get_header('x-up')"), "mine|u");
}

#[test]
fn who_made_the_answer_is_told() {
    let source = |origin, exited| {
        let mut current = answered();
        (current.cx.origin, current.cx.exited, current.cx.received) = (origin, exited, None);
        of(current, "kong.response.get_source(), type(kong.service.response.get_status())")
    };
    assert_eq!(source(Origin::Gateway, true), "exit|nil");
    assert_eq!(source(Origin::Gateway, false), "error|nil");
    assert_eq!(source(Origin::Failed, false), "error|nil");
    let words =
        "service body is only available with buffered proxying (see: kong.service.request.enable_buffering function)";
    assert_eq!(raised_in(answered(), "kong.service.response.get_raw_body()"), words);
}

#[test]
fn headers_of_an_answer_are_kept_until_there_is_one() {
    let current = made("kong.response.set_header('x-a', 1) kong.response.add_header('x-a', 2) ngx.header.x_b = 'b'");
    assert_eq!(lines(&current.cx.answer_headers), ["x-a: 1", "x-a: 2", "x-b: b"]);
    let current =
        made("ngx.header['X-E'] = 'old' ngx.header.x_k = 'k' kong.response.exit(200, 'x', {['X-E'] = 'new'})");
    assert_eq!(lines(&current.cx.answer_headers), ["x-k: k"]);
    assert_eq!(answer(current), (200, vec!["x-e: new".to_owned()], "x".to_owned()));
}

#[test]
fn an_exit_is_checked() {
    let answered = |chunk| answer(made(chunk));
    assert_eq!(answered("kong.response.exit(200, {'a', 'b'})").2, "[\"a\",\"b\"]");
    assert_eq!(answered("kong.response.exit(204)").0, 204);
    assert_eq!(answered("kong.response.error(429, 'slow down')").2, "{\n  \"message\":\"slow down\"\n}");
    let (status, headers, body) = answered("ngx.redirect('/else?x=1')");
    assert_eq!((status, &*headers[1]), (302, "location: /else?x=1"));
    assert!(body.contains("302 Found"), "{body}");
    for (chunk, words) in [
        ("kong.response.exit('x')", "code must be a number"),
        ("kong.response.exit(99)", "code must be a number between 100 and 599"),
        ("kong.response.exit(200, 7)", "body must be a nil, string or table"),
        ("kong.response.exit(200, 'x', 7)", "headers must be a nil or table"),
        ("kong.response.error(200)", "code must be a number between 400 and 599"),
        ("kong.response.set_status('x')", "code must be a number"),
        ("ngx.say('x') kong.response.set_header('x', 1)", "headers have already been sent"),
        ("ngx.say('x') kong.response.exit(200)", "headers have already been sent"),
    ] {
        assert_eq!(raised(chunk), words, "{chunk}");
    }
    assert!(raised("ngx.redirect('/', 200)").starts_with("only ngx.HTTP_MOVED_TEMPORARILY"));
}

#[test]
fn grpc_clients_are_told_in_headers() {
    let mut current = current(Compat::Kong2);
    *current.req.version_mut() = http::Version::HTTP_2;
    current.req.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    let (current, result) = after(current, "kong.response.exit(403, 'not you')");
    assert_eq!(result, Ok(()));
    assert_eq!(answer(current), (403, vec!["grpc-message: not you".into(), "grpc-status: 7".into()], String::new()));
}
