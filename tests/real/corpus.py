#!/usr/bin/env python3
"""Files of other people, unmodified, driven with requests that are made up for every route of theirs.

  tests/real/corpus.py FOLDER [--binary target/release/gateway] [-k PART-OF-A-NAME]

For each file of the folder (there are none in this repository) every variable is given a value, every upstream is led to
one on this machine (`--resolve`), and each route is asked with each method, by everybody who has a credential in the file
and by nobody, over odd paths, from browsers, for WebSockets and over TLS. `gateway explain` is asked the same: where it
says that the upstream gets a request, that one must arrive; where it says that there is an answer, that one must come.
Nothing may end in an error of the gateway's, in a panic, or in a process that is gone or has grown.

A line for each file, then how many there were of everything. Exit 1 when anything differs. Needs PyYAML and openssl; as
root it works in a network of its own, where it can stand in for upstreams that are addresses.
"""
import argparse
import collections
import http.client
import json
import os
import pathlib
import re
import socket
import ssl
import subprocess
import sys
import tempfile
import threading

import corpus_cases as cases
from apps.echo import Echo
from authority import Authority
from stack import Stack, free_port

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
# Of the process, in MiB; a debug build has more than a release build.
MEMORY = 256
SHOWN = 5
# What is made anew for each request, as `gateway explain` and as plugins write it.
CHANGING = re.compile(r"made-for-each-request|\b[0-9a-f]{32}\b|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(#\d+)?|\b[\d.]+-\d+-\d+-\d+-\d+-[\d.]+")
# Plugins that answer with 429 when somebody has asked too often.
LIMITS = {"rate-limiting", "response-ratelimiting", "limit-req"}
INSIDE = "GATEWAY_TEST_NETWORK"


def arguments():
    ap = argparse.ArgumentParser(description="Drives the gateway with files of other people.")
    ap.add_argument("folder", nargs="?", type=pathlib.Path, help="the files")
    ap.add_argument("--binary", type=pathlib.Path, default=TARGET / "release" / "gateway")
    ap.add_argument("-k", default="", metavar="PART", help="only files with this in their names")
    return ap.parse_args()


def enter_network():
    """Goes on in a network that has nothing but this machine, where that is allowed."""
    if os.geteuid() == 0 and INSIDE not in os.environ:
        if subprocess.run(["unshare", "--net", "true"], capture_output=True).returncode == 0:
            os.execvpe("unshare", ["unshare", "--net", sys.executable, *sys.argv], {**os.environ, INSIDE: "1"})
    if INSIDE in os.environ:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


# ---------------------------------------------------------------------------------------------- the upstream
class Upstream(Echo):
    """What every upstream of every file is led to: a port without TLS, one with, and addresses as they are needed."""

    def __init__(self, certificate):
        super().__init__("plain", "tls")
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*certificate)
        self.own = set()

    def serve(self, role, conn):
        if role != "tls":
            return super().serve(role, conn)
        try:
            conn.settimeout(10)
            conn = self.context.wrap_socket(conn, server_side=True)
            conn.settimeout(None)
        except OSError:
            return conn.close()
        return super().serve(role, conn)

    def at(self, address, port, tls):
        """Listens at an address of a file's, which becomes one of this machine."""
        if (address, port) in self.own:
            return
        self.own.add((address, port))
        subprocess.run(["ip", "address", "replace", f"{address}/32", "dev", "lo"], check=True)
        listener = socket.create_server((address, port))
        self.listeners.append(listener)
        threading.Thread(target=self.accept, args=("tls" if tls else "plain", listener), daemon=True).start()


def is_address(name):
    return re.fullmatch(r"\d+\.\d+\.\d+\.\d+", name) is not None


def led(upstream, told):
    """`--resolve` for every upstream that was told of, or None when one cannot be led anywhere."""
    options = []
    for address, tls in {(peer["address"], one["tls"]) for one in told for peer in one["peers"]}:
        host, _, port = address.rpartition(":")
        if not is_address(host):
            options += ["--resolve", f"{host}:{port}:127.0.0.1:{upstream.ports['tls' if tls else 'plain']}"]
        elif INSIDE in os.environ:
            upstream.at(host, int(port), tls)
        else:
            return None
    return options


# ---------------------------------------------------------------------------------------------- the client
class Client:
    """One connection to a listener at a time, kept while it can be."""

    def __init__(self, port, tls_port):
        self.ports, self.open = {False: port, True: tls_port}, {}
        self.context = ssl.create_default_context()
        self.context.check_hostname, self.context.verify_mode = False, ssl.CERT_NONE

    def connect(self, asked):
        tls, place = asked["tls"], (asked["tls"], asked["sni"] if asked["tls"] else "")
        if place not in self.open:
            conn = socket.create_connection(("127.0.0.1", self.ports[tls]), timeout=15)
            conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.open[place] = self.context.wrap_socket(conn, server_hostname=asked["sni"]) if tls else conn
        return place, self.open[place]

    def ask(self, asked, lines):
        """Status and body of the answer, which may come over a second connection when the first was just closed."""
        for last in (False, True):
            place, conn = self.connect(asked)
            try:
                conn.sendall(lines)
                answer = http.client.HTTPResponse(conn, method=asked["method"])
                answer.begin()
                if answer.status == 101:
                    self.drop(place, tunnel(conn, answer))
                    return 101, b""
                body = answer.read()
                if answer.will_close or asked.get("upgrade"):
                    self.drop(place)
                return answer.status, body
            except (http.client.HTTPException, OSError) as error:
                self.drop(place)
                if last:
                    return f"no answer: {error!r}", b""

    def drop(self, place, failed=None):
        self.open.pop(place).close()
        if failed:
            raise ConnectionError(failed)


