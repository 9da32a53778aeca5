"""What the two edges are asked: a table. edge.py asks it of both and compares."""
import base64
import dataclasses
import itertools

APP, STUDIO = "archon.example.com", "studio.example.com"
MIB = 1 << 20
LIMIT = 10 * MIB                              # client_max_body_size
PROXY = "127.9.0.1"                           # a peer that is believed


@dataclasses.dataclass
class Case:
    """One request, or `times` of it at once over one connection."""
    name: str
    target: str = "/"
    fields: tuple = ()
    _: dataclasses.KW_ONLY
    method: str = "GET"
    version: str = "HTTP/1.1"
    host: str | None = APP                    # the Host line; None sends none
    sni: str | None = ""                      # "" is the host's name
    port: str = "tls"                         # or "clear"; "mixed" speaks clear text to the TLS port
    peer: str | None = None                   # an address of its own by default
    body: bytes = b""
    chunked: bool = False
    web_socket: bool = False
    times: int = 1

    def server_name(self):
        return (self.host or APP).partition(":")[0] if self.sni == "" else self.sni

    def http1(self, mark):
        lines = [f"{self.method} {self.target} {self.version}"]
        lines += [f"Host: {self.host}"] if self.host is not None else []
        lines += [f"X-Case: {mark}", *self.fields]
        body = self.body
        if self.chunked:
            lines.append("Transfer-Encoding: chunked")
            body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        elif body:
            lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + body

    def http2(self, mark):
        pseudo = [(":method", self.method), (":scheme", "https"), (":authority", self.host), (":path", self.target)]
        fields = [("x-case", mark), *(tuple(field.split(": ", 1)) for field in self.fields)]
        plain = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in pseudo + fields]
        return plain, self.body


def basic(user, password, scheme="Basic"):
    return "Authorization: " + scheme + " " + base64.b64encode(f"{user}:{password}".encode()).decode()


RIGHT = basic("admin", "correct horse")
UPGRADE = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")


def studio(name, target="/", *fields, **more):
    return Case(name, target, fields, host=STUDIO, **more)


HOSTS = [
    Case("host app"),
    studio("host studio", "/rest/v1/"),
    Case("host unknown", host="other.example.com"),
    Case("host unknown, no SNI", host="other.example.com", sni=None),
    Case("host app, no SNI", sni=None),
    Case("host app under studio's SNI", sni=STUDIO),
    Case("host with the port", host=APP + ":443"),
    Case("host with another port", host=APP + ":8443"),
    Case("host in capitals", host=APP.upper(), sni=APP),
    Case("host with a dot at the end", host=APP + ".", sni=APP),
    Case("host missing", host=None),
    Case("host missing in 1.0", host=None, version="HTTP/1.0"),
    Case("host empty", host="", sni=APP),
    Case("host twice", "/", ("Host: " + STUDIO,)),
    Case("host malformed", host="a/b", sni=APP),
    Case("target absolute", f"https://{APP}/api/x?y"),
    Case("target absolute, another host", f"https://{STUDIO}/rest/x"),
]

PATHS = [Case("path " + target, target) for target in (
    "/api", "/api/", "/apix", "/api/health", "/api/a/", "/api//a", "//api/a", "/api/a//b", "/api/../x", "/a/../api/x",
    "/./api/x", "/api/.", "/api/..", "/api/a/..", "/..", "/../api/x", "/api/%2e%2e/x", "/api/%2E/x", "/api/%2Fa",
    "/api%2Fa", "/api/a%2Fb", "/api/a%20b", "/%61pi/x", "/api/%61", "/api/%c3%a4", "/api/a;b=c",
    "/api/a+b", "/api/a%3Fb", "/api/a%23b", "/api/a#b", "/api/~a", "/api/a|b", "/api/a\"b", "/api/%00", "/api/%zz",
    "/api/%", "/API/x", "/api/a\\b", "/api/health?", "/api/health?a=b&c=%20&a", "/api/?x=/../y", "/api?x=1",
    "/api/a?b?c", "/api/a?b#c", "/mcp", "/mcp/", "/mcp/x", "/mcpx", "/mcp?x=1", "/mcp//x", "/mcp/../api/x",
    "/assets/app-%5Bid%5D.js", "/a//b", "/a/../b", "/a/%2e%2e/b", "/a%2Fb", "*", "noslash")] + [
    Case("path of raw UTF-8", "/api/\xc3\xa4"),
    Case("path of 4000 bytes", "/api/" + "a" * 3995),
    Case("path of 9000 bytes", "/api/" + "a" * 8995),
    studio("path /rest/v1/t?select=*", "/rest/v1/t?select=*&id=eq.1"),
    studio("path /rest", "/rest", RIGHT),
]

