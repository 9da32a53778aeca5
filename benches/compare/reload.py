"""A configuration that is replaced again and again under load: its file is written anew, and SIGHUP says so."""
import contextlib
import os
import re
import signal
import statistics
import subprocess
import threading
import time

from contenders import BEARER, LOAD_CORE, asked
from process import memory

# Pause after a configuration is in force, and how long that may take.
PAUSE, LIMIT = 0.3, 20
# How long one is taken to come into force of which nobody was told.
HELD = 0.15


class Reloads(threading.Thread):
    """Replaces a contender's configuration until it is told to stop. The upstream sees the new bearer once it is in force.

    With `held`, nobody is told of the new file: the same writing and asking beside the load, which costs it something, too.
    """

    def __init__(self, contender, held=False):
        super().__init__(daemon=True)
        self.contender, self.held, self.stopped = contender, held, threading.Event()
        self.took, self.memory, self.failed = [], 0, None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.join(LIMIT + 5)

    def run(self):
        os.sched_setaffinity(0, {LOAD_CORE})                # of this thread alone
        try:
            while not self.stopped.wait(PAUSE):
                self.once(f"{BEARER}{len(self.took)}")
        except (OSError, TimeoutError, subprocess.SubprocessError) as failed:
            self.failed = failed

    def once(self, bearer):
        start = time.monotonic()
        self.contender.renew(bearer)
        if not self.held:
            os.kill(self.contender.process.pid, signal.SIGHUP)
        while not self.is_over(bearer, time.monotonic() - start):
            if time.monotonic() > start + LIMIT:
                raise TimeoutError("the new configuration does not come into force")
            with contextlib.suppress(FileNotFoundError):     # nginx's workers come and go
                self.memory = max(self.memory, memory(self.contender.process.pid))
            time.sleep(0.02)
        self.took.append(time.monotonic() - start)

    def is_over(self, bearer, took):
        """Whether it is in force; where nobody was told, after about as long as that takes."""
        seen = f"bearer {bearer}\r\n".lower() in asked(self.contender.port)[1].lower()
        return took > HELD if self.held else seen


def sample(job, load, bench, contender):
    """A turn without reloads, and one with them."""
    before = memory(contender.process.pid)
    with Reloads(contender, held=True):
        quiet = job.run(load, bench, contender, load.seconds)
    with Reloads(contender) as reloads:
        loud = job.run(load, bench, contender, load.seconds)
    if reloads.failed or not reloads.took:
        raise RuntimeError(f"{contender.name}: no reload: {reloads.failed}")
    names = ("p50", "p99", "p999")
    return {"done": loud[0], "errors": quiet[1] + loud[1], **dict(zip(names, loud[2:])),
            **{f"quiet_{name}": value for name, value in zip(names, quiet[2:])},
            "reloads": len(reloads.took), "force": statistics.median(reloads.took) * 1e3,
            "rss": before, "peak": peak(contender.process.pid, reloads.memory)}


def peak(pid, seen):
    """The most resident KiB that the process ever had, or what was seen of a tree of several."""
    with open(f"/proc/{pid}/status") as status:
        return max(seen, int(re.search(r"VmHWM:\s+(\d+)", status.read())[1]))
