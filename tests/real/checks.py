"""What is asked of the gateway with real programs on both sides. A check raises, or returns a note."""
import asyncio
import functools
import hashlib
import json
import re
import subprocess
import time

import httpx
import psycopg
import websockets
from mcp import Client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client

from apps import bulk

GIB = 1 << 30
# Two listeners' buffers, some TLS state, a few tasks: the size of a body must not show.
GROWTH = 16 * 1024


def expect(actual, wanted, what=""):
    if actual != wanted:
        raise AssertionError(f"{what or 'value'}: expected {wanted!r}, got {actual!r}")


def curl(*words, limit=30):
    """Runs curl; what it printed, as text."""
    done = subprocess.run(["curl", "--silent", "--show-error", "--insecure", "--max-time", str(limit), *map(str, words)],
                          capture_output=True, timeout=limit + 5)
    expect(done.returncode, 0, "curl: " + done.stderr.decode())
    return done.stdout.decode()


def client(place, **headers):
    return httpx.Client(base_url=place.url, timeout=20, headers={"Authorization": "Bearer client", **headers})


# === curl ===

def curl_versions(place):
    # A server may answer HTTP/1.0 with either version (RFC 9110 §6.2).
    for flag, url, version in (("--http1.0", place.url, "1(.1)?"), ("--http1.1", place.url, "1.1"),
                               ("--http2-prior-knowledge", place.h2_url, "2"),
                               ("--http1.1", place.tls_url, "1.1"), ("--http2", place.tls_url, "2")):
        text = curl(flag, "-H", "Authorization: Bearer client", "-H", "Origin: http://ui.test", "-w",
                    "\n%{http_code} %{http_version} %header{access-control-allow-origin}",
                    f"{url}/rest/v1/archon_settings?key=eq.theme")
        body, meta = text.rsplit("\n", 1)
        expect(json.loads(body), [{"key": "theme", "value": "dark"}], flag)
        expect(bool(re.fullmatch(f"200 {version} [*]", meta)), True, f"{flag} {url}: {meta!r} as expected")
    return "HTTP/1.0, 1.1, h2c; over TLS 1.1 and h2"


# === PostgreSQL behind a REST server ===

def prepare_database(conninfo):
    with psycopg.connect(conninfo, autocommit=True) as db:
        db.execute("create table archon_settings (key text primary key, value text)")
        db.execute("insert into archon_settings values ('theme', 'dark'), ('model', 'small')")
        db.execute("create schema graphql_public")
        db.execute("create function graphql_public.graphql(query text) returns json language sql as "
                   "$$ select json_build_object('data', json_build_object('asked', query)) $$")


def rest_statements(place):
    with client(place) as http:
        table = "/rest/v1/archon_settings"
        expect(http.post(table, json={"key": "ä b", "value": "1"}).status_code, 201)
        expect(http.post(table, json={"key": "ä b", "value": "1"}).status_code, 409)
        expect(http.patch(table, params={"key": "eq.ä b"}, json={"value": "2"}).status_code, 204)
        expect(http.get(table, params={"key": "eq.ä b", "select": "value"}).json(), [{"value": "2"}])
        expect(http.head(table).headers["content-range"], "0-2/3")
        expect(http.delete(table, params={"key": "eq.ä b"}).status_code, 204)
        expect(len(http.get(table).json()), 2)
    return "insert, duplicate, update, select, HEAD, delete"


def graphql(place):
    with client(place) as http:
        expect(http.post("/graphql/v1", json={"query": "{ a }"}).json(), {"data": {"asked": "{ a }"}})


def rest_in_parallel(place):
    async def run(url, http2):
        async with httpx.AsyncClient(base_url=url, http1=not http2, http2=http2, verify=False, timeout=20) as http:
            answers = await asyncio.gather(*(http.get("/rest/v1/archon_settings") for _ in range(40)))
            expect({(a.status_code, len(a.json()), a.http_version) for a in answers},
                   {(200, 2, "HTTP/2" if http2 else "HTTP/1.1")})
    asyncio.run(run(place.url, False))
    asyncio.run(run(place.tls_url, True))
    return "40 at once, HTTP/1.1 and h2 over TLS"


def preflight(place):
    with client(place) as http:
        answer = http.options("/rest/v1/archon_settings", headers={
            "Origin": "http://ui.test", "Access-Control-Request-Method": "PATCH"})
        expect(answer.status_code, 200)
        expect("PATCH" in answer.headers["access-control-allow-methods"], True, "allowed methods")


# === FastAPI ===

def fastapi_json(place):
    with client(place) as http:
        seen = http.get("/api/health", headers={"X-Mine": "1"}).json()
        expect((seen["path"], seen["headers"]["x-mine"]), ("/api/health", "1"))
        expect(seen["headers"]["x-forwarded-for"], "127.0.0.1")
        data = bytes(range(256)) * 20_000
        wanted = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        expect(http.post("/api/upload", content=data).json(), wanted)
        parts = (data[at:at + 70_000] for at in range(0, len(data), 70_000))
        expect(http.post("/api/upload", content=parts).json(), wanted, "chunked upload")


