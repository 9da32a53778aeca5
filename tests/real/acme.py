"""The plugin acme and an authority (apps/acme.py): certificates are ordered, shown, kept, renewed, and not ordered where
they must not be."""
import re
import socket
import ssl
import stat
import time
import types
import urllib.request

from apps.acme import Acme
from apps.echo import Echo
from authority import Authority
from dial import connect, http1
from stack import free_port

WITHIN = 20.0
MAIL = "me@example.test"


class Site:
    """A gateway with the plugin, and what it needs."""

    def __init__(self, place, name, config, document="", trust=None, external=None, life=90 * 86400):
        self.place, self.folder = place, place.stack.folder / f"acme-{name}"
        self.folder.mkdir()
        self.name, self.clear, self.tls, self.status = f"acme-{name}", free_port(), free_port(), free_port()
        self.echo = Echo("site")
        place.stack.endings.append(self.echo.close)
        self.authority = Authority(self.folder / "authority")
        cert = self.authority.certificate("localhost", "localhost")
        self.acme = Acme(*cert, self.clear)
        self.acme.external, self.acme.life, self.acme.window = external, life, (30 * 86400, 31 * 86400)
        place.stack.endings.append(self.acme.close)
        self.config, self.document = {"account_email": MAIL, "api_uri": f"{self.acme.url}/directory", "tos_accepted": "true",
                                      "cert_type": "ecc", **config}, document
        self.trust = trust or self.authority.ca
        self.write()
        self.start()

    def write(self):
        """The routes take everything, over https alone."""
        config = ", ".join(f"{name}: {value}" for name, value in self.config.items())
        (self.folder / "gateway.yml").write_text(f"""_format_version: "3.0"
services:
- url: http://127.0.0.1:{self.echo.ports["site"]}
  routes: [{{paths: [/], protocols: [https], https_redirect_status_code: 301}}]
plugins:
- name: acme
  config: {{{config}}}
- name: key-auth
{self.document}""")

    def start(self):
        listen = f"127.0.0.1:{self.clear}, 127.0.0.1:{self.tls} ssl http2"
        settings = {"KONG_PROXY_LISTEN": listen, "KONG_STATUS_LISTEN": f"127.0.0.1:{self.status}",
                    "KONG_LUA_SSL_TRUSTED_CERTIFICATE": str(self.trust), "KONG_PREFIX": str(self.folder),
                    "KONG_PROXY_ACCESS_LOG": "off"}
        command = [self.place.program, "run", "--config", self.folder / "gateway.yml"]
        self.process = self.place.stack.start(self.name, command, self.tls, settings)

    def restart(self):
        self.place.stack.end(self.process)
        self.start()

    def shown(self, name):
        """The serial number of the certificate that a handshake shows; None if it is not the authority's."""
        try:
            with connect(self.tls, None, self.acme.context(), name) as sock:
                return int(sock.getpeercert()["serialNumber"], 16)
        except ssl.SSLCertVerificationError:
            return None

    def await_shown(self, name, other_than=None):
        return until(f"a certificate for {name}", lambda: (serial := self.shown(name)) != other_than and serial)

    def log(self):
        return (self.place.stack.folder / f"{self.name}.log").read_text()


def until(what, good):
    end = time.monotonic() + WITHIN
    while time.monotonic() < end:
        if found := good():
            return found
        time.sleep(0.05)
    raise AssertionError(f"{what}: not within {WITHIN:.0f} s")


def first(place):
    """The site that several checks look at, in their order."""
    if not hasattr(place, "acme_site"):
        own = Authority(place.stack.folder / "acme-own").certificate("own", "own.test")
        document = "\n".join(["certificates:", f'- cert: "{{vault://file{own[0]}}}"', f'  key: "{{vault://file{own[1]}}}"',
                              "  snis: [{name: own.test}]", ""])
        domains = '[a.test, own.test, "*.wild.test"]'
        place.acme_site = Site(place, "first", {"domains": domains, "cert_type": "rsa", "rsa_key_size": 2048}, document)
    return place.acme_site


# === Checks ===

def acme_orders(place):
    """What is written down is ordered at once, what fits a pattern when a client asks, and nothing else."""
    site = first(place)
    site.await_shown("a.test")
    assert site.shown("x.wild.test") is None, "the first client gets what there is"
    site.await_shown("x.wild.test")
    for name in ("other.test", "wild.test", "own.test"):
        assert site.shown(name) is None
    time.sleep(1)
    ordered = sorted(order.name for order in site.acme.orders.values())
    assert ordered == ["a.test", "x.wild.test"], ordered
    assert site.acme.asked == [("a.test", 200), ("x.wild.test", 200)], site.acme.asked
    with connect(site.clear) as sock:
        [missing, page] = http1(sock, [b"GET /.well-known/acme-challenge/none HTTP/1.1\r\nHost: a.test\r\n\r\n",
                                       b"GET /page HTTP/1.1\r\nHost: a.test\r\n\r\n"])
    assert (missing.status, page.status) == (404, 301), (missing, page)
    metrics = urllib.request.urlopen(f"http://127.0.0.1:{site.status}/metrics", timeout=10).read().decode()
    assert 'sni="a.test"' in metrics and 'sni="x.wild.test"' in metrics, "the metrics do not tell of them"
    return f"{site.acme.requests.total()} requests for 2 certificates, some nonces refused"


