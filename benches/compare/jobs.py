"""What is asked of the contenders, and how it is measured."""
import json
import re
import subprocess
import tempfile
import time

import growth
import reload
from contenders import HEADERS, HERE, LOAD_CORE
from process import cpu, memory, pinned, private

MODES = {"A": "HTTP/1.1 in the clear", "B": "HTTP/1.1 over TLS 1.3", "C": "HTTP/2 over TLS 1.3"}
PACED = {"A": "clear", "B": "tls", "C": "h2"}
# Requests a second while configurations are reloaded.
PACE = 4000
# What comes again and again in a job `growth`.
BOUT = ("A:1k", "A:64k", "A:10m", "A:up-64k", "B:64k", "C:1k", "ecdsa:full", "A:idle-1000")
SIZES = {"1k": 1 << 10, "64k": 64 << 10, "1m": 1 << 20, "10m": 10 << 20}
FORMS = """A job is one of
  MODE:SIZE          bodies of 1k, 64k, 1m or 10m; MODE is A (HTTP/1.1), B (HTTP/1.1 over TLS), C (HTTP/2 over TLS)
  MODE:up-SIZE       bodies that clients send (A, B)
  MODE:routes-N      1k, beside N other routes
  A:reload-N         1k at 4000 requests a second, beside N other routes, without and with reloads of them (nginx, gateway)
  MODE:paced-RATE    1k at RATE requests a second: what counts are the times
  MODE:idle-N        memory of N connections that asked once (A, B)
  A:growth-N         memory after each of N bouts of most of the others
  A:ws-BYTES         messages through WebSockets
  KEY:KIND           a new TLS connection for each request; ecdsa or rsa, and full, resumed or hybrid"""


class Load:
    """Where the programs are that make load, and how long they do."""

    def __init__(self, program, seconds, connections):
        self.program, self.seconds, self.connections = program, seconds, connections

    def out(self, seconds, *command):
        return subprocess.run(pinned(LOAD_CORE, *command), capture_output=True, text=True, timeout=seconds + 60,
                              check=True).stdout

    def own(self, bench, contender, mode, kind, seconds, *more):
        port = contender.port if mode == "A" else contender.tls
        return tuple(map(int, self.out(seconds, self.program, kind, port, bench.cert, seconds, *more).split()[-5:]))


class Job:
    """`MODE:WHAT`. Gives (done, errors, p50, p99, p99.9), the times in µs."""

    def __init__(self, text):
        self.text = text
        self.mode, _, what = text.partition(":")
        self.kind, _, self.argument = what.partition("-") if "-" in what else ("body", "", what)
        if self.mode in ("ecdsa", "rsa"):
            self.kind, self.argument = "handshakes", what
        if not self.makes_sense():
            raise ValueError(f"no such job: {text}\n{FORMS}")

    def makes_sense(self):
        number = self.argument.isdigit()
        return {"body": self.mode in MODES and self.argument in SIZES,
                "up": self.mode in ("A", "B") and self.argument in SIZES,
                "routes": self.mode in MODES and number, "reload": self.mode == "A" and number, "paced": self.mode in MODES and number,
                "idle": self.mode in ("A", "B") and number, "ws": self.mode == "A" and number,
                "growth": self.mode == "A" and number and int(self.argument) > 1,
                "handshakes": self.argument in ("full", "resumed", "hybrid")}.get(self.kind, False)

    @property
    def key(self):
        return self.mode if self.kind == "handshakes" else "ecdsa"

    @property
    def routes(self):
        return int(self.argument) if self.kind in ("routes", "reload") else 0

    @property
    def alone(self):
        """Whether it is about memory, and needs a process that has done nothing else: what was freed stays resident."""
        return self.kind in ("idle", "growth")

    @property
    def unit(self):
        return {"handshakes": "connection", "ws": "message"}.get(self.kind, "request")

    @property
    def title(self):
        what = {"body": f"{self.argument} of body", "up": f"{self.argument} sent by clients",
                "routes": f"1k of body, {self.argument} other routes",
                "reload": f"1k of body, {PACE} requests a second, {self.argument} other routes, reloaded", "paced": f"1k of body, {self.argument} requests a second",
                "idle": f"{self.argument} idle connections", "growth": f"{self.argument} bouts of {', '.join(BOUT)}", "ws": f"WebSocket messages of {self.argument} bytes",
                "handshakes": f"new TLS 1.3 connections, {self.mode}, {self.argument}"}[self.kind]
        return what if self.kind in ("handshakes", "growth") else f"{what}, {MODES[self.mode]}"

    def fits(self, contender):
        """The upstream itself and the floor speak no TLS, and nginx without buffers is there for large bodies. haproxy
        changes its configuration by another process, not by SIGHUP."""
        if contender.name == "direct":
            return self.mode == "A" and self.kind in ("body", "up", "paced", "ws")
        if contender.name == "floor":
            return self.mode == "A" and self.kind == "body"
        if self.kind == "reload" and not contender.renew:
            return False
        return contender.name != "nginx-unbuffered" or self.argument == "10m"

    def run(self, load, bench, contender, seconds):
        if self.kind == "handshakes":
            return load.own(bench, contender, "B", "handshakes", seconds, self.argument)
        if self.kind == "idle":
            return load.own(bench, contender, self.mode, "idle", seconds, PACED[self.mode], self.argument)
        if self.kind == "paced":
            return load.own(bench, contender, self.mode, "paced", seconds, PACED[self.mode], contender.prefix + "/1k", self.argument)
        if self.kind == "reload":
            return load.own(bench, contender, "A", "paced", seconds, "again", contender.prefix + "/1k", PACE)
        if self.kind == "ws":
            return load.own(bench, contender, "A", "websocket", seconds, contender.prefix + "/ws", self.argument)
        size = self.argument if self.kind in ("body", "up") else "1k"
        path = "/ok" if self.kind == "up" else f"/{size}"
        url = f"http://127.0.0.1:{contender.port}" if self.mode == "A" else f"https://127.0.0.1:{contender.tls}"
        words = [x for h in HEADERS for x in ("-H", h)] + [url + contender.prefix + path]
        few = size == "10m"
        if self.mode == "C":
            return http2(load, seconds, words, *((2, 2) if few else (8, 4)))
        body = ["--", SIZES[size]] if self.kind == "up" else []
        return wrk(load, seconds, [*words, *body], 4 if few else load.connections)


