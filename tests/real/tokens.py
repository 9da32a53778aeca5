"""Tokens of `gateway token`, read by PyJWT, and PyJWT's read by the gateway."""
import json
import subprocess

import jsonschema
import jwt
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from checks import expect

SECRET = "a-secret-of-more-than-thirty-two-bytes-and-then-some-more-for-sha-512"


def gateway(place, *words, stdin=""):
    done = subprocess.run([place.program, *map(str, words)], input=stdin, capture_output=True, text=True, timeout=20)
    return done.returncode, done.stdout, done.stderr


def keys(place):
    """A private and a public file for each kind of key, and the algorithms of it."""
    kinds = {"rsa": (rsa.generate_private_key(65537, 2048), ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"]),
             "p256": (ec.generate_private_key(ec.SECP256R1()), ["ES256"]),
             "p384": (ec.generate_private_key(ec.SECP384R1()), ["ES384"]),
             "ed": (ed25519.Ed25519PrivateKey.generate(), ["EdDSA"])}
    for name, (key, algorithms) in kinds.items():
        private, public = place.stack.folder / f"{name}.key", place.stack.folder / f"{name}.pem"
        private.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                              serialization.NoEncryption()))
        public.write_bytes(key.public_key().public_bytes(serialization.Encoding.PEM,
                                                         serialization.PublicFormat.SubjectPublicKeyInfo))
        yield from ((algorithm, private, public) for algorithm in algorithms)


def tokens_by_secret(place):
    secret = place.stack.folder / "jwt-secret"
    secret.write_text(SECRET + "\n")
    for algorithm in ("HS256", "HS384", "HS512"):
        code, token, _ = gateway(place, "token", "mint", "--role", "anon", "--alg", algorithm, "--secret-file", secret)
        expect(code, 0, algorithm)
        expect(jwt.decode(token.strip(), SECRET, algorithms=[algorithm])["role"], "anon", algorithm)
        theirs = jwt.encode({"role": "service_role"}, SECRET, algorithm=algorithm)
        expect(gateway(place, "token", "verify", "--secret-file", secret, stdin=theirs)[0], 0, algorithm)
        expect(gateway(place, "token", "verify", "--secret-file", secret, stdin=theirs[:-2] + "AA")[0], 1, algorithm)
    return "HS256, HS384, HS512, both ways"


def tokens_by_private_key(place):
    done = []
    for algorithm, private, public in keys(place):
        words = ["token", "mint", "--role", "api", "--kid", "k1", "--alg", algorithm, "--key", private]
        code, token, said = gateway(place, *words)
        expect(code, 0, f"{algorithm}: {said}")
        expect(jwt.get_unverified_header(token.strip())["kid"], "k1", algorithm)
        expect(jwt.decode(token.strip(), public.read_text(), algorithms=[algorithm])["role"], "api", algorithm)
        theirs = jwt.encode({"role": "x"}, private.read_text(), algorithm=algorithm)
        expect(gateway(place, "token", "verify", "--key", public, stdin=theirs)[0], 0, algorithm)
        jwk = jwt.get_algorithm_by_name(algorithm).to_jwk(serialization.load_pem_public_key(public.read_bytes()))
        jwks = place.stack.folder / "jwks.json"
        jwks.write_text(json.dumps({"keys": [{**json.loads(jwk), "kid": "k1"}]}))
        expect(gateway(place, "token", "verify", "--jwks", jwks, stdin=token)[0], 0, f"{algorithm} by JWKS")
        done.append(algorithm)
    return ", ".join(done) + ", both ways"


def schema_by_jsonschema(place):
    """Another validator than that of the unit tests, over the same files as an editor reads them."""
    schema = json.loads(gateway(place, "schema")[1])
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    root = place.root
    for file in (root / "gateway.yml", root / "tests/real/gateway.yml", root / "tests/wire/seed.yml"):
        faults = [error.message for error in validator.iter_errors(yaml.safe_load(file.read_text()))]
        expect(faults, [], str(file))
    wrong = {"_format_version": "2.1", "services": [{"url": "http://a", "routes": [{"strip_paht": True}]}]}
    expect(len(list(validator.iter_errors(wrong))), 1, "a wrong field")
    return "draft 7"


ALL = [tokens_by_secret, tokens_by_private_key, schema_by_jsonschema]
