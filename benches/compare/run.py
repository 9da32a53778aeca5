#!/usr/bin/env python3
"""CPU per request of the gateway and of nginx, on the same job: strip /rest/v1/, replace Authorization by a long bearer,
add CORS, Via, X-Forwarded-* and X-Real-IP, keep upstream connections. Needs two cores, gcc, and Debian's nginx and wrk.

  benches/compare/run.py                                      the dist build, 5 rounds of 5 s, A:1k and A:64k
  benches/compare/run.py --rounds 7 --jobs A:1k,B:1k,C:1k --profile release
  benches/compare/run.py --gateway old=/tmp/old --gateway new=target/release/gateway   compare builds as well

A job is a mode and a size (1k, 64k, 1m): A is HTTP/1.1 in the clear, B HTTP/1.1 over TLS 1.3, C HTTP/2 over TLS 1.3 (8
connections of 4 streams; needs Debian's nghttp2-client).

The proxy has core 0 and one worker; wrk and the upstream have core 1. Contenders take turns within a round, and ratios
are taken within rounds, because absolute figures drift. CPU is utime + stime of the process tree. `busy` is the share of
its core that the proxy used: much below 100 %, the load was the limit (CPU per request holds even then).
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
PROXY_CORE, LOAD_CORE = 0, 1
TICK = os.sysconf("SC_CLK_TCK")
# As long as a service key is.
BEARER = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9." + "bWFkZS11cA" * 12 + "." + "c2lnbmF0dXJl" * 4
# What a browser's client library sends.
HEADERS = ["Authorization: Bearer " + BEARER[::-1], "apikey: " + BEARER[::-1], "Accept: application/json",
           "Accept-Profile: public", "Accept-Encoding: gzip", "User-Agent: compare/1", "X-Client-Info: compare"]
MODES = {"A": "HTTP/1.1 in the clear", "B": "HTTP/1.1 over TLS 1.3", "C": "HTTP/2 over TLS 1.3"}
UNITS = {"us": 1, "ms": 1000, "s": 1_000_000}


def arguments():
    ap = argparse.ArgumentParser(description="CPU per request of the gateway against nginx.")
    ap.add_argument("--rounds", type=int, default=5)
    ap.add_argument("--seconds", type=int, default=5, help="length of one sample")
    ap.add_argument("--jobs", default="A:1k,A:64k", help="MODE:SIZE, …")
    ap.add_argument("--connections", type=int, default=32)
    ap.add_argument("--profile", default="dist", help="cargo profile of the gateway")
    ap.add_argument("--gateway", action="append", default=[], metavar="NAME=PATH", help="a build, instead of making one")
    ap.add_argument("--json", type=pathlib.Path, default=TARGET / "compare.json", help="where every sample goes")
    return ap.parse_args()


# === programs ===

def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def pinned(core, *command):
    return ["taskset", "-c", str(core), *map(str, command)]


def wait_for(port, process, name, limit=15):
    end = time.monotonic() + limit
    while time.monotonic() < end and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    sys.exit(f"{name} does not listen")


def filled(name, where, **values):
    """A copy of a configuration with its places filled in."""
    text = (HERE / name).read_text()
    for key, value in values.items():
        text = text.replace(f"@{key.upper()}@", str(value))
    path = where / name
    path.write_text(text)
    return path


def build_gateway(profile):
    subprocess.run(["cargo", "build", "--quiet", "--profile", profile, "--bin", "gateway"], cwd=ROOT, check=True)
    return TARGET / profile / "gateway"


def certificate(cert, key, kind, *more):
    """A certificate for localhost, signed by itself; `kind` as `openssl req -newkey` takes it."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", *kind, "-nodes", "-keyout", key, "-out", cert, "-days", "2",
                    "-subj", "/CN=localhost", *more], check=True, stderr=subprocess.DEVNULL)