def tunnel(conn, answer):
    """A message there and back."""
    conn.sendall(b"\x81\x82\x00\x00\x00\x00hi")
    return None if answer.fp.read(4) == b"\x81\x02hi" else "the WebSocket does not answer"


def lines(asked, number):
    """The request as bytes, and as a question for `gateway explain`."""
    headers = [("Host", asked["host"]), ("X-Case", str(number)), *asked["headers"]]
    body = asked.get("body", "")
    if body:
        headers += [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    fields = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"{asked['method']} {asked['target']} HTTP/1.1\r\n{fields}\r\n{body}".encode("latin-1", "replace"), headers


def question(asked, number, port, tls_port):
    scheme, at = ("https", tls_port) if asked["tls"] else ("http", port)
    _, headers = lines(asked, number)
    return json.dumps({"method": asked["method"], "url": f"{scheme}://127.0.0.1:{at}/", "target": asked["target"],
                       "headers": headers, "sni": asked["sni"] if asked["tls"] else "", "body": asked.get("body", "")})


# ---------------------------------------------------------------------------------------------- one file
class Run:
    """A file, its gateway, and what came of it."""

    def __init__(self, opts, upstream, file):
        self.opts, self.upstream, self.file = opts, upstream, file
        self.text = file.read_text("utf-8", "replace")
        self.variables = cases.environment(self.text)
        self.counts, self.wrong = collections.Counter(), []
        self.port, self.tls_port = free_port(), free_port()
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("KONG_")}
        self.env |= {**self.variables, "KONG_DECLARATIVE_CONFIG": str(file), "KONG_PROXY_ACCESS_LOG": "off",
                     "KONG_PROXY_LISTEN": f"127.0.0.1:{self.port}, 127.0.0.1:{self.tls_port} ssl"}

    def program(self, *words, text=None):
        return subprocess.run([self.opts.binary, *words], env=self.env, input=text, capture_output=True, text=True, timeout=300)

    def refused(self):
        """The codes of what keeps the file from being served."""
        done = self.program("check", "--format", "json", self.file)
        if done.returncode == 0:
            return None
        try:
            found = json.loads(done.stdout)["files"][0]["findings"]
        except (ValueError, LookupError):
            return done.stderr.strip()[:300]
        counts = collections.Counter(one["code"] for one in found if one["severity"] == "error")
        return ", ".join(f"{code} ({n})" for code, n in counts.most_common())

    def drive(self):
        listed = self.program("routes", "--json")
        who = cases.identities(self.text, self.variables)
        routes = json.loads(listed.stdout)
        asked = [one for route in routes for one in cases.requests(route, who)]
        told = self.explained(asked)
        options = led(self.upstream, [one["upstream"] for one in told if one.get("upstream")])
        self.counts.update(routes=len(routes), requests=len(asked))
        if options is None:
            return "its upstreams are addresses, for which this must run as root"
        with Stack() as stack:
            gateway = stack.start("gateway", [self.opts.binary, "run", *options], self.port, self.env)
            self.ask_all(asked, told)
            self.look_at(gateway, (stack.folder / "gateway.log").read_text("utf-8", "replace"))
        return None

    def explained(self, asked):
        if not asked:
            return []
        text = "\n".join(question(one, at, self.port, self.tls_port) for at, one in enumerate(asked))
        done = self.program("explain", "--batch", "--show-secrets", text=text)
        told = [json.loads(line) for line in done.stdout.splitlines()]
        if len(told) != len(asked):
            raise RuntimeError(f"explain answers {len(told)} of {len(asked)}: {done.stderr[-500:]}")
        return told

    def ask_all(self, asked, told):
        client = Client(self.port, self.tls_port)
        self.upstream.seen.clear()
        for number, (one, expected) in enumerate(zip(asked, told)):
            try:
                status, body = client.ask(one, lines(one, number)[0])
            except ConnectionError as error:
                status, body = str(error), b""
            seen = self.upstream.seen.pop(str(number), None)
            for difference in self.differences(one, expected, status, body, seen):
                self.wrong.append(f"{one['method']} {one['target']} (Host {one['host']}): {difference}")

    def differences(self, asked, told, status, body, seen):
        if "error" in told:
            yield f"explain: {told['error']}"
            return
        answer, expected = told.get("answer"), told.get("upstream")
        self.counts["answered" if answer else "passed on"] += 1
        self.counts["tunnels"] += status == 101
        self.counts[f"status {status}"] += 1
        if answer:
            yield from self.own_answer(asked, answer, status, body, seen)
            return
        if status == 429 and seen is None and LIMITS & {plugin["name"] for plugin in told["plugins"]}:
            return  # What was counted before decides, and explain does not count.
        if status not in (200, 101):
            yield f"{status}, and the upstream was to answer"
        if seen is None:
            yield f"{status}, and the upstream saw nothing"
        else:
            yield from self.arrived(expected, seen)

    def own_answer(self, asked, answer, status, body, seen):
        if status != answer["status"]:
            yield f"{status}, explained as {answer['status']} ({answer['why']})"
        elif asked["method"] != "HEAD" and "body" in answer:
            came, expected = (CHANGING.sub("<id>", text) for text in (body.decode("utf-8", "replace"), answer["body"]))
            if came != expected:
                yield f"{status} with `{came}`, explained with `{expected}`"
        if isinstance(status, int) and status >= 500 and answer["by"] != "plugin":
            yield f"{status} of the gateway's own"
        if seen is not None:
            yield f"{status}, and the upstream was asked nevertheless"

    def arrived(self, told, seen):
        if seen["times"] > 1:
            yield f"the upstream was asked {seen['times']} times"
        line = f"{told['method']} {told['target']} HTTP/1.1"
        if seen["line"] != line:
            yield f"the upstream got `{seen['line']}`, explained as `{line}`"
        # Whose turn it is among several targets cannot be explained.
        turns = {peer["address"] for peer in told["peers"]} if len(told["peers"]) > 1 else set()
        came = sorted(alike(seen["fields"], turns))
        expected = sorted(alike(((name.lower(), value) for name, value in told["headers"]), turns))
        if came != expected:
            yield f"headers: only arrived {less(came, expected)}, only explained {less(expected, came)}"

    def look_at(self, gateway, log):
        if gateway.poll() is not None:
            self.wrong.append(f"the process is gone: {gateway.returncode}")
            return
        peak = re.search(r"VmHWM:\s*(\d+)", pathlib.Path(f"/proc/{gateway.pid}/status").read_text())
        self.counts["MiB"] = int(peak[1]) // 1024
        if self.counts["MiB"] > MEMORY:
            self.wrong.append(f"{self.counts['MiB']} MiB of memory")
        self.wrong += [f"log: {line}" for line in log.splitlines() if "panicked" in line]


