#!/usr/bin/env python3
"""The first process of a container that folder.py makes, in namespaces of its own: mounts what is wanted, gives up every
right, and becomes the program. Its one argument says what is wanted, as JSON."""
import ctypes
import json
import os
import pathlib
import subprocess
import sys

PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 24, 38
DEVICES = ("null", "zero", "full", "random", "urandom")


def mount(*words):
    subprocess.run(["mount", *map(str, words)], check=True)


def file_systems(want):
    root = pathlib.Path(want["root"])
    layers = f"lowerdir={want['image']},upperdir={want['upper']},workdir={want['work']}"
    mount("-t", "overlay", "overlay", "-o", layers, root)
    mount("-t", "proc", "proc", place(root, "/proc"))
    dev = place(root, "/dev")
    mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", dev)
    for name in DEVICES:
        (dev / name).touch()
        mount("--bind", f"/dev/{name}", dev / name)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        (dev / name).symlink_to(f"/proc/self/fd/{number}")
    (dev / "fd").symlink_to("/proc/self/fd")
    for path in want["tmpfs"]:
        mount("-t", "tmpfs", "-o", "mode=1777,noexec,nosuid,nodev", "tmpfs", place(root, path))
    for source, path in sorted(want["mounts"], key=lambda pair: pair[1]):
        to = place(root, path, pathlib.Path(source).is_file())
        mount("--bind", source, to)
        mount("-o", "remount,ro,bind", to)
    if want["read_only"]:
        mount("-o", "remount,ro,bind", root)


def place(root, path, file=False):
    """Where something is mounted; made if it is not there, as engines do."""
    to = root / path.lstrip("/")
    if not to.exists():
        (to.parent if file else to).mkdir(parents=True, exist_ok=True)
        if file:
            to.touch()
    return to


def give_up_rights(user, group):
    libc = ctypes.CDLL(None, use_errno=True)
    last = int(pathlib.Path("/proc/sys/kernel/cap_last_cap").read_text())
    for capability in range(last + 1):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    os.setgroups([])
    os.setresgid(group, group, group)
    os.setresuid(user, user, user)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        sys.exit("no_new_privs cannot be set")


def main():
    want = json.loads(sys.argv[1])
    file_systems(want)
    os.chroot(want["root"])
    os.chdir(want["folder"])
    give_up_rights(*want["user"])
    os.umask(0o022)
    os.environ.clear()
    os.environ.update(want["env"])
    os.execvp(want["words"][0], want["words"])


main()
