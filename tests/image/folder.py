"""Runs an image's content, which docker/assemble puts into a folder, without a container engine: namespaces for mounts and
processes, no capability, no way to get one. As root; the network is the caller's."""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

from container import ROOT, image, until

HERE = pathlib.Path(__file__).resolve().parent


class Engine:
    def __init__(self, binary):
        self.binary, self.work = binary, pathlib.Path(tempfile.mkdtemp(prefix="image-"))
        self.work.chmod(0o755)

    def close(self):
        shutil.rmtree(self.work)

    def folder(self, target):
        """With the image's content."""
        folder = self.work / target
        if not folder.exists():
            subprocess.run([ROOT / "docker" / "assemble", target, self.binary, folder], check=True, timeout=120)
            files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
            print(f"image {target}: {sum(path.stat().st_size for path in files) / 1e6:.1f} MB")
        return folder

    def run(self, wanted):
        return Container(self.folder(wanted.image), wanted)


class Container:
    def __init__(self, rootfs, wanted):
        self.rootfs, self.image = rootfs, image(wanted.image)
        self.own = pathlib.Path(tempfile.mkdtemp(dir=rootfs.parent))
        self.own.chmod(0o755)
        self.user = self.ids(wanted.user or self.image.user)
        self.env = {"HOME": self.home(), "HOSTNAME": "container", **self.image.env, **wanted.env}
        self.want = {"image": str(rootfs), "root": self.make("root"), "upper": self.make("upper"), "work": self.make("work"),
                     "read_only": wanted.read_only, "tmpfs": wanted.tmpfs, "mounts": [*wanted.mounts, *self.names(wanted)],
                     "folder": self.image.folder, "user": self.user, "env": self.env, "words": self.words(wanted)}
        self.put(wanted)
        self.streams = []
        self.start()

    def start(self):
        new = Stream(self.user[0]), Stream(self.user[0])
        self.process = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--fork", "--propagation", "private", sys.executable, HERE / "inside.py",
             json.dumps(self.want)], stdin=subprocess.DEVNULL, stdout=new[0].end, stderr=new[1].end, start_new_session=True)
        for stream in new:
            stream.begin()
        self.streams.append(new)

    def restart(self):
        self.kill(self.image.stop_signal.removeprefix("SIG"))
        self.wait()
        self.start()

    def words(self, wanted):
        command = wanted.command if wanted.command or wanted.entrypoint else self.image.command
        return [*(wanted.entrypoint or self.image.entrypoint), *(command or [])]

    def make(self, name):
        (self.own / name).mkdir(mode=0o755)
        return str(self.own / name)

    def accounts(self):
        return [line.split(":") for line in (self.rootfs / "etc/passwd").read_text().splitlines()]

    def ids(self, user):
        """A name of the image's, or numbers; the group of a number that the image does not know is root's, as in Docker."""
        name, _, group = user.partition(":")
        known = next((row for row in self.accounts() if name in (row[0], row[2])), None)
        return int(known[2] if known else name), int(group or (known[3] if known else 0))

    def home(self):
        return next((row[5] for row in self.accounts() if int(row[2]) == self.user[0]), "/")

    def names(self, wanted):
        hosts = self.own / "hosts"
        hosts.write_text(f"127.0.0.1 localhost {' '.join(wanted.hosts)}\n")
        return [(str(hosts), "/etc/hosts")]

    def put(self, wanted):
        for path, text in wanted.copied.items():
            to = self.own / "upper" / path.lstrip("/")
            to.parent.mkdir(parents=True, exist_ok=True)
            for folder in to.relative_to(self.own / "upper").parents:    # overlayfs takes the upper folder's owner
                like, own = self.rootfs / folder, self.own / "upper" / folder
                os.chown(own, like.stat().st_uid, like.stat().st_gid)
                own.chmod(like.stat().st_mode & 0o7777)
            to.write_text(text)
            to.chmod(0o644)

    def pid(self):
        """Of the program, seen from here."""
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        until("the container has a process", lambda: self.process.poll() is not None or children.read_text().strip())
        return int(children.read_text().split()[0])

    def exec(self, *words):
        pid = str(self.pid())
        return subprocess.run(["/usr/bin/nsenter", "--target", pid, "--mount", "--pid", "--root", "--wd",
                               "--setuid", str(self.user[0]), "--setgid", str(self.user[1]), *words],
                              env=self.env, capture_output=True, text=True, timeout=30)

    def status(self):
        """What the kernel knows of the first process."""
        lines = pathlib.Path(f"/proc/{self.pid()}/status").read_text().splitlines()
        return {key: value.strip() for key, value in (line.split(":", 1) for line in lines)}

    def health(self):
        return self.exec(*self.image.health).returncode

    def kill(self, name):
        os.kill(self.pid(), signal.Signals[f"SIG{name}"])

    def wait(self, limit=20):
        return self.process.wait(limit)

    def running(self):
        return self.process.poll() is None

    def logs(self):
        return tuple("".join(pair[number].text() for pair in self.streams) for number in (0, 1))

    def remove(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)
        shutil.rmtree(self.own)


class Stream:
    """A pipe that the container may open again as /dev/stdout, as engines see to it, and what came out of it."""

    def __init__(self, owner):
        self.out, self.end = os.pipe()
        os.fchown(self.end, owner, -1)
        self.pieces = []

    def begin(self):
        os.close(self.end)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        with os.fdopen(self.out, "rb") as pipe:
            while piece := pipe.read1(65536):
                self.pieces.append(piece)

    def text(self):
        return b"".join(self.pieces).decode("utf-8", "replace")