def alike(fields, turns):
    return [(name, "<target>" if name == "host" and value in turns else CHANGING.sub("<id>", value)) for name, value in fields]


def less(one, other):
    return [field for field in one if field not in other]


# ---------------------------------------------------------------------------------------------- all of them
def tell(name, run, why):
    if why:
        print(f"{name:12} -      {why}", flush=True)
        return
    counts = run.counts
    print(f"{name:12} {'FAILED' if run.wrong else 'ok    '} {counts['routes']:3} routes, {counts['requests']:5} requests: "
          f"{counts['passed on']} passed on, {counts['answered']} answered, {counts['tunnels']} tunnels; {counts['MiB']} MiB", flush=True)
    for line in run.wrong[:SHOWN]:
        print(f"             {line[:600]}", flush=True)
    if len(run.wrong) > SHOWN:
        print(f"             and {len(run.wrong) - SHOWN} more", flush=True)


def one(opts, upstream, file):
    """What came of a file: nothing, or why it was not driven."""
    run = Run(opts, upstream, file)
    why = run.refused()
    if why:
        return run, f"not served: {why}"
    try:
        return run, run.drive()
    except (RuntimeError, OSError, ValueError, subprocess.TimeoutExpired) as error:
        run.wrong.append(f"the test itself: {error!r}")
        return run, None


def main():
    opts = arguments()
    if opts.folder is None or not opts.folder.is_dir():
        print("corpus: no folder of files was given, so nothing is driven")
        return 0
    opts.binary = opts.binary.resolve()
    enter_network()
    total, driven, failed, refused = collections.Counter(), 0, 0, 0
    with tempfile.TemporaryDirectory(prefix="corpus-") as folder:
        upstream = Upstream(Authority(folder).certificate("upstream", "upstream.test"))
        for file in sorted(opts.folder.iterdir()):
            if opts.k not in file.name or file.suffix not in (".yml", ".yaml", ".json"):
                continue
            run, why = one(opts, upstream, file)
            tell(file.name, run, why)
            refused, driven, failed = refused + bool(why), driven + (not why), failed + bool(run.wrong)
            total.update(run.counts)
    statuses = ", ".join(f"{name[7:]}: {n}" for name, n in sorted(total.items()) if name.startswith("status "))
    print(f"{driven} files driven, {refused} not served; {total['routes']} routes, {total['requests']} requests ({statuses}), "
          f"{total['tunnels']} tunnels; {failed} files failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
