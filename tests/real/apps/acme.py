"""An authority that speaks ACME (RFC 8555, and RFC 9773 for renewals), strict with its clients: signatures, nonces, URLs,
requests for certificates. It asks for challenges at a port of this machine, whatever the name."""
import base64
import collections
import datetime
import hashlib
import hmac
import http.client
import http.server
import json
import secrets
import ssl
import threading
import time

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.x509.oid import NameOID

ERROR = "urn:ietf:params:acme:error:"
LIMIT = 10
SERVED = ("account", "order", "authz", "challenge", "finalize", "certificate")


class Problem(Exception):
    """What a client did wrong, in the protocol's words."""

    def __init__(self, kind, detail, status=400):
        super().__init__(detail)
        self.kind, self.detail, self.status = kind, detail, status


class Order:
    """One order for one name."""

    def __init__(self, account, name, replaces):
        self.account, self.name, self.replaces, self.began = account, name, replaces, time.monotonic()
        self.id, self.token = secrets.token_hex(8), secrets.token_urlsafe(32)
        self.status, self.challenge, self.error, self.chain, self.polls = "pending", "pending", None, None, 0


class Acme:
    """Serves at `url` until closed. What it did is in `orders`; what it is told to do can be changed at any time."""

    def __init__(self, cert, key, port):
        self.challenge_port = port              # where it asks for challenges
        self.life = 90 * 86400                  # s; of certificates
        self.window = None                      # the seconds from now in which a renewal is advised
        self.external = None                    # id and key of the account that others must be bound to
        self.nonces, self.opened, self.accounts, self.orders = set(), 0, {}, {}
        self.requests, self.asked = collections.Counter(), []
        self.lock = threading.RLock()
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.root = self.sign_root()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler(self))
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://localhost:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def of(self, name):
        """The orders for a name, first to last."""
        with self.lock:
            return [order for order in self.orders.values() if order.name == name]

    # === Certificates ===

    def sign_root(self):
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ACME test authority")])
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = x509.CertificateBuilder(name, name, self.key.public_key(), x509.random_serial_number(), now,
                                          now + datetime.timedelta(days=365))
        builder = builder.add_extension(x509.BasicConstraints(True, None), True)
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), False)
        return builder.sign(self.key, hashes.SHA256())

    def context(self):
        """For clients that believe this authority and no other."""
        return ssl.create_default_context(cadata=pem(self.root))

    def issue(self, order, csr):
        """A certificate for what a request wants, if that is what was ordered."""
        if not csr.is_signature_valid:
            raise Problem("badCSR", "the request is not signed by its key")
        names = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        if [name.value for name in names] != [order.name] or list(csr.subject):
            raise Problem("badCSR", f"the request is for {names}, the order for {order.name}")
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = x509.CertificateBuilder(self.root.subject, x509.Name([]), csr.public_key(), x509.random_serial_number(),
                                          now, now + datetime.timedelta(seconds=self.life))
        builder = builder.add_extension(names, True).add_extension(x509.BasicConstraints(False, None), True)
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        return builder.add_extension(authority, False).sign(self.key, hashes.SHA256())

    # === What clients ask ===

    def directory(self):
        names = {"newNonce": "nonce", "newAccount": "account", "newOrder": "order", "renewalInfo": "renewal"}
        return {**{key: f"{self.url}/{path}" for key, path in names.items()},
                "meta": {"externalAccountRequired": self.external is not None}}

    def nonce(self):
        with self.lock:
            self.nonces.add(nonce := secrets.token_urlsafe(16))
        return nonce

    def open(self, path, kind, body):
        """Who signed a request, and what it says; None stands for an empty payload (POST-as-GET)."""
        if kind != "application/jose+json":
            raise Problem("malformed", f"the type is {kind}", 415)
        jws = json.loads(body)
        head = json.loads(raw(jws["protected"]))
        with self.lock:
            known, self.opened = head.get("nonce") in self.nonces, self.opened + 1
            self.nonces.discard(head.get("nonce"))
            if not known or self.opened % 5 == 3:        # some good ones are refused, too
                raise Problem("badNonce", "the nonce is not known")
        if head["url"] != self.url + path or ("jwk" in head) == ("kid" in head) or head["alg"] != "ES256":
            raise Problem("malformed", f"the head is {head}")
        jwk = head.get("jwk") or self.accounts.get(head["kid"])
        if jwk is None:
            raise Problem("accountDoesNotExist", "there is no such account")
        verify(jwk, jws)
        return head.get("kid"), jwk, json.loads(raw(jws["payload"])) if jws["payload"] else None

    def account(self, kid, jwk, payload):
        if kid is not None:
            raise Problem("malformed", "a new account comes with its key")
        if not payload.get("termsOfServiceAgreed") or not payload["contact"][0].startswith("mailto:"):
            raise Problem("userActionRequired", "must agree to the terms of service, and have an address", 403)
        if self.external:
            self.check_external(jwk, payload.get("externalAccountBinding"))
        self.accounts[url := f"{self.url}/account/{thumb(jwk)}"] = jwk
        return 201, {"status": "valid"}, {"Location": url}

    def check_external(self, jwk, binding):
        """RFC 8555 §7.3.4."""
        if binding is None:
            raise Problem("externalAccountRequired", "an external account is wanted", 403)
        head, (name, key) = json.loads(raw(binding["protected"])), self.external
        made = hmac.digest(key, f"{binding['protected']}.{binding['payload']}".encode(), "sha256")
        good = head["alg"] == "HS256" and head["kid"] == name and head["url"] == f"{self.url}/account"
        if not good or made != raw(binding["signature"]) or json.loads(raw(binding["payload"])) != jwk:
            raise Problem("unauthorized", "the external account is another's", 403)

    def new_order(self, kid, payload):
        [identifier] = payload["identifiers"]
        if identifier["type"] != "dns":
            raise Problem("unsupportedIdentifier", str(identifier))
        order = Order(kid, identifier["value"], payload.get("replaces"))
        with self.lock:
            self.orders[order.id] = order
        return 201, self.told(order), {"Location": f"{self.url}/order/{order.id}"}

    def told(self, order):
        told = {"status": order.status, "identifiers": [{"type": "dns", "value": order.name}],
                "authorizations": [f"{self.url}/authz/{order.id}"], "finalize": f"{self.url}/finalize/{order.id}"}
        if order.replaces:
            told["replaces"] = order.replaces
        if order.chain:
            told["certificate"] = f"{self.url}/certificate/{order.id}"
        return told

    def authorization(self, order):
        status = {"processing": "pending"}.get(order.challenge, order.challenge)
        challenge = {"type": "http-01", "url": f"{self.url}/challenge/{order.id}", "token": order.token,
                     "status": order.challenge}
        if order.error:
            challenge["error"] = {"type": ERROR + "unauthorized", "detail": order.error, "status": 403}
        other = {"type": "dns-01", "url": f"{self.url}/dns/{order.id}", "token": order.token, "status": "pending"}
        return {"status": status, "identifier": {"type": "dns", "value": order.name}, "challenges": [other, challenge]}

    def validate(self, order):
        """Asks for the challenge, as anybody can."""
        expected = f"{order.token}.{thumb(self.accounts[order.account])}"
        connection = http.client.HTTPConnection("127.0.0.1", self.challenge_port, timeout=LIMIT)
        try:
            connection.request("GET", f"/.well-known/acme-challenge/{order.token}", headers={"Host": order.name})
            answer = connection.getresponse()
            status, text = answer.status, answer.read().decode()
        except OSError as error:
            status, text = 0, str(error)
        finally:
            connection.close()
        self.asked.append((order.name, status))
        good = (status, text.rstrip()) == (200, expected) and not order.name.startswith("bad.")
        order.error = None if good else f"{order.name} answered {status}"
        order.challenge, order.status = ("valid", "ready") if good else ("invalid", "invalid")

    def finalize(self, order, payload):
        if order.status != "ready":
            raise Problem("orderNotReady", f"the order is {order.status}", 403)
        csr = x509.load_der_x509_csr(raw(payload["csr"]))
        order.leaf = self.issue(order, csr)
        order.status, order.polls = "processing", 0

    def poll(self, order):
        """A certificate takes a while."""
        order.polls += 1
        if order.status == "processing" and order.polls > 1:
            order.status, order.chain = "valid", pem(order.leaf) + pem(self.root)

    def answer(self, path, kind, body):
        """Status, content and fields of the answer to a signed request."""
        kid, jwk, payload = self.open(path, kind, body)
        what, _, name = path[1:].partition("/")
        if what not in SERVED:
            raise Problem("malformed", path, 404)
        if path == "/account":
            return self.account(kid, jwk, payload)
        if kid not in self.accounts:
            raise Problem("unauthorized", "an account is wanted", 403)
        if path == "/order":
            return self.new_order(kid, payload)
        order = self.orders.get(name)
        if order is None or order.account != kid:
            raise Problem("malformed", f"there is no {path}", 404)
        return self.about(order, what, payload)

    def about(self, order, what, payload):
        if (payload is None) != (what in ("order", "authz", "certificate")):
            raise Problem("malformed", f"{what} with {payload}")
        if what == "challenge":
            order.challenge = "processing"
            threading.Thread(target=self.validate, args=(order,), daemon=True).start()
            return 200, self.authorization(order)["challenges"][1], {}
        if what == "authz":
            return 200, self.authorization(order), {}
        if what == "certificate":
            return 200, order.chain, {"Content-Type": "application/pem-certificate-chain"}
        if what == "finalize":
            self.finalize(order, payload)
        else:
            self.poll(order)
        return 200, self.told(order), {"Location": f"{self.url}/order/{order.id}"}

    def renewal(self, name):
        """RFC 9773 §4.2."""
        if self.window is None:
            raise Problem("malformed", "no advice", 404)
        known = {certificate_id(order.leaf) for order in self.orders.values() if order.chain}
        if name not in known:
            raise Problem("malformed", f"{name} is none of {known}", 404)
        start, end = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=s) for s in self.window)
        text = "%Y-%m-%dT%H:%M:%SZ"
        return 200, {"suggestedWindow": {"start": start.strftime(text), "end": end.strftime(text)}}, {"Retry-After": "60"}


