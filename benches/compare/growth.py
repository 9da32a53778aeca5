"""What a process keeps resident while equal bouts of load come again and again: what it needs is there after the first, and
what grows with every further one is never given back."""
import time

from process import memory

# Seconds of each load in a bout, and of the pause behind them all: buffers and idle connections are given up by then.
EACH, PAUSE = 1, 70


def sample(bout, count, load, bench, contender):
    """`count` bouts, each of the jobs in `bout`; the KiB after each."""
    pid = contender.process.pid
    start, after, done, errors = memory(pid), [], 0, 0
    for _ in range(count):
        for job in bout:
            got = job.run(load, bench, contender, EACH)
            done, errors = done + got[0], errors + got[1]
        after.append(memory(pid))
    time.sleep(PAUSE)
    return {"done": done, "errors": errors, "start": start, "first": after[0], "middle": after[len(after) // 2 - 1],
            "last": after[-1], "after": " ".join(map(str, after)), "rss": memory(pid)}
