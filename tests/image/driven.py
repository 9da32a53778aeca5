"""One of the forms of starting, from its start to its end: what a person does with such a container, and sees."""
import re
import threading

from container import until
from seen import ask, contains, expect, serves


def drive(engine, place, make, hardened=False):
    form = make(place.fresh())
    wanted = form.wanted
    if hardened:
        wanted.read_only, wanted.tmpfs = True, form.writable
    container = engine.run(wanted)
    try:
        serves(container, "/rest/v1/todos", form.headers)
        answers(form)
        commands(container, form)
        has_no_rights(container)
        if hardened:
            expect("what can be written", container.exec("touch", "/x", "/var/lib/kong/x", "/home/x").returncode, 1)
        reloads(container, form, place)
        logs(container, form)
        drains(container, form, place)
    except Exception:
        print("\n".join(container.logs()))
        raise
    finally:
        container.remove()


def answers(form):
    status, seen = ask("/rest/v1/todos?select=id", form.headers)
    expect("status", status, 200)
    expect("path upstream", seen["path"], "/todos?select=id")
    expect("what the upstream is told", seen["headers"].get("authorization"), form.token)
    expect("by TLS", ask("/rest/v1/todos", form.headers, 8443, tls=True)[0], 200)
    expect("no route", ask("/nowhere")[0], 401 if "SUPABASE_SECRET_KEY" in form.wanted.env else 404)


def commands(container, form):
    expect("the image's health check", container.health(), 0)
    health = container.exec("kong", "health")
    expect("kong health", (health.returncode, health.stdout.splitlines()[0]), (0, "nginx.......running"))
    contains("kong health", health.stdout, "Kong is healthy at /usr/local/kong")
    expect("kong-health", container.exec("kong-health").returncode, 0)
    parsed = container.exec("kong", "config", "parse", form.file)
    expect("kong config parse", (parsed.returncode, parsed.stdout), (0, "parse successful\n"))
    expect("in a shell", container.exec("sh", "-c", "kong health && awk 'END { print NR }' /etc/passwd").returncode, 0)
    expect("Envoy's health check", container.exec("timeout", "5", "bash", "-c", "</dev/tcp/127.0.0.1/8000").returncode, 0)


def has_no_rights(container, user="1000"):
    status = container.status()
    expect("user", status["Uid"].split()[0], user)
    expect("capabilities", {status[key] for key in ("CapPrm", "CapEff", "CapBnd")}, {"0" * 16})
    expect("no_new_privs", status["NoNewPrivs"].strip(), "1")


def reloads(container, form, place):
    """A route more, first by `kong reload`, then by SIGHUP."""
    expect("before", ask("/new")[0] in (401, 404), True)
    add_route(container, form, place, "new")
    reloaded = container.exec("kong", "reload")
    expect("kong reload", (reloaded.returncode, reloaded.stdout), (0, "Kong reloaded\n"))
    serves(container, "/new")
    until("the log says so", lambda: "added service `new`" in container.logs()[1])
    if is_first(container):
        add_route(container, form, place, "newer")
        container.kill("HUP")
        serves(container, "/newer")


def add_route(container, form, place, name):
    route = f"  - {{name: {name}, url: 'http://rest:3000/{name}', routes: [{{name: {name}, paths: [/{name}]}}]}}"
    if form.file.startswith("/var/lib/"):
        text = place.last / "kong.yml"
        text.write_text(text.read_text().replace("services:\n", f"services:\n{route}\n"))
    else:
        done = container.exec("sh", "-c", f'sed -i "s|^services:.*|&\\n{route}|" {form.file}')
        expect("the file is changed", (done.returncode, done.stderr), (0, ""))


def is_first(container):
    """Whether signals to the container reach the gateway. Where a shell is the first process, they do not, as with Kong."""
    return container.exec("readlink", "/proc/1/exe").stdout.strip().endswith("/gateway")


def logs(container, form):
    until("access lines", lambda: "/rest/v1/todos" in container.logs()[0])
    line = r'^127\.0\.0\.1 - - \[\d+/\w+/\d+:[\d:]+ \+0000\] "GET /rest/v1/todos HTTP/1\.1" 200 \d+ "-" "-"$'
    if not re.search(line, container.logs()[0], re.M):
        raise AssertionError(f"no such line: {container.logs()[0]}")
    contains("standard error", container.logs()[1], form.says)


def drains(container, form, place):
    """SIGQUIT, or `kong quit`, while a request is under way: it ends as it should, then the container does."""
    place.rest.asked.clear()
    got = []
    client = threading.Thread(target=lambda: got.append(ask("/rest/v1/slow/one", form.headers)))
    client.start()
    expect("the request has arrived", place.rest.asked.wait(10), True)
    if is_first(container):
        container.kill("QUIT")
    else:
        container.exec("kong", "quit")      # it ends with the container
    expect("exit code", container.wait(), 0)
    client.join(10)
    expect("the request that was under way", [status for status, _ in got], [200])
    expect("afterwards", ask("/rest/v1/todos", form.headers), (None, None))