METHODS = [Case("method " + method, "/api/x", method=method) for method in (
    "HEAD", "OPTIONS", "DELETE", "PROPFIND", "TRACE", "CONNECT", "get", "G@T")] + [
    Case(f"method {method} with a body", "/api/x", method=method, body=b"hello") for method in (
        "POST", "PUT", "PATCH", "DELETE", "GET")] + [
    Case("method POST without a body", "/api/x", ("Content-Length: 0",), method="POST"),
]

VERSIONS = [
    Case("version 1.0", "/api/x", version="HTTP/1.0"),
    Case("version 1.0, keep-alive", "/api/x", ("Connection: keep-alive",), version="HTTP/1.0"),
    Case("version 1.2", "/api/x", version="HTTP/1.2"),
    Case("version 9.9", "/api/x", version="HTTP/9.9"),
    Case("version 2", "/api/x?y=1", version="2"),
    Case("version 2 POST", "/api/x", version="2", method="POST", body=b"hello"),
    Case("version 2 HEAD", "/", version="2", method="HEAD"),
    Case("version 2 path", "/api/%2e%2e/x//y", version="2"),
    Case("version 2, other host", version="2", host=STUDIO, sni=APP),
    studio("version 2 password", "/", RIGHT, version="2"),
    studio("version 2 no password", "/", version="2"),
    Case("version 2 cookies", "/", ("Cookie: a=1", "Cookie: b=2"), version="2"),
    Case("clear text to the TLS port", port="mixed"),
]

BODIES = [
    Case("body at the limit", "/api/x", method="POST", body=bytes(LIMIT)),
    Case("body above the limit", "/api/x", method="POST", body=bytes(LIMIT + 1)),
    Case("body at the limit, 2", "/api/x", version="2", method="POST", body=bytes(LIMIT)),
    Case("body above the limit, 2", "/api/x", ("content-length: %d" % (LIMIT + 1),), version="2", method="POST",
         body=bytes(LIMIT + 1)),
    Case("body chunked", "/api/x", method="POST", body=b"hello", chunked=True),
    Case("body chunked, 1 MiB", "/api/x", method="POST", body=bytes(MIB), chunked=True),
    Case("body chunked, above the limit", "/api/x", method="POST", body=bytes(LIMIT + 1), chunked=True),
    Case("body with Expect", "/api/x", ("Expect: 100-continue",), method="POST", body=b"hello"),
    Case("body of both lengths", "/api/x", ("Content-Length: 3",), method="POST", body=b"hello", chunked=True),
    Case("body of two lengths", "/api/x", ("Content-Length: 3", "Content-Length: 5"), method="POST"),
    Case("body of negative length", "/api/x", ("Content-Length: -1",), method="POST"),
    Case("body of unknown coding", "/api/x", ("Transfer-Encoding: brotli",), method="POST"),
    studio("body without the password", "/", method="POST", body=bytes(MIB)),
]

PASSWORDS = [
    studio("password missing"),
    studio("password missing, HEAD", method="HEAD"),
    studio("password right", "/", RIGHT),
    studio("password wrong", "/", basic("admin", "wrong")),
    studio("password empty", "/", basic("admin", "")),
    studio("password of nobody", "/", basic("nobody", "correct horse")),
    studio("password with special characters", "/", basic("ops", "p@ss:wörd €! \"&")),
    studio("password apr1", "/", basic("old", "apr1 secret")),
    studio("password SHA-1", "/", basic("older", "sha secret")),
    studio("password SHA-512", "/", basic("crypt", "sha512 secret")),
    studio("password, scheme in small letters", "/", basic("admin", "correct horse", "basic")),
    studio("password, no base64", "/", "Authorization: Basic %%%"),
    studio("password, Bearer", "/", "Authorization: Bearer abc"),
    studio("password not asked for /rest/", "/rest/v1/", "Authorization: Bearer abc"),
    studio("password not asked for /rest/, wrong one", "/rest/v1/", basic("admin", "wrong")),
    studio("password, path /rest/../", "/rest/../secret"),
    studio("password, path //rest/", "//rest/x"),
    studio("password, path /%72est/", "/%72est/x"),
    studio("password, path /REST/", "/REST/x"),
]

