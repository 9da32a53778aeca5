"""What stands behind Supabase's gateway beside its database: storage, functions, realtime, pg-meta and Studio, as far as
its clients ask them. Each has a port of its own; what came to it is noted in the file SEEN, a line of JSON each.

  services.py PORT PORT PORT PORT PORT      in the order of SERVICES"""
import json
import os
import socket
import sys

import jwt
import uvicorn
from fastapi import FastAPI, Request, WebSocket, WebSocketDisconnect
from fastapi.responses import HTMLResponse, JSONResponse, Response

storage, functions, realtime, meta, studio = (FastAPI() for _ in range(5))
SERVICES = {"storage": storage, "functions": functions, "realtime": realtime, "meta": meta, "studio": studio}
EVERY = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


def role(token):
    """Whom a token is for. `None`: nobody has signed it here."""
    try:
        return jwt.decode(token, os.environ["JWT_SECRET"], ["HS256"], options={"verify_aud": False}).get("role")
    except jwt.InvalidTokenError:
        return None


def bearer(request):
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return role(token) if kind == "Bearer" else None


def refused():
    """As Supabase's storage says it."""
    return JSONResponse({"statusCode": "403", "error": "Unauthorized", "message": "not allowed"}, 403)


# === Storage: who is known may read, whoever is more than anonymous may write ===

OBJECTS = {}


@storage.get("/object/sign/{name:path}")
def presigned(name: str):
    return Response(OBJECTS.get(name, b""), media_type="application/octet-stream")


@storage.post("/object/{name:path}")
async def upload(name: str, request: Request):
    if bearer(request) not in ("authenticated", "service_role"):
        return refused()
    form = await request.form(max_part_size=16 << 20)
    OBJECTS[name] = b"".join([await part.read() for part in form.values() if hasattr(part, "read")])
    return {"Key": name, "Id": "00000000-0000-0000-0000-000000000001"}


@storage.get("/object/{name:path}")
def download(name: str, request: Request):
    if bearer(request) is None:
        return refused()
    return Response(OBJECTS[name], media_type="application/octet-stream")


# === Functions: they judge by themselves who asks ===

@functions.post("/{name}")
async def function(name: str, request: Request):
    key = request.headers.get("sb-api-key")
    return {"function": name, "asked": await request.json(), "key": role(key) if key else None}


# === Realtime: Phoenix channels, in the two forms that clients speak ===

@realtime.websocket("/socket/websocket")
async def channels(peer: WebSocket):
    token = peer.headers.get("x-api-key") or peer.query_params.get("apikey", "")
    if role(token) is None:
        return await peer.close(1008)
    await peer.accept()
    try:
        while True:
            message = await peer.receive()
            if message["type"] == "websocket.disconnect":
                return
            if message.get("bytes") is not None:
                await peer.send_bytes(binary(message["bytes"]))
            else:
                await peer.send_text(json.dumps(answer(json.loads(message["text"]))))
    except WebSocketDisconnect:
        pass


def answer(message):
    """A reply to everything but a broadcast, which comes back as one. Version 1 is an object, version 2 a list."""
    if isinstance(message, list):
        join, ref, topic, event, payload = message
        return [join, *reply(ref, topic, event, payload)]
    return dict(zip(("ref", "topic", "event", "payload"), reply(*map(message.get, ("ref", "topic", "event", "payload")))))


def reply(ref, topic, event, payload):
    if event == "broadcast":
        return None, topic, event, payload
    return ref, topic, "phx_reply", {"status": "ok", "response": {"postgres_changes": []}}


def binary(push):
    """A broadcast of version 2 (kind 3, with six lengths) as it comes to subscribers (kind 4, with four)."""
    join, ref, topic, event, extra, encoding = push[1:7]
    start = 7 + join + ref
    names, payload = push[start:start + topic + event + extra], push[start + topic + event + extra:]
    return bytes([4, topic, event, extra, encoding]) + names + payload


@realtime.post("/api/broadcast/{topic}/events/{event}")
async def broadcast(topic: str, event: str, request: Request):
    await request.json()
    return Response(status_code=202) if bearer(request) else refused()


# === pg-meta and Studio: they trust whoever comes through ===

@meta.get("/tables")
def tables():
    return [{"schema": "public", "name": "notes"}]


@studio.api_route("/{path:path}", methods=EVERY)
def page(path: str):
    return HTMLResponse(f"<p>Studio: /{path}</p>")


# === Start ===

async def noted(scope, receive, send):
    """Notes what comes, and hands it to the service whose port it came to."""
    if scope["type"] == "lifespan":
        return
    name = PORTS[scope["server"][1]]
    target = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
    line = {"service": name, "method": scope.get("method", "WS"), "target": target.decode(),
            "headers": [[key.decode(), value.decode("latin-1")] for key, value in scope["headers"]]}
    with open(os.environ["SEEN"], "a") as out:
        out.write(json.dumps(line) + "\n")
    await SERVICES[name](scope, receive, send)


if __name__ == "__main__":
    PORTS = dict(zip(map(int, sys.argv[1:]), SERVICES, strict=True))
    config = uvicorn.Config(noted, log_level="warning", access_log=False, lifespan="off", ws_max_size=1 << 24)
    uvicorn.Server(config).run([socket.create_server(("127.0.0.1", port)) for port in PORTS])
