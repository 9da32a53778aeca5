#!/usr/bin/env python3
"""explain.py - replay.py's cases, not sent but explained: `gateway explain --batch` says what each would become.

Takes replay.py's arguments; --start is the command of the batch.  Where it says that the upstream is asked, that request
is compared with the one that was recorded; where it says that there is an answer, the answer.  What cannot be known in
advance is counted with its reason (`skip` in the results), see `unknowable`.
"""
import base64, json, os, shlex, subprocess

import replay

# Answers that tell of an upstream that could not be asked.
UNREACHED = {502, 504}
UNRESOLVED = "name resolution failed"


# ---------------------------------------------------------------------------------------------- what cannot be known
def unknowable(case):
    """Why a case cannot be explained; None when it can."""
    for step in case.get("steps") or [case]:
        reason = inexpressible(step["request"])
        if reason:
            return reason
    if "distribution" in case:
        return "which target is chosen is a matter of turns"
    if any(r.get("attempts", 1) != 1 for r in case.get("runs") or [case]):
        return "the upstream is asked again after a failure"
    return None


def is_unreached(run):
    """Whether a recorded exchange got no further than the way to the upstream."""
    answer = run.get("response") or {}
    failed = answer.get("status") in UNREACHED or UNRESOLVED in answer.get("body", "")
    return run.get("upstream_saw") is None and failed


def is_counted(run):
    """Whether a recorded exchange depends on how many there were before it."""
    answer, saw = run.get("response") or {}, run.get("upstream_saw") or {}
    refused = answer.get("status") == 429 and "rate limit exceeded" in answer.get("body", "")
    return refused or any(n.lower().startswith("x-ratelimit-remaining-") for n, _ in saw.get("headers", []))


def inexpressible(req):
    if "raw" in req:
        return "raw bytes of HTTP/1"
    if "more" in req:
        return "more than one request on a connection"
    return None


# ---------------------------------------------------------------------------------------------- the batch
class Explainer:
    """In replay.Gateway's place: a process that explains instead of serving."""

    current = {}

    def __init__(self, template, suite, names, workdir, verbose=False):
        self.names = names
        self.config = os.path.join(workdir, "kong.yml")
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(names.fill(suite["config"]))
        port, tls = names.values["gateway_port"], names.values.get("gateway_tls_port")
        env = {k: v for k, v in os.environ.items() if not k.startswith("KONG_")}
        env.update({k: str(v) for k, v in names.fill(suite.get("env") or {}).items()})
        env.update(KONG_DATABASE="off", KONG_ADMIN_LISTEN="off", KONG_DECLARATIVE_CONFIG=self.config,
                   KONG_PROXY_LISTEN="127.0.0.1:" + port + (", 127.0.0.1:%s ssl" % tls if tls else ""))
        self.proc = subprocess.Popen(shlex.split(template), env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE)
        Explainer.current[int(port)] = self

    def wait(self, limit):
        return "error" in self.ask({})

    def ask(self, question):
        try:
            self.proc.stdin.write(json.dumps(question).encode() + b"\n")
            self.proc.stdin.flush()
            return json.loads(self.proc.stdout.readline() or b"{}")
        except (OSError, ValueError):
            return {}

    def tail(self):
        self.proc.stdin.close()
        return self.proc.stderr.read()[-1500:].decode("utf-8", "replace")

    def stop(self):
        for stream in (self.proc.stdin, self.proc.stdout, self.proc.stderr):
            stream.close()
        try:
            self.proc.wait(10)
        except subprocess.TimeoutExpired:
            self.proc.kill()
            self.proc.wait()


def question(req, port, tls_port):
    """A case's request as a line of the batch."""
    sni = req.get("tls")
    scheme, at = ("http", port) if sni is None else ("https", tls_port)
    headers = [list(h) for h in req.get("headers", [])]
    if not any(n.lower() == "host" for n, _ in headers) and not req.get("no_host"):
        headers.insert(0, ["Host", "gw.test"])
    out = {"method": req.get("method", "GET"), "url": "%s://127.0.0.1:%d/" % (scheme, at), "target": req["target"],
           "headers": headers, "http": req.get("http", "1.1"), "sni": sni or "",
           "no_host": not any(n.lower() == "host" for n, _ in headers)}
    body = None
    if "chunked" in req:
        headers.append(["Transfer-Encoding", "chunked"])
        body = "".join(req["chunked"]).encode()
    elif {"body", "body_b64", "body_repeat"} & set(req):
        body = replay.request_bytes(dict(req, headers=[], no_host=True)).split(b"\r\n\r\n", 1)[1]
    if body is not None:
        out["body_b64"] = base64.b64encode(body).decode()
    return out


