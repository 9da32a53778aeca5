"""Upstreams that remember exactly what they saw, byte for byte; for comparing what two proxies send them.

A request names itself in a header X-Case; `Echo.seen` has what came under that name. Its query may ask for an answer:
`status=404`, `location=/x` (or `self`, its own address), `set=Name:value`, `late` (a few seconds), `cut` (none). A
WebSocket gets its messages back."""
import base64
import hashlib
import socket
import threading
import time
from urllib.parse import parse_qsl

from apps.bulk import pieces

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Echo:
    """One port for each role."""

    def __init__(self, *roles):
        self.seen, self.ports, self.listeners = {}, {}, []
        for role in roles:
            listener = socket.create_server(("127.0.0.1", 0), backlog=256)
            self.ports[role] = listener.getsockname()[1]
            self.listeners.append(listener)
            threading.Thread(target=self.accept, args=(role, listener), daemon=True).start()

    def close(self):
        for listener in self.listeners:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()

    def accept(self, role, listener):
        while True:
            try:
                conn, _ = listener.accept()
            except OSError:                      # closed
                return
            threading.Thread(target=self.serve, args=(role, conn), daemon=True).start()

    def serve(self, role, conn):
        with conn, conn.makefile("rb") as stream:
            try:
                while self.answer(role, conn, stream):
                    pass
            except (OSError, ValueError, EOFError, IndexError):
                pass                             # the proxy gave up; what it sent is noted

    def answer(self, role, conn, stream):
        """One request. Whether another may follow."""
        line, fields = head(stream)
        if not line:
            return False
        names = dict(fields)
        before = self.seen.get(names.get("x-case"), {"times": 0})
        seen = {"role": role, "line": line, "fields": fields, "size": 0, "sha1": None, "times": before["times"] + 1}
        self.seen[names.get("x-case")] = seen
        if "upgrade" in names:
            return web_socket(conn, stream, names)
        digest = hashlib.sha1()
        for piece in pieces(stream, {name.encode(): value.encode() for name, value in fields}):
            digest.update(piece)
            seen["size"] += len(piece)
        seen["sha1"] = digest.hexdigest()
        if "?cut " in line:
            return False
        time.sleep(3 if "?late " in line else 0)
        conn.sendall(reply(line, f"http://127.0.0.1:{self.ports[role]}/"))
        return names.get("connection", "").lower() != "close" and not line.endswith("HTTP/1.0")


def head(stream):
    """The request line, and names (in lower case) and values in order; Latin-1, which loses no byte."""
    line, fields = stream.readline().decode("latin-1").strip(), []
    while (field := stream.readline().decode("latin-1").strip()):
        name, _, value = field.partition(":")
        fields.append((name.lower(), value.strip()))
    return line, fields


def reply(line, own):
    method, target, _ = line.split(" ", 2)
    asked = parse_qsl(target.partition("?")[2])
    status = next((value for name, value in asked if name == "status"), "200")
    extra = [("Location", own if value == "self" else value) for name, value in asked if name == "location"]
    extra += [value.split(":", 1) for name, value in asked if name == "set" and ":" in value]
    body = b"" if status in ("204", "304") else b"seen\n"
    fields = "".join(f"{name}: {value}\r\n" for name, value in extra)
    length = "" if status == "204" else f"Content-Length: {len(body)}\r\n"
    start = f"HTTP/1.1 {status} Answer\r\nContent-Type: text/plain\r\n{length}{fields}\r\n".encode()
    return start if method == "HEAD" else start + body


def web_socket(conn, stream, names):
    accept = base64.b64encode(hashlib.sha1(names["sec-websocket-key"].encode() + GUID).digest()).decode()
    conn.sendall(f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode())
    while (frame := stream.read(2)):
        size = frame[1] & 127                    # the tests send short, masked frames only
        mask, data = stream.read(4), stream.read(size)
        plain = bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))
        conn.sendall(bytes([frame[0], size]) + plain)
        if frame[0] & 15 == 8:
            return False
    return False
