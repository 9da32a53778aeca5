"""A real nginx with nginx/seed.conf, and beside it the gateway with what it makes of that file: both are asked the same
(edge_cases.py), and answers and what the upstream saw are compared. nginx/differences.txt names every difference."""
import collections
import functools
import pathlib
import re
import shutil
import ssl
import subprocess
import typing

import edge_cases
from apps.echo import Echo
from authority import Authority
from dial import NONE, Http2, connect, http1
from stack import free_port

HERE = pathlib.Path(__file__).resolve().parent / "nginx"
SEED, DIFFERENCES = HERE / "seed.conf", HERE / "differences.txt"
DOCUMENT = HERE.parent.parent.parent / "docs" / "migrating-from-nginx.md"
ROLES = {"server": 8181, "mcp": 8051, "ui": 3737, "kong": 54321, "studio": 54323}
DOWN = 9999
HIDDEN = {"date", "connection", "keep-alive", "transfer-encoding"}
KEPT = {"connection", "keep-alive"}           # between a proxy and its upstream, and nobody else's business


class Edge(typing.NamedTuple):
    """One of the two."""
    name: str
    clear: int
    tls: int


class Beside(typing.NamedTuple):
    """Both, in front of the same upstreams."""
    edges: list
    echo: Echo
    certificates: dict


# === Start ===

def render(text, folder, clear, tls, ports):
    """The configuration with this test's ports and paths in place of a host's."""
    swaps = {"listen 80;": f"listen 127.0.0.1:{clear};", "listen 443 ": f"listen 127.0.0.1:{tls} ",
             "/run/nginx.pid": f"{folder}/nginx.pid", "/var/log/nginx/": f"{folder}/log/",
             "/etc/letsencrypt/live/": f"{folder}/live/", "/etc/nginx/htpasswd": f"{folder}/htpasswd",
             "10.0.0.0/8": "127.9.0.0/16", "proxy_read_timeout 300s": "proxy_read_timeout 1s"}
    swaps |= {f"127.0.0.1:{port}": f"127.0.0.1:{ports[role]}" for role, port in (ROLES | {"down": DOWN}).items()}
    missing = [old for old in swaps if old not in text]
    assert not missing, f"{SEED.name} has no {missing}"
    return re.sub("|".join(map(re.escape, swaps)), lambda found: swaps[found[0]], text)


def start(place):
    """Upstreams, certificates, nginx, and the gateway."""
    folder = place.stack.folder / "edge"
    (folder / "log").mkdir(parents=True)
    shutil.copy(HERE / "htpasswd", folder)       # where nginx's workers may read it
    echo = Echo(*ROLES)
    place.stack.endings.append(echo.close)
    ports = echo.ports | {"down": free_port()}
    certificates = issue(Authority(folder / "authority"), folder / "live")
    edges = [starter(place, folder, free_port(), free_port(), ports) for starter in (start_nginx, start_gateway)]
    return Beside(edges, echo, certificates)


def issue(authority, live):
    """certbot's folders; which name a certificate is for."""
    found = {}
    for name in (edge_cases.APP, edge_cases.STUDIO):
        cert, key = authority.certificate(name, name)
        found[ssl.PEM_cert_to_DER_cert(cert.read_text())] = name
        (live / name).mkdir(parents=True)
        cert.rename(live / name / "fullchain.pem")
        key.rename(live / name / "privkey.pem")
    return found


def start_nginx(place, folder, clear, tls, ports):
    kinds = "client_body", "proxy", "fastcgi", "uwsgi", "scgi"
    folders = "".join(f" {kind}_temp_path {folder}/{kind};" for kind in kinds)
    text = render(SEED.read_text(), folder, clear, tls, ports).replace("http {", "http {" + folders, 1)
    (folder / "nginx.conf").write_text(text)
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    place.stack.start("edge-nginx", [program, "-e", "stderr", "-c", folder / "nginx.conf", "-g", "daemon off;"], tls)
    return Edge("nginx", clear, tls)


def start_gateway(place, folder, clear, tls, ports):
    (folder / "import.conf").write_text(render(SEED.read_text(), folder, clear, tls, ports))
    command = [place.program, "import", "nginx", folder / "import.conf", "-o", folder / "gateway.yml"]
    done = subprocess.run(command, timeout=20, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"the import failed: {done.stderr}")
    run = [place.program, "run", "--config", folder / "gateway.yml"]
    place.stack.start("edge-gateway", run, tls, {"KONG_PROXY_ACCESS_LOG": "off"})
    return Edge("gateway", clear, tls)


# === Ask ===

def observe(beside, edge, case, mark, peer):
    """What one edge did with a case, as names and values."""
    answers, certificate = ask(beside, edge, case, mark, peer)
    answer = answers[0]
    tally = collections.Counter(str(a.status or "closed") for a in answers)
    seen = {"certificate": certificate, "status": " ".join(
        name if count == 1 else f"{name}x{count}" for name, count in sorted(tally.items()))}
    if case.times == 1:
        seen |= downstream(answer) | upstream(beside.echo.seen.get(mark))
    return {name: str(value).replace(str(edge.tls), "PORT") for name, value in seen.items() if value is not None}