def headers_of(part):
    """Header lines as replay.py reads them: a character for each byte."""
    return [[n, v.encode("utf-8").decode("latin-1")] for n, v in part.get("headers", [])]


def body_of(part):
    return base64.b64decode(part["body_b64"]) if "body_b64" in part else part.get("body", "").encode()


def run_case(case, names, hub, certs):
    """In replay.run_case's place."""
    reason = unknowable(case)
    if reason:
        return {"skip": reason}
    port, tls_port = int(names.values["gateway_port"]), int(names.values.get("gateway_tls_port") or 0)
    batch = Explainer.current[port]
    steps = case.get("steps") or [{"request": case["request"]}] * int(case.get("repeat", 1))
    runs = []
    for step, recorded in zip(steps, case.get("runs") or [case]):
        told = batch.ask(question(replay.fill_dynamic(names.fill(step["request"])), port, tls_port))
        if told.get("upstream") and is_unreached(recorded):
            return {"skip": "the upstream cannot be reached"}
        if told.get("upstream") and is_counted(recorded):
            return {"skip": "what was counted before decides"}
        runs.append(told_run(told, names, case))
    return {"runs": runs} if "runs" in case else runs[0]


def told_run(told, names, case):
    if told.get("answer"):
        part = told["answer"]
        response = {"status": part["status"], "reason": "", "headers": headers_of(part), "body": body_of(part)}
        if part["by"] == "parser":
            return {"parser": part["status"]}
        return replay.norm_run(response, [], names, case)
    if told.get("upstream"):
        part = told["upstream"]
        seen = {"at": "upstream", "http": "1.1", "method": part["method"], "target": part["target"], "headers": headers_of(part),
                "body": body_of(part)}
        return {"upstream_saw": replay.norm_run({"error": "not sent"}, [seen], names, case)["upstream_saw"]}
    return {"error": str(told)}


# ---------------------------------------------------------------------------------------------- in replay's place
def diff_case(case, act):
    """In replay.diff_case's place."""
    if "skip" in act:
        return []
    recorded, made = (case["runs"], act["runs"]) if "runs" in act else ([case], [act])
    out = [] if len(recorded) == len(made) else ["recorded %d runs, explained %d" % (len(recorded), len(made))]
    for exp, got in zip(recorded, made):
        out += diff_run(exp, got, dict(case, strict=False))
    return out


def diff_run(exp, act, case):
    """The one of the two that was explained is compared; that there is no other counts as well."""
    out, answer = [], exp.get("response") or {}
    if "error" in act:
        return ["not explained: " + act["error"]]
    if "parser" in act:
        return [] if answer.get("status") == act["parser"] else ["the parser refuses, recorded %s" % answer.get("status")]
    seen = exp.get("upstream_saw")
    if "response" not in act:
        if seen is None:
            return ["told that the upstream is asked, recorded %s" % (answer.get("status") or answer.get("error"))]
        # Which of several upstreams was asked, and over what TLS, is no part of the request.
        act = dict(act["upstream_saw"], at=seen.get("at"), sni=seen.get("sni"))
        return replay.diff_run({"response": {"error": "-"}, "upstream_saw": seen},
                               {"response": {"error": "-"}, "upstream_saw": act}, case)
    if seen is not None:
        return ["told an answer %s, recorded that the upstream was asked" % act["response"].get("status")]
    if case.get("request", {}).get("method") == "HEAD":
        act["response"]["body"] = ""
    ours = {k: v for k, v in answer.items() if k not in ("interim", "truncated", "tunnel", "tls_cert", "then")}
    told = dict(act["response"])
    # An answer has its date when it is sent.
    ours["headers"] = [h for h in ours.get("headers", []) if h[0].lower() != "date"]
    return out + replay.diff_run({"response": ours}, {"response": told, "upstream_saw": None}, case)


if __name__ == "__main__":
    replay.Gateway, replay.run_case, replay.diff_case = Explainer, run_case, diff_case
    replay.main()
