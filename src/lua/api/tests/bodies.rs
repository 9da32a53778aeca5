use super::*;

fn sent(kind: &'static str, body: &'static str) -> Current {
    let mut current = current(Compat::Kong2);
    current.req.headers_mut().insert("content-type", HeaderValue::from_static(kind));
    current.payload = Payload::Whole(Bytes::from_static(body.as_bytes()));
    current
}

#[test]
fn a_body_is_read_by_its_type() {
    let read =
        "local t, err, kind = kong.request.get_body() ngx.print(t and (t.a or t[1]) or 'nil', '|', err, '|', kind)";
    let said = |current| String::from_utf8(after(current, read).0.said.unwrap()).unwrap();
    assert_eq!(said(sent("application/json; charset=utf-8", "{\"a\":\"v\"}")), "v|nil|application/json");
    assert_eq!(said(sent("application/JSON", "[1.5]")), "1.5|nil|application/json");
    assert_eq!(said(sent("application/json", "{")), "nil|invalid json body|application/json");
    assert_eq!(said(sent("application/json", "7")), "nil|invalid json body|application/json");
    assert_eq!(said(sent("application/x-www-form-urlencoded", "a=x+y&b")), "x y|nil|application/x-www-form-urlencoded");
    let parts = "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nin part\r\n--B--\r\n";
    assert_eq!(said(sent("multipart/form-data; boundary=B", parts)), "in part|nil|multipart/form-data");
    assert_eq!(said(sent("multipart/form-data", parts)), "nil|unable to decode multipart body|multipart/form-data");
    assert_eq!(said(sent("text/Plain; x", "a")), "nil|unsupported content type 'text/Plain; x'|text/plain");
    assert_eq!(said(current(Compat::Kong2)), "nil|missing content type|nil");
    let mut long = sent("application/json", "");
    long.payload = Payload::TooLong;
    let words = "request body did not fit into client body buffer, consider raising 'client_body_buffer_size'";
    assert_eq!(of(long, "kong.request.get_raw_body()"), format!("nil|{words}"));
    assert_eq!(value("kong.request.get_raw_body(), ngx.req.get_body_data()"), "");
}

/// Type, length and body that go upstream.
fn written(chunk: &str) -> (String, String, String) {
    let current = made(chunk);
    let header = |name: &str| current.req.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
    (header("content-type"), header("content-length"), text(current.req.into_body()))
}

#[test]
fn a_body_is_written_by_its_type() {
    let set = |arguments: &str| written(&format!("assert(kong.service.request.set_body({arguments}))"));
    let form = "application/x-www-form-urlencoded";
    assert_eq!(
        set(&format!("{{b = 'c&d', a = '1 2'}}, '{form}'")),
        (form.into(), "15".into(), "a=1%202&b=c%26d".into())
    );
    assert_eq!(set("{a = {1, 'x/y'}}, 'application/json'").2, "{\"a\":[1,\"x/y\"]}");
    let (kind, _, body) = set("{b = 1, a = true}, 'multipart/form-data; boundary=B'");
    assert_eq!(kind, "multipart/form-data; boundary=B");
    let part = |name, value| format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    assert_eq!(body, format!("{}{}--B--\r\n", part("a", "true"), part("b", "1")));
    assert!(set("{a = 1}, 'multipart/form-data'").0.starts_with("multipart/form-data; boundary="));
    assert_eq!(written("kong.service.request.set_raw_body('new')").2, "new");
    assert_eq!(written("ngx.req.read_body() ngx.req.set_body_data('ngx')").1, "3");
    let none = "nil|content type was neither explicitly given as an argument or received as a header";
    assert_eq!(value("kong.service.request.set_body({})"), none);
    assert_eq!(raised("kong.service.request.set_body({}, 'text/plain')"), "unsupported content type text/plain");
    let words = "invalid value \"a\": got table, expected string, number or boolean";
    assert_eq!(raised("kong.service.request.set_body({a = {}}, 'multipart/form-data')"), words);
}

#[test]
fn json_is_read_and_written() {
    let chunk = |code: &str| {
        let (current, result) =
            after(current(Compat::Kong2), &format!("local c, s = require('cjson'), require('cjson.safe') {code}"));
        assert_eq!(result, Ok(()), "{code}");
        String::from_utf8(current.said.unwrap()).unwrap()
    };
    assert_eq!(chunk("ngx.print(c.encode(c.decode('[{\"a\":[]},null,1.5,\"x\"]')))"), "[{\"a\":[]},null,1.5,\"x\"]");
    assert_eq!(chunk("ngx.print(c.encode({}), c.decode('null') == ngx.null)"), "{}true");
    assert_eq!(
        chunk("local v, e = s.decode('{') ngx.print(v, type(e), pcall(c.decode, '{') == false)"),
        "nilstringtrue"
    );
}

#[test]
fn a_piece_of_the_answer_is_changed() {
    let filtered = |piece: &'static str, last, chunk| {
        let current = Current { phase: Phase::BodyFilter, piece: Some((Bytes::from(piece), last)), ..answered() };
        let (current, result) = after(current, chunk);
        assert_eq!(result, Ok(()), "{chunk}");
        current.piece.unwrap()
    };
    assert_eq!(filtered("ab", false, "ngx.arg[1] = ngx.arg[1]:upper() .. tostring(ngx.arg[2])").0, "ABfalse");
    assert_eq!(filtered("ab", false, "ngx.arg[1] = nil ngx.arg[2] = true"), (Bytes::new(), true));
    assert_eq!(filtered("ab", false, "ngx.arg[1] = {'x', {'y'}, 1}").0, "xy1");
    assert_eq!(filtered("ab", false, "kong.response.set_raw_body('')"), (Bytes::from_static(b"\n"), true));
    assert_eq!(filtered("ab", true, "kong.response.set_raw_body(kong.response.get_raw_body() .. '!')").0, "ab!");
    assert_eq!(raised("ngx.arg[1] = 'x'"), "API disabled in the current context");
}

#[test]
fn a_body_in_pieces_is_held_back_until_it_is_whole() {
    let mut current = Current { phase: Phase::BodyFilter, ..answered() };
    for (piece, last, out) in [("a", false, ""), ("b", false, ""), ("c", true, "abc")] {
        current.piece = Some((Bytes::from(piece), last));
        let (next, result) = after(current, "kong.response.get_raw_body()");
        assert_eq!((result, next.piece.as_ref().unwrap().0.as_ref()), (Ok(()), out.as_bytes()));
        current = next;
    }
}
