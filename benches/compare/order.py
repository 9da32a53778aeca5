#!/usr/bin/env python3
"""Writes packaging/order.ld, by which the linker lays the functions side by side that a start and usual requests run.

  benches/compare/order.py                            builds the dist profile, and runs it under valgrind
  benches/compare/order.py --gateway PATH             this build
  benches/compare/order.py --gateway PATH --check     how many functions are run that the file does not know; writes nothing

The kernel maps a program's file in pieces of 64 KiB around whatever is run. As compilers leave them, the functions that are
run lie everywhere, and two thirds of the program become resident for a fifth of it.

Run are: a start with tests/real/supabase/kong.yml, a request in the clear, and the job of run.py over HTTP/1.1, TLS and
HTTP/2. A function is known by its name without the hash that the compiler adds, so that most of the file holds for other
versions of compiler and libraries. Two kinds of names have the version in their midst, and are lost with it: those of aws-lc
(`aws_lc_0_47_0_…`), and those of the standard library itself (`_R…`). What the file names and is not there does no harm; what
it does not name lies where it lay before. So it need not be kept up to the day; a look with --check before a release, and
after an update of aws-lc or the compiler, is enough. Needs gcc, valgrind and nghttp2-client.
"""
import argparse
import pathlib
import re
import tempfile

import start
from contenders import Bench
from instructions import ask
from jobs import Job
from run import build_gateway

ORDER = start.ROOT / "packaging" / "order.ld"
JOBS = [Job(text) for text in ("A:1k", "B:1k", "C:1k")]
TRACED = ["valgrind", "--tool=callgrind", "--demangle=no"]
LIMIT = 60
HEAD = """/* Functions that a start and usual requests run, side by side: benches/compare/order.py made this, and says why. */
SECTIONS
{
  .text :
  {
"""
TAIL = """  }
}
INSERT BEFORE .init;
"""


def arguments():
    ap = argparse.ArgumentParser(description="The order of functions in the program.")
    ap.add_argument("--gateway", type=pathlib.Path, help="a build, instead of one of the dist profile")
    ap.add_argument("--check", action="store_true", help="only count what is missing")
    return ap.parse_args()


class Traced(Bench):
    """The upstream, and a gateway whose functions are noted."""

    def run(self, name, command, port, env=None, limit=15):
        if name != "gateway":
            return super().run(name, command, port, env, limit)
        traced = [*TRACED, f"--callgrind-out-file={self.folder}/profile", *command[command.index("run") - 1:]]
        return super().run(name, traced, port, env, LIMIT)


# === what is run ===

def by_jobs(program):
    """Functions of the usual requests."""
    with Traced() as bench:
        bench.add_gateway("gateway", program)
        for job in JOBS:
            ask(job, bench.contenders[-1], 20)
        bench.processes[-1].terminate()
        bench.processes[-1].wait(LIMIT)
        return functions(bench.folder / "profile", program)


def by_start(program):
    """Functions of a start with many entities, and of a request that no route takes."""
    config = start.ROOT / "tests" / "real" / "supabase" / "kong.yml"
    opts = argparse.Namespace(gateway=program, config=config, set=[])
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as log:
        profile = pathlib.Path(folder) / "profile"
        process, _, _ = start.started(opts, 1, log, [*TRACED, f"--callgrind-out-file={profile}"], LIMIT)
        start.stop(process, LIMIT)
        return functions(profile, program)


def functions(profile, program):
    """The program's own functions in a profile, by their names without hashes."""
    found, ours, objects, names = set(), False, {}, {}
    for line in profile.read_text().splitlines():
        # "ob=(3) /path" the first time, "ob=(3)" from then on; the same with "fn=(7) name". `cob` and `cfn` are of calls.
        kind, _, rest = line.partition("=")
        number, _, name = rest.partition(" ")
        if kind in ("ob", "cob"):
            known = objects.setdefault(number, name)
            ours = known == str(program) if kind == "ob" else ours
        elif kind in ("fn", "cfn"):
            known = names.setdefault(number, name)
            if kind == "fn" and ours:
                found.add(known.partition("'")[0])
    return {pattern(name) for name in found if re.fullmatch(r"[A-Za-z_][\w.$]*", name)}


def pattern(name):
    """What the linker is to look for: a Rust name up to its hash (`17h` and 16 digits), any other without what tells
    namesakes apart."""
    return re.sub(r"17h[0-9a-f]{16}E.*$", "17h*", name) if name.startswith("_ZN") else re.sub(r"\.\d+$", "", name)


# === the file ===

def written(patterns):
    """Sections of functions, among them `.text.unlikely.NAME` of those that the compiler takes for rare."""
    lines = (f"    *(.text*.{name})\n" for name in sorted(patterns))
    return HEAD + "".join(lines) + TAIL


def main():
    opts = arguments()
    program = (opts.gateway or build_gateway("dist")).resolve()
    patterns = by_start(program) | by_jobs(program)
    if opts.check:
        known = ORDER.read_text()
        missing = sorted(name for name in patterns if f"(.text*.{name})" not in known)
        print(f"{len(missing)} of {len(patterns)} functions are not in {ORDER.name}", *missing, sep="\n  ")
    else:
        ORDER.write_text(written(patterns))
        print(f"{len(patterns)} functions")


if __name__ == "__main__":
    main()
