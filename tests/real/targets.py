"""Three nginx behind one upstream, which are killed, ended and started again under load: no request fails, the health that
is told follows, and a reload in between forgets nothing."""
import http.client
import itertools
import json
import shutil
import signal
import threading
import time

from stack import free_port

ROUNDS = 6
SOON = 10.0
CLIENTS = 6


class Nginx:
    """One target: it answers with its name."""

    def __init__(self, stack, name):
        self.stack, self.name, self.port = stack, name, free_port()
        self.home = stack.folder / f"target-{name}"
        self.home.mkdir()
        kinds = "client_body", "proxy", "fastcgi", "uwsgi", "scgi"
        temporary = "".join(f"{kind}_temp_path {self.home}/{kind};" for kind in kinds)
        (self.home / "nginx.conf").write_text(
            f"daemon off; master_process off; pid {self.home}/pid; error_log stderr; events {{}}\n"
            f"http {{ {temporary} access_log off;\n"
            f"server {{ listen 127.0.0.1:{self.port}; location / {{ return 200 {name}; }} }} }}\n")
        self.start()

    def start(self):
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        command = [program, "-e", "stderr", "-c", self.home / "nginx.conf"]
        self.process = self.stack.start(f"target-{self.name}", command, self.port)

    def end(self, number):
        self.process.send_signal(number)
        self.process.wait(SOON)


class Clients:
    """Threads that ask one port over connections of their own until the end of the `with` block."""

    def __init__(self, port):
        self.port, self.stopped, self.lock = port, threading.Event(), threading.Lock()
        self.answers, self.failures = {}, []
        self.threads = [threading.Thread(target=self.work) for _ in range(CLIENTS)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        for thread in self.threads:
            thread.join(SOON)
        self.failures += [f"{thread.name} hangs" for thread in self.threads if thread.is_alive()]

    def work(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SOON)
        while not self.stopped.wait(0.002):
            try:
                connection.request("GET", "/")
                answer = connection.getresponse()
                self.note(answer.status, answer.read().decode())
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(f"{type(error).__name__}: {error}")
                connection.close()

    def note(self, status, body):
        with self.lock:
            self.answers[body] = self.answers.get(body, 0) + 1
            if status != 200:
                self.failures.append(f"status {status}: {body}")

    def count(self, name):
        return self.answers.get(name, 0)


def configuration(targets, comment):
    listed = ", ".join(f"{{target: '127.0.0.1:{target.port}'}}" for target in targets)
    return f"""# {comment}
_format_version: "3.0"
upstreams:
- name: pool
  targets: [{listed}]
  healthchecks:
    passive: {{unhealthy: {{tcp_failures: 1}}}}
    active:
      healthy: {{interval: 0.3, successes: 1}}
      unhealthy: {{interval: 0.3, tcp_failures: 1, timeouts: 1, http_failures: 1}}
services:
- {{name: all, host: pool, retries: 3, routes: [{{name: all, paths: [/]}}]}}
"""


def told(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SOON)
    connection.request("GET", path)
    return connection.getresponse().read().decode()


def health(port, target):
    all_ = json.loads(told(port, "/upstreams/pool/health"))["data"]
    return next(one["health"] for one in all_ if one["data"]["port"] == target.port)


def reloads(port):
    lines = told(port, "/metrics").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith('gateway_config_reloads_total{result="success"}'))


def until(what, condition):
    end = time.monotonic() + SOON
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not within {SOON} s: {what}")
        time.sleep(0.02)


def targets_come_and_go(place):
    stack = place.stack
    targets = [Nginx(stack, name) for name in ("one", "two", "three")]
    port, status, path = free_port(), free_port(), stack.folder / "targets.yml"
    path.write_text(configuration(targets, "first"))
    settings = {"KONG_PROXY_LISTEN": f"127.0.0.1:{port}", "KONG_STATUS_LISTEN": f"127.0.0.1:{status}",
                "KONG_ADMIN_LISTEN": "off", "KONG_PROXY_ACCESS_LOG": "off"}
    gateway = stack.start("targets", [place.program, "run", "--config", path], port, settings)
    with Clients(port) as clients:
        for round_, target in zip(range(ROUNDS), itertools.cycle(targets)):
            target.end((signal.SIGKILL, signal.SIGQUIT)[round_ % 2])
            until(f"{target.name} is unhealthy", lambda: health(status, target) == "UNHEALTHY")
            path.write_text(configuration(targets, f"round {round_}"))
            gateway.send_signal(signal.SIGHUP)
            until("it is read again", lambda: reloads(status) > round_)
            time.sleep(0.3)
            assert health(status, target) == "UNHEALTHY", "forgotten at a reload"
            before = clients.count(target.name)
            target.start()
            until(f"{target.name} gets requests again", lambda: clients.count(target.name) > before + 10)
    stack.end(gateway)
    if clients.failures:
        raise AssertionError(f"{len(clients.failures)} failed: {clients.failures[:3]}\n{stack.log('targets')}")
    return f"{sum(clients.answers.values())} requests, {ROUNDS} times a target went, none failed"


ALL = [targets_come_and_go]
