#!/usr/bin/env python3
"""Instructions in user mode per proxied request, counted by valgrind: the same to a few per mille in every run, however busy
the machine is. The job is that of run.py, with limits, timers and the access log on.

  benches/compare/instructions.py                      builds the release profile, counts, and prints
  benches/compare/instructions.py --binary PATH        this one, built by somebody else
  benches/compare/instructions.py --check              fails where it is 5 % above instructions.txt
  benches/compare/instructions.py --record             writes instructions.txt
  benches/compare/instructions.py --jobs A:1k --keep DIR   leaves the profiles there, for callgrind_annotate

A job is MODE:SIZE or MODE:routes-N (see run.py). One client has one request under way at a time, so that nothing depends on how
requests meet; every request wakes the worker twice, which a busy gateway is spared. A job is run with N requests and with
2 N: the difference is N requests, without connections and handshakes. `allocations` are calls of malloc, calloc and realloc.

The figures depend on the compiler, the C library and what the processor can do; instructions.txt says with which they were
recorded, and where these differ nothing is compared. Needs gcc, valgrind and nghttp2-client.
"""
import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

from contenders import HEADERS, HERE, Bench
from jobs import Job
from run import build_gateway

RECORDED = HERE / "instructions.txt"
JOBS = "A:1k,A:64k,B:1k,C:1k"
REQUESTS = 1000
LIMIT = 1.05
WITH = "# Recorded with: "
ALLOCATORS = {"malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc"}


def arguments():
    ap = argparse.ArgumentParser(description="Instructions per proxied request.")
    ap.add_argument("--binary", type=pathlib.Path, help="the gateway, instead of a build of the release profile")
    ap.add_argument("--jobs", default=JOBS, help="MODE:SIZE or MODE:routes-N, …")
    ap.add_argument("--check", action="store_true", help="compare with what is recorded")
    ap.add_argument("--record", action="store_true", help="record what is counted")
    ap.add_argument("--keep", type=pathlib.Path, metavar="DIR", help="where profiles stay")
    return ap.parse_args()


# === the gateway, counted ===

class Counted(Bench):
    """The upstream, and a gateway under valgrind."""

    def add_counted(self, program, profiles):
        self.program, self.profiles = program, profiles
        self.add_gateway("gateway", program)
        return self.contenders[-1]

    def run(self, name, command, port, env=None, limit=15):
        if name != "gateway":
            return super().run(name, command, port, env, limit)
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={self.profiles}/profile",
                   *command[command.index(str(self.program)):]]
        self.process = super().run(name, command, port, {**env, "KONG_NGINX_HTTP_KEEPALIVE_REQUESTS": "100000000"}, 60)
        return self.process

    def control(self, option):
        subprocess.run(["callgrind_control", option, str(self.process.pid)], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    def counted(self, job, requests, name):
        """Instructions and allocations of so many requests, and of the connection that they came over."""
        self.control("--zero")
        ask(job, self.contenders[-1], requests)
        before = set(self.profiles.iterdir())
        self.control("--dump")
        (profile,) = set(self.profiles.iterdir()) - before
        return read(profile.rename(self.profiles / f"{job.text.replace(':', '-')}-{name}"))


def ask(job, gateway, requests):
    """So many requests, one after the other, over one connection."""
    size = job.argument if job.kind == "body" else "1k"
    url = f"http://127.0.0.1:{gateway.port}" if job.mode == "A" else f"https://127.0.0.1:{gateway.tls}"
    words = [x for h in HEADERS for x in ("-H", h)] + [f"{url}{gateway.prefix}/{size}"]
    version = [] if job.mode == "C" else ["--h1"]
    command = ["h2load", *version, "-t1", "-c1", "-m1", "-n", str(requests), *words]
    out = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True).stdout
    if f"status codes: {requests} 2xx" not in out:
        sys.exit(f"{job.text}: not all was answered\n{out}")


def read(profile):
    """Instructions of a profile, and how often its program asked for memory."""
    instructions = allocations = 0
    called, names = None, {}
    for line in profile.read_text().splitlines():
        if line.startswith("totals:"):
            instructions = int(line.split()[1])
        elif line.startswith(("fn=", "cfn=")):
            # "(7) name" the first time, "(7)" from then on.
            number, _, name = line.partition("=")[2].partition(" ")
            called = names.setdefault(number, name)
        elif line.startswith("calls=") and called in ALLOCATORS:
            allocations += int(line[6:].split()[0])
    return instructions, allocations


def count(bench, job):
    ask(job, bench.contenders[-1], 200)                     # warms up
    one, two = (bench.counted(job, REQUESTS * times, str(times)) for times in (1, 2))
    return tuple((b - a) / REQUESTS for a, b in zip(one, two))


# === what is recorded ===

def surroundings():
    """What else the figures depend on."""
    said = lambda *command: subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")[0]
    flags = re.search(r"^flags\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    known = set(flags[1].split()) if flags else set()
    can = " ".join(f for f in ("avx2", "bmi2", "aes", "vaes", "sha_ni", "erms", "fsrm", "avx512f") if f in known)
    return f"{said('rustc', '--version')}; {said('ldd', '--version')}; {said('valgrind', '--version')}; {can}"


def recorded():
    """What is recorded, if it was recorded in such surroundings."""
    lines = RECORDED.read_text().splitlines() if RECORDED.exists() else []
    where = next((line[len(WITH):] for line in lines if line.startswith(WITH)), None)
    if where != surroundings():
        print(f"not compared: recorded with {where}; this is {surroundings()}")
        return {}
    return {line.split()[0]: int(line.split()[1]) for line in lines if not line.startswith("#")}


def record(found):
    head = f"# Instructions per request (instructions.py --record): job, instructions, allocations.\n{WITH}{surroundings()}\n"
    RECORDED.write_text(head + "".join(f"{job} {i:.0f} {a:.1f}\n" for job, (i, a) in found.items()))


def show(found):
    before = recorded()
    print("| job | instructions | of what is recorded | allocations |\n|---|---|---|---|")
    for job, (instructions, allocations) in found.items():
        ratio = f"{instructions / before[job]:.3f}" if job in before else ""
        print(f"| {job} | {instructions:.0f} | {ratio} | {allocations:.1f} |")
    return [job for job, (i, _) in found.items() if i > LIMIT * before.get(job, float("inf"))]


def wanted(texts):
    """The jobs of a list, if they are of those that are counted."""
    try:
        jobs = [Job(text) for text in texts.split(",")]
    except ValueError as unknown:
        sys.exit(str(unknown))
    if not all(job.kind == "routes" or (job.kind == "body" and job.argument != "10m") for job in jobs):
        sys.exit("only MODE:1k, MODE:64k, MODE:1m and MODE:routes-N are counted")
    return jobs


def main():
    opts = arguments()
    jobs = wanted(opts.jobs)
    binary = opts.binary or build_gateway("release")
    found = {}
    with tempfile.TemporaryDirectory() as scratch:
        profiles = opts.keep or pathlib.Path(scratch)
        profiles.mkdir(parents=True, exist_ok=True)
        for routes in dict.fromkeys(job.routes for job in jobs):
            with Counted(routes=routes) as bench:
                bench.add_counted(binary.resolve(), profiles.resolve())
                found |= {job.text: count(bench, job) for job in jobs if job.routes == routes}
    grown = show(found)
    if opts.record:
        record(found)
    if opts.check and grown:
        sys.exit(f"more than {LIMIT - 1:.0%} above what is recorded: {', '.join(grown)}")


if __name__ == "__main__":
    main()
