"""Starts and ends the real programs: one workspace, one list of processes, every wait bounded."""
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
APPS = HERE / "apps"


def free_port(taken=set()):
    """A port that is free now, never the same twice."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        if port not in taken:
            taken.add(port)
            return port


class Stack:
    """A folder and the processes that work in it; both are gone at the end."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="real-"))
        self.folder.chmod(0o755)
        self.running, self.endings = [], []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for end in reversed(self.endings):
            end()
        for name, process in reversed(self.running):
            self.end(process)
        shutil.rmtree(self.folder, ignore_errors=True)

    @staticmethod
    def end(process):
        for number, limit in ((signal.SIGTERM, 5), (signal.SIGKILL, 5)):
            if process.poll() is None:
                process.send_signal(number)
                try:
                    process.wait(limit)
                except subprocess.TimeoutExpired:
                    pass

    def start(self, name, command, port, env=None, limit=30):
        """Runs a program in the background until its port answers."""
        log = open(self.folder / f"{name}.log", "wb")
        process = subprocess.Popen([str(c) for c in command], env={**os.environ, **(env or {})}, cwd=self.folder,
                                   stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        self.running.append((name, process))
        end = time.monotonic() + limit
        while time.monotonic() < end and process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return process
            time.sleep(0.05)
        raise RuntimeError(f"{name} does not listen:\n{self.log(name)}")

    def log(self, name):
        return (self.folder / f"{name}.log").read_text("utf-8", "replace")[-3000:]

    def python(self, name, app, *arguments, port, env=None):
        return self.start(name, [sys.executable, APPS / app, *arguments], port, env)

    def uvicorn(self, name, app, env=None):
        """An ASGI application; its URL."""
        port = free_port()
        self.start(name, [sys.executable, "-m", "uvicorn", "--app-dir", APPS, f"{app}:app", "--port", port,
                          "--log-level", "warning", "--no-access-log"], port, env)
        return f"http://127.0.0.1:{port}"


def postgres(stack):
    """A PostgreSQL server with its own data; the connection string."""
    bindir = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))[-1]
    home, port = stack.folder / "postgres", free_port()
    home.mkdir()
    become = []
    if os.getuid() == 0:                       # it refuses to run as root
        os.chown(home, pwd.getpwnam("postgres").pw_uid, -1)
        become = ["runuser", "-u", "postgres", "--"]
    run = lambda *words: subprocess.run([*become, *map(str, words)], check=True, timeout=60, cwd="/", stdout=subprocess.DEVNULL)
    run(bindir / "initdb", "-D", home / "data", "-A", "trust", "-U", "postgres", "--no-sync")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -k {home} -c fsync=off"
    run(bindir / "pg_ctl", "-D", home / "data", "-o", options, "-l", home / "log", "-w", "start")
    stack.endings.append(lambda: run(bindir / "pg_ctl", "-D", home / "data", "-m", "immediate", "stop"))
    return f"host=127.0.0.1 port={port} user=postgres dbname=postgres"


def npm(source, work):
    """A copy of `source` in the folder `work`, with the packages that its lock file names."""
    shutil.copytree(source, work, dirs_exist_ok=True)
    lock, stamp = (source / "package-lock.json").read_text(), work / "installed.json"
    if not stamp.exists() or stamp.read_text() != lock:
        subprocess.run(["npm", "ci", "--silent", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=work, check=True, timeout=90)
        stamp.write_text(lock)


def nginx(stack):
    """nginx with a folder of files; its URL."""
    port, home = free_port(), stack.folder / "nginx"
    (home / "files").mkdir(parents=True)
    (home / "files" / "page.html").write_text("<p>hello</p>\n" * 1000)
    temporary = "".join(f"{kind}_temp_path {home}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (home / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {home}/pid; error_log stderr; events {{}}\n"
        f"http {{ {temporary} access_log off; gzip on; gzip_min_length 1; types {{ text/html html; }}\n"
        f"server {{ listen 127.0.0.1:{port}; server_name files.test; root {home}/files; }} }}\n")
    nginx_path = shutil.which("nginx") or "/usr/sbin/nginx"
    stack.start("nginx", [nginx_path, "-e", "stderr", "-c", home / "nginx.conf"], port)
    return f"http://127.0.0.1:{port}"