def wrk(load, seconds, words, connections):
    out = load.out(seconds, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", HERE / "wrk.lua", *words)
    return tuple(map(int, re.search("RESULT (.*)", out)[1].split()))


def http2(load, seconds, words, connections, streams):
    with tempfile.NamedTemporaryFile("r") as log:
        out = load.out(seconds, "h2load", "-t1", f"-c{connections}", f"-m{streams}", "-D", seconds, f"--log-file={log.name}", *words)
        times = sorted(int(line.split()[2]) for line in log)
    if "Application protocol: h2" not in out:
        raise RuntimeError("no HTTP/2:\n" + out)
    done, failed, errored, late = map(int, re.search(
        r"(\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout", out).groups())
    at = lambda share: times[int(len(times) * share)]
    return done, failed + errored + late, at(0.5), at(0.99), at(0.999)


def sample(job, load, bench, contender):
    """One turn of one contender."""
    if job.kind == "idle":
        return idle(job, load, bench, contender)
    if job.kind == "growth":
        return growth.sample([Job(text) for text in BOUT], int(job.argument), load, bench, contender)
    if job.kind == "reload":
        return reload.sample(job, load, bench, contender)
    pid = contender.process.pid if contender.process else None
    before, start = cpu(pid) if pid else None, time.monotonic()
    done, errors, p50, p99, p999 = job.run(load, bench, contender, load.seconds)
    wall = time.monotonic() - start
    got = {"done": done, "errors": errors, "p50": p50, "p99": p99, "p999": p999, "rate": done / wall}
    if pid and done:
        user, system = (after - earlier for after, earlier in zip(cpu(pid), before))
        got |= {"cpu": (user + system) / done * 1e6, "user": user / done * 1e6, "busy": (user + system) / wall, "rss": memory(pid)}
    return got


def idle(job, load, bench, contender):
    """What the memory of the process grew by while all connections were idle, for each."""
    count = int(job.argument)
    mode = PACED[job.mode]
    before = private(contender.process.pid)
    port = contender.port if job.mode == "A" else contender.tls
    command = pinned(LOAD_CORE, load.program, "idle", port, bench.cert, 8, mode, count)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        if process.stdout.readline() != "ready\n":
            raise RuntimeError(f"{contender.name}: the idle connections did not come about")
        time.sleep(3)                                       # long enough to be called idle
        grown, resident = private(contender.process.pid) - before, memory(contender.process.pid)
        errors = int(process.stdout.read().split()[1])
    return {"kib": grown / count, "rss": resident, "errors": errors}


def build_load(root, profile):
    """The program of load/."""
    out = subprocess.run(["cargo", "build", "--quiet", "--profile", profile, "--bench", "load", "--message-format=json"],
                         cwd=root, check=True, stdout=subprocess.PIPE, text=True).stdout
    made = [json.loads(line) for line in out.splitlines()]
    return next(m["executable"] for m in made if m.get("target", {}).get("name") == "load" and m["executable"])
