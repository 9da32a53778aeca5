#!/usr/bin/env python3
"""Replays tests/golden/admin/admin-api.yaml, recorded from Kong 2.8.1 without a database, against the Admin API.

  tests/golden/admin.py BINARY [-v]

Statuses, and bodies as JSON, and the document in `GET /config` as YAML: lists of entities in any order (Kong's is that of
its hashes), times and version-4 ids left out, of headers only Content-Type, Allow and Access-Control-Allow-Methods. `admin/differs.txt` lists each case that
differs, with the reason; one that differs and is not listed fails the run, and so does one that is listed and does not
differ. Last line: what was counted.
"""
import http.client
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time

import yaml

from tally import Tally

FOLDER = pathlib.Path(__file__).resolve().parent / "admin"
COMPARED = ("content-type", "allow", "access-control-allow-methods")
VOLATILE = ("created_at", "updated_at", "node_id")
RANDOM = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}|<uuid4>")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(binary, config, folder):
    """The gateway with an admin listener, once that answers; the process and the port."""
    path, port = pathlib.Path(folder) / "kong.yml", free_port()
    path.write_text(config)
    env = {key: value for key, value in os.environ.items() if not key.startswith("KONG_")}
    env |= {"KONG_ADMIN_LISTEN": f"127.0.0.1:{port}", "KONG_ADMIN_SHOW_SECRETS": "on",
            "KONG_PROXY_LISTEN": f"127.0.0.1:{free_port()}", "KONG_PROXY_ACCESS_LOG": "off"}
    process = subprocess.Popen([binary, "run", "--config", str(path)], env=env)
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return process, port
        except OSError:
            time.sleep(0.05)
    process.kill()
    sys.exit("the gateway does not listen")


def ask(port, request):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    body = request["body"]
    connection.request(request["method"], request["target"], body.encode() if body is not None else None,
                       dict(request["headers"]))
    answer = connection.getresponse()
    return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read().decode()


def settled(value):
    """A document without what differs from run to run."""
    if isinstance(value, dict):
        return {k: settled(v) for k, v in value.items() if k not in VOLATILE and not is_random(v)}
    if isinstance(value, list):
        return sorted((settled(v) for v in value), key=lambda v: json.dumps(v, sort_keys=True))
    return value


def unparsed(text):
    """A message of a YAML parser's ends where its own words begin, as in replay.py."""
    return re.sub(r"(failed parsing declarative configuration: )\d[^\"\\}]*", r"\1", text)


def is_random(value):
    return isinstance(value, str) and RANDOM.fullmatch(value)


def document(text):
    try:
        value = json.loads(unparsed(text))
    except ValueError:
        return text
    if isinstance(value, dict) and isinstance(value.get("config"), str):
        value["config"] = yaml.safe_load(value["config"])
    return settled(value)


def differences(want, got):
    status, headers, body = got
    found = [] if status == want["status"] else [f"status {status}, not {want['status']}"]
    recorded = {k.lower(): v for k, v in want["headers"]}
    found += [f"{name}: {headers.get(name)}, not {recorded[name]}" for name in COMPARED
              if name in recorded and headers.get(name) != recorded[name]]
    if document(want["body"] or "") != document(body):
        found.append(f"body {body[:600]}\n      not {(want['body'] or '')[:600]}")
    return found


def main():
    recording = yaml.safe_load((FOLDER / "admin-api.yaml").read_text())
    tally = Tally(FOLDER / "differs.txt")
    with tempfile.TemporaryDirectory() as folder:
        process, port = start(sys.argv[1], recording["config"], folder)
        try:
            for case in recording["cases"]:
                tally.add(case["name"], differences(case["response"], ask(port, case["request"])))
        finally:
            process.kill()
            process.wait()
    tally.end()


if __name__ == "__main__":
    main()
