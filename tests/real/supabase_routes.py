"""What those get who ask Supabase's stack through the gateway without its clients. A check raises, or returns a note."""
import asyncio
import json
import os
import re
import subprocess
import types

import httpx
import websockets

from checks import expect
from supabase_stack import DASHBOARD, FILE, WELL_KNOWN, WRONG, cases, environment, expressions, gateway, make_keys, seen, start, untouched

MISSING, FORBIDDEN = "No API key found in request", "You cannot consume this service"


def ask(sb, path, method="GET", **more):
    return httpx.request(method, sb.url + path, timeout=10, **more)


def told(response):
    """The status, and what Kong says in its JSON."""
    return response.status_code, response.json().get("message")


GUARDED = ("/auth/v1/health", "/rest/v1/", "/rest/v1/notes", "/graphql/v1", "/realtime/v1/websocket",
           "/realtime/v1/api/broadcast", "/pg/tables")


def supabase_no_key(place):
    sb = start(place)
    for path in GUARDED:
        none = ask(sb, path, headers={"x-case": "no key"})
        expect((*told(none), none.headers["www-authenticate"]), (401, MISSING, 'Key realm="kong"'), path)
        expect(told(ask(sb, path, headers={"apikey": sb.keys.secret[:-1], "x-case": "no key"})), (401, WRONG), path)
        before = ask(sb, path, "OPTIONS", headers={"Origin": "http://ui.test", "Access-Control-Request-Method": "GET"})
        expect(before.status_code, 401 if path == "/pg/tables" else 200, f"{path}: what a browser asks before")
    for query, status in (("", 401), (f"?apikey={sb.keys.secret[:-1]}", 401)):
        expect(asyncio.run(dial(sb, query)), status, f"a socket with {query or 'nothing'}")
    untouched(sb, "no key")
    return f"{len(GUARDED)} paths and the socket: 401; preflights pass"


async def dial(sb, query):
    """The status of a handshake."""
    try:
        async with websockets.connect(sb.url.replace("http", "ws", 1) + "/realtime/v1/websocket" + query, open_timeout=10):
            return 101
    except websockets.InvalidStatus as error:
        return error.response.status_code


def supabase_groups(place):
    sb = start(place)
    for case in cases(sb.keys):
        # Who a client says that it is counts for nothing.
        headers = {"apikey": case.shown, "x-case": f"group {case.name}", "x-consumer-username": "service_role",
                   "x-consumer-groups": "admin"}
        admin = case.consumer == "service_role"
        for path in ("/pg/tables", "/rest/v1/"):
            response = ask(sb, path, headers=headers)
            expect(response.status_code, 200 if admin else 403, f"{case.name} at {path}")
            expect(admin or told(response)[1] == FORBIDDEN, True, "the reason")
        expect(len(seen(sb, "meta", headers["x-case"])), int(admin), "requests that pg-meta got")
        asked = ask(sb, "/graphql/v1", "POST", json={"query": "{ a }"}, headers=headers | {"Authorization": f"Bearer {case.shown}"})
        expect(asked.json(), {"data": {"asked": "{ a }", "role": case.role}}, f"{case.name}: GraphQL")
        line, = seen(sb, "rest", headers["x-case"], "/rpc/graphql")
        expect((line.all("x-consumer-username"), line.all("content-profile")), ([case.consumer], ["graphql_public"]), case.name)
    return "pg-meta and the description of REST only for admin; GraphQL by its profile"


