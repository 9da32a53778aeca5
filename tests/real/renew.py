"""Certificates that are renewed under load, in each manner that is found on hosts: every new one is shown within
seconds, no request fails, no connection ends, and a broken one is refused."""
import os
import pathlib
import subprocess
import time
import types

from apps.echo import Echo
from authority import Authority
from dial import connect
from load import Load
from stack import free_port

ROUNDS = 10
WITHIN = 5.0
HALF = 0.03                                     # s; in the middle of a renewal, for who looks just then
MOUNT = 'mount --bind "$1" "$2" && mount --bind "$3" "$4" && shift 4 && exec "$@"'


class Site:
    """A name with a certificate in two files, and a way to replace them."""

    def __init__(self, folder, name, authority):
        self.folder, self.name, self.authority = folder / "live" / name, name, authority
        self.cert, self.key = self.folder / "fullchain.pem", self.folder / "privkey.pem"
        self.folder.mkdir(parents=True)
        self.prepare()
        self.renew()

    def prepare(self):
        pass

    def shown(self):
        """The files' paths for the gateway."""
        return self.cert, self.key

    def make(self):
        """A new pair, as text, and its serial number."""
        cert, key = self.authority.certificate(self.name, self.name)
        serial = self.authority.openssl("x509", "-in", cert, "-noout", "-serial")
        return int(serial.split(b"=")[1], 16), cert.read_text(), key.read_text()

    def renew(self):
        self.serial, cert, key = self.make()
        self.put(cert, key)
        self.renewed = time.monotonic()


class Renamed(Site):
    """Each file is replaced at once, one after the other."""

    def put(self, cert, key):
        for path, text in ((self.key, key), (self.cert, cert)):
            (self.folder / "half").write_text(text)
            (self.folder / "half").rename(path)
            time.sleep(HALF)


class Linked(Site):
    """certbot's: links in live/NAME go from one version in archive/NAME to the next, file by file."""

    def prepare(self):
        self.version, self.archive = 0, self.folder.parent.parent / "archive" / self.name
        self.archive.mkdir(parents=True)

    def put(self, cert, key):
        self.version += 1
        for path, text in ((self.key, key), (self.cert, cert)):
            version = self.archive / f"{path.stem}{self.version}.pem"
            version.write_text(text)
            path.unlink(missing_ok=True)
            time.sleep(HALF)
            path.symlink_to(f"../../archive/{self.name}/{version.name}")


