"""Builds the images from the Dockerfile and runs them, by podman; Debian's base image comes from a registry, or else from
debootstrap. As root. CONTAINERS_CONF is podman's own way to be told what a machine needs."""
import pathlib
import shutil
import subprocess
import tempfile
import uuid

from container import DOCKERFILE, ROOT, image, until

BASE = "docker.io/library/debian:bookworm-slim"
PREBUILT = ROOT / "target" / "image" / "gateway"


def podman(*words, check=True, limit=60):
    return subprocess.run(["podman", "--log-level=error", *map(str, words)], check=check, capture_output=True, text=True, timeout=limit)


def tag(target):
    return f"localhost/gateway-test:{target}"


def build(binary):
    """Both images, with a network, before the tests give theirs up."""
    if podman("image", "exists", BASE, check=False).returncode != 0 and podman("pull", BASE, check=False).returncode != 0:
        import_base()
    PREBUILT.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(binary, PREBUILT)
    PREBUILT.chmod(0o755)
    for target in ("static", "kong"):
        built = podman("build", "--format", "docker", "--network=host", "--build-arg", "BINARY=prebuilt", "--target", target,
                       "-t", tag(target), "-f", DOCKERFILE, ROOT, check=False, limit=600)
        if built.returncode != 0:
            raise RuntimeError(f"podman build: {built.stdout}{built.stderr}")
        size = int(podman("image", "inspect", "--format", "{{.Size}}", tag(target)).stdout)
        print(f"image {target}: {size / 1e6:.1f} MB", flush=True)


def import_base():
    with tempfile.TemporaryDirectory() as folder:
        root, archive = pathlib.Path(folder) / "root", pathlib.Path(folder) / "base.tar"
        subprocess.run(["debootstrap", "--variant=minbase", "bookworm", root], check=True, timeout=300, stdout=subprocess.DEVNULL)
        subprocess.run(["tar", "-C", root, "--numeric-owner", "-cf", archive, "."], check=True, timeout=60)
        podman("import", archive, BASE, limit=120)


class Engine:
    def __init__(self, binary):
        pass

    def close(self):
        pass

    def run(self, wanted):
        return Container(wanted)


class Container:
    def __init__(self, wanted):
        self.name, self.image = f"gateway-test-{uuid.uuid4().hex[:8]}", image(wanted.image)
        podman("create", "--name", self.name, *options(wanted), tag(wanted.image), *self.words(wanted))
        self.put(wanted.copied)
        podman("start", self.name)

    @staticmethod
    def words(wanted):
        return [*(wanted.entrypoint or [])[1:], *(wanted.command or [])]

    def put(self, copied):
        for path, text in copied.items():
            with tempfile.NamedTemporaryFile("w") as file:
                file.write(text)
                file.flush()
                pathlib.Path(file.name).chmod(0o644)
                podman("cp", file.name, f"{self.name}:{path}")

    def state(self, what):
        return podman("container", "inspect", "--format", f"{{{{.State.{what}}}}}", self.name).stdout.strip()

    def status(self):
        lines = pathlib.Path(f"/proc/{self.state('Pid')}/status").read_text().splitlines()
        return {key: value.strip() for key, value in (line.split(":", 1) for line in lines)}

    def exec(self, *words):
        return podman("exec", self.name, *words, check=False)

    def health(self):
        return podman("healthcheck", "run", self.name, check=False).returncode

    def kill(self, name):
        podman("kill", "--signal", name, self.name)

    def restart(self):
        podman("restart", self.name)

    def wait(self, limit=20):
        until("the container has ended", lambda: not self.running(), limit)
        return int(self.state("ExitCode"))

    def running(self):
        return self.state("Running") == "true"

    def logs(self):
        said = podman("logs", self.name)
        return said.stdout, said.stderr

    def remove(self):
        podman("rm", "--force", "--time", "0", self.name)


def options(wanted):
    """As `docker run` has them; the network is the tests' own."""
    words = ["--network=host", "--cap-drop=ALL", "--security-opt=no-new-privileges"]
    words += [f"--env={key}={value}" for key, value in wanted.env.items()]
    words += [f"--volume={source}:{path}:ro" for source, path in wanted.mounts]
    words += [f"--tmpfs={path}" for path in wanted.tmpfs]
    words += [f"--add-host={name}:127.0.0.1" for name in wanted.hosts]
    words += [f"--user={wanted.user}"] if wanted.user else []
    words += ["--read-only"] if wanted.read_only else []
    return words + ([f"--entrypoint={wanted.entrypoint[0]}"] if wanted.entrypoint else [])
