#!/usr/bin/env python3
"""Replays tests/golden/admin/cli.yaml, commands recorded from Kong 2.8.1 without a database, against the binary as `kong`.

  tests/golden/cli.py BINARY [-v]

Exit code, standard output and standard error of each command, in their order, in one folder: `<dir>`. Left out are the
time of a line, and what stands behind `…`: the wording of a usage is ours. Where Kong tells of its own source files (the
`FILE.lua:LINE:` before a message, a stack traceback after it), only the message counts. `admin/cli-differs.txt` lists
each case that differs, with the reason; one that differs and is not listed fails the run, and so does one that is listed
and does not differ. Last line: what was counted.
"""
import os
import pathlib
import re
import resource
import shutil
import socket
import subprocess
import sys
import tempfile

import yaml

from tally import Tally

FOLDER = pathlib.Path(__file__).resolve().parent / "admin"
LIMIT = 60

GOOD = """_format_version: "2.1"
services:
- name: a
  url: http://127.0.0.1:9
  routes:
  - name: r
    paths: [/]
"""
BAD = '_format_version: "2.1"\nservices:\n- name: a b\n  url: http://127.0.0.1:9\n'
FILES = {
    "ok.conf": "log_level = warn\n",
    "bad.conf": "log_level = loud\n",
    "unk.conf": "frobnication = on\n",
    "conf.yml": GOOD,
    "badk.yml": BAD,
}
# What the declarative file of a command is, where it is not conf.yml; and what that holds then.
DECLARATIVE = {"start, missing declarative file": "nope.yml", "start, invalid declarative file": "badk.yml"}
CONTENTS = {"reload, invalid file": BAD, "health after bad reload": BAD}
# Kong was installed there.
INSTALLED = "/usr/local/kong"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def prepare(binary, folder):
    """The folder as the recording had it, with the binary as `kong`; the environment of all commands."""
    for name, text in FILES.items():
        (folder / name).write_text(text)
    (folder / "bin").mkdir()
    (folder / "prefix").mkdir()
    os.symlink(pathlib.Path(binary).resolve(), folder / "bin" / "kong")
    env = {key: value for key, value in os.environ.items() if not key.startswith(("KONG_", "GATEWAY_"))}
    return env | {"PATH": f"{folder / 'bin'}:{env['PATH']}", "KONG_DATABASE": "off",
                  "KONG_PROXY_LISTEN": f"127.0.0.1:{free_port()}", "KONG_ADMIN_LISTEN": f"127.0.0.1:{free_port()}"}


def run(case, folder, env):
    command = (case["command"] or "kong").replace("<dir>", str(folder))
    (folder / "conf.yml").write_text(CONTENTS.get(case["name"], GOOD))
    env = env | {"KONG_DECLARATIVE_CONFIG": str(folder / DECLARATIVE.get(case["name"], "conf.yml"))}
    if " -p " not in command:
        env |= {"KONG_PREFIX": str(folder) + INSTALLED}
    done = subprocess.run(command.split(), cwd=folder, env=env, capture_output=True, text=True, timeout=LIMIT)
    return done.returncode, done.stdout, done.stderr


def settled(text, folder):
    """What is compared of an output."""
    text = text.replace(str(folder) + INSTALLED, INSTALLED).replace(str(folder), "<dir>")
    text = re.sub(r"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d ", "", text, flags=re.M)
    text = re.sub(r"(<dir>/kong/\S+\.lua:\d+: |nginx: \[error\] init_by_lua error: )", "", text)
    text = re.sub(r"\nstack traceback:\n(\t.*\n)*\n*", "\n\n", text)
    return text.strip()


def agrees(want, got):
    """What is recorded may end with `…`."""
    return got.startswith(want.split("  …")[0]) if "…" in want else got == want


def differences(case, got, folder):
    code, out, err = got
    found = [] if code == case["exit"] else [f"exit code {code}, not {case['exit']}"]
    for stream, text in (("stdout", out), ("stderr", err)):
        want, text = settled(case[stream], folder), settled(text, folder)
        if not agrees(want, text):
            found.append(f"{stream} {text!r}\n      not {want!r}")
    return found


def main():
    cases = yaml.safe_load((FOLDER / "cli.yaml").read_text())["cases"]
    tally = Tally(FOLDER / "cli-differs.txt")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, 4096), hard), hard))
    folder = pathlib.Path(tempfile.mkdtemp()).resolve()
    env = prepare(sys.argv[1], folder)
    try:
        for case in cases:
            tally.add(case["name"], differences(case, run(case, folder, env), folder))
    finally:
        # Does nothing if it is stopped already, as the last commands leave it.
        subprocess.run([folder / "bin" / "kong", "stop", "-p", folder / "prefix"], env=env, capture_output=True)
        shutil.rmtree(folder)
    tally.end()


if __name__ == "__main__":
    main()
