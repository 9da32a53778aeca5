"""Supabase's stack with the gateway in front, as supabase/kong.yml describes it: @supabase/lite as PostgREST and GoTrue on
the tests' PostgreSQL, and stand-ins for the other services (apps/services.py), which note what comes to them."""
import json
import time
import types
import typing

import jwt
import psycopg

from checks import expect
from stack import HERE, free_port, npm

SOURCE = HERE / "supabase"
FILE = SOURCE / "kong.yml"
SERVICES = ("storage", "functions", "realtime", "meta", "studio")
SECRET = "a-secret-of-the-tests-that-is-long-enough-for-everybody"
DASHBOARD = ("supabase", "dashboard password: ä 1")
WELL_KNOWN = "/.well-known/oauth-authorization-server/auth/v1"
YEAR = 365 * 24 * 3600
WRONG = "Invalid authentication credentials"


class Seen(typing.NamedTuple):
    """A request as a service got it. Names of headers are in lower case."""
    service: str
    method: str
    target: str
    headers: list

    def all(self, name):
        return [value for key, value in self.headers if key == name]


def token(role, **more):
    claims = {"role": role, "iss": "supabase", "iat": int(time.time()) - 60, "exp": int(time.time()) + 10 * YEAR, **more}
    return jwt.encode(claims, SECRET, "HS256")


class Case(typing.NamedTuple):
    """A key of the file: what a client shows, whose it is, and the token that services get in its place."""
    name: str
    shown: str
    consumer: str
    role: str
    token: str

    @property
    def new(self):
        return self.shown.startswith("sb_")

    @property
    def mark(self):
        """What its token says of itself."""
        return self.name if self.new else None


def cases(keys):
    return [Case("anon", keys.anon, "anon", "anon", keys.anon),
            Case("service", keys.service, "service_role", "service_role", keys.service),
            Case("publishable", keys.publishable, "anon", "anon", keys.anon_token),
            Case("secret", keys.secret, "service_role", "service_role", keys.service_token)]


def wrong(keys):
    """Keys that are in no file: a token whose signature is right, and three that are nearly a key."""
    return {"stranger": token("service_role", sub="nobody"), "cut": keys.secret[:-1], "longer": keys.publishable + "1",
            "capitals": keys.secret.upper()}


def make_keys():
    """Old keys are tokens. New ones are words, and the gateway puts a token in their place, which says here that it did."""
    return types.SimpleNamespace(
        anon=token("anon"), service=token("service_role"),
        publishable="sb_publishable_2kP9wZ4xQ7_tests", secret="sb_secret_8hJ3mN6vB1_tests",
        anon_token=token("anon", key="publishable"), service_token=token("service_role", key="secret"))


def expressions(keys):
    """The Lua that Supabase's entrypoint makes of the keys: with new ones, and without."""
    own = "(headers.authorization ~= nil and headers.authorization:sub(1, 10) ~= 'Bearer sb_' and headers.authorization)"
    if not keys.publishable:
        return {"LUA_AUTH_EXPR": f"$({own} or headers.apikey)", "LUA_RT_WS_EXPR": "$(query_params.apikey)",
                "LUA_FUNCTIONS_EXPR": "$(nil)"}

    def either(place, before="", shown=""):
        return " or ".join(f"({place} == '{before}{key}' and '{shown}{instead}')" for key, instead in (
            (keys.secret, keys.service_token), (keys.publishable, keys.anon_token)))
    apikey, bearer = either("headers.apikey"), either("headers.authorization", "Bearer ")
    return {"LUA_AUTH_EXPR": f"$({own} or {either('headers.apikey', shown='Bearer ')} or headers.apikey)",
            "LUA_RT_WS_EXPR": f"$({either('query_params.apikey')} or query_params.apikey)",
            "LUA_FUNCTIONS_EXPR": f"$({apikey} or {bearer} or nil)"}


def environment(keys, hosts):
    """All that the file asks for."""
    return {**hosts, **expressions(keys), "KONG_ROUTER_FLAVOR": "expressions", "SUPABASE_ANON_KEY": keys.anon, "SUPABASE_SERVICE_KEY": keys.service,
            "SUPABASE_PUBLISHABLE_KEY": keys.publishable, "SUPABASE_SECRET_KEY": keys.secret,
            "WELL_KNOWN_OAUTH_PATH": WELL_KNOWN, "DASHBOARD_USERNAME": DASHBOARD[0], "DASHBOARD_PASSWORD": DASHBOARD[1]}


def start(place):
    """Everything, once; what the checks need of it."""
    if not hasattr(place, "supabase"):
        work, seen = place.packages, place.stack.folder / "seen.jsonl"
        seen.write_text("")
        npm(SOURCE, work)
        hosts = database(place, work, seen) | services(place, seen)
        keys = make_keys()
        place.supabase = types.SimpleNamespace(work=work, seen=seen, hosts=hosts, keys=keys,
                                               url=gateway(place, "supabase", environment(keys, hosts)))
    return place.supabase


def database(place, work, seen):
    """The server of REST and auth. Their addresses."""
    with psycopg.connect(place.database, autocommit=True) as db:
        db.execute("create database supabase")
        url = f"postgres://postgres@{db.info.host}:{db.info.port}/supabase"
    with psycopg.connect(url, autocommit=True) as db:
        db.execute((SOURCE / "schema.sql").read_text())
    port = free_port()
    settings = {"DATABASE_URL": url, "JWT_SECRET": SECRET, "PORT": str(port), "SEEN": str(seen), "LITE_TELEMETRY": "0"}
    place.stack.start("supabase-lite", ["node", work / "serve.mjs"], port, settings)
    return {"REST_HOST": f"127.0.0.1:{port}/rest/v1", "AUTH_HOST": f"127.0.0.1:{port}/auth/v1"}


def services(place, seen):
    """The other services. Their addresses."""
    ports = [free_port() for _ in SERVICES]
    place.stack.python("services", "services.py", *map(str, ports), port=ports[-1],
                       env={"JWT_SECRET": SECRET, "SEEN": str(seen)})
    return {f"{name.upper()}_HOST": f"127.0.0.1:{port}" for name, port in zip(SERVICES, ports)}


def gateway(place, name, env):
    """The gateway with the file as it is; its URL."""
    port = free_port()
    settings = {**env, "KONG_DATABASE": "off", "KONG_ADMIN_LISTEN": "off", "KONG_PROXY_LISTEN": f"127.0.0.1:{port}",
                "KONG_PROXY_ACCESS_LOG": "off"}
    place.stack.start(name, [place.program, "run", "--config", FILE], port, settings)
    return f"http://127.0.0.1:{port}"


def seen(supabase, service, case, within=""):
    """What came to a service of this case, in order; `within` is a part of the target."""
    lines = (Seen(**json.loads(line)) for line in supabase.seen.read_text().splitlines())
    return [line for line in lines if line.service == service and within in line.target
            and (line.all("x-case") == [case] or f"case={case}" in line.target)]


def untouched(sb, case):
    """Nothing of a case came to a service that keys guard."""
    reached = [line.target for service in ("rest", "auth", "realtime", "meta") for line in seen(sb, service, case)]
    expect(reached, [], f"{case}: requests that came through")
