#!/usr/bin/env python3
"""What testssl.sh finds at the gateway's TLS listener. Needs Debian's testssl.sh and openssl; takes some two minutes, so
it is no part of scripts/test.

  tests/real/testssl.py [--binary target/release/gateway] [--rsa] [--full REPORT.txt]

A line for each finding that is not just good, or neutral; exit 1 when one is not among EXPECTED.
"""
import argparse
import collections
import json
import pathlib
import subprocess
import sys

from authority import Authority
from stack import Stack, free_port

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
LIMIT = 600
# What the certificate of a test costs, and what is no matter of TLS.
EXPECTED = {
    "engine_problem": "of the openssl that testssl.sh runs",
    "cert_revocation": "the test's authority revokes nothing",
}
CONFIG = """
_format_version: "3.0"
plugins:
- {name: security-headers, config: {preset: strict}}
routes:
- name: all
  paths: [/]
  plugins:
  - {name: request-termination, config: {status_code: 200, message: ok}}
"""


def arguments():
    ap = argparse.ArgumentParser(description="Runs testssl.sh against the gateway.")
    ap.add_argument("--binary", type=pathlib.Path, help="default: the release build, made first")
    ap.add_argument("--rsa", action="store_true", help="an RSA key instead of ECDSA P-256")
    ap.add_argument("--full", type=pathlib.Path, help="where testssl.sh's own report goes")
    return ap.parse_args()


def binary(opts):
    if opts.binary:
        return opts.binary.resolve()
    subprocess.run(["cargo", "build", "--quiet", "--release", "--bin", "gateway"], cwd=ROOT, check=True)
    return ROOT / "target" / "release" / "gateway"


def gateway(stack, program, authority, rsa):
    """Starts it; its port."""
    port, config = free_port(), stack.folder / "gateway.yml"
    config.write_text(CONFIG)
    cert, key = authority.certificate("localhost", "localhost", rsa=rsa)
    settings = {"KONG_DATABASE": "off", "KONG_ADMIN_LISTEN": "off", "KONG_PROXY_LISTEN": f"127.0.0.1:{port} ssl http2",
                "KONG_SSL_CERT": str(cert), "KONG_SSL_CERT_KEY": str(key)}
    stack.start("gateway", [program, "run", "--config", config], port, settings)
    return port


def findings(stack, authority, port):
    """All that testssl.sh finds, and its report."""
    out = stack.folder / "findings.json"
    done = subprocess.run(["testssl", "--warnings", "off", "--color", "0", "--quiet", "--nodns", "none", "--add-ca", authority.ca,
                           "--jsonfile", out, f"localhost:{port}"],
                          cwd=stack.folder, capture_output=True, text=True, timeout=LIMIT)
    return json.loads(out.read_text()), done.stdout


def main():
    opts = arguments()
    with Stack() as stack:
        authority = Authority(stack.folder / "authority")
        port = gateway(stack, binary(opts), authority, opts.rsa)
        found, report = findings(stack, authority, port)
    if opts.full:
        opts.full.write_text(report)
    count = collections.Counter(one["severity"] for one in found)
    print(", ".join(f"{number} {severity}" for severity, number in count.most_common()))
    worse = [one for one in found if one["severity"] not in ("OK", "INFO")]
    for one in worse:
        print(f"  {one['severity']:<8} {one['id']}: {one['finding']}  ({EXPECTED.get(one['id'], 'NOT EXPECTED')})")
    sys.exit(any(one["id"] not in EXPECTED for one in worse))


if __name__ == "__main__":
    main()
