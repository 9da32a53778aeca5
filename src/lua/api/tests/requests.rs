use super::*;

#[test]
fn what_the_client_asked_for() {
    let all = "kong.request.get_scheme(), kong.request.get_host(), kong.request.get_path(), kong.request.get_raw_query(), \
               kong.request.get_path_with_query(), kong.request.get_http_version(), kong.request.get_method()";
    assert_eq!(value(all), format!("http|gw.test|/a/b%20c|q=1&flag&q=x+y&e=&q=z|{TARGET}|1.1|GET"));
    let query = "kong.request.get_query_arg('q'), kong.request.get_query_arg('flag'), kong.request.get_query_arg('e'), \
                 kong.request.get_query_arg('none'), table.concat(kong.request.get_query().q, ','), \
                 kong.request.get_query(2).e";
    assert_eq!(value(query), "1|true||nil|1,x y,z");
    let headers = "kong.request.get_header('X_In'), kong.request.get_headers()['X-In'], kong.request.get_headers().x_in, \
                   table.concat(kong.request.get_headers()['x-two'], ','), kong.request.get_header('none')";
    assert_eq!(value(headers), "in|in|in|1,2");
    assert_eq!(of(current(Compat::Kong3), "kong.request.get_path(), kong.request.get_raw_path()"), "/a/b c|/a/b%20c");
}

#[test]
fn arguments_are_refused_in_kongs_words() {
    for (chunk, words) in [
        ("kong.request.get_header(1)", "header name must be a string"),
        ("kong.request.get_query_arg()", "query argument name must be a string"),
        ("kong.request.get_query('1')", "max_args must be a number"),
        ("kong.request.get_query(0)", "max_args must be >= 1"),
        ("kong.request.get_headers(1001)", "max_headers must be <= 1000"),
        ("kong.service.request.set_path('x')", "path must start with /"),
        ("kong.service.request.set_path(1)", "path must be a string"),
        ("kong.service.request.set_query('a=1')", "args must be a table"),
        ("kong.service.request.set_query({1})", "arg keys must be strings"),
        ("kong.service.request.set_method('get')", "invalid method: get"),
        ("kong.service.request.set_scheme('ftp')", "invalid scheme: ftp"),
        ("kong.service.request.set_headers(1)", "headers must be a table"),
        (
            "kong.service.request.set_header('x', {})",
            "invalid header value for \"x\": got table, expected string, number or boolean",
        ),
        ("kong.service.request.set_header(1, 'x')", "invalid header name \"1\": got number, expected string"),
        (
            "kong.service.request.set_headers({x = {1}})",
            "invalid header value in array \"x\": got number, expected string",
        ),
        ("kong.service.set_target('h', 1.5)", "port must be an integer"),
        ("kong.service.set_target('h', 70000)", "port must be an integer between 0 and 65535: given 70000"),
        ("kong.service.set_retries(-1)", "retries must be an integer between 0 and 32767: given -1"),
        (
            "kong.response.get_status()",
            "function cannot be called in access phase (only in: response, header_filter, body_filter, log, error, admin_api)",
        ),
        ("kong.db.consumers:select({})", "kong.db is not available in this gateway"),
        ("ngx.sleep(1)", "ngx.sleep is not available in this gateway"),
        (
            "for i = 1, 2000 do kong.service.request.add_header('x', 'y') end",
            "no message may have more than 1000 headers, or one of more than 131072 bytes",
        ),
    ] {
        assert_eq!(raised(chunk), words, "{chunk}");
    }
}

