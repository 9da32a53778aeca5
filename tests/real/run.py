#!/usr/bin/env python3
"""The gateway between real programs: curl, httpx, websockets, MCP clients and Chromium on one side; PostgreSQL behind a
REST server, FastAPI on uvicorn, MCP servers, nginx and Vite on the other; nginx beside it (edge.py); certificates that
change (renew.py), and that are ordered (acme.py); targets that go and come back (targets.py); Supabase's clients and a
stack like theirs (supabase_stack.py). Needs Debian's postgresql, nginx-light, curl, openssl, apache2-utils, chromium,
nodejs and npm; packages of Python and Node go into folders under target/.

  tests/real/run.py [--binary target/release/gateway] [CHECK ...]      checks by a part of their names

A line for each check, then `N passed, M failed`; exit 1 when M > 0. Ends by itself after seven minutes.
"""
import argparse
import os
import pathlib
import signal
import ssl
import subprocess
import sys
import time
import types

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
LIMIT = 420
KEY = "service-role-key-of-the-real-test"


def arguments():
    ap = argparse.ArgumentParser(description="Runs the gateway between real programs.")
    ap.add_argument("--binary", type=pathlib.Path, help="default: the release build, made first")
    ap.add_argument("checks", nargs="*", help="parts of names of checks")
    return ap.parse_args()


def enter_environment():
    """Goes on in a virtual environment that has the packages of requirements.txt."""
    venv, wanted = TARGET / "real-venv", (HERE / "requirements.txt").read_text()
    python, stamp = venv / "bin" / "python", venv / "installed.txt"
    if not stamp.exists() or stamp.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r",
                        HERE / "requirements.txt"], check=True)
        stamp.write_text(wanted)
    if pathlib.Path(sys.prefix).resolve() != venv.resolve():
        os.execv(python, [str(python), *sys.argv])


def binary(opts):
    if opts.binary:
        return opts.binary.resolve()
    subprocess.run(["cargo", "build", "--quiet", "--release", "--bin", "gateway"], cwd=ROOT, check=True)
    return TARGET / "release" / "gateway"


def upstreams(stack):
    """Starts them; the environment that gateway.yml needs."""
    from browser import page, password_file
    from checks import prepare_database
    from stack import free_port, nginx, postgres
    database = postgres(stack)
    prepare_database(database)
    ports = {name: free_port() for name in ("mcp", "sse", "bulk")}
    stack.python("mcp", "mcp_server.py", "streamable-http", str(ports["mcp"]), port=ports["mcp"])
    stack.python("mcp-sse", "mcp_server.py", "sse", str(ports["sse"]), port=ports["sse"])
    stack.python("bulk", "bulk.py", str(ports["bulk"]), port=ports["bulk"])
    url = "http://127.0.0.1:{}".format
    return {"REST_URL": stack.uvicorn("rest", "rest", {"DATABASE": database, "SERVICE_KEY": KEY}),
            "ARCHON_URL": stack.uvicorn("archon", "archon"), "FILES_URL": nginx(stack), "SERVICE_KEY": KEY, "DATABASE": database,
            "MCP_URL": url(ports["mcp"]), "MCP_SSE_URL": url(ports["sse"]), "BULK_URL": url(ports["bulk"]),
            "PAGE_URL": page(stack, TARGET / "real-browser"), "HTPASSWD": str(password_file(stack.folder))}


def gateway(stack, program, env):
    """Starts it; what checks need to know of it."""
    from authority import Authority
    from stack import free_port
    clear, h2, tls = free_port(), free_port(), free_port()
    listen = f"127.0.0.1:{clear}, 127.0.0.1:{h2} http2, 127.0.0.1:{tls} ssl http2"
    authority = Authority(stack.folder / "authority")
    own, ui = authority.certificate("localhost", "localhost"), authority.certificate("ui", "ui.test", "locked.test")
    settings = {**env, "KONG_DATABASE": "off", "KONG_ADMIN_LISTEN": "off", "KONG_PROXY_LISTEN": listen,
                "KONG_SSL_CERT": str(own[0]), "KONG_SSL_CERT_KEY": str(own[1]),
                "UI_CERT": ui[0].read_text(), "UI_KEY": ui[1].read_text()}
    process = stack.start("gateway", [program, "run", "--config", HERE / "gateway.yml"], clear, settings)
    return types.SimpleNamespace(pid=process.pid, url=f"http://127.0.0.1:{clear}", h2_url=f"http://127.0.0.1:{h2}",
                                 tls_url=f"https://localhost:{tls}", no_verify=unverified(),
                                 stack=stack, program=program, root=ROOT, page=TARGET / "real-browser", tls_port=tls,
                                 authority=authority, ui_cert=ui[0], packages=TARGET / "real-supabase",
                                 database=env["DATABASE"])


def unverified():
    """For checks in which the certificate is no matter."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def big_file(stack):
    from apps import bulk
    from checks import GIB
    path, block = stack.folder / "big", bulk.block()
    with open(path, "wb") as out:
        for _ in range(GIB // bulk.SIZE):
            out.write(block)
    return path


def run(check, place):
    """Whether it passed; says so."""
    name, start = check.__name__.replace("_", " "), time.monotonic()
    try:
        note, good = check(place) or "", True
    except Exception as error:                  # any failure of a check is its result
        note, good = f"{type(error).__name__}: {error}", False
    print(f"{'ok  ' if good else 'FAIL'} {name:<22} {time.monotonic() - start:6.2f} s  {note}", flush=True)
    return good


def main():
    opts = arguments()
    enter_environment()
    program = binary(opts)
    import acme
    import browser
    import checks
    import edge
    import passwords
    import renew
    import supabase_clients
    import supabase_routes
    import targets
    import tls
    import tokens
    from stack import Stack
    known = checks.ALL + tls.ALL + passwords.ALL + browser.ALL + edge.ALL + renew.ALL + tokens.ALL
    known += supabase_clients.ALL + supabase_routes.ALL + targets.ALL + acme.ALL
    chosen = [c for c in known if not opts.checks or any(part in c.__name__ for part in opts.checks)]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended from outside"))
    signal.signal(signal.SIGALRM, lambda *_: sys.exit(f"not done after {LIMIT} s"))
    signal.alarm(LIMIT)
    with Stack() as stack:
        place = gateway(stack, program, upstreams(stack))
        place.big_file = big_file(stack) if any(c.__name__.startswith("bulk_upload") for c in chosen) else None
        results = [run(check, place) for check in chosen]
        if not all(results):
            print("--- gateway ---\n" + stack.log("gateway"))
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    sys.exit(0 if results and all(results) else 1)


if __name__ == "__main__":
    main()
