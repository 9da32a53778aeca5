"""The ways in which people's compose files and programs start Kong's image, with nothing changed but its name."""
import dataclasses
import pathlib
import subprocess

from container import ROOT, Wanted

FILES = pathlib.Path(__file__).resolve().parent / "forms"
SUPABASE = ROOT / "tests" / "real" / "supabase" / "kong.yml"
KEY = {"apikey": "anon-token"}
COMMON = {"KONG_DATABASE": "off", "KONG_DNS_ORDER": "LAST,A,CNAME"}
BUFFERS = {"KONG_NGINX_PROXY_PROXY_BUFFER_SIZE": "160k", "KONG_NGINX_PROXY_PROXY_BUFFERS": "64 160k"}
NGINX = "worker_processes 1;\nevents {}\nhttp {\n  include 'nginx-kong.conf';\n" \
        "  server { listen 0.0.0.0:8088; location / { root /home/kong/templates/email; } }\n}\n"


@dataclasses.dataclass
class Form:
    """`file` is what the gateway serves; `headers` open it for a request for /rest/v1/todos, which arrives with `token`."""
    wanted: Wanted
    file: str
    headers: dict
    token: str
    writable: list          # what has to be, where the rest of the file system is not
    says: str = ""          # something on standard error, besides


def image_default(work):
    """Archon's: the image as it is, with a file that is mounted."""
    file = work / "kong.yml"
    file.write_text((FILES / "kong.yml").read_text())
    env = {**COMMON, **BUFFERS, "KONG_DECLARATIVE_CONFIG": "/var/lib/kong/kong.yml",
           "KONG_PLUGINS": "request-transformer,cors,key-auth,acl"}
    wanted = Wanted("kong", env=env, mounts=[(str(file), "/var/lib/kong/kong.yml")], hosts=["rest"])
    return Form(wanted, "/var/lib/kong/kong.yml", {"Authorization": "Bearer client"}, "Bearer service", [])


def eval_echo(work):
    """Older stacks of Supabase, Coolify, Dokploy: a shell fills the file in."""
    script = r'''eval "echo \"$(cat ~/temp.yml)\"" > ~/kong.yml && /docker-entrypoint.sh kong docker-start'''
    env = {**COMMON, **BUFFERS, "KONG_DECLARATIVE_CONFIG": "/home/kong/kong.yml", "SUPABASE_ANON_KEY": "anon-token",
           "KONG_PLUGINS": "request-transformer,cors,key-auth,acl,basic-auth"}
    wanted = Wanted("kong", entrypoint=["bash", "-c", script], env=env, hosts=["rest"],
                    mounts=[(str(FILES / "temp.yml"), "/home/kong/temp.yml")])
    return Form(wanted, "/home/kong/kong.yml", KEY, None, ["/home/kong"])


def kong_entrypoint(work):
    """Supabase's stack of today with Kong chosen: awk and sed fill the file in."""
    env = {**COMMON, **BUFFERS, "KONG_DECLARATIVE_CONFIG": "/usr/local/kong/kong.yml", "KONG_ROUTER_FLAVOR": "expressions",
           "KONG_DNS_NOT_FOUND_TTL": "1", "KONG_DNS_VALID_TTL": "5", "KONG_PROXY_ACCESS_LOG": "/dev/stdout combined",
           "KONG_PLUGINS": "request-transformer,cors,key-auth,acl,basic-auth,request-termination,ip-restriction,post-function",
           "SUPABASE_ANON_KEY": "anon-token", "SUPABASE_SERVICE_KEY": "service-token", "DASHBOARD_USERNAME": "supabase",
           "DASHBOARD_PASSWORD": "secret", "JWT_ISSUER": "https://example.test/auth/v1", "SUPABASE_PUBLISHABLE_KEY": "",
           "SUPABASE_SECRET_KEY": "", "ANON_KEY_ASYMMETRIC": "", "SERVICE_ROLE_KEY_ASYMMETRIC": "",
           **{f"{name}_HOST": "rest:3000" for name in ("AUTH", "REST", "REALTIME", "STORAGE", "FUNCTIONS", "META", "STUDIO")}}
    wanted = Wanted("kong", entrypoint=["/bin/sh", "/home/kong/kong-entrypoint.sh"], env=env, hosts=["rest"],
                    mounts=[(str(SUPABASE), "/home/kong/temp.yml"),
                            (str(FILES / "kong-entrypoint.sh"), "/home/kong/kong-entrypoint.sh")])
    return Form(wanted, "/usr/local/kong/kong.yml", KEY, "anon-token", ["/home/kong", "/usr/local/kong", "/tmp"])


def supabase_cli(work):
    """Supabase's command line: files that are copied in, a template for nginx, a path that begins in /."""
    script = f"cat <<'EOF' > /home/kong/custom_nginx.template && \\\n" \
             f"./docker-entrypoint.sh kong docker-start --nginx-conf /home/kong/custom_nginx.template\n{NGINX}\nEOF\n"
    certificate, key = pair(work)
    env = {**COMMON, **BUFFERS, "KONG_DECLARATIVE_CONFIG": "/home/kong/kong.yml", "KONG_PLUGINS": "request-transformer,cors",
           "KONG_DNS_NOT_FOUND_TTL": "1", "KONG_DNS_VALID_TTL": "5", "KONG_PORT_MAPS": "54321:8000",
           "KONG_NGINX_WORKER_PROCESSES": "1", "KONG_SSL_CERT": "/home/kong/localhost.crt",
           "KONG_SSL_CERT_KEY": "/home/kong/localhost.key"}
    copied = {"/home/kong/kong.yml": (FILES / "cli.yml").read_text(), "/home/kong/localhost.crt": certificate,
              "/home/kong/localhost.key": key}
    wanted = Wanted("kong", entrypoint=["sh", "-c", script], env=env, copied=copied, hosts=["rest"])
    return Form(wanted, "/home/kong/kong.yml", {"apikey": "sb_secret_x"}, "Bearer service", [], "8088")


def pair(work, name="localhost"):
    """A certificate that vouches for itself, and its key, as text."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3",
                    "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}",
                    "-addext", "basicConstraints=critical,CA:FALSE", "-keyout", work / "key", "-out", work / "certificate"],
                   check=True, capture_output=True, timeout=30)
    return (work / "certificate").read_text(), (work / "key").read_text()


ALL = [image_default, eval_echo, kong_entrypoint, supabase_cli]
