use super::*;

#[test]
fn variables_are_read() {
    let of_request = "ngx.var.request_uri, ngx.var.uri, ngx.var.args, ngx.var.host, ngx.var.http_x_in, ngx.var.http_x_two, \
                      ngx.var.request_method, ngx.var.arg_q, ngx.var.arg_Q, ngx.var.arg_flag == nil, ngx.var.cookie_sid, \
                      ngx.var.is_args, ngx.var.request, ngx.var.none == nil, ngx.var.upstream_uri";
    let want = format!(
        "{TARGET}|/a/b c|q=1&flag&q=x+y&e=&q=z|gw.test|in|1, 2|GET|1|1|true|s1|?|GET {TARGET} HTTP/1.1|true|/up"
    );
    assert_eq!(value(of_request), want);
    assert_eq!(
        value("ngx.var.remote_addr, ngx.var.scheme, ngx.var.server_port, ngx.var.realip_remote_addr"),
        "127.0.0.1|http|0|127.0.0.1"
    );
    assert_eq!(value("#ngx.var.request_id, ngx.var.request_id == ngx.var.request_id"), "32|true");
    let words = raised("ngx.var.mine = 1");
    assert!(words.starts_with("variable \"mine\" not found for writing"), "{words}");
    assert_eq!(value("ngx.req.set_uri('/other') or ngx.var.uri, ngx.var.upstream_uri"), "/other|/up");
}

#[test]
fn texts_are_encoded() {
    let all = "ngx.md5('abc'), ngx.encode_base64('hi there'), ngx.encode_base64('a', true), ngx.decode_base64('aGk='), \
               ngx.decode_base64('aGk'), ngx.escape_uri('a b/\\195\\169?'), ngx.unescape_uri('a+b%20c%zz'), \
               ngx.encode_args({a = '1 2'}), ngx.decode_args('a=1&b').b, ngx.crc32_short('123456789'), \
               ngx.encode_base64(ngx.hmac_sha1('key', 'text')), ngx.encode_base64(ngx.sha1_bin('abc')), \
               #ngx.md5_bin('x'), ngx.quote_sql_str(\"it's\")";
    let want = "900150983cd24fb0d6963f7d28e17f72|aGkgdGhlcmU=|YQ|hi|hi|a%20b%2F%C3%A9%3F|a b c%zz|a=1%202|true|3421780262|\
                Np4pWetJRQM4shJ0j3fY3tdIR7s=|qZk+NkcGgWq6PiVxeFDCbJzQ2J0=|16|'it\\'s'";
    let got = value(all);
    let (got, want): (Vec<_>, Vec<_>) = (got.split('|').collect(), want.split('|').collect());
    assert_eq!(got.len(), want.len());
    for (at, (got, want)) in got.iter().zip(&want).enumerate() {
        assert_eq!(got, want, "{at}");
    }
    assert_eq!(value("ngx.decode_base64('!') == nil"), "true");
}

#[test]
fn patterns_match_as_pcre_does() {
    let all = "ngx.re.match('x 42 ab', '([0-9]+) (?<name>[a-z]+)(!)?')[0], ngx.re.match('x 42 ab', '([0-9]+)')[1], \
               ngx.re.match('x 42 ab', '(?<name>[a-z]+)$').name, ngx.re.match('a', '(a)(b)?')[2], ngx.re.match('a', 'b'), \
               ngx.re.match('AB', 'ab', 'jo'), ngx.re.match('AB', 'ab', 'ijo')[0]";
    assert_eq!(value(all).replace("nil|nil", "nil"), "42 ab|42|ab|false|nil|AB");
    assert_eq!(value("ngx.re.find('hello 42', '([a-z]+) ([0-9]+)', 'jo')"), "1|8");
    assert_eq!(value("ngx.re.find('hello 42', '([a-z]+) ([0-9]+)', 'jo', nil, 2)"), "7|8");
    assert_eq!(value("ngx.re.gsub('a1b22', '[0-9]', '#', 'jo')"), "a#b##|3");
    assert_eq!(value("ngx.re.sub('hello world', '([a-z]+) ([a-z]+)', '$2 ${1}$$', 'jo')"), "world hello$|1");
    assert_eq!(value("ngx.re.gsub('a b', '[a-z]', function(m) return m[0]:upper() end)"), "A B|2");
    assert_eq!(value("ngx.re.gsub('\\195\\169a', '', '-', 'u')"), "-\u{e9}-a-|3");
    let all = "local out = {} for m in ngx.re.gmatch('a=1,b=2', '([a-z])=([0-9])') do out[#out + 1] = m[1] .. m[2] end \
               ngx.print(table.concat(out, ' '))";
    assert_eq!(made(all).said.unwrap(), b"a1 b2");
    let chunk = "local ctx = {pos = 2} local m = ngx.re.match('1a2', '[0-9]', 'ao', ctx) ngx.print(m and m[0] or 'none') \
                 ctx.pos = 3 ngx.print(ngx.re.match('1a2', '[0-9]', 'ao', ctx)[0], ctx.pos)";
    assert_eq!(made(chunk).said.unwrap(), b"none24");
    assert_eq!(value("ngx.re.match('a', '(')"), "nil|pcre_compile() failed in \"(\"");
    assert_eq!(raised("ngx.re.match('a', 'a', 'q')"), "unknown flag \"q\" (flags \"q\")");
    let costly = "ngx.re.match(string.rep('a', 40) .. ' !', '(?=(a+)+!)a')";
    assert_eq!(value(costly), "nil|pcre_exec() failed: -47");
}

#[test]
fn an_exit_within_a_replacement_ends_the_phase() {
    let current = made("ngx.re.gsub('aa', 'a', function() kong.response.exit(418, 'x') end) error('not here')");
    assert_eq!(answer(current).0, 418);
    let words = raised("local function f() ngx.re.gsub('a', 'a', f) return '' end f()");
    assert!(words.contains("stack overflow"), "{words}");
}

#[test]
fn times_are_the_requests() {
    assert_eq!(value("ngx.time() >= 1600000000, ngx.time() < 1600000100, ngx.now() >= 1600000000"), "true|true|true");
    assert_eq!(value("ngx.req.start_time(), ngx.utctime():sub(1, 10)"), "1600000000|2020-09-13");
    assert_eq!(
        value("ngx.http_time(1290079655), ngx.cookie_time(1290079655)"),
        "Thu, 18 Nov 2010 11:27:35 GMT|Thu, 18-Nov-10 11:27:35 GMT"
    );
    assert_eq!(value("ngx.parse_http_time('Thu, 18 Nov 2010 11:27:35 GMT'), ngx.parse_http_time('x')"), "1290079655");
    assert_eq!(raised("ngx.http_time(-1)"), "bad argument #1 to 'http_time' (number expected)");
}

#[test]
fn what_is_said_is_kept() {
    let current = made("ngx.status = 201 ngx.header.content_type = 'text/csv' ngx.say('said') ngx.exit(201)");
    assert_eq!(lines(&current.cx.answer_headers), ["content-type: text/csv"]);
    assert_eq!(answer(current).2, "said\n");
    assert_eq!(
        value("ngx.get_phase(), ngx.worker.pid(), ngx.HTTP_FORBIDDEN, ngx.req.http_version()"),
        "access|0|403|1.1"
    );
    assert_eq!(raised("while true do ngx.print(string.rep('x', 1e7)) end"), "not enough memory");
}
