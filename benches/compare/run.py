#!/usr/bin/env python3
"""CPU per request of the gateway beside nginx, haproxy and no proxy at all, on the same job: strip /rest/v1/, replace
Authorization by a long bearer, add CORS, Via, X-Forwarded-* and X-Real-IP, keep upstream connections, write an access log.
Needs two cores, gcc, openssl, and Debian's nginx, haproxy, wrk and nghttp2-client; --plot python3-matplotlib.

  benches/compare/run.py                                      the dist build, 5 rounds of 5 s, A:1k and A:64k
  benches/compare/run.py --jobs all --plot docs/compare.svg   everything that docs/performance.md tells; an hour
  benches/compare/run.py --rounds 7 --jobs A:1k,B:1k,C:1k --profile release
  benches/compare/run.py --gateway old=/tmp/old --gateway new=target/release/gateway   compare builds as well

The proxy has core 0 and one worker; load and upstream have core 1. Contenders take turns within a round, and ratios are
taken within rounds, because absolute figures drift. CPU is utime + stime of the process tree. `busy` is the share of its
core that the proxy used: much below 100 %, the load was the limit (CPU per request holds even then).

`floor` does not do the job. It has two reads and two writes for each request and nothing between them, so it tells what the
kernel costs: no proxy that reads bytes from sockets and writes them can be below it. It takes part in A:SIZE.

"""
import argparse
import json
import os
import pathlib
import subprocess
import sys

import jobs as kinds
import report
from contenders import Bench

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
ALL = ("A:1k,B:1k,C:1k,A:64k,B:64k,C:64k,A:10m,B:10m,C:10m,A:up-64k,A:up-10m,B:up-10m,A:ws-128,"
       "A:routes-10,A:routes-10000,A:reload-10000,A:paced-4000,B:paced-4000,C:paced-4000,A:idle-1000,B:idle-1000,A:growth-8,"
       "ecdsa:full,rsa:full,ecdsa:resumed")


def arguments():
    ap = argparse.ArgumentParser(description=__doc__ + kinds.FORMS, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--rounds", type=int, default=5)
    ap.add_argument("--seconds", type=int, default=5, help="length of one sample")
    ap.add_argument("--jobs", default="A:1k,A:64k", help="JOB, … or `all`")
    ap.add_argument("--connections", type=int, default=32)
    ap.add_argument("--profile", default="dist", help="cargo profile of the gateway and the load")
    ap.add_argument("--gateway", action="append", default=[], metavar="NAME=PATH", help="a build, instead of making one")
    ap.add_argument("--load", type=pathlib.Path, help="the built program that makes load, instead of making one")
    ap.add_argument("--without", default="", help="contenders to leave out: direct, floor, nginx-unbuffered, haproxy")
    ap.add_argument("--no-logs", action="store_true", help="without access logs")
    ap.add_argument("--json", type=pathlib.Path, default=TARGET / "compare.json", help="where every sample goes")
    ap.add_argument("--csv", type=pathlib.Path, default=TARGET / "compare.csv", help="the same as a table")
    ap.add_argument("--plot", type=pathlib.Path, help="a picture (SVG) of all ratios to nginx")
    return ap.parse_args()


def build_gateway(profile):
    subprocess.run(["cargo", "build", "--quiet", "--profile", profile, "--bin", "gateway"], cwd=ROOT, check=True)
    return TARGET / profile / "gateway"


def turn(contenders, number):
    """The order of a round: it changes, so that no contender always follows the same one."""
    return contenders[number % len(contenders):] + contenders[:number % len(contenders)]


def start(bench, opts, builds):
    """Everybody who is not left out."""
    without = opts.without.split(",")
    bench.add_nginx()
    if "nginx-unbuffered" not in without:
        bench.add_nginx("nginx-unbuffered", "off")
    if "haproxy" not in without:
        bench.add_haproxy()
    for name, program in builds:
        bench.add_gateway(name, pathlib.Path(program).resolve())
    if "direct" not in without:
        bench.add_direct()
    if "floor" not in without:
        bench.add_floor()
    bench.check_jobs()


def measure(bench, job, load, rounds):
    fitting = [c for c in bench.contenders if job.fits(c)]
    samples = []
    for contender in fitting if not job.alone else []:
        job.run(load, bench, contender, 1)                   # warms up
    for number in range(rounds):
        for contender in turn(fitting, number):
            got = kinds.sample(job, load, bench, contender)
            samples.append({"job": job.text, "round": number, "name": contender.name, **got})
            print(f"  {job.text:>14} round {number + 1} {contender.name:<16} {shown(got)}", file=sys.stderr, flush=True)
    return samples


def shown(sample):
    """What matters most of it."""
    if "kib" in sample:
        return f"{sample['kib']:6.1f} KiB"
    if "first" in sample:
        return f"{sample['start']} KiB, after each bout {sample['after']}, after a pause {sample['rss']}"
    if "quiet_p99" in sample:
        return f"{sample['quiet_p99']:6} µs, with {sample['reloads']} reloads {sample['p99']} µs"
    return f"{sample.get('cpu', 0):6.1f} µs"


def groups(jobs):
    """Jobs by their settings."""
    grouped = {}
    for job in jobs:
        alone = job.text if job.alone else ""
        grouped.setdefault((job.key, job.routes, alone), []).append(job)
    return grouped


def main():
    opts = arguments()
    try:
        jobs = [kinds.Job(text) for text in (ALL if opts.jobs == "all" else opts.jobs).split(",")]
    except ValueError as unknown:
        sys.exit(str(unknown))
    if len(os.sched_getaffinity(0)) < 2:
        sys.exit("two cores are needed")
    builds = [g.split("=", 1) for g in opts.gateway] or [("gateway", build_gateway(opts.profile))]
    load = kinds.Load(opts.load or kinds.build_load(ROOT, opts.profile), opts.seconds, opts.connections)
    samples = []
    for (key, routes, alone), some in groups(jobs).items():
        # Bouts of load repeat themselves.
        for number in range(opts.rounds if alone and some[0].kind != "growth" else 1):
            with Bench(key, routes, logs=not opts.no_logs) as bench:
                start(bench, opts, builds)
                for job in some:
                    got = measure(bench, job, load, 1 if alone else opts.rounds)
                    samples += [{**s, "round": number} for s in got] if alone else got
    opts.json.write_text(json.dumps(samples, indent=1))
    report.write_csv(samples, opts.csv)
    for job in jobs:
        print(f"\n{job.text}: {job.title}\n\n{report.table(samples, job)}")
    if opts.plot:
        report.plot(samples, jobs, opts.plot)
    sys.exit(1 if any(s["errors"] for s in samples) else 0)


if __name__ == "__main__":
    main()
