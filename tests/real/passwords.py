"""The plugin htpasswd and nginx's auth_basic with one file, written by Apache's htpasswd and by openssl. A check raises,
or returns a note."""
import shutil
import subprocess
import time

import httpx

from checks import expect

PASSWORD = "päss:wörd 1"
# Users are named by the tool and its flag.
HTPASSWD = {"bcrypt": ("-B", "-C", "5"), "apr1": ("-m",), "sha1": ("-s",), "sha256": ("-2",), "sha512": ("-5",),
            "rounds": ("-5", "-r", "20000")}
OPENSSL = {"openssl-md5": "-1", "openssl-apr1": "-apr1", "openssl-sha256": "-5", "openssl-sha512": "-6"}


def write(path):
    """A file with a user for each kind of hash, all with one password; and one whose hash is DES."""
    path.touch()
    for user, flags in HTPASSWD.items():
        subprocess.run(["htpasswd", "-b", *flags, path, user, PASSWORD], check=True, capture_output=True)
    with open(path, "a") as out:
        out.write("# by openssl\n\n")
        for user, flag in OPENSSL.items():
            made = subprocess.run(["openssl", "passwd", flag, PASSWORD], check=True, capture_output=True, text=True)
            out.write(f"{user}:{made.stdout.strip()}:a remark\n")
        out.write("plain:{PLAIN}päss wörd\nempty:{PLAIN}\n")
    subprocess.run(["htpasswd", "-b", "-d", path, "des", "pass"], check=True, capture_output=True)


def start_nginx(stack, home, users):
    from stack import free_port
    port = free_port()
    (home / "page").write_text("page")
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {home}/{kind}; " for kind in kinds)
    (home / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {home}/pid; error_log stderr; events {{}}\n"
        f"http {{ {temporary} access_log off; server {{ listen 127.0.0.1:{port}; root {home};\n"
        f"location /page {{ auth_basic restricted; auth_basic_user_file {users}; }}\n"
        f"location /open {{ alias {home}/page; }} }} }}\n")
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    stack.start("nginx-basic", [program, "-e", "stderr", "-c", home / "nginx.conf"], port)
    return f"http://127.0.0.1:{port}"


def start_gateway(place, home, users, upstream):
    from stack import free_port
    port = free_port()
    (home / "gateway.yml").write_text(f"""
_format_version: "3.0"
services:
- name: page
  url: {upstream}/open
  routes: [{{name: page, paths: [/page]}}]
  plugins:
  - {{name: htpasswd, config: {{file: {users}, max_failures: 0, hide_credentials: true}}}}
""")
    settings = {"KONG_DATABASE": "off", "KONG_ADMIN_LISTEN": "off", "KONG_PROXY_LISTEN": f"127.0.0.1:{port}"}
    place.stack.start("gateway-basic", [place.program, "run", "--config", home / "gateway.yml"], port, settings)
    return f"http://127.0.0.1:{port}"


def asked(http, url, user, password):
    """Status and challenge."""
    answer = http.get(url + "/page", auth=(user, password))
    return answer.status_code, answer.headers.get("www-authenticate")


def passwords_as_nginx(place):
    home = place.stack.folder / "passwords"
    home.mkdir()
    users = home / "users"
    write(users)
    home.chmod(0o755)
    nginx = start_nginx(place.stack, home, users)
    gateway = start_gateway(place, home, users, nginx)
    expect("crypt(3)'s DES is not accepted" in place.stack.log("gateway-basic"), True, "DES is warned of")
    refused, count = (401, 'Basic realm="restricted"'), 0
    with httpx.Client(timeout=20) as http:
        for user in [*HTPASSWD, *OPENSSL, "plain", "empty", "nobody", "# by openssl", ""]:
            for password in (PASSWORD, "päss wörd", "", "wrong", PASSWORD + "x", "x" * 100):
                theirs, ours = asked(http, nginx, user, password), asked(http, gateway, user, password)
                expect(ours, theirs, f"{user!r} with {password!r}: as nginx")
                count += theirs == (200, None)
        expect(count, len(HTPASSWD) + len(OPENSSL) + 2, "users who come in")
        expect((asked(http, nginx, "des", "pass")[0], asked(http, gateway, "des", "pass")), (200, refused), "DES")
        subprocess.run(["htpasswd", "-b", "-B", users, "bcrypt", "new"], check=True, capture_output=True)
        end = time.monotonic() + 5
        while asked(http, gateway, "bcrypt", "new")[0] != 200:
            expect(time.monotonic() < end, True, "a new password within 5 s")
            time.sleep(0.1)
        expect(asked(http, gateway, "bcrypt", PASSWORD), refused, "the old password")
    took = 5 - (end - time.monotonic())
    return f"{len(HTPASSWD) + len(OPENSSL) + 2} kinds of hash, a new password within {took:.1f} s"


ALL = [passwords_as_nginx]