HEADERS = [
    Case("headers Range", "/", ("Range: bytes=0-3", "If-Range: \"x\"")),
    Case("headers conditional", "/", ("If-None-Match: \"x\"", "If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT")),
    Case("headers, 60 of them", "/", tuple(f"X-N-{number}: {number}" for number in range(60))),
    Case("headers, one of 7 KiB", "/", ("X-Long: " + "a" * 7000,)),
    Case("headers, one of 9 KiB", "/", ("X-Long: " + "a" * 9000,)),
    Case("headers, 40 KiB in all", "/", tuple(f"X-N-{number}: " + "a" * 4000 for number in range(10))),
    Case("headers with an underscore", "/", ("X_Under: 1",)),
    Case("headers with an empty value", "/", ("X-Empty:",)),
    Case("headers twice", "/", ("X-Twice: 1", "X-Twice: 2")),
    Case("headers with Latin-1", "/", ("X-Latin: \xe4",)),
    Case("headers, space before the colon", "/", ("X-Space : 1",)),
    Case("headers, folded", "/", ("X-Fold: 1", " 2")),
    Case("headers without a colon", "/", ("nonsense",)),
    Case("headers hop by hop", "/", ("Connection: close, X-Hop", "X-Hop: 1", "TE: trailers", "Keep-Alive: 5")),
    Case("headers Accept of MCP", "/mcp", ("Accept: text/event-stream",)),
    Case("headers Proxy", "/", ("Proxy: http://evil/",)),
    Case("forwarded-for forged", "/", ("X-Forwarded-For: 1.2.3.4",)),
    Case("forwarded-proto forged", "/", ("X-Forwarded-Proto: http",)),
    Case("forwarded-host forged", "/", ("X-Forwarded-Host: evil", "X-Forwarded-Port: 1")),
    Case("real-ip forged", "/", ("X-Real-IP: 1.2.3.4",)),
    Case("forwarded-for, believed", "/", ("X-Forwarded-For: 1.2.3.4",), peer=PROXY),
    Case("forwarded-for, believed, a chain", "/", ("X-Forwarded-For: 6.6.6.6, 1.2.3.5, 127.9.0.7",), peer=PROXY),
    Case("forwarded-for, believed, nonsense", "/", ("X-Forwarded-For: nonsense",), peer=PROXY),
    Case("forwarded-for, believed, two lines", "/", ("X-Forwarded-For: 6.6.6.6", "X-Forwarded-For: 1.2.3.6"),
         peer=PROXY),
    Case("forwarded-for missing, believed", "/", peer=PROXY),
]

TO_TLS = [Case("to TLS " + target, target, port="clear") for target in (
    "/", "/api/x?y=1&z=%20", "/a/../b", "//a", "/a%2Fb", "/?", "*")] + [
    Case("to TLS, studio", "/a", port="clear", host=STUDIO),
    Case("to TLS, unknown host", "/a", port="clear", host="other.example.com"),
    Case("to TLS, host with the port", "/a", port="clear", host=APP + ":80"),
    Case("to TLS, POST", "/api/x", port="clear", method="POST", body=b"hello"),
    Case("to TLS, HEAD", "/api/x", port="clear", method="HEAD"),
    Case("to TLS, 1.0 without a host", "/a", port="clear", host=None, version="HTTP/1.0"),
    Case("to TLS, WebSocket", "/", UPGRADE, port="clear"),
]

SOCKETS = [
    Case("socket of the UI", "/?token=x", (*UPGRADE, "Sec-WebSocket-Protocol: vite-hmr"), web_socket=True),
    Case("socket of the server", "/api/socket", UPGRADE, web_socket=True),
    studio("socket of studio", "/x", *UPGRADE, RIGHT, web_socket=True),
    studio("socket of studio without the password", "/x", *UPGRADE),
]

ANSWERS = [Case(f"answer {status}", f"/api/x?status={status}") for status in (204, 304, 404, 500, 503)] + [
    Case("answer with a CSP of its own", "/?set=Content-Security-Policy:default-src%20*"),
    Case("answer with frame options of its own", "/?set=X-Frame-Options:DENY"),
    Case("answer that redirects", "/api/x?status=302&location=/login"),
    Case("answer that redirects afar", "/api/x?status=302&location=https://elsewhere.example/login"),
    Case("answer that redirects to itself", "/api/x?status=302&location=self"),
    Case("answer that redirects to the UI", "/x?status=307&location=/y%3Fz"),
    Case("answer that is none", "/api/x?cut"),
    Case("answer that is late", "/api/x?late"),
    studio("answer of nobody", "/auth/v1/"),
]

LIMITS = [
    Case("limit api", "/api/x", times=15),
    Case("limit mcp shares it", "/mcp", times=15),
    Case("limit general", "/assets/x.js", times=30),
    Case("limit general, 2", "/assets/x.js", version="2", times=30),
    Case("limit, 20 at once", "/assets/x.js", version="2", times=20),
    Case("limit is not fooled", "/api/x", ("X-Forwarded-For: 7.7.7.7",), times=15),
    Case("limit of whom the proxy names", "/api/x", ("X-Forwarded-For: 8.8.8.8",), peer=PROXY, times=15),
    studio("limit comes before the password", "/", times=30),
    studio("limit of right passwords", "/", RIGHT, times=30),
    studio("limit of wrong passwords", "/", basic("admin", "wrong"), times=15),
    studio("limit of /rest/", "/rest/x", times=15),
    Case("limit of redirects: none", "/", port="clear", times=40),
]

def every():
    groups = HOSTS, PATHS, METHODS, VERSIONS, BODIES, PASSWORDS, HEADERS, TO_TLS, SOCKETS, ANSWERS, LIMITS
    return itertools.chain(*groups)