def server_sent_events(place):
    late = []
    with client(place) as http, http.stream("GET", "/api/events") as answer:
        for line in answer.iter_lines():
            if line.startswith("data: "):
                # One machine, one clock: how old the event is.
                late.append(time.monotonic() - json.loads(line[6:])["sent"])
    expect(len(late), 5)
    expect(max(late) < 0.15, True, f"an event came {max(late):.3f} s late: flushed at once")
    return f"each within {max(late) * 1000:.1f} ms"


def web_socket(place):
    async def run(url):
        async with websockets.connect(url + "/api/socket", subprotocols=["chat"], max_size=None, ping_interval=None,
                                      ssl=place.no_verify if url.startswith("wss") else None) as peer:
            expect(peer.subprotocol, "chat")
            for message in ("hello", "ä" * 100, b"\0\xff" * 500_000):
                await peer.send(message)
                expect(await peer.recv() == message, True, "echo")
            await asyncio.wait_for(await peer.ping(), 5)
            await peer.send("close")
            await asyncio.wait_for(peer.wait_closed(), 5)
            expect((peer.close_code, peer.close_reason), (4001, "asked to"))
    for url in (place.url, place.tls_url):
        asyncio.run(asyncio.wait_for(run(url.replace("http", "ws", 1)), 20))
    return "text, 1 MB binary, ping, close code; ws and wss"


# === MCP ===

async def mcp(transport):
    async with asyncio.timeout(20), Client(transport) as session:
        expect(sorted(tool.name for tool in (await session.list_tools()).tools), ["add", "slow"])
        calls = [session.call_tool("add", {"a": 2, "b": 3}), session.call_tool("slow", {"seconds": 1})]
        expect([answer.content[0].text for answer in await asyncio.gather(*calls)], ["5", "done"])
    return "list, call, slow call beside it"


def mcp_streamable_http(place):
    return asyncio.run(mcp(streamable_http_client(place.url + "/mcp")))


def mcp_sse(place):
    return asyncio.run(mcp(sse_client(place.url + "/sse")))


# === nginx ===

def nginx_files(place):
    with client(place, Host="files.test") as http:
        whole = http.get("/page.html")
        expect((whole.status_code, whole.headers["content-encoding"], len(whole.text)), (200, "gzip", 13_000))
        same = http.get("/page.html", headers={"If-None-Match": whole.headers["etag"]})
        expect((same.status_code, same.content), (304, b""))
        part = http.get("/page.html", headers={"Range": "bytes=3-7", "Accept-Encoding": "identity"})
        expect((part.status_code, part.text), (206, "hello"))
        expect(http.get("/none.html").status_code, 404)
    return "gzip, 304, 206, 404"


# === 1 GiB ===

def memory(pid, field="VmHWM"):
    """KiB."""
    with open(f"/proc/{pid}/status") as status:
        return int(next(line.split()[1] for line in status if line.startswith(field)))


def with_memory(place, work):
    """Does it, and fails if the gateway grew with the body. Note: the peak, and the rate."""
    with open(f"/proc/{place.pid}/clear_refs", "w") as reset:
        reset.write("5")
    wanted_sha1()
    before, start = memory(place.pid, "VmRSS"), time.monotonic()
    work()
    took, peak = time.monotonic() - start, memory(place.pid)
    expect(peak - before < GROWTH, True, f"resident memory grew from {before} to {peak} KiB: constant")
    return f"{took:.1f} s, {GIB / took / 2**20:.0f} MiB/s; resident memory {before} KiB, peak {peak} KiB"


@functools.cache
def wanted_sha1():
    digest, data = hashlib.sha1(), bulk.block()
    for _ in range(GIB // bulk.SIZE):
        digest.update(data)
    return digest.hexdigest()


def download(*words):
    def work():
        digest, size = hashlib.sha1(), 0
        command = ["curl", "--silent", "--show-error", "--fail", "--insecure", "--max-time", "90", *words]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as run:
            while (piece := run.stdout.read(bulk.SIZE)):
                digest.update(piece)
                size += len(piece)
        expect((run.returncode, size, digest.hexdigest()), (0, GIB, wanted_sha1()))
    return work


def upload(place, *words):
    def work():
        answer = json.loads(curl("--fail", "-T", place.big_file, *words, limit=90))
        expect(answer, {"size": GIB, "sha1": wanted_sha1()})
    return work


def bulk_download(place):
    return with_memory(place, download("--http1.1", f"{place.url}/bulk/down/{GIB}"))


def bulk_upload(place):
    return with_memory(place, upload(place, "--http1.1", "-H", "Expect:", f"{place.url}/bulk/up"))


def bulk_upload_chunked(place):
    return with_memory(place, upload(place, "--http1.1", "-H", "Transfer-Encoding: chunked", f"{place.url}/bulk/up"))


def bulk_download_h2(place):
    return with_memory(place, download("--http2", f"{place.tls_url}/bulk/down/{GIB}"))


def bulk_upload_h2(place):
    return with_memory(place, upload(place, "--http2", f"{place.tls_url}/bulk/up"))


ALL = [curl_versions, rest_statements, graphql, rest_in_parallel, preflight, fastapi_json, server_sent_events,
       web_socket, mcp_streamable_http, mcp_sse, nginx_files, bulk_download, bulk_upload, bulk_upload_chunked,
       bulk_download_h2, bulk_upload_h2]