#[test]
fn forwarded_facts_are_a_trusted_peers() {
    let names = "kong.request.get_forwarded_scheme(), kong.request.get_forwarded_host(), \
                 kong.request.get_forwarded_port(), kong.request.get_forwarded_path(), kong.request.get_forwarded_prefix()";
    let told = |trusted: bool| {
        let mut current = current(Compat::Kong2);
        for (name, value) in [
            ("x-forwarded-proto", "HTTPS"),
            ("x-forwarded-host", "user@Front.Test:8443"),
            ("x-forwarded-path", "/front"),
            ("x-forwarded-prefix", "/pre"),
        ] {
            current.req.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        current.cx.peer.trusted = trusted;
        current.cx.peer.port = 80;
        current.cx.stripped = Some(2);
        of(current, names)
    };
    assert_eq!(told(true), "https|front.test|8443|/front|/pre");
    assert_eq!(told(false), "http|gw.test|80|/a/b%20c|/a");
}

#[test]
fn a_chunk_changes_what_the_upstream_is_asked() {
    let path = |chunk| made(chunk).cx.path;
    assert_eq!(path("kong.service.request.set_path('/x y/%41?z')"), "/x%20y/%41?z");
    assert_eq!(path("ngx.var.upstream_uri = '/new' .. ngx.var.upstream_uri"), "/new/up");
    let query = |chunk| made(chunk).cx.query.unwrap();
    assert_eq!(query("kong.service.request.set_query({b = '2 x', a = {'1', 3}, flag = true})"), "a=1&a=3&b=2%20x&flag");
    assert_eq!(query("kong.service.request.set_query({a = 1, no = false})"), "&a=1");
    assert_eq!(query("kong.service.request.set_raw_query('raw=1&q=%20 ')"), "raw=1&q=%20%20");
    assert_eq!(query("kong.service.request.clear_query_arg('q')"), "flag&e=");
    assert_eq!(query("local a = ngx.req.get_uri_args() a.q = nil a.e = nil ngx.req.set_uri_args(a)"), "flag");
    assert_eq!(query("ngx.req.set_uri_args('x=1')"), "x=1");
    assert_eq!(made("kong.service.request.set_method('PROPFIND')").req.method().as_str(), "PROPFIND");
    assert_eq!(made("ngx.req.set_method(ngx.HTTP_PUT)").req.method(), "PUT");
}

#[test]
fn a_chunk_changes_headers() {
    let chunk = "local r = kong.service.request r.set_header('X-In', 1) r.add_header('x-in', true) r.clear_header('x-two') \
                 r.set_headers({['X-L'] = {'a', 'b'}, empty = ''}) ngx.req.set_header('X-N', {'c', 'd'}) \
                 ngx.req.clear_header('cookie') r.set_header('Host', 'other.test')";
    let changed = made(chunk);
    let want = ["empty:  ", "host: Gw.Test:8000", "x-in: 1", "x-in: true", "x-l: a", "x-l: b", "x-n: c", "x-n: d"];
    assert_eq!(lines(changed.req.headers()), want);
    assert_eq!(changed.cx.host.unwrap(), "other.test");
    assert_eq!(
        value("kong.service.request.set_header(':authority', 'x')"),
        "nil|cannot set :authority pseudo-header on non-grpc requests"
    );
    let listed = after(current(Compat::Kong3), "kong.service.request.set_header('x-in', {'a', 'b'})").0;
    assert_eq!(listed.req.headers().get_all("x-in").iter().count(), 2);
}

#[test]
fn a_chunk_sends_the_request_elsewhere() {
    let detour = |chunk| *made(chunk).cx.detour.unwrap();
    let whom = Some(Whom::Target("other.test".into(), 81));
    assert_eq!(detour("kong.service.set_target('other.test', 81)"), Detour { host: whom, ..Detour::default() });
    assert_eq!(made("kong.service.set_target('other.test', 81)").cx.host.unwrap(), "other.test");
    assert_eq!(detour("assert(kong.service.set_upstream('pool'))").host, Some(Whom::Upstream(UpstreamId(3))));
    assert_eq!(value("kong.service.set_upstream('none')"), "nil|could not find an Upstream named 'none'");
    assert_eq!(detour("kong.service.request.set_scheme('https')").https, Some(true));
    assert_eq!(detour("ngx.var.upstream_scheme = 'http'").https, Some(false));
    let times = [1, 2, 3].map(Duration::from_millis);
    assert_eq!(detour("kong.service.set_timeouts(1, 2, 3)").timeouts, Some(times));
    assert_eq!(detour("kong.service.set_retries(4)").retries, Some(4));
    let forwarded = detour("ngx.var.upstream_x_forwarded_host = 'told.test'").forwarded;
    assert_eq!(lines(&forwarded), ["x-forwarded-host: told.test"]);
}

#[test]
fn groups_of_the_route_are_told() {
    let mut current = current(Compat::Kong3);
    let group = |name: Option<&str>, text: Option<&str>| crate::plugin::Group {
        name: name.map(Into::into),
        text: text.map(|text| text.as_bytes().into()),
    };
    current.cx.captures = vec![group(None, Some("/a/7")), group(Some("id"), Some("7")), group(None, None)];
    let all = "kong.request.get_uri_captures().unnamed[0], kong.request.get_uri_captures().named.id, \
               kong.request.get_uri_captures().unnamed[2], kong.request.get_start_time()";
    assert_eq!(of(current, all), "/a/7|7|false|1600000000000");
}