def acme_keeps(place):
    """After a restart the same certificates are there at once, and nothing is ordered."""
    site = first(place)
    before, account = site.await_shown("a.test"), len(site.acme.accounts)
    site.restart()
    assert site.shown("a.test") == before and site.shown("x.wild.test"), "they are not there at once"
    time.sleep(1)
    assert (len(site.acme.orders), len(site.acme.accounts)) == (2, account), site.acme.orders
    kept = [path for path in (site.folder / "acme").rglob("*") if path.is_file()]
    modes = {stat.S_IMODE(path.stat().st_mode) for path in kept}
    assert modes == {0o600} and len(kept) == 3, kept
    log = site.log()
    assert "PRIVATE KEY" not in log and not any(order.token in log for order in site.acme.orders.values())


def acme_reloads(place):
    """A domain that is added is ordered, one that is gone is shown no more."""
    site = first(place)
    site.config["domains"] = "[b.test]"
    site.write()
    site.await_shown("b.test")
    until("a.test is gone", lambda: site.shown("a.test") is None)
    site.config["domains"] = "[a.test, b.test]"
    site.write()
    site.await_shown("a.test")
    assert len(site.acme.of("a.test")) == 1, "the kept one is shown again"


def acme_renews(place):
    """Before the end, and earlier where the authority says so; no handshake fails meanwhile."""
    site = Site(place, "renews", {"domains": "[a.test]"}, life=12)
    first, handshakes = site.await_shown("a.test"), 0
    while (second := site.shown("a.test")) == first:
        handshakes += 1
        if handshakes == 1:
            site.acme.life = 90 * 86400
        time.sleep(0.02)
    assert second, "the end came before the renewal"
    until("the authority is asked for advice", lambda: site.acme.requests["renewal"] >= 2)
    site.acme.window = (-60, -30)
    site.restart()
    site.await_shown("a.test", second)
    time.sleep(2)
    orders = site.acme.of("a.test")
    gap = orders[1].began - orders[0].began
    assert 7 <= gap <= 10 and len(orders) == 3, (gap, orders)
    assert orders[1].replaces and orders[2].replaces, "the authority is not told what is replaced"
    return f"after {gap:.1f} of 12 s, with {handshakes} handshakes meanwhile; and on advice"


def acme_backs_off(place):
    """What fails rests twice as long each time, and nothing else waits for it."""
    site = Site(place, "backs-off", {"domains": "[bad.test, good.test]", "fail_backoff_minutes": 0.02})
    site.await_shown("good.test")
    until("four attempts", lambda: len(site.acme.of("bad.test")) == 4)
    times = [order.began for order in site.acme.of("bad.test")]
    gaps = [later - earlier for earlier, later in zip(times, times[1:])]
    assert gaps[0] >= 1.2 and gaps[1] >= 2.4 and gaps[2] >= 4.8, gaps
    assert site.shown("bad.test") is None and len(site.acme.of("good.test")) == 1
    assert re.search(r"no certificate could be had.*bad.test answered 200", site.log()), site.log()
    return "rests of " + ", ".join(f"{gap:.1f}" for gap in gaps) + " s"


def acme_binds(place):
    """An account that was made by hand is what ours is bound to; a wrong key is refused until it is corrected."""
    site = Site(place, "binds", {"domains": "[a.test]", "eab_kid": "kid-7", "eab_hmac_key": "d3Jvbmcga2V5"},
                external=("kid-7", b"right key"))
    until("a refusal", lambda: "the external account is another's" in site.log())
    site.config["eab_hmac_key"] = "cmlnaHQga2V5"
    site.write()
    site.await_shown("a.test")
    assert "d3Jvbmcga2V5" not in site.log() and "cmlnaHQga2V5" not in site.log()


def acme_does_without(place):
    """No authority, or one that cannot be believed: the gateway serves, and says so in one line."""
    site = Site(place, "without", {"domains": "[a.test]"}, trust=first(place).authority.ca)
    until("a line", lambda: "no certificate could be had" in site.log())
    assert site.shown("a.test") is None and not site.acme.orders
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))            # nobody listens there
        site.config["api_uri"] = f"https://127.0.0.1:{taken.getsockname()[1]}/directory"
        site.write()
        until("another line", lambda: "Connection refused" in site.log())
    with connect(site.clear) as sock:
        [page] = http1(sock, [b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"])
    assert page.status == 301, page
    time.sleep(1)
    assert site.log().count("no certificate could be had") == 2, site.log()


ALL = [acme_orders, acme_keeps, acme_reloads, acme_renews, acme_backs_off, acme_binds, acme_does_without]
