"""An upstream for very large bodies, on bare sockets so that it is no bottleneck. usage: bulk.py PORT
GET /down/BYTES sends so many (the pattern of `block`, over and over); PUT counts and digests what comes."""
import hashlib
import json
import random
import socket
import sys
import threading

SIZE = 1 << 20


def block():
    return random.Random(1).randbytes(SIZE)


def head(stream):
    line = stream.readline().split()
    headers = {}
    while (field := stream.readline().strip()):
        name, _, value = field.partition(b":")
        headers[name.strip().lower()] = value.strip()
    return line, headers


def pieces(stream, headers):
    """The body, in pieces."""
    if headers.get(b"transfer-encoding", b"").lower() == b"chunked":
        while (size := int(stream.readline().split(b";")[0], 16)):
            yield stream.read(size)
            stream.readline()
        stream.readline()
    else:
        left = int(headers.get(b"content-length", 0))
        while left:
            piece = stream.read(min(left, SIZE))
            if not piece:
                raise EOFError
            left -= len(piece)
            yield piece


def receive(conn, stream, headers):
    digest, size = hashlib.sha1(), 0
    for piece in pieces(stream, headers):
        digest.update(piece)
        size += len(piece)
    body = json.dumps({"size": size, "sha1": digest.hexdigest()}).encode()
    conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


def send(conn, size):
    conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n" % size)
    data = memoryview(block())
    while size:
        conn.sendall(data[:min(size, SIZE)])
        size -= min(size, SIZE)


def serve(conn):
    with conn, conn.makefile("rb", buffering=SIZE) as stream:
        while True:
            line, headers = head(stream)
            if not line:
                return
            if line[0] == b"GET":
                send(conn, int(line[1].rsplit(b"/", 1)[1]))
            else:
                receive(conn, stream, headers)


def main():
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    while True:
        conn, _ = listener.accept()
        threading.Thread(target=serve, args=(conn,), daemon=True).start()


if __name__ == "__main__":
    main()
