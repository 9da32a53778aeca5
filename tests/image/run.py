#!/usr/bin/env python3
"""The two images of docker/Dockerfile, as people's compose files and programs start them. As root, or by sudo; says
"skipped" where namespaces cannot be made.

  tests/image/run.py [--binary FILE] [--engine folder|podman] [CHECK ...]      checks by a part of their names

Engine `folder` needs no container engine: what docker/assemble puts together is run in namespaces. `podman` builds the
images from the Dockerfile with that binary and runs them. Without --binary a static one is built first.
A line for each check, then `N passed, M failed`; exit 1 when M > 0. Ends by itself after five minutes.
"""
import argparse
import fcntl
import importlib
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

import checks
import upstream
from container import ROOT

LIMIT = 300
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
SIOCSIFFLAGS, IFF_UP_RUNNING = 0x8914, 0x41
NAMESPACES = ["unshare", "--net", "--mount", "--pid", "--fork"]


class Place:
    """What checks share: a folder for each, and the upstream."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="images-"))
        self.folder.chmod(0o755)
        self.rest = upstream.start(3000)
        self.last = None

    def fresh(self):
        self.last = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        self.last.chmod(0o755)
        return self.last


def arguments():
    ap = argparse.ArgumentParser(description="Runs the images as people do.")
    ap.add_argument("--binary", type=pathlib.Path, help="default: a static build, made first")
    ap.add_argument("--engine", choices=["folder", "podman"], default="folder")
    ap.add_argument("checks", nargs="*", help="parts of names of checks")
    return ap.parse_args()


def binary(opts):
    """Linked statically, as in the images; not optimized, which takes too long for what is tested here."""
    if opts.binary:
        return opts.binary.resolve()
    host = next(line.split()[1] for line in
                subprocess.check_output(["rustc", "-vV"], text=True).splitlines() if line.startswith("host:"))
    env = {**os.environ, "RUSTFLAGS": "-C target-feature=+crt-static -C link-arg=-Wl,-z,pack-relative-relocs"}
    subprocess.run(["cargo", "build", "--locked", "--quiet", "--bin", "gateway", "--target", host], cwd=ROOT, env=env, check=True)
    return TARGET / host / "debug" / "gateway"


def enter_network(opts):
    """Goes on as root in a network of its own, where the images' ports are free."""
    if os.environ.get("IN_NETWORK") != "1":
        become = [] if os.getuid() == 0 else ["sudo", "-n", "--preserve-env=IN_NETWORK,CONTAINERS_CONF"]
        if shutil.which("dpkg-query") is None or subprocess.run([*become, *NAMESPACES, "true"], stderr=subprocess.DEVNULL).returncode:
            print("skipped: needs Debian, and the right to make namespaces")
            sys.exit(0)
        os.environ["IN_NETWORK"], program = "1", binary(opts)
        if opts.engine == "podman":
            importlib.import_module("podman").build(program)
        words = [f"--binary={program}", f"--engine={opts.engine}", *opts.checks]
        os.execvp([*become, "unshare"][0], [*become, "unshare", "--net", sys.executable, __file__, *words])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP_RUNNING))


def run(check, engine, place):
    """Whether it passed; says so."""
    start = time.monotonic()
    try:
        check(engine, place)
        note, good = "", True
    except Exception as error:                  # any failure of a check is its result
        note, good = f"{type(error).__name__}: {error}", False
    print(f"{'ok  ' if good else 'FAIL'} {check.__name__.replace('_', ' '):<28} {time.monotonic() - start:6.2f} s  {note}", flush=True)
    return good


def main():
    opts = arguments()
    enter_network(opts)
    signal.signal(signal.SIGALRM, lambda *_: sys.exit(f"not done after {LIMIT} s"))
    signal.alarm(LIMIT)
    chosen = [check for check in checks.ALL if not opts.checks or any(part in check.__name__ for part in opts.checks)]
    place = Place()
    engine = importlib.import_module(opts.engine).Engine(opts.binary)
    try:
        results = [run(check, engine, place) for check in chosen]
    finally:
        engine.close()
        shutil.rmtree(place.folder)
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    sys.exit(0 if results and all(results) else 1)


if __name__ == "__main__":
    main()
