"""What holds of the files in docker/compose; Docker Compose itself reads them where it is installed."""
import os
import pathlib
import subprocess
import tempfile

import yaml

from container import ROOT
from seen import expect

FOLDER = ROOT / "docker" / "compose"
# Supabase's own files, as little of them as the overrides need.
BENEATH = {
    "supabase-kong.yml": "services: {api-gw: {image: 'kong/kong:3.9.3', entrypoint: [/bin/sh, /home/kong/kong-entrypoint.sh]}}",
    "supabase-envoy.yml": "services: {api-gw: {image: 'envoyproxy/envoy:v1.39.1', entrypoint: [/bin/sh, /docker-entrypoint.sh], "
                          "volumes: ['./x:/docker-entrypoint.sh:ro'], environment: {ANON_KEY: x}}}",
    "supabase-eval.yml": "services: {kong: {image: 'kong:2.8.1', entrypoint: bash -c 'true'}}",
}
VALUES = ["ARCHON_HOST", "SUPABASE_PUBLIC_URL", "JWT_SECRET", "ANON_KEY", "SERVICE_ROLE_KEY", "POSTGRES_PASSWORD",
          "DASHBOARD_USERNAME", "DASHBOARD_PASSWORD"]


class Loader(yaml.SafeLoader):
    """With Compose's tags, which say how a file is laid over another."""


Loader.add_constructor("!override", lambda loader, node: loader.construct_sequence(node, deep=True)
                       if isinstance(node, yaml.SequenceNode) else loader.construct_mapping(node, deep=True))


def compose_files(_engine, _place):
    """Every gateway is hardened, nothing but the edge is open to the world, and what is mounted from here is there."""
    files = sorted([*FOLDER.glob("*.yml"), *FOLDER.glob("*.yaml")])
    expect("files", [file.name for file in files], ["compose.yaml", "standalone.yaml", *sorted(BENEATH)])
    for file in files:
        for name, service in yaml.load(file.read_text(), Loader)["services"].items():
            hardened(f"{file.name}: {name}", service)
            for mount in service.get("volumes", []):
                here = mount.split(":")[0]
                if here.startswith("../") or here.endswith(".sql"):
                    expect(f"{file.name} mounts {here}", (FOLDER / here).exists(), True)
            if file.name == "compose.yaml" and name != "edge":
                expect(f"{name} is on loopback", [p for p in service.get("ports", []) if not p.startswith("127.0.0.1:")], [])
    read_by_compose()


def hardened(what, service):
    expect(f"{what}: capabilities", service["cap_drop"], ["ALL"])
    expect(f"{what}: privileges", service["security_opt"], ["no-new-privileges:true"])
    expect(f"{what}: limits", {"mem_limit", "pids_limit"} <= service.keys(), True)
    if "GATEWAY" in service["image"]:
        expect(f"{what}: read-only, without capabilities", (service["read_only"], service.get("cap_add")), (True, None))


def read_by_compose():
    if not installed():
        return
    with tempfile.TemporaryDirectory() as folder:
        under = pathlib.Path(folder) / "under.yml"
        for name in ["compose.yaml", "standalone.yaml", *BENEATH]:
            under.write_text("name: test\n" + BENEATH.get(name, "services: {}"))
            files = ["-f", under, "-f", FOLDER / name] if name in BENEATH else ["-f", FOLDER / name]
            read = subprocess.run(["docker", "compose", *files, "config", "--quiet"], capture_output=True, text=True, timeout=30,
                                  env={**os.environ, **dict.fromkeys(VALUES, "x")})
            expect(f"docker compose config, {name}", (read.returncode, read.stderr), (0, ""))


def installed():
    try:
        return subprocess.run(["docker", "compose", "version"], capture_output=True, timeout=30).returncode == 0
    except OSError:
        return False
