#!/usr/bin/env python3
"""CPU per new TLS 1.3 connection of the gateway and of nginx, each with one request: the job of run.py, 1 KiB of body.
Needs two cores, gcc, openssl, and Debian's nginx.

  benches/compare/handshakes.py                     the dist build, 5 rounds of 5 s, all jobs
  benches/compare/handshakes.py --rounds 7 --jobs ecdsa:full,rsa:full --profile release

A job is a key (ecdsa: P-256; rsa: 2048 bits) and a kind of handshake: full, with X25519; resumed, by a ticket; hybrid, with
X25519MLKEM768 where the server knows it (nginx on OpenSSL 3.0 does not, and takes X25519). How it measures is told in run.py.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

import run

KEYS = {"ecdsa": ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"], "rsa": ["rsa:2048"]}
KINDS = ("full", "resumed", "hybrid")
JOBS = "ecdsa:full,rsa:full,ecdsa:resumed,rsa:resumed,ecdsa:hybrid"


def arguments():
    ap = argparse.ArgumentParser(description="CPU per TLS handshake of the gateway against nginx.")
    ap.add_argument("--rounds", type=int, default=5)
    ap.add_argument("--seconds", type=int, default=5, help="length of one sample")
    ap.add_argument("--jobs", default=JOBS, help="KEY:KIND, …")
    ap.add_argument("--profile", default="dist", help="cargo profile of the gateway and the load")
    ap.add_argument("--gateway", type=pathlib.Path, help="a build, instead of making one")
    ap.add_argument("--json", type=pathlib.Path, default=run.TARGET / "handshakes.json", help="where every sample goes")
    return ap.parse_args()


def build_load(profile):
    """The program of handshakes.rs."""
    out = subprocess.run(["cargo", "build", "--quiet", "--profile", profile, "--bench", "handshakes",
                          "--message-format=json"], cwd=run.ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    made = [json.loads(line) for line in out.splitlines()]
    return next(m["executable"] for m in made if m.get("target", {}).get("name") == "handshakes" and m["executable"])


def certify(bench, key):
    """A certificate that its own signer's key vouches for, and that is no authority's."""
    run.certificate(bench.cert, bench.key, KEYS[key], "-addext", "basicConstraints=critical,CA:FALSE",
                    "-addext", "subjectAltName=DNS:localhost")


def load(opts, bench, tls, kind, seconds):
    """Connections, errors, p50 and p99 in µs."""
    return tuple(map(int, run.loader(seconds, opts.load, tls, bench.cert, seconds, kind).split()))


def sample(opts, bench, process, tls, kind):
    before, start = run.cpu(process.pid), time.monotonic()
    connections, errors, p50, p99 = load(opts, bench, tls, kind, opts.seconds)
    wall = time.monotonic() - start
    user, system = (after - earlier for after, earlier in zip(run.cpu(process.pid), before))
    return {"errors": errors, "p50": p50, "p99": p99, "rps": connections / wall, "cpu": (user + system) / connections * 1e6,
            "user": user / connections * 1e6, "busy": (user + system) / wall, "rss": run.memory(process.pid)}


def measure(opts, program, key, kinds):
    """All samples with one key."""
    samples = []
    with run.Bench() as bench:
        certify(bench, key)
        bench.add_nginx()
        bench.add_gateway("gateway", program)
        for kind in kinds:
            for _, _, tls in bench.contenders.values():
                load(opts, bench, tls, kind, 1)                         # warms up
            for number in range(opts.rounds):
                for name in run.turn(list(bench.contenders), number):
                    process, _, tls = bench.contenders[name]
                    got = sample(opts, bench, process, tls, kind)
                    samples.append({"job": f"{key}:{kind}", "round": number, "name": name, **got})
                    print(f"  {key}:{kind} round {number + 1} {name:<8} {got['cpu']:6.0f} µs", file=sys.stderr, flush=True)
    return samples


def main():
    opts = arguments()
    jobs = [job.split(":") for job in opts.jobs.split(",")]
    if not all(len(job) == 2 and job[0] in KEYS and job[1] in KINDS for job in jobs):
        sys.exit(f"a job is one of {', '.join(KEYS)}, a colon, and one of {', '.join(KINDS)}")
    if len(os.sched_getaffinity(0)) < 2:
        sys.exit("two cores are needed")
    opts.load = build_load(opts.profile)
    program = (opts.gateway or run.build_gateway(opts.profile)).resolve()
    samples = [s for key in KEYS for s in measure(opts, program, key, [kind for k, kind in jobs if k == key])]
    opts.json.write_text(json.dumps(samples, indent=1))
    for key, kind in jobs:
        print(f"\n{key}, {kind}, one request each\n")
        run.table(samples, f"{key}:{kind}", "connection")
    sys.exit(1 if any(s["errors"] for s in samples) else 0)


if __name__ == "__main__":
    main()
