#!/usr/bin/env python3
"""Certificates from an ACME server that others wrote: acme2certifier, from PyPI, with a CA of openssl's, and a DNS server
that knows every name. All of it, and the gateway on 80 and 443, in a network namespace of its own (root).

  tests/real/acme2certifier.py [--binary target/debug/gateway]

Says what it saw, and exits 1 when that is not what is wanted."""
import argparse
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
PACKAGES = ["acme2certifier==0.46.3"]
INSIDE, LIMIT = "--inside", 40

DNS = """import socket, dns.flags, dns.message, dns.rrset
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 53))
while True:
    data, who = server.recvfrom(4096)
    asked = dns.message.from_wire(data)
    answer = dns.message.make_response(asked)
    answer.flags |= dns.flags.RA | dns.flags.AA
    if asked.question[0].rdtype == 1:
        answer.answer.append(dns.rrset.from_text(asked.question[0].name, 60, "IN", "A", "127.0.0.1"))
    server.sendto(answer.to_wire(), who)
"""
SERVER = """import pathlib, runpy, socketserver, acme2certifier
from wsgiref import simple_server
make = simple_server.make_server
class Server(socketserver.ThreadingMixIn, simple_server.WSGIServer):
    daemon_threads = True
simple_server.make_server = lambda host, port, app, **more: make("127.0.0.1", 14000, app, server_class=Server, **more)
runpy.run_path(str(pathlib.Path(acme2certifier.__file__).parent / "share/acme2certifier_wsgi.py"), run_name="__main__")
"""
CONFIG = """[DEFAULT]
dns_server_list: ["127.0.0.1"]
[CAhandler]
handler_module: acme2certifier.cahandlers.openssl_ca_handler
issuing_ca_key: {folder}/ca.key
issuing_ca_cert: {folder}/ca.pem
issuing_ca_crl: {folder}/crl.pem
cert_save_path: {folder}/certs
cert_validity_days: 90
[DBhandler]
handler: wsgi
dbfile: {folder}/acme.db
[Challenge]
dns_server_list: ["127.0.0.1"]
"""
GATEWAY = """_format_version: "3.0"
plugins:
- name: acme
  config: {account_email: me@example.test, api_uri: "http://127.0.0.1:14000/directory", tos_accepted: true, rsa_key_size: 2048,
           domains: [a.example.test, "*.w.example.test"]}
services:
- {url: "http://127.0.0.1:9", routes: [{paths: [/], protocols: [https], https_redirect_status_code: 301}]}
"""


def python():
    """One that has the packages."""
    venv = TARGET / "acme2certifier-venv"
    if not (venv / "installed").exists():
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        subprocess.run([venv / "bin" / "python", "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
        (venv / "installed").touch()
    return venv / "bin" / "python"


def prepare(folder):
    (folder / "certs").mkdir()
    files = {"names.py": DNS, "serve.py": SERVER, "acme_srv.cfg": CONFIG.format(folder=folder), "gateway.yml": GATEWAY}
    for name, text in files.items():
        (folder / name).write_text(text)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "90", "-subj", "/CN=Other CA",
                    "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
                    "-keyout", folder / "ca.key", "-out", folder / "ca.pem"], check=True, capture_output=True, timeout=30)


def until(what, good):
    end = time.monotonic() + LIMIT
    while not good():
        if time.monotonic() > end:
            raise SystemExit(f"FAIL {what}: not within {LIMIT} s")
        time.sleep(0.2)
    print("ok  ", what, flush=True)


def answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def verified(folder, name):
    """Whether a client that believes the CA is content with the certificate."""
    command = ["openssl", "s_client", "-connect", "127.0.0.1:443", "-servername", name, "-verify_hostname", name,
               "-CAfile", folder / "ca.pem", "-verify_return_error"]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=10).returncode == 0


def inside(program, folder):
    """In the namespace."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    env = {**os.environ, "ACME_SRV_CONFIGFILE": str(folder / "acme_srv.cfg"), "ACME2CERTIFIER_BASE_DIR": str(folder),
           "KONG_PROXY_LISTEN": "127.0.0.1:80, 127.0.0.1:443 ssl", "KONG_PREFIX": str(folder / "prefix")}
    commands = ([python(), "names.py"], [python(), "serve.py"], [program, "run", "--config", "gateway.yml"])
    running = []
    try:
        for command, port in zip(commands, (None, 14000, 443)):
            log = open(folder / f"{len(running)}.log", "wb")
            running.append(subprocess.Popen(command, cwd=folder, env=env, stdout=log, stderr=subprocess.STDOUT))
            if port:
                until(f"port {port} answers", lambda: answers(port))
        until("a.example.test has a certificate", lambda: verified(folder, "a.example.test"))
        until("x.w.example.test has one once somebody asks", lambda: verified(folder, "x.w.example.test"))
        until("the server is asked when to renew", lambda: b"/acme/renewal-info/" in (folder / "1.log").read_bytes())
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(10)
        print((folder / "2.log").read_text())


def main():
    ap = argparse.ArgumentParser(description="The plugin acme, and an ACME server that others wrote.")
    ap.add_argument("--binary", type=pathlib.Path, default=TARGET / "debug" / "gateway")
    ap.add_argument(INSIDE, type=pathlib.Path, help=argparse.SUPPRESS)
    opts = ap.parse_args()
    if opts.inside:
        return inside(opts.binary, opts.inside)
    python()
    with tempfile.TemporaryDirectory(prefix="acme2certifier-") as name:
        prepare(pathlib.Path(name))
        again = [sys.executable, __file__, "--binary", opts.binary.resolve(), INSIDE, name]
        sys.exit(subprocess.run(["unshare", "--net", *map(str, again)], timeout=300).returncode)


if __name__ == "__main__":
    main()
