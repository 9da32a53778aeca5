"""Samples as tables, as CSV and as a picture."""
import csv
import statistics

REFERENCES = ("nginx", "haproxy")
NO_GATEWAYS = (*REFERENCES, "nginx-unbuffered", "direct", "floor")
# Kong 2.8.1 (cors and request-transformer, one worker, no access log): its CPU as a multiple of nginx's in the same run, on a
# quiet machine of the kind that docs/performance.md names, 2026-11-23.
KONG = {"A:1k": 3.2, "B:1k": 2.8, "C:1k": 2.7}
FLOOR = "floor: does not do the job; what the kernel costs."


def of(samples, job, name):
    return [s for s in samples if s["job"] == job and s["name"] == name]


def names(samples, job):
    return list(dict.fromkeys(s["name"] for s in samples if s["job"] == job))


def middle(mine, key):
    return statistics.median(s[key] for s in mine)


def ratios(mine, reference):
    """Of CPU, within rounds: absolute figures drift."""
    by_round = {s["round"]: s["cpu"] for s in reference if "cpu" in s}
    return [s["cpu"] / by_round[s["round"]] for s in mine if s["round"] in by_round]


def spread(values, digits):
    if not values:
        return "–"
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"


def row(*cells):
    return "| " + " | ".join(map(str, cells)) + " |"


def head(*cells):
    return row(*cells) + "\n" + "|---" * len(cells) + "|"


def table(samples, job):
    """Of one job, in Markdown."""
    if job.kind == "idle":
        return idle_table(samples, job)
    if job.kind == "growth":
        return growth_table(samples, job)
    if job.kind == "reload":
        return reload_table(samples, job)
    lines = [head("", f"CPU µs/{job.unit}, median (min–max)", "of it user", *(f"ratio to {r}" for r in REFERENCES),
                  f"{job.unit}s/s", "p50 µs", "p99 µs", "p99.9 µs", "busy", "RSS MiB", "errors")]
    for name in names(samples, job.text):
        mine = of(samples, job.text, name)
        times = [f"{middle(mine, key):.0f}" for key in ("rate", "p50", "p99", "p999")]
        errors = sum(s["errors"] for s in mine)
        if all("cpu" in s for s in mine):
            costs = [spread([s["cpu"] for s in mine], 1), f"{middle(mine, 'user'):.1f}"]
            costs += [spread(ratios(mine, of(samples, job.text, r)), 2) for r in REFERENCES]
            lines.append(row(name, *costs, *times, f"{middle(mine, 'busy'):.0%}", f"{middle(mine, 'rss') / 1024:.1f}", errors))
        else:
            lines.append(row(name, *["–"] * (2 + len(REFERENCES)), *times, "–", "–", errors))
    return "\n".join([*lines, *notes(samples, job)])


def notes(samples, job):
    """What stands below a table."""
    found = [FLOOR] if of(samples, job.text, "floor") else []
    kong, nginx = KONG.get(job.text), of(samples, job.text, "nginx")
    gateways = [n for n in names(samples, job.text) if n not in NO_GATEWAYS]
    for name in gateways if kong and nginx else []:
        share = spread([r / kong for r in ratios(of(samples, job.text, name), nginx)], 2)
        found.append(f"{name}: {share} of Kong's CPU, which was {kong} times nginx's when it was measured.")
    return ["", *found] if found else []


def reload_table(samples, job):
    """Times without and with reloads. How many reloads there were depends on how fast each is in force."""
    lines = [head("", "p99 µs", "p99 µs with reloads, median (min–max)", "ratio", "p99.9 µs", "with reloads", "reloads",
                  "ms until in force", "RSS MiB", "most", "errors")]
    for name in names(samples, job.text):
        mine = of(samples, job.text, name)
        at = lambda key: f"{middle(mine, key):.0f}"
        lines.append(row(name, at("quiet_p99"), spread([s["p99"] for s in mine], 0),
                         spread([s["p99"] / s["quiet_p99"] for s in mine], 2), at("quiet_p999"), at("p999"), at("reloads"),
                         at("force"), *(f"{middle(mine, key) / 1024:.1f}" for key in ("rss", "peak")),
                         sum(s["errors"] for s in mine)))
    return "\n".join(lines)


def idle_table(samples, job):
    lines = [head("", "KiB/connection, median (min–max)", "RSS MiB with all of them", "errors")]
    for name in names(samples, job.text):
        mine = of(samples, job.text, name)
        lines.append(row(name, spread([s["kib"] for s in mine], 1), f"{middle(mine, 'rss') / 1024:.1f}",
                         sum(s["errors"] for s in mine)))
    return "\n".join(lines)


def growth_table(samples, job):
    keys = ("start", "first", "middle", "last", "rss")
    lines = [head("RSS MiB", "after start", "after the first bout", "half of them", "all", "a pause", "errors")]
    for name in names(samples, job.text):
        mine = of(samples, job.text, name)
        lines.append(row(name, *(spread([s[key] / 1024 for s in mine], 1) for key in keys), sum(s["errors"] for s in mine)))
    return "\n".join(lines)


def write_csv(samples, path):
    keys = list(dict.fromkeys(key for s in samples for key in s))
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, keys)
        writer.writeheader()
        writer.writerows(samples)


def plot(samples, jobs, path):
    """CPU per request as a share of nginx's, a group of bars for each job. Needs matplotlib."""
    import matplotlib
    matplotlib.use("svg")
    # Letters as text, no date: the file changes only with the figures.
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "compare", "font.family": "sans-serif"})
    from matplotlib import pyplot
    shown = [j for j in jobs if not j.alone and j.kind not in ("paced", "reload") and of(samples, j.text, "nginx")]
    everyone = [n for n in dict.fromkeys(s["name"] for s in samples) if n != "direct"]
    figure, axes = pyplot.subplots(figsize=(1.5 + 1.1 * len(shown), 4))
    width = 0.8 / len(everyone)
    for place, name in enumerate(everyone):
        points = [(x, ratios(of(samples, job.text, name), of(samples, job.text, "nginx"))) for x, job in enumerate(shown)]
        points = [(x + (place - (len(everyone) - 1) / 2) * width, statistics.median(r)) for x, r in points if r]
        axes.bar([x for x, _ in points], [y for _, y in points], width, label=name)
    axes.axhline(1, color="grey", linewidth=0.8)
    axes.set_xticks(range(len(shown)), [j.text for j in shown], rotation=30, ha="right")
    axes.set_ylabel("CPU, nginx = 1")
    axes.legend(frameon=False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