class Bench:
    """The upstream and the contenders, all running; ended at the end."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="compare-"))
        self.folder.chmod(0o755)
        self.processes, self.contenders, self.upstream = [], {}, free_port()

    def __enter__(self):
        program = self.folder / "upstream"
        subprocess.run(["cc", "-O2", "-o", program, HERE / "upstream.c"], check=True)
        self.run("upstream", pinned(LOAD_CORE, program, self.upstream), self.upstream)
        self.cert, self.key = self.folder / "cert.pem", self.folder / "key.pem"
        certificate(self.cert, self.key, ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, name, command, port, env=None, limit=15):
        # Logs go nowhere: none of the contenders is to write any.
        process = subprocess.Popen(command, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=open(self.folder / f"{name}.log", "wb"))
        self.processes.append(process)
        wait_for(port, process, name, limit)
        return process

    def add_nginx(self):
        port, tls = free_port(), free_port()
        config = filled("nginx.conf", self.folder, folder=self.folder, port=port, tls=tls, cert=self.cert, key=self.key,
                        upstream=self.upstream, bearer=BEARER)
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        process = self.run("nginx", pinned(PROXY_CORE, program, "-e", "stderr", "-c", config), port)
        self.contenders["nginx"] = (process, port, tls)

    def add_gateway(self, name, program):
        port, tls = free_port(), free_port()
        config = filled("kong.yml", self.folder, upstream=self.upstream, bearer=BEARER)
        env = {"KONG_PROXY_LISTEN": f"127.0.0.1:{port}, 127.0.0.1:{tls} ssl http2", "KONG_ADMIN_LISTEN": "off",
               "KONG_SSL_CERT": str(self.cert), "KONG_SSL_CERT_KEY": str(self.key), "KONG_DATABASE": "off",
               "KONG_NGINX_WORKER_PROCESSES": "1", "KONG_PROXY_ACCESS_LOG": "off",
               # nginx is told the same above.
               "KONG_UPSTREAM_KEEPALIVE_MAX_REQUESTS": "100000000"}
        command = pinned(PROXY_CORE, program, "run", "--config", config)
        self.contenders[name] = (self.run(name, command, port, env), port, tls)


# === one job for all ===

def check_job(name, port, upstream):
    """Fails when a contender does less than the others."""
    # In lower case throughout: the names of headers are compared, and no value here depends on case.
    request = "GET /rest/v1/echo?x=1 HTTP/1.1\r\nHost: api.test\r\nX-Real-IP: 6.6.6.6\r\nConnection: close\r\n"
    with socket.create_connection(("127.0.0.1", port), 10) as peer:
        peer.sendall((request + "".join(h + "\r\n" for h in HEADERS) + "\r\n").encode())
        answer = b"".join(iter(lambda: peer.recv(65536), b"")).decode().lower()
    head, _, seen = answer.partition("\r\n\r\n")
    wanted = ["get /echo?x=1 http/1.1", f"host: 127.0.0.1:{upstream}", "authorization: bearer " + BEARER.lower(),
              "x-forwarded-for: 127.0.0.1", "x-forwarded-proto: http", "x-forwarded-host: api.test",
              f"x-forwarded-port: {port}", "x-forwarded-path: /rest/v1/echo", "x-forwarded-prefix: /rest/v1/",
              "x-real-ip: 127.0.0.1"]
    missing = [w for w in wanted if seen.split("\r\n").count(w) != 1]
    missing += [w for w in ("access-control-allow-origin: *", "via: ") if "\r\n" + w not in head]
    if missing or seen.count("\r\nauthorization:") != 1:
        sys.exit(f"{name} does not do the job: {missing}\n{answer}")


# === measuring ===

def tree(pid):
    """A process and what it started."""
    with open(f"/proc/{pid}/task/{pid}/children") as children:
        return [pid, *(p for child in children.read().split() for p in tree(int(child)))]


def cpu(pid):
    """(user, system) seconds of a process tree."""
    user = system = 0
    for each in tree(pid):
        with open(f"/proc/{each}/stat") as stat:
            fields = stat.read().rpartition(")")[2].split()
        user, system = user + int(fields[11]), system + int(fields[12])
    return user / TICK, system / TICK


def memory(pid):
    """Resident KiB of a process tree, pages that they share counted for each."""
    total = 0
    for each in tree(pid):
        with open(f"/proc/{each}/status") as status:
            total += next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
    return total


def load(job, port, tls, opts, seconds):
    """Runs the load: requests, errors, p50 and p99 in µs."""
    mode, size = job.split(":")
    url = f"http://127.0.0.1:{port}" if mode == "A" else f"https://127.0.0.1:{tls}"
    words = [x for h in HEADERS for x in ("-H", h)] + [f"{url}/rest/v1/{size}"]
    return (load_h2 if mode == "C" else load_h1)(words, seconds, opts)


def loader(seconds, *command):
    return subprocess.run(pinned(LOAD_CORE, *command), capture_output=True, text=True, timeout=seconds + 30, check=True).stdout


def load_h1(words, seconds, opts):
    out = loader(seconds, "wrk", "-t1", f"-c{opts.connections}", f"-d{seconds}s", "--latency", *words)
    requests = int(re.search(r"(\d+) requests in", out)[1])
    errors = sum(int(n) for n in re.findall(r"Non-2xx or 3xx responses: (\d+)", out))
    errors += sum(int(n) for line in re.findall(r"Socket errors: (.*)", out) for n in re.findall(r"\d+", line))
    p50, p99 = (float(v) * UNITS[u] for v, u in (re.search(p + r"%\s+([\d.]+)(us|ms|s)", out).groups() for p in ("50", "99")))
    return requests, errors, p50, p99


def load_h2(words, seconds, opts):
    with tempfile.NamedTemporaryFile("r") as log:
        out = loader(seconds, "h2load", "-t1", "-c8", "-m4", "-D", seconds, f"--log-file={log.name}", *words)
        times = sorted(int(line.split()[2]) for line in log)
    if "Application protocol: h2" not in out:
        sys.exit("no HTTP/2:\n" + out)
    done, failed, errored, late = map(int, re.search(
        r"(\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout", out).groups())
    return done, failed + errored + late, times[len(times) // 2], times[len(times) * 99 // 100]


def sample(process, port, tls, job, opts):
    user, system = cpu(process.pid)
    start = time.monotonic()
    requests, errors, p50, p99 = load(job, port, tls, opts, opts.seconds)
    wall = time.monotonic() - start
    user, system = cpu(process.pid)[0] - user, cpu(process.pid)[1] - system
    return {"requests": requests, "errors": errors, "p50": p50, "p99": p99, "rps": requests / wall,
            "cpu": (user + system) / requests * 1e6, "user": user / requests * 1e6, "busy": (user + system) / wall,
            "rss": memory(process.pid)}


def turn(names, number):
    """The order of a round: it changes, so that no contender always follows the same one."""
    return names[number % len(names):] + names[:number % len(names)]


def measure(bench, opts):
    samples = []
    for job in opts.jobs.split(","):
        for _, port, tls in bench.contenders.values():
            load(job, port, tls, opts, 1)                   # warms up
        for number in range(opts.rounds):
            for name in turn(list(bench.contenders), number):
                got = sample(*bench.contenders[name], job, opts)
                samples.append({"job": job, "round": number, "name": name, **got})
                print(f"  {job:>5} round {number + 1} {name:<10} {got['cpu']:6.1f} µs", file=sys.stderr, flush=True)
    return samples


# === the table ===

def ratios(mine, reference):
    by_round = {s["round"]: s["cpu"] for s in reference}
    return [s["cpu"] / by_round[s["round"]] for s in mine]


def table(samples, job, unit="request"):
    of = lambda name: [s for s in samples if s["job"] == job and s["name"] == name]
    print(f"| | CPU µs/{unit}, median (min–max) | of it user | ratio to nginx, median (min–max) | {unit}s/s | p50 µs | p99 µs "
          "| busy | RSS MiB | errors |\n|---|---|---|---|---|---|---|---|---|---|")
    for name in dict.fromkeys(s["name"] for s in samples):
        mine = of(name)
        middle = lambda key: statistics.median(s[key] for s in mine)
        costs, ratio = [s["cpu"] for s in mine], ratios(mine, of("nginx"))
        print(f"| {name} | {middle('cpu'):.1f} ({min(costs):.1f}–{max(costs):.1f}) | {middle('user'):.1f} "
              f"| {statistics.median(ratio):.2f} ({min(ratio):.2f}–{max(ratio):.2f}) | {middle('rps'):.0f} "
              f"| {middle('p50'):.0f} | {middle('p99'):.0f} | {middle('busy'):.0%} | {middle('rss') / 1024:.1f} "
              f"| {sum(s['errors'] for s in mine)} |")


def main():
    opts = arguments()
    if not all(re.fullmatch("[ABC]:(1k|64k|1m)", job) for job in opts.jobs.split(",")):
        sys.exit("a job is A, B or C, a colon, and 1k, 64k or 1m")
    if len(os.sched_getaffinity(0)) < 2:
        sys.exit("two cores are needed")
    builds = [g.split("=", 1) for g in opts.gateway] or [("gateway", build_gateway(opts.profile))]
    with Bench() as bench:
        bench.add_nginx()
        for name, program in builds:
            bench.add_gateway(name, pathlib.Path(program).resolve())
        for name, (_, port, _) in bench.contenders.items():
            check_job(name, port, bench.upstream)
        samples = measure(bench, opts)
    opts.json.write_text(json.dumps(samples, indent=1))
    for job in opts.jobs.split(","):
        mode, size = job.split(":")
        print(f"\n{job}: {size} of body, {MODES[mode]}\n")
        table(samples, job)
    sys.exit(1 if any(s["errors"] for s in samples) else 0)


if __name__ == "__main__":
    main()