def downstream(answer):
    """What the client got. An answer's headers carry its status in their names where that decides which it may have:
    errors of the edge itself, and 101."""
    body = {b"": "none", b"seen\n": "the upstream's", b"\x81\x05hello": "echoed"}.get(answer.body, "the edge's own")
    hidden = HIDDEN | ({"content-length"} if body == "the edge's own" else set())
    telling = answer.status == 101 or (answer.status or 0) >= 400 and body != "the upstream's"
    suffix = f" of {answer.status}" if telling else ""
    return {"body": body} | {name + suffix: answer.field(name) for name, _ in answer.fields if name not in hidden}


def ask(beside, edge, case, mark, peer):
    """The answers, and the name of the certificate shown."""
    tls = case.port == "tls"
    with connect(edge.clear if case.port == "clear" else edge.tls, peer, unverified() if tls else None,
                 case.server_name(), ["h2" if case.version == "2" else "http/1.1"] if tls else ()) as sock:
        der = sock.getpeercert(True) if tls else None
        return exchange(sock, case, mark), der and beside.certificates.get(der, "another")


def exchange(sock, case, mark):
    try:
        if case.version == "2":
            return Http2(sock).ask([case.http2(mark)] * case.times)
        answers = http1(sock, [case.http1(mark)] * case.times, range(case.times) if case.method == "HEAD" else ())
        return [echo_frame(sock, answers[0])] if case.web_socket else answers
    except (OSError, ssl.SSLError):
        return [NONE] * case.times


def echo_frame(sock, answer):
    """After 101: a message there and back, then a close."""
    if answer.status == 101:
        sock.sendall(b"\x81\x85\0\0\0\0hello")
        answer = answer._replace(body=sock.recv(7))
        sock.sendall(b"\x88\x80\0\0\0\0")
    return answer


def upstream(seen):
    if seen is None:
        return {}
    method, target, version = seen["line"].split(" ", 2)
    view = {"to": seen["role"], "to method": method, "to target": target, "to version": version,
            "to size": seen["size"], "to digest": seen["sha1"], "to times": seen["times"]}
    for name, value in seen["fields"]:
        if name not in KEPT | {"x-case"}:
            view["to " + name] = view["to " + name] + " & " + value if "to " + name in view else value
    return view


@functools.cache
def unverified():
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


# === Compare ===

class Difference(typing.NamedTuple):
    case: str
    field: str
    nginx: str
    gateway: str

    def line(self):
        return " | ".join(self)


class Listed(typing.NamedTuple):
    """A line of differences.txt: `*` stands for anything, `-` for nothing."""
    line: str
    reason: str

    def covers(self, difference):
        return all(re.fullmatch(re.escape(pattern.strip()).replace(r"\*", ".*"), value, re.S)
                   for pattern, value in zip(self.line.split(" | "), difference))


def differences(beside):
    """Of all cases. Each comes from an address of its own, so that no limit counts two together."""
    found = []
    for number, case in enumerate(edge_cases.every(), 1):
        peer = case.peer or f"127.8.{number >> 8}.{number & 255}"
        found += compare(case, *(observe(beside, edge, case, f"{edge.name}-{number}", peer) for edge in beside.edges))
    return found


def compare(case, nginx, gateway):
    """Where only one side asked its upstream, that alone counts, not each header."""
    both = "to" in nginx and "to" in gateway
    fields = [field for field in sorted(nginx | gateway) if both or not field.startswith("to ")]
    return [Difference(case.name, field, nginx.get(field, "-"), gateway.get(field, "-"))
            for field in fields if nginx.get(field) != gateway.get(field)]


def listed():
    """What differences.txt holds below its first line: a comment is the reason of the lines that follow it."""
    lines, reason = [], ""
    for line in DIFFERENCES.read_text("utf-8").splitlines():
        if line.startswith("# "):
            reason = line[2:]
        elif line.strip() and reason:
            lines.append(Listed(line, reason))
    return lines


def beside_nginx(place):
    beside = start(place)
    found, known = differences(beside), listed()
    unlisted = [difference.line() for difference in found if not any(entry.covers(difference) for entry in known)]
    vanished = [entry.line for entry in known if not any(map(entry.covers, found))]
    untold = sorted({entry.reason for entry in known if entry.reason not in DOCUMENT.read_text("utf-8")})
    for title, lines in (("unlisted", unlisted), ("vanished", vanished), ("not in " + DOCUMENT.name, untold)):
        if lines:
            raise AssertionError("\n".join([f"{len(lines)} {title}:", *lines]))
    reasons = {entry.reason for entry in known}
    return f"{len(list(edge_cases.every()))} requests, {len(reasons)} kinds of difference, all listed"


ALL = [beside_nginx]
