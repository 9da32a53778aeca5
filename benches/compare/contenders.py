"""The upstream, and those that proxy to it, each with the same job: nginx, haproxy, builds of the gateway, and nobody.
Besides, with no job at all: the floor, which is what the kernel costs."""
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

from process import pinned

HERE = pathlib.Path(__file__).resolve().parent
PROXY_CORE, LOAD_CORE = 0, 1
# As long as a service key is.
BEARER = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9." + "bWFkZS11cA" * 12 + "." + "c2lnbmF0dXJl" * 4
# What a browser's client library sends.
HEADERS = ["Authorization: Bearer " + BEARER[::-1], "apikey: " + BEARER[::-1], "Accept: application/json",
           "Accept-Profile: public", "Accept-Encoding: gzip", "User-Agent: compare/1", "X-Client-Info: compare"]
KEYS = {"ecdsa": ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"], "rsa": ["rsa:2048"]}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port, process, name, limit):
    end = time.monotonic() + limit
    while time.monotonic() < end and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    sys.exit(f"{name} does not listen")


def certificate(cert, key, kind):
    """A certificate for localhost that its own signer's key vouches for, and that is no authority's."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", *KEYS[kind], "-nodes", "-keyout", key, "-out", cert, "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "basicConstraints=critical,CA:FALSE",
                    "-addext", "subjectAltName=DNS:localhost"], check=True, stderr=subprocess.DEVNULL)


class Contender:
    """A program that does the job, and where. `direct` is the upstream itself: no process of its own, and no job. `renew`
    writes its configuration anew, with another bearer."""

    def __init__(self, name, process, port, tls=None, prefix="/rest/v1", renew=None):
        self.name, self.process, self.port, self.tls, self.prefix = name, process, port, tls, prefix
        self.renew = renew

    @property
    def does_job(self):
        return self.name not in ("direct", "floor")


class Bench:
    """The upstream and the contenders, all running; ended at the end."""

    def __init__(self, key="ecdsa", routes=0, logs=True):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="compare-"))
        self.folder.chmod(0o755)
        self.key_kind, self.routes, self.logs = key, routes, logs
        self.processes, self.contenders, self.upstream = [], [], free_port()

    def __enter__(self):
        self.run("upstream", pinned(LOAD_CORE, self.compiled("upstream"), self.upstream), self.upstream)
        self.cert, self.key = self.folder / "cert.pem", self.folder / "key.pem"
        certificate(self.cert, self.key, self.key_kind)
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, name, command, port, env=None, limit=15):
        output = open(self.folder / f"{name}.access", "wb") if self.logs else subprocess.DEVNULL
        process = subprocess.Popen(command, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL,
                                   stdout=output, stderr=open(self.folder / f"{name}.log", "wb"))
        self.processes.append(process)
        wait_for(port, process, name, limit)
        return process

    def compiled(self, name):
        program = self.folder / name
        subprocess.run(["cc", "-O2", "-o", program, HERE / f"{name}.c"], check=True)
        return program

    def filled(self, template, into, **values):
        """A copy of a configuration with its places filled in, there at once as a whole."""
        text = (HERE / template).read_text()
        for key, value in values.items():
            text = text.replace(f"@{key.upper()}@", str(value))
        path, new = self.folder / into, self.folder / f"{into}.new"
        new.write_text(text)
        return new.replace(path)

    def add_direct(self):
        self.contenders.append(Contender("direct", None, self.upstream, prefix=""))

    def add_nginx(self, name="nginx", buffering="on"):
        port, tls = free_port(), free_port()
        log = f"{self.folder}/{name}.access combined" if self.logs else "off"
        more = "".join(f"    location /r{n}/ {{ return 204; }}\n" for n in range(self.routes))
        renew = lambda bearer: self.filled(
            "nginx.conf", f"{name}.conf", folder=self.folder, name=name, port=port, tls=tls, cert=self.cert, key=self.key,
            upstream=self.upstream, bearer=bearer, log=log, buffering=buffering, more=more)
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        process = self.run(name, pinned(PROXY_CORE, program, "-e", "stderr", "-c", renew(BEARER)), port)
        self.contenders.append(Contender(name, process, port, tls, renew=renew))

    def add_haproxy(self):
        port, tls = free_port(), free_port()
        pem = self.folder / "both.pem"
        pem.write_text(self.cert.read_text() + self.key.read_text())
        log = ("log stdout format raw local0", "log global\n  option httplog") if self.logs else ("", "")
        config = self.filled("haproxy.cfg", "haproxy.cfg", port=port, tls=tls, pem=pem, upstream=self.upstream,
                             bearer=BEARER, log=log[0], log_format=log[1])
        program = shutil.which("haproxy") or "/usr/sbin/haproxy"
        process = self.run("haproxy", pinned(PROXY_CORE, program, "-f", config, "-db"), port)
        self.contenders.append(Contender("haproxy", process, port, tls))

    def add_gateway(self, name, program):
        port, tls = free_port(), free_port()
        more = "".join(f"  - {{name: r{n}, paths: [/r{n}/]}}\n" for n in range(self.routes))
        renew = lambda bearer: self.filled("kong.yml", f"{name}.yml", upstream=self.upstream, bearer=bearer, more=more)
        env = {"KONG_PROXY_LISTEN": f"127.0.0.1:{port}, 127.0.0.1:{tls} ssl http2", "KONG_ADMIN_LISTEN": "off",
               "KONG_SSL_CERT": str(self.cert), "KONG_SSL_CERT_KEY": str(self.key), "KONG_DATABASE": "off",
               "KONG_NGINX_WORKER_PROCESSES": "1", "KONG_PREFIX": str(self.folder),
               "KONG_PROXY_ACCESS_LOG": f"{self.folder}/{name}.access" if self.logs else "off",
               # nginx is told the same.
               "KONG_UPSTREAM_KEEPALIVE_MAX_REQUESTS": "100000000"}
        process = self.run(name, pinned(PROXY_CORE, program, "run", "--config", renew(BEARER)), port, env)
        self.contenders.append(Contender(name, process, port, tls, renew=renew))

    def add_floor(self):
        """Its upstream gets as much as it gets from the first contender."""
        port, fields = free_port(), self.folder / "floor.fields"
        _, seen = asked(self.contenders[0].port)
        fields.write_text(seen.partition("\r\n")[2], newline="")
        process = self.run("floor", pinned(PROXY_CORE, self.compiled("floor"), port, self.upstream, fields), port)
        self.contenders.append(Contender("floor", process, port, prefix=""))

    def check_jobs(self):
        for contender in self.contenders:
            if contender.does_job:
                check_job(contender.name, contender.port, self.upstream)


def asked(port):
    """One request: the answer's head, and the request's head as the upstream got it."""
    request = "GET /rest/v1/echo?x=1 HTTP/1.1\r\nHost: api.test\r\nX-Real-IP: 6.6.6.6\r\nConnection: close\r\n"
    with socket.create_connection(("127.0.0.1", port), 10) as peer:
        peer.sendall((request + "".join(h + "\r\n" for h in HEADERS) + "\r\n").encode())
        answer = b"".join(iter(lambda: peer.recv(65536), b"")).decode()
    head, _, seen = answer.partition("\r\n\r\n")
    return head, seen


def check_job(name, port, upstream):
    """Fails when a contender does less than the others."""
    # In lower case throughout: the names of headers are compared, and no value here depends on case.
    head, seen = (text.lower() for text in asked(port))
    wanted = ["get /echo?x=1 http/1.1", f"host: 127.0.0.1:{upstream}", "authorization: bearer " + BEARER.lower(),
              "x-forwarded-for: 127.0.0.1", "x-forwarded-proto: http", "x-forwarded-host: api.test",
              f"x-forwarded-port: {port}", "x-forwarded-path: /rest/v1/echo", "x-forwarded-prefix: /rest/v1/",
              "x-real-ip: 127.0.0.1"]
    missing = [w for w in wanted if seen.split("\r\n").count(w) != 1]
    missing += [w for w in ("access-control-allow-origin: *", "via: ") if "\r\n" + w not in head]
    if missing or seen.count("\r\nauthorization:") != 1:
        sys.exit(f"{name} does not do the job: {missing}\n{head}\n{seen}")