def supabase_dashboard(place):
    sb = start(place)
    none = ask(sb, "/project/default")
    expect((*told(none), none.headers["www-authenticate"]), (401, "Unauthorized", 'Basic realm="kong"'))
    for auth in ((DASHBOARD[0], "x" + DASHBOARD[1]), (DASHBOARD[0].upper(), DASHBOARD[1]), (DASHBOARD[1], DASHBOARD[0])):
        expect(told(ask(sb, "/", auth=auth)), (401, WRONG), str(auth))
    expect(told(ask(sb, "/", headers={"apikey": sb.keys.service})), (401, "Unauthorized"), "a key is no password")
    page = ask(sb, "/project/default?tab=a%20b", auth=DASHBOARD, headers={"x-case": "studio"})
    expect((page.status_code, page.text), (200, "<p>Studio: /project/default</p>"))
    line, = seen(sb, "studio", "studio")
    expect((line.target, line.all("authorization"), line.all("x-consumer-username"), line.all("x-credential-identifier")),
           ("/project/default?tab=a%20b", [], ["DASHBOARD"], [DASHBOARD[0]]), "what Studio got")
    for path in ("/mcp", "/api/mcp/x", "/realtime/v1/api/tenants/a", "/realtime/v1/api/openapi"):
        expect(told(ask(sb, path, auth=DASHBOARD, headers={"apikey": sb.keys.service})), (403, "Not from here."), path)
    return "a password for what is left, which Studio doesn't get to see; four paths for nobody"


OPEN = {"/auth/v1/verify": "/verify", "/auth/v1/callback": "/callback", "/auth/v1/authorize": "/authorize",
        "/auth/v1/.well-known/jwks.json": "/.well-known/jwks.json", "/sso/saml/acs": "/sso/saml/acs",
        WELL_KNOWN: "/.well-known/oauth-authorization-server"}


def supabase_open_paths(place):
    sb = start(place)
    for number, (path, target) in enumerate(OPEN.items()):
        ask(sb, path + "?a=b", headers={"x-case": f"open {number}"})
        line, = seen(sb, "auth", f"open {number}")
        expect((line.target, line.all("x-consumer-username")), (f"/auth/v1{target}?a=b", []), path)
    return f"{len(OPEN)} paths of auth without a key"


def supabase_storage_and_functions(place):
    sb = start(place)
    signature = "AWS4-HMAC-SHA256 Credential=a/20260101/local/s3/aws4_request, SignedHeaders=host, Signature=00"
    passes = {                                   # what a client shows, and what of it a service gets as Authorization
        "nothing": ({}, []), "blank": ({"Authorization": ""}, []), "S3": ({"Authorization": signature}, [signature]),
        "key": ({"apikey": sb.keys.publishable}, [f"Bearer {sb.keys.anon_token}"]), "old": ({"apikey": sb.keys.anon}, [sb.keys.anon]),
        "both": ({"apikey": sb.keys.secret, "Authorization": f"Bearer {sb.keys.anon}"}, [f"Bearer {sb.keys.anon}"])}
    for name, (headers, wanted) in passes.items():
        ask(sb, "/storage/v1/object/sign/files/a?token=b", headers=headers | {"x-case": f"storage {name}"})
        line, = seen(sb, "storage", f"storage {name}")
        expect((line.target, line.all("authorization")), ("/object/sign/files/a?token=b", wanted), name)
    forged = {"sb-api-key": sb.keys.service_token}
    for name, headers, key in (("forged", forged, []), ("bearer", forged | {"Authorization": f"Bearer {sb.keys.secret}"},
                               [sb.keys.service_token]), ("key", {"apikey": sb.keys.publishable}, [sb.keys.anon_token])):
        ask(sb, "/functions/v1/greet", "POST", json={}, headers=headers | {"x-case": f"function {name}"})
        line, = seen(sb, "functions", f"function {name}")
        expect(line.all("sb-api-key"), key, name)
    return "no empty header, signatures as they are, a forged key taken out"


# === The file ===

def old_keys(keys):
    return types.SimpleNamespace(**vars(keys) | {"publishable": "", "secret": ""})