def handler(acme):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version, timeout = "HTTP/1.1", LIMIT

        def log_message(self, *_):
            pass

        def do_HEAD(self):
            self.say(200 if self.path == "/nonce" else 404, b"", {})

        def do_GET(self):
            acme.requests[self.path.split("/")[1]] += 1
            if self.path == "/directory":
                return self.say(200, acme.directory(), {})
            self.attempt(lambda: acme.renewal(self.path.rsplit("/", 1)[1]))

        def do_POST(self):
            acme.requests[self.path.split("/")[1]] += 1
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.attempt(lambda: acme.answer(self.path, self.headers["Content-Type"], body))

        def attempt(self, work):
            try:
                self.say(*work())
            except Problem as wrong:
                told = {"type": ERROR + wrong.kind, "detail": wrong.detail, "status": wrong.status}
                self.say(wrong.status, told, {"Content-Type": "application/problem+json"})

        def say(self, status, content, fields):
            body = content.encode() if isinstance(content, str) else b"" if content == b"" else json.dumps(content).encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", "Content-Length": len(body),
                                "Replay-Nonce": acme.nonce(), "Cache-Control": "no-store", **fields}.items():
                self.send_header(name, str(value))
            self.end_headers()
            self.wfile.write(body)
    return Handler


# === Forms ===

def raw(text):
    if "=" in text:
        raise Problem("malformed", "base64url is without padding")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def coded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def thumb(jwk):
    """RFC 7638."""
    kept = {name: jwk[name] for name in ("crv", "kty", "x", "y")}
    return coded(hashlib.sha256(json.dumps(kept, sort_keys=True, separators=(",", ":")).encode()).digest())


def verify(jwk, jws):
    """ES256 (RFC 7518 §3.4)."""
    if (jwk["kty"], jwk["crv"]) != ("EC", "P-256"):
        raise Problem("badPublicKey", str(jwk))
    numbers = ec.EllipticCurvePublicNumbers(*(int.from_bytes(raw(jwk[c])) for c in "xy"), ec.SECP256R1())
    signature = raw(jws["signature"])
    both = utils.encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:]))
    try:
        numbers.public_key().verify(both, f"{jws['protected']}.{jws['payload']}".encode(), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise Problem("malformed", "the signature is another's") from None


def certificate_id(leaf):
    """RFC 9773 §4.1."""
    key = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    serial = leaf.serial_number.to_bytes(leaf.serial_number.bit_length() // 8 + 1)
    return f"{coded(key)}.{coded(serial)}"
