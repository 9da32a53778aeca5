"""Supabase's clients for JavaScript and Python through the gateway, with keys of the file and with wrong ones. A check raises,
or returns a note."""
import asyncio
import json
import subprocess

import supabase
from supabase.lib.client_options import AsyncClientOptions, SyncClientOptions

from checks import expect
from supabase_stack import WRONG, cases, seen, start, untouched, wrong


# === supabase-js ===

def javascript(sb, keys):
    """What came of a program that uses supabase-js, for each of the keys, by its name."""
    done = subprocess.run(["node", sb.work / "client.mjs", sb.url, json.dumps(keys)], capture_output=True, text=True,
                          timeout=40)
    expect(done.returncode, 0, "client.mjs: " + done.stderr)
    return json.loads(done.stdout)


def supabase_js(place):
    sb = start(place)
    every = cases(sb.keys)
    results = javascript(sb, {case.name: case.shown for case in every})
    for case in every:
        result = results[case.name]
        user = result.pop("user")
        bearer = user.pop("token", None)
        expect(result, wanted(case), case.name)
        expect(user, {"rpc": answer(200, {"role": "authenticated", "key": None}), "upload": True,
                      "own": answer(200, [{"body": "mine"}])}, f"{case.name}, signed in")
        arrived(sb, case)
        expect(len(with_token(sb, case, bearer)), 5, f"{case.name}: requests with a user's own token")
    return "select, insert, rpc, upload, function, broadcast, sign-up; old keys and new ones"


def answer(status, data=None, code=None):
    return {"status": status, "data": data} | ({"code": code} if code else {})


def wanted(case):
    """What a program gets to see."""
    shared = {"rpc": answer(200, {"role": case.role, "key": case.mark}), "state": "SUBSCRIBED", "heard": {"text": "ö"},
              "announced": True, "function": {"function": "greet", "asked": {"name": "Ada"},
                                              "key": case.role if case.new else None}}
    if case.role == "anon":
        denied = answer(401, code="42501")       # the row-level security of the table
        return shared | {"select": answer(200, [{"id": 1}]), "insert": denied, "again": denied,
                         "upload": {"status": 403, "message": "not allowed"}}
    return shared | {"select": answer(200, [{"id": 1}, {"id": 2}]), "insert": answer(201, [{"body": "ä"}]),
                     "again": answer(409, code="23505"), "upload": f"{case.name}/a b.bin", "same": True}


def arrived(sb, case):
    """What the services got of a key: a token in place of a word, who it is, and no groups."""
    select, = seen(sb, "rest", case.name, "select=id")
    expect({name: select.all(name) for name in ("authorization", "apikey", "x-consumer-username", "x-consumer-groups")},
           {"authorization": [f"Bearer {case.token}"], "apikey": [case.shown], "x-consumer-username": [case.consumer],
            "x-consumer-groups": []}, f"{case.name}: what rest got")
    expect(select.target.split("?")[0], "/rest/v1/notes", "the path without the route's, behind the service's")
    socket, = seen(sb, "realtime", case.name, "/socket/websocket?")
    expect((socket.all("x-api-key"), f"apikey={case.token}&" in socket.target, socket.all("x-consumer-username")),
           ([case.token], True, [case.consumer]), f"{case.name}: what the socket got")
    function, = seen(sb, "functions", case.name)
    expect((function.target, function.all("authorization"), function.all("sb-api-key")),
           ("/greet", [f"Bearer {case.shown}"], [case.token] if case.new else []), f"{case.name}: what the function got")
    upload = seen(sb, "storage", case.name, f"/{case.name}/")[0]
    expect((upload.target, upload.all("authorization")),
           (f"/object/files/{case.name}/a%20b.bin", [f"Bearer {case.token}"]), f"{case.name}: what storage got")


def with_token(sb, case, bearer):
    """Requests with this token and the key beside it."""
    every = [ask for service in ("rest", "storage") for ask in seen(sb, service, case.name)]
    return [ask for ask in every if ask.all("authorization") == [f"Bearer {bearer}"] and ask.all("apikey") == [case.shown]]


