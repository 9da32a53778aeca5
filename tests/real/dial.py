"""Requests over sockets, byte for byte: what a library would mend or refuse is sent as it is.

HTTP/1 is written here; HTTP/2 is the `h2` package without its checks of what is sent."""
import socket
import ssl
import typing

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import ConnectionTerminated, DataReceived, ResponseReceived, StreamEnded, StreamReset

from apps.bulk import pieces

LIMIT = 20


class Answer(typing.NamedTuple):
    """`status` is None if the connection ended without one."""
    status: int | None
    fields: list
    body: bytes = b""

    def field(self, name):
        """All its values; None if there is none."""
        return " & ".join(value for key, value in self.fields if key == name) or None


NONE = Answer(None, [])


def connect(port, source=None, context=None, name=None, protocols=(), session=None):
    """A connection to a port of this machine, from an address of it; over TLS if there is a context."""
    sock = socket.create_connection(("127.0.0.1", port), LIMIT, (source, 0) if source else None)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if context is None:
        return sock
    if protocols:
        context.set_alpn_protocols(list(protocols))
    try:
        return context.wrap_socket(sock, server_hostname=name, session=session)
    except OSError:
        sock.close()
        raise


# === HTTP/1 ===

def http1(sock, requests, heads=()):
    """Sends all of them at once; the answers. `heads`: at which positions no body follows."""
    try:
        sock.sendall(b"".join(requests))
    except (ConnectionError, ssl.SSLError):
        pass                                     # refused early: the answer is there
    with sock.makefile("rb") as stream:
        return [read_answer(stream, at in heads) for at in range(len(requests))]


def read_answer(stream, headless=False):
    try:
        start, fields = stream.readline().split(None, 2), []
        if len(start) < 2:
            return NONE
        while (field := stream.readline().decode("latin-1").strip()):
            name, _, value = field.partition(":")
            fields.append((name.lower(), value.strip()))
        status = int(start[1])
        if 100 <= status < 200 and status != 101:
            return read_answer(stream, headless)
        bodiless = headless or status in (101, 204, 304)
        return Answer(status, fields, b"" if bodiless else read_body(stream, fields))
    except (ConnectionError, ssl.SSLError, TimeoutError):
        return NONE


def read_body(stream, fields):
    names = {name.encode(): value.encode() for name, value in fields}
    if b"content-length" in names or b"transfer-encoding" in names:
        return b"".join(pieces(stream, names))
    return stream.read()


# === HTTP/2 ===

class Http2:
    """A connection; each `ask` is some streams at once."""

    def __init__(self, sock):
        self.sock, self.answers, self.ended = sock, {}, set()
        self.h2 = H2Connection(H2Configuration(header_encoding=False, validate_outbound_headers=False,
                                               normalize_outbound_headers=False))
        self.h2.initiate_connection()
        self.flush()

    def ask(self, requests):
        """For each `(fields, body)` its answer."""
        left = {}
        for fields, body in requests:
            stream = self.h2.get_next_available_stream_id()
            self.h2.send_headers(stream, fields, end_stream=not body)
            self.answers[stream], left[stream] = NONE, body
        wanted = set(left)
        while wanted - self.ended:
            for stream, body in left.items():
                left[stream] = self.send(stream, body)
            self.flush()
            self.receive()
        return [self.answers.pop(stream) for stream in sorted(wanted)]

    def send(self, stream, body):
        """As much of it as may be sent now; the rest."""
        while body and stream not in self.ended:
            size = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size, len(body))
            if size == 0:
                return body
            self.h2.send_data(stream, body[:size], end_stream=size == len(body))
            body = body[size:]
        return b""

    def flush(self):
        self.sock.sendall(self.h2.data_to_send())

    def receive(self):
        data = self.sock.recv(65536)
        for event in self.h2.receive_data(data) if data else [None]:
            self.take(event)

    def take(self, event):
        if event is None or isinstance(event, ConnectionTerminated):
            self.ended.update(self.answers)
        elif isinstance(event, ResponseReceived):
            fields = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in event.headers]
            self.answers[event.stream_id] = Answer(int(fields[0][1]), fields[1:])
        elif isinstance(event, DataReceived):
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            answer = self.answers[event.stream_id]
            self.answers[event.stream_id] = answer._replace(body=answer.body + event.data)
        elif isinstance(event, (StreamEnded, StreamReset)):
            self.ended.add(event.stream_id)
