"""What a container is to be, and what any engine can do with a running one."""
import dataclasses
import json
import pathlib
import re
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCKERFILE = ROOT / "docker" / "Dockerfile"


@dataclasses.dataclass
class Wanted:
    """As the words of `docker run`: what is None is the image's."""
    image: str
    command: list = None
    entrypoint: list = None
    env: dict = dataclasses.field(default_factory=dict)
    mounts: list = dataclasses.field(default_factory=list)      # (path here, path inside), read-only
    copied: dict = dataclasses.field(default_factory=dict)      # path inside: text; `docker cp` before the start
    tmpfs: list = dataclasses.field(default_factory=list)
    user: str = None                                            # UID:GID
    read_only: bool = False
    hosts: list = dataclasses.field(default_factory=list)       # names of 127.0.0.1


@dataclasses.dataclass
class Image:
    """What the Dockerfile says of a target, besides its files."""
    entrypoint: list
    command: list
    env: dict
    user: str
    folder: str
    stop_signal: str
    health: list


def image(target):
    """Read from the last stage of that name."""
    text = re.sub(r"\\\n\s*", "", DOCKERFILE.read_text())
    stage = text.split(f"FROM scratch AS {target}\n", 1)[1].split("\nFROM ", 1)[0]
    words = [line.split(" ", 1) for line in stage.splitlines() if line and not line.startswith("#")]
    say = {key: value for key, value in words if key != "ENV"}
    env = dict(value.split("=", 1) for key, value in words if key == "ENV")
    return Image(json.loads(say["ENTRYPOINT"]), json.loads(say["CMD"]), {k: v.strip('"') for k, v in env.items()},
                 say["USER"], say["WORKDIR"], say["STOPSIGNAL"], json.loads(say["HEALTHCHECK"].split(" CMD ", 1)[1]))


def until(what, true, limit=20):
    """Waits for `true()`."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        if true():
            return
        time.sleep(0.05)
    raise AssertionError(f"not within {limit} s: {what}")