def supabase_without_new_keys(place):
    """As most stacks still are: the variables are there, and empty."""
    sb = start(place)
    url = gateway(place, "supabase-old", environment(old_keys(sb.keys), sb.hosts))
    old = types.SimpleNamespace(url=url, seen=sb.seen)
    for key, status in ((sb.keys.anon, 200), (sb.keys.publishable, 401), ("", 401)):
        expect(ask(old, "/rest/v1/notes?select=id", headers={"apikey": key}).status_code, status, key[:9])
    ask(old, "/functions/v1/greet", "POST", json={}, headers={"apikey": sb.keys.secret, "x-case": "old function"})
    expect(seen(sb, "functions", "old function")[0].all("sb-api-key"), [], "there is no token to put in")
    expect("empty-key" in place.stack.log("supabase-old"), True, "a word on the keys that are left out")
    return "two empty keys are left out, and said so"


def supabase_check(place):
    """What `gateway check` finds in the file, by its codes, with all that it needs and without some of it."""
    sb = start(place)
    full, old, swapped = environment(sb.keys, sb.hosts), old_keys(sb.keys), types.SimpleNamespace(**vars(sb.keys))
    swapped.anon, swapped.service = sb.keys.service, sb.keys.anon
    expect(found(place, full), ("valid", []))
    expect(found(place, environment(old, sb.hosts)), ("valid", ["empty-key"] * 2), "without new keys")
    expect(found(place, environment(swapped, sb.hosts)), ("valid", ["bearer-role"] * 2), "with swapped keys")
    without = {name: value for name, value in full.items() if not name.startswith("LUA_")}
    expect(found(place, without), ("valid", ["placeholder"] * 3), "without Lua")
    verdict, codes = found(place, {})
    expect((verdict, set(codes)), ("invalid", {"unset-variable", "unknown-field"}), "without anything")
    traditional = {**full, "KONG_ROUTER_FLAVOR": "traditional"}
    expect(found(place, traditional), ("invalid", ["unknown-field"]), "without expressions")
    return "nothing to say; empty, swapped and missing values are told"


def supabase_documented(place):
    """What docs/supabase.md says to run makes the same Lua, and says the same of a stack without new keys."""
    text = (place.root / "docs" / "supabase.md").read_text()
    script, = re.findall(r"```sh\n(key\(\).*?)```", text, re.S)
    keys = make_keys()
    shown = {"SUPABASE_SECRET_KEY": keys.secret, "SUPABASE_PUBLISHABLE_KEY": keys.publishable,
             "SERVICE_ROLE_KEY_ASYMMETRIC": keys.service_token, "ANON_KEY_ASYMMETRIC": keys.anon_token}
    done = subprocess.run(["sh", "-euc", script + "env"], env=clean() | shown, capture_output=True, text=True, timeout=10)
    made = dict(line.split("=", 1) for line in done.stdout.splitlines() if line.startswith("LUA_"))
    expect(made, expressions(keys))
    own, = re.findall(r'^OWN="(.*)"$', script, re.M)
    old = expressions(old_keys(keys))
    expect(old.pop("LUA_AUTH_EXPR"), f"$({own} or headers.apikey)")
    expect([value for value in old.values() if f"`{value}`" not in text], [], "said for old keys")
    return "its script makes the Lua that is tested here"


def found(place, env):
    """The verdict, and the codes of what was found."""
    done = subprocess.run([place.program, "check", "--format", "json", FILE], env=clean() | env, capture_output=True,
                          text=True, timeout=20)
    report = json.loads(done.stdout)
    return report["verdict"], [finding["code"] for finding in report["files"][0]["findings"]]


def clean():
    """The environment without what the file or the gateway would read."""
    return {name: value for name, value in os.environ.items() if not re.match("KONG_|SUPABASE_|LUA_|DASHBOARD_|WELL_KNOWN_|.*_HOST$", name)}


ALL = [supabase_no_key, supabase_groups, supabase_dashboard, supabase_open_paths, supabase_storage_and_functions,
       supabase_without_new_keys, supabase_check, supabase_documented]