def supabase_js_wrong_keys(place):
    sb = start(place)
    keys = wrong(sb.keys)
    refused, kong = answer(401, code=WRONG), {"status": 401, "message": WRONG}
    for name, result in javascript(sb, keys).items():
        # Nobody looks at keys before storage and functions: these two do it themselves.
        known = {"upload": f"{name}/a b.bin", "same": True} if name == "stranger" else \
            {"upload": {"status": 403, "message": "not allowed"}}
        expect(result, {"select": refused, "insert": refused, "again": refused, "rpc": refused, "state": "CHANNEL_ERROR",
                        "announced": WRONG, "user": kong,
                        "function": {"function": "greet", "asked": {"name": "Ada"}, "key": None}} | known, name)
        untouched(sb, name)
    return f"{len(keys)} keys: 401, and no service was asked"


# === supabase for Python ===

FILE_SENT = bytes(range(256)) * 4000


def python(sb, name, key, number):
    """The same as in client.mjs, with the package for Python."""
    client = supabase.create_client(sb.url, key, SyncClientOptions(headers={"x-case": name}))
    table, bucket, path = client.table("notes"), client.storage.from_("files"), f"{name}/a b.bin"

    def upload():
        bucket.upload(path, FILE_SENT, {"content-type": "application/octet-stream"})
        return bucket.download(path) == FILE_SENT
    row = {"id": number, "body": "ä", "open": True}
    return {"select": attempt(lambda: table.select("id").lte("id", 2).order("id").execute().data),
            "insert": attempt(lambda: table.insert(row).execute().data[0]["body"]),
            "rpc": attempt(lambda: client.rpc("whoami", {}).execute().data), "upload": attempt(upload),
            "function": attempt(lambda: json.loads(client.functions.invoke("greet", {"body": {"name": "Ada"}}))["key"]),
            "socket": attempt(lambda: asyncio.run(asyncio.wait_for(python_socket(sb, name, key), 15)))}


async def python_socket(sb, name, key):
    """The text that goes through a channel and back."""
    client = await supabase.create_async_client(sb.url, key, AsyncClientOptions(
        realtime={"params": {"case": name}, "max_retries": 1, "auto_reconnect": False}))
    heard = asyncio.get_running_loop().create_future()
    channel = client.channel(name, {"config": {"broadcast": {"self": True, "ack": False}}})
    try:
        await channel.on_broadcast("said", heard.set_result).subscribe()
        await channel.send_broadcast("said", {"text": "ö"})
        return (await heard)["payload"]["text"]
    finally:
        await client.realtime.close()


def attempt(action):
    """What it answers, or what it fails with: each part of the package has errors of its own."""
    try:
        return action()
    except Exception as error:
        return getattr(error, "message", None) or str(error)


def supabase_python(place):
    sb = start(place)
    for number, case in enumerate(cases(sb.keys), 2000):
        result, admin = python(sb, f"py-{case.name}", case.shown, number), case.role == "service_role"
        expect(result, {"select": [{"id": 1}, {"id": 2}] if admin else [{"id": 1}],
                        "insert": "ä" if admin else 'new row violates row-level security policy for table "notes"',
                        "rpc": {"role": case.role, "key": case.mark}, "upload": True if admin else "not allowed",
                        "function": case.role if case.new else None, "socket": "ö"}, case.name)
    return "select, insert, rpc, upload, function, broadcast; old keys and new ones"


def supabase_python_wrong_keys(place):
    sb = start(place)
    for number, (name, key) in enumerate(wrong(sb.keys).items(), 3000):
        result = python(sb, f"py-{name}", key, number)
        expect(result, {"select": WRONG, "insert": WRONG, "rpc": WRONG, "upload": name == "stranger" or "not allowed",
                        "function": None, "socket": "server rejected WebSocket connection: HTTP 401"}, name)
        untouched(sb, f"py-{name}")
    return f"{number - 2999} keys: 401, and no service was asked"


ALL = [supabase_js, supabase_js_wrong_keys, supabase_python, supabase_python_wrong_keys]
