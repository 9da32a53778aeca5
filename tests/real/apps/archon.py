"""A FastAPI application of the kind that serves a UI: JSON, an upload, server-sent events, a WebSocket."""
import asyncio
import hashlib
import json
import time

from fastapi import FastAPI, Request, WebSocket, WebSocketDisconnect
from fastapi.responses import StreamingResponse

app = FastAPI()


@app.get("/api/health")
def health(request: Request):
    return {"status": "healthy", "headers": dict(request.headers), "path": request.url.path}


@app.post("/api/upload")
async def upload(request: Request):
    digest, size = hashlib.sha256(), 0
    async for part in request.stream():
        digest.update(part)
        size += len(part)
    return {"size": size, "sha256": digest.hexdigest()}


@app.get("/api/events")
async def events(count: int = 5, pause: float = 0.2):
    async def stream():
        for number in range(count):
            yield f"id: {number}\ndata: {json.dumps({'sent': time.monotonic()})}\n\n"
            await asyncio.sleep(pause)
    return StreamingResponse(stream(), media_type="text/event-stream")


@app.websocket("/api/socket")
async def socket(peer: WebSocket):
    await peer.accept(subprotocol=next(iter(peer.scope["subprotocols"]), None))
    try:
        while True:
            message = await peer.receive()
            if message["type"] == "websocket.disconnect":
                return
            if message.get("text") == "close":
                return await peer.close(code=4001, reason="asked to")
            await peer.send({"type": "websocket.send", "text": message.get("text"), "bytes": message.get("bytes")})
    except WebSocketDisconnect:
        pass
