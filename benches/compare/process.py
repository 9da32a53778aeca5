"""What the kernel says of a process and of what it started."""
import os

TICK = os.sysconf("SC_CLK_TCK")


def tree(pid):
    """A process and what it started."""
    with open(f"/proc/{pid}/task/{pid}/children") as children:
        return [pid, *(p for child in children.read().split() for p in tree(int(child)))]


def cpu(pid):
    """(user, system) seconds of a process tree."""
    user = system = 0
    for each in tree(pid):
        with open(f"/proc/{each}/stat") as stat:
            fields = stat.read().rpartition(")")[2].split()
        user, system = user + int(fields[11]), system + int(fields[12])
    return user / TICK, system / TICK


def memory(pid):
    """Resident KiB of a process tree, pages that they share counted for each."""
    total = 0
    for each in tree(pid):
        with open(f"/proc/{each}/status") as status:
            # One that ended and was not waited for yet has none.
            total += next((int(line.split()[1]) for line in status if line.startswith("VmRSS")), 0)
    return total


def private(pid):
    """KiB that a process tree has for itself alone."""
    total = 0
    for each in tree(pid):
        with open(f"/proc/{each}/smaps_rollup") as rollup:
            total += sum(int(line.split()[1]) for line in rollup if line.startswith(("Private_Clean", "Private_Dirty")))
    return total


def pinned(core, *command):
    return ["taskset", "-c", str(core), *map(str, command)]
