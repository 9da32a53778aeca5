#!/usr/bin/env python3
"""How long the gateway takes to start, and what it keeps when it is idle.

  benches/compare/start.py                                  the dist build, tests/real/supabase/kong.yml, 1, 2 and 4 workers
  benches/compare/start.py --gateway target/release/gateway --config kong.yml --runs 50

Start: from fork to the first whole head of an answer, over TCP; a new process each time, so its program and the file are
in the page cache. `cpu` is the processor time that its threads had by then, which holds on a busy machine as well. Memory: /proc/PID/smaps_rollup after some seconds without a request; `private` is what would be free
without the process, PSS counts shared pages by their share. Variables ($NAME, ${NAME}) of the file that are not set get an
invented value. One line of JSON for each number of workers with --json.
"""
import argparse
import json
import os
import pathlib
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

from contenders import free_port

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
LIMIT = 10
ASK = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def arguments():
    ap = argparse.ArgumentParser(description="Start time and idle memory of the gateway.")
    ap.add_argument("--gateway", type=pathlib.Path, default=TARGET / "dist" / "gateway")
    ap.add_argument("--config", type=pathlib.Path, default=ROOT / "tests" / "real" / "supabase" / "kong.yml")
    ap.add_argument("--runs", type=int, default=20)
    ap.add_argument("--idle", type=float, default=10, help="seconds before memory is read")
    ap.add_argument("--workers", default="1,2,4")
    ap.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a variable, such as KONG_…")
    ap.add_argument("--json", action="store_true")
    return ap.parse_args()


def invent(name):
    """An expression in Lua, such as Supabase's entrypoint makes; a host; a path; a word."""
    if name.endswith("_EXPR"):
        return "$((headers.authorization ~= nil and headers.authorization) or headers.apikey)"
    word = f"invented-{name.lower().replace('_', '-')}"
    return "127.0.0.1:9" if name.endswith("_HOST") else f"/{word}" if name.endswith("_PATH") else word


def environment(opts, port, workers):
    """Enough for the file to be served; what it asks for and nobody set is invented."""
    known = dict(pair.split("=", 1) for pair in opts.set)
    wanted = re.findall(r"\$\{?([A-Z][A-Z0-9_]*)", opts.config.read_text())
    invented = {name: invent(name) for name in wanted}
    return {**invented, "PATH": os.environ["PATH"], "KONG_DATABASE": "off", "KONG_ADMIN_LISTEN": "off",
            "KONG_PROXY_ACCESS_LOG": "off", "KONG_ROUTER_FLAVOR": "expressions",
            "KONG_PROXY_LISTEN": f"127.0.0.1:{port}", "KONG_NGINX_WORKER_PROCESSES": str(workers), **known}


def answered(port):
    """Whether the whole head of an answer came."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as client:
            client.sendall(ASK)
            got = b""
            while b"\r\n\r\n" not in got:
                piece = client.recv(4096)
                if not piece:
                    return False
                got += piece
            return got.startswith(b"HTTP/1.1 ")
    except OSError:
        return False


def answers(process, port, begin, log, limit):
    """Waits for the first; ends with what the process wrote, if there is none."""
    while not answered(port):
        if process.poll() is not None or time.monotonic() > begin + limit:
            process.kill()
            log.seek(0)
            sys.exit("no answer:\n" + log.read().decode("utf-8", "replace"))
        time.sleep(0.0002)


def cpu(process):
    """What its threads have had of processors, in ms."""
    stats = pathlib.Path(f"/proc/{process.pid}/task").glob("*/schedstat")
    return sum(int(stat.read_text().split()[0]) for stat in stats) / 1e6


def started(opts, workers, log, within=(), limit=LIMIT):
    """A process that has answered once, how long that took, and its processor time, in ms; `within` is a program that runs
    it."""
    port = free_port()
    env = environment(opts, port, workers)
    begin = time.monotonic()
    process = subprocess.Popen([*within, opts.gateway, "run", "--config", opts.config], env=env, stdin=subprocess.DEVNULL,
                               stdout=log, stderr=log)
    answers(process, port, begin, log, limit)
    return process, (time.monotonic() - begin) * 1000, cpu(process)


def stop(process, limit=LIMIT):
    process.send_signal(signal.SIGTERM)
    process.wait(limit)


def memory(process):
    """RSS, PSS and private memory in MB (10^6 bytes), by the kernel's own sums."""
    text = pathlib.Path(f"/proc/{process.pid}/smaps_rollup").read_text()
    kib = {name: int(value) for name, value in re.findall(r"^(\w+):\s+(\d+) kB", text, re.M)}
    private = kib["Private_Clean"] + kib["Private_Dirty"]
    return {name: round(value * 1024 / 1e6, 1) for name, value in
            (("rss", kib["Rss"]), ("pss", kib["Pss"]), ("private", private), ("private_dirty", kib["Private_Dirty"]))}


def measure(opts, workers, log):
    times, spent = [], []
    for _ in range(opts.runs):
        process, took, busy = started(opts, workers, log)
        stop(process)
        times.append(took)
        spent.append(busy)
    process, _, _ = started(opts, workers, log)
    time.sleep(opts.idle)
    kept = memory(process)
    stop(process)
    return {"workers": workers, "median_ms": round(statistics.median(times), 1), "best_ms": round(min(times), 1),
            "worst_ms": round(max(times), 1), "cpu_ms": round(statistics.median(spent), 1), **kept}


def main():
    opts = arguments()
    opts.gateway, opts.config = opts.gateway.resolve(), opts.config.resolve()
    for workers in map(int, opts.workers.split(",")):
        with tempfile.TemporaryFile() as log:
            found = measure(opts, workers, log)
        if opts.json:
            print(json.dumps(found), flush=True)
        else:
            print("{workers} workers: first answer after {median_ms} ms (best {best_ms}, worst {worst_ms}, cpu {cpu_ms}); RSS {rss} MB, PSS {pss}, "
                  "private {private}, of it written {private_dirty}".format(**found), flush=True)


if __name__ == "__main__":
    main()
