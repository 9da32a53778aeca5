#!/usr/bin/env python3
"""http2.py - replay.py's cases over HTTP/2: the same requests by curl, the same answers expected.

Takes replay.py's arguments and needs curl with HTTP/2 besides.  Cases of the TLS listener go over `curl --http2`,
the others over `curl --http2-prior-knowledge`.  A case that HTTP/2 cannot express is counted with its reason
(`skip` in the results), see `inexpressible`.  What HTTP/2 itself makes different is evened out in `expected`,
and nowhere else.
"""
import hashlib, os, re, ssl, subprocess, tempfile

import replay

# RFC 9113 §8.2.2.
CONNECTION_SPECIFIC = {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "http2-settings"}
# curl's exit codes: the stream was reset, the connection ended, the body came short.
CUT = {16, 18, 52, 55, 56, 92}
TIMED_OUT = 28
CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n?", re.S)


# ---------------------------------------------------------------------------------------------- what cannot be said
def inexpressible(req):
    """Why a request cannot be made over HTTP/2, or by this client; None when it can."""
    headers = req.get("headers", [])
    names = [n.lower() for n, _ in headers]
    if "raw" in req:
        return "raw bytes of HTTP/1"
    if req.get("http", "1.1") != "1.1":
        return "HTTP/1.0"
    if "tunnel" in req or "upgrade" in names:
        return "upgrades do not exist (RFC 9113 §8.6)"
    if "more" in req:
        return "pipelining does not exist"
    if "chunked" in req and "content-length" in names:
        return "two framings do not exist"
    if CONNECTION_SPECIFIC & set(names) or any(n.lower() == "te" and v != "trailers" for n, v in headers):
        return "connection-specific headers are malformed (RFC 9113 §8.2.2)"
    if req.get("no_host") and "host" not in names:
        return "curl sends no request without an authority"
    if names.count("host") > 1:
        return "there is one authority"
    if any(v == "" for n, v in headers if n.lower() == "host"):
        return "an empty authority does not exist"
    if "content-length" in names and not ({"body", "body_b64", "body_repeat"} & set(req)):
        return "curl sends no length without a body"
    if req.get("method", "GET") == "CONNECT":
        return "CONNECT has no path (RFC 9113 §8.5)"
    if req.get("tls") and req["tls"] != req["tls"].lower():
        return "curl sends server names in lower case"
    return None


def expected(run):
    """A recorded exchange as HTTP/2 shows it: no status text, no Upgrade in an answer, no interim 100, which a server
    need not send (RFC 9110 §10.1.1)."""
    response = {k: v for k, v in (run.get("response") or {}).items() if k not in ("reason", "interim")}
    if "headers" in response:
        response["headers"] = [h for h in response["headers"] if h[0].lower() != "upgrade"]
    return dict(run, response=response)


# ---------------------------------------------------------------------------------------------- client
def body_of(req):
    """The body as bytes (None for no body), and whether its length is announced."""
    if "chunked" in req:
        return "".join(req["chunked"]).encode(), False
    if {"body", "body_b64", "body_repeat"} & set(req):
        return replay.request_bytes(dict(req, headers=[], no_host=True)).split(b"\r\n\r\n", 1)[1], True
    return None, True


def arguments(req, port, tls_port, files):
    """curl's command line."""
    sni = req.get("tls")
    host = "127.0.0.1"
    args = ["curl", "--silent", "--show-error", "--globoff", "--path-as-is", "--max-time", str(replay.IO_TIMEOUT),
            "--dump-header", files + "/head", "--output", files + "/body", "--write-out", "%{http_version}\n%{certs}",
            "--noproxy", "*"]
    if sni is None:
        url = "http://%s:%d/" % (host, port)
        args += ["--http2-prior-knowledge"]
    else:
        host = sni or host
        url = "https://%s:%d/" % (host, tls_port)
        args += ["--http2", "--insecure", "--resolve", "%s:%d:127.0.0.1" % (host, tls_port)]
    headers = [list(h) for h in req.get("headers", [])]
    names = {n.lower() for n, _ in headers}
    if "host" not in names:
        headers.insert(0, ["Host", "gw.test"])
    for name in ("User-Agent", "Accept", "Content-Type", "Expect"):
        if name.lower() not in names:
            args += ["--header", name + ":"]
    for name, value in headers:
        if name.lower() != "content-length":
            args += ["--header", "%s: %s" % (name, value) if value else name + ";"]
    method, (body, announced) = req.get("method", "GET"), body_of(req)
    if body is not None:
        args += ["--data-binary", "@-"] if announced else ["--upload-file", "-"]
    args += ["--head"] if method == "HEAD" and body is None else ["--request", method]
    return args + ["--request-target", req["target"], url], body


def exchange(req, port, tls_port, certs):
    """Takes the place of replay.exchange."""
    with tempfile.TemporaryDirectory(prefix="replay-") as files:
        args, body = arguments(req, port, tls_port, files)
        try:
            done = subprocess.run(args, input=body or b"", capture_output=True, timeout=2 * replay.IO_TIMEOUT)
        except ValueError as e:                             # a NUL, say, that no program takes as an argument
            return {"error": "curl: %s" % e}
        version, _, chain = done.stdout.decode("latin-1").partition("\n")
        return answer(done, version, chain, certs, files, req)


def answer(done, version, chain, certs, files, req):
    blocks = [b for b in read(files + "/head").split(b"\r\n\r\n") if b.startswith(b"HTTP/")]
    heads = [replay.parse_head(b) for b in blocks]
    heads = [(line, headers) for line, headers in heads if not line.split(" ")[1].startswith("1")]
    if not heads:
        if done.returncode == TIMED_OUT:
            return {"error": "no answer in %d s" % replay.IO_TIMEOUT}
        if done.returncode in CUT:
            return {"error": "closed without an answer"}
        return {"error": "curl: %s" % done.stderr.decode("utf-8", "replace").strip()}
    line, headers = heads[0]
    if not line.startswith("HTTP/2 ") or version != "2":
        return {"error": "answered over %s" % line}
    out = {"status": int(line.split(" ")[1]), "reason": "", "headers": headers, "body": read(files + "/body")}
    if req.get("method") == "HEAD":
        out["body"] = b""
    if done.returncode:
        out["truncated"] = True
    if req.get("tls") is not None:
        shown = CERTIFICATE.search(chain)
        digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(shown.group(0))).hexdigest() if shown else ""
        out["tls_cert"] = certs.get(digest, "other")
    return out


def read(path):
    if not os.path.exists(path):
        return b""
    with open(path, "rb") as f:
        return f.read()


# ---------------------------------------------------------------------------------------------- in replay's place
def wrap():
    """Puts this file's client and rules into replay.py."""
    run_case, diff_case = replay.run_case, replay.diff_case

    def run(case, names, hub, certs):
        requests = [step["request"] for step in case.get("steps") or [case]]
        reason = next(filter(None, map(inexpressible, requests)), None)
        return {"skip": reason} if reason else run_case(dict(case, strict=False), names, hub, certs)

    def diff(case, act):
        if "skip" in act:
            return []
        case = dict(expected(case) if "response" in case else case, strict=False)
        if "runs" in case:
            case["runs"] = [expected(r) for r in case["runs"]]
        return diff_case(case, act)

    replay.exchange, replay.run_case, replay.diff_case = exchange, run, diff
    replay.TLS_FLAGS = "ssl http2"


if __name__ == "__main__":
    wrap()
    replay.main()