class Rewritten(Site):
    """The same files get new contents, in two pieces. The gateway sees each through a mount of that one file, as in a
    container, where the machine allows it."""

    def prepare(self):
        self.mounts = [self.folder / "seen.pem", self.folder / "seen.key"]
        for path in (self.cert, self.key, *self.mounts):
            path.touch()
        self.mounted = subprocess.run(self.wrap(["true"]), capture_output=True, timeout=20).returncode == 0

    def wrap(self, command):
        """The command in a mount namespace of its own: the mounts end with it."""
        user = ["--map-root-user"] if os.getuid() else []
        pairs = [self.cert, self.mounts[0], self.key, self.mounts[1]]
        return ["unshare", *user, "--mount", "sh", "-c", MOUNT, "sh", *pairs, *command]

    def shown(self):
        return self.mounts if self.mounted else (self.cert, self.key)

    def put(self, cert, key):
        for path, text in ((self.key, key), (self.cert, cert)):
            with open(path, "w") as out:
                out.write(text[:len(text) // 2])
                out.flush()
                time.sleep(HALF)
                out.write(text[len(text) // 2:])


# === Start ===

def start(place):
    """Four sites: three in the file, each in its manner, and the certificate of the settings for any other name."""
    if not hasattr(place, "renewal"):
        folder, port = place.stack.folder / "renew", free_port()
        folder.mkdir()
        authority, echo = Authority(folder / "authority"), Echo("site")
        place.stack.endings.append(echo.close)
        linked, rewritten, renamed, other = sites = [kind(folder, name, authority) for kind, name in (
            (Linked, "linked.test"), (Rewritten, "rewritten.test"), (Renamed, "renamed.test"), (Renamed, "other.test"))]
        (folder / "gateway.yml").write_text(document(echo.ports["site"], (linked, rewritten, renamed)))
        settings = {"KONG_PROXY_LISTEN": f"127.0.0.1:{port} ssl http2", "KONG_SSL_CERT": str(other.cert),
                    "KONG_SSL_CERT_KEY": str(other.key), "KONG_PROXY_ACCESS_LOG": "off"}
        run = [place.program, "run", "--config", folder / "gateway.yml"]
        place.stack.start("renew-gateway", rewritten.wrap(run) if rewritten.mounted else run, port, settings)
        place.renewal = types.SimpleNamespace(port=port, authority=authority, sites=sites, mounted=rewritten.mounted,
                                              log=place.stack.folder / "renew-gateway.log")
    return place.renewal


def document(port, sites):
    lines = ['_format_version: "3.0"', "services:", f"- url: http://127.0.0.1:{port}", "  routes:", "  - {paths: [/]}",
             "certificates:"]
    for site in sites:
        cert, key = site.shown()
        lines += [f'- cert: "{{vault://file{cert}}}"', f'  key: "{{vault://file{key}}}"',
                  f"  snis: [{{name: {site.name}}}]"]
    return "\n".join([*lines, ""])


# === Look ===

def serial(renewal, site):
    """Of the certificate that a new handshake shows; the client trusts only the test's authority."""
    with connect(renewal.port, None, renewal.authority.context(), site.name) as sock:
        return int(sock.getpeercert()["serialNumber"], 16)


def until(what, since, good):
    """Seconds from then until it holds."""
    while not good():
        if time.monotonic() - since > WITHIN:
            raise AssertionError(f"{what}: not within {WITHIN:.0f} s")
        time.sleep(0.02)
    return time.monotonic() - since


def new_is_shown(renewal, site):
    """Seconds from the renewal until then."""
    return until(f"{site.name}: the new certificate", site.renewed, lambda: serial(renewal, site) == site.serial)


def without_failure(load):
    """What it did."""
    if load.failures or not load.resuming.resumed:
        raise AssertionError(f"{len(load.failures)} of {load.answered} requests failed: {load.failures[:5]}; "
                             f"{load.resuming.resumed} sessions resumed")
    return f"{load.answered} requests, {load.resuming.resumed} sessions resumed, no failure"


# === Checks ===

def certificates_renewed(place):
    renewal, slowest = start(place), 0
    with Load(renewal.port, renewal.authority, [site.name for site in renewal.sites]) as load:
        for _ in range(ROUNDS):
            for site in renewal.sites:
                site.renew()
            slowest = max(slowest, *(new_is_shown(renewal, site) for site in renewal.sites))
    mounts = "in place through bind mounts" if renewal.mounted else "in place (no bind mounts allowed here)"
    return (f"{ROUNDS} times each by link, {mounts}, by rename, and in the settings: shown within {slowest:.1f} s; "
            f"{without_failure(load)}")


def certificates_broken(place):
    renewal = start(place)
    with Load(renewal.port, renewal.authority, [site.name for site in renewal.sites]) as load:
        for name, pair in BROKEN.items():
            before = renewal.log.stat().st_size
            for site in renewal.sites:
                site.put(*pair(site))
            for site in renewal.sites:
                refused(renewal, site, name, before)
        for site in renewal.sites:
            site.renew()
        for site in renewal.sites:
            new_is_shown(renewal, site)
    return f"{', '.join(BROKEN)}: told, the old one shown; {without_failure(load)}"


# What a site gets: certificate and key. Each has a reason of its own: the log leaves out what it said a moment ago.
BROKEN = {"another's key": lambda site: (site.make()[1], site.make()[2]),
          "an empty file": lambda site: ("", site.make()[2]),
          "half a file": lambda site: (site.make()[1][:400], site.make()[2]),
          "garbage": lambda site: (site.make()[1], "garbage\n" * 100)}


def refused(renewal, site, name, before):
    paths = [str(path) for path in site.shown()]

    def told():
        return any(path in renewal.log.read_bytes()[before:].decode("utf-8", "replace") for path in paths)
    until(f"{site.name}, {name}: a line in the log", time.monotonic(), told)
    shown = serial(renewal, site)
    if shown != site.serial:
        raise AssertionError(f"{site.name}, {name}: shows {shown}, not {site.serial}")


ALL = [certificates_renewed, certificates_broken]
