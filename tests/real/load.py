"""Traffic that goes on while something else happens: every request must be answered, every connection live."""
import itertools
import threading

from dial import Http2, connect, http1


class Load:
    """Threads that ask the sites of a TLS port in turn, until the end of the `with` block.

    Some keep their connections, some open a new one for each request, some speak HTTP/2, one resumes its sessions."""

    def __init__(self, port, authority, sites):
        self.port, self.sites, self.stopped = port, sites, threading.Event()
        self.trust, self.answered, self.failures = authority.context, 0, []
        self.resuming = Resuming(self, "http/1.1")
        kinds = Kept(self, "http/1.1"), Kept(self, "h2"), New(self, "http/1.1"), New(self, "h2"), self.resuming
        self.threads = [threading.Thread(target=self.work, args=(kind,)) for kind in kinds]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        for thread in self.threads:
            thread.join(30)
        self.failures += [f"{thread.name} hangs" for thread in self.threads if thread.is_alive()]

    def work(self, kind):
        for site in itertools.cycle(self.sites):
            if self.stopped.is_set():
                return kind.close()
            try:
                answer = kind.ask(site)
                if answer.status != 200:
                    self.failures.append(f"{kind.name()} {site}: status {answer.status}")
                self.answered += 1
            except Exception as error:           # whatever it is, it is a failed request
                self.failures.append(f"{kind.name()} {site}: {type(error).__name__}: {error}")
                if len(self.failures) > 20:
                    return kind.close()
            self.stopped.wait(0.005)             # leaves the machine to the gateway


class Kind:
    """A way to ask."""

    def __init__(self, load, protocol):
        self.load, self.protocol, self.open = load, protocol, {}
        self.context = load.trust()

    def name(self):
        return f"{type(self).__name__} {self.protocol}"

    def dial(self, site):
        sock = connect(self.load.port, None, self.context, site, [self.protocol])
        return sock, Http2(sock) if self.protocol == "h2" else None

    def exchange(self, sock, h2, site):
        if h2:
            return h2.ask([([(b":method", b"GET"), (b":scheme", b"https"), (b":authority", site.encode()),
                             (b":path", b"/")], b"")])[0]
        return http1(sock, [f"GET / HTTP/1.1\r\nHost: {site}\r\n\r\n".encode()])[0]

    def close(self):
        for sock, _ in self.open.values():
            sock.close()


class Kept(Kind):
    """One connection for each site, for the whole time."""

    def ask(self, site):
        if site not in self.open:
            self.open[site] = self.dial(site)
        return self.exchange(*self.open[site], site)


class New(Kind):
    """A connection and a full handshake for each request."""

    def ask(self, site):
        sock, h2 = self.dial(site)
        with sock:
            return self.exchange(sock, h2, site)


class Resuming(Kind):
    """A connection for each request, with the session of the one before."""

    def __init__(self, load, protocol):
        super().__init__(load, protocol)
        self.sessions, self.resumed = {}, 0

    def ask(self, site):
        with connect(self.load.port, None, self.context, site, [self.protocol], self.sessions.get(site)) as sock:
            answer = self.exchange(sock, None, site)
            self.resumed += sock.session_reused
            self.sessions[site] = sock.session
            return answer
