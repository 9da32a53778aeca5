"""What has to hold of the images, each check on an engine."""
import ssl
import time

import forms
import upstream
from compose import compose_files
from container import Wanted
from driven import drive, has_no_rights
from seen import ask, contains, expect, serves

SECRET = "a-secret-of-at-least-thirty-two-characters"


# === the forms of starting ===

def image_default(engine, place):
    drive(engine, place, forms.image_default)


def image_default_hardened(engine, place):
    drive(engine, place, forms.image_default, hardened=True)


def eval_echo(engine, place):
    drive(engine, place, forms.eval_echo)


def eval_echo_hardened(engine, place):
    drive(engine, place, forms.eval_echo, hardened=True)


def kong_entrypoint(engine, place):
    drive(engine, place, forms.kong_entrypoint)


def kong_entrypoint_hardened(engine, place):
    drive(engine, place, forms.kong_entrypoint, hardened=True)


def supabase_cli(engine, place):
    drive(engine, place, forms.supabase_cli)


# === more of the image kong ===

def with_running(engine, wanted, then, path="/rest/v1/todos", status=200):
    """A container that serves, for as long as `then` has something to do with it."""
    container = engine.run(wanted)
    try:
        serves(container, path, status=status)
        return then(container)
    except Exception:
        print("\n".join(container.logs()))
        raise
    finally:
        container.remove()


def ended(engine, wanted):
    """Exit code and output of a container that ends by itself."""
    container = engine.run(wanted)
    try:
        return container.wait(30), *container.logs()
    finally:
        container.remove()


def other_users(engine, place):
    """Kong's Alpine image has the user 100; clusters give any number."""
    for user in ("100:65534", "123456:0", "1000:1000"):
        wanted = forms.image_default(place.fresh()).wanted
        wanted.user = user
        with_running(engine, wanted, lambda container: (
            expect("kong health", container.exec("kong", "health").returncode, 0),
            expect("kong reload", container.exec("kong", "reload").returncode, 0)))


def restarts(engine, place):
    """`docker compose restart kong`: what was left in the prefix is no gateway that runs."""
    def then(container):
        container.restart()
        serves(container, "/rest/v1/todos")
        expect("kong health", container.exec("kong", "health").returncode, 0)
    with_running(engine, forms.image_default(place.fresh()).wanted, then)


def without_a_file(engine, place):
    """As Kong's image: it serves, nothing yet."""
    with_running(engine, Wanted("kong", env={"KONG_DATABASE": "off"}),
                 lambda container: expect("kong health", container.exec("kong", "health").returncode, 0), "/", 404)


def a_broken_file(engine, place):
    folder = place.fresh()
    (folder / "kong.yml").write_text('_format_version: "1.1"\nservices:\n  - name: a\n    urll: http://rest:3000\n')
    wanted = Wanted("kong", env={"KONG_DATABASE": "off", "KONG_DECLARATIVE_CONFIG": "/var/lib/kong/kong.yml"},
                    mounts=[(str(folder / "kong.yml"), "/var/lib/kong/kong.yml")])
    code, _, error = ended(engine, wanted)
    expect("exit code", code, 1)
    contains("standard error", error, "kong.yml:4:5")
    contains("standard error", error, "error parsing declarative config file /var/lib/kong/kong.yml:")


def secrets_in_files(engine, place):
    """For settings, as Kong's entrypoint has it; and for names in the file."""
    folder = place.fresh()
    form = forms.image_default(folder)
    file = folder / "kong.yml"
    file.write_text(file.read_text().replace("Bearer service", "Bearer ${SERVICE_KEY}"))
    for name, text in (("key", "from-a-file\n"), ("listen", "0.0.0.0:8000\n")):
        (folder / name).write_text(text)
        form.wanted.mounts.append((str(folder / name), f"/run/secrets/{name}"))
    form.wanted.env |= {"SERVICE_KEY_FILE": "/run/secrets/key", "KONG_PROXY_LISTEN_FILE": "/run/secrets/listen"}

    def then(container):
        expect("the key", ask("/rest/v1/todos")[1]["headers"]["authorization"], "Bearer from-a-file")
        expect("8443 is not listened on", ask("/rest/v1/todos", port=8443), (None, None))
        expect("what is logged", "from-a-file" in "".join(container.logs()), False)
    with_running(engine, form.wanted, then)
    form.wanted.env["KONG_PROXY_LISTEN"] = "0.0.0.0:8000"
    code, _, error = ended(engine, form.wanted)
    expect("exit code, with both", code, 1)
    contains("standard error", error, "error: both KONG_PROXY_LISTEN and KONG_PROXY_LISTEN_FILE are set (but are exclusive)")


def commands_without_a_gateway(engine, place):
    """`docker run IMAGE COMMAND`."""
    good = [(str(forms.FILES / "kong.yml"), "/kong.yml")]
    for words, code, out in ((["kong", "config", "parse", "/kong.yml"], 0, "parse successful\n"),
                             (["bash", "-c", "id -un; pwd; echo $KONG_NGINX_DAEMON"], 0, "kong\n/\noff\n"),
                             (["sh", "-c", "cd && pwd && touch x /usr/local/kong/x"], 0, "/home/kong\n")):
        expect(" ".join(words), ended(engine, Wanted("kong", words, mounts=good))[:2], (code, out))
    code, _, error = ended(engine, Wanted("kong", ["kong", "health"]))
    expect("kong health", code, 1)
    contains("standard error", error, "Kong is not running at /usr/local/kong")
    expect("kong version", ended(engine, Wanted("kong", ["kong", "version"]))[0], 0)


def the_term_signal(engine, place):
    """Fast, as nginx has it: a request that is under way has no time to end."""
    wanted = forms.image_default(place.fresh()).wanted
    container = engine.run(wanted)
    try:
        serves(container, "/rest/v1/todos")
        start = time.monotonic()
        container.kill("TERM")
        expect("exit code", container.wait(5), 0)
        expect("time", time.monotonic() - start < upstream.SLOW, True)
    finally:
        container.remove()


def token_that_nobody_signed(engine, place):
    """PGRST301: the file's token was signed with another secret than PostgREST's."""
    folder = place.fresh()
    form = forms.image_default(folder)
    code, out, error = ended(engine, Wanted("kong", ["gateway", "token", "keys"], env={"JWT_SECRET": "x" + SECRET}))
    expect("gateway token keys", code, 0)
    token = next(line.split("=", 1)[1] for line in out.splitlines() if line.startswith("SERVICE_ROLE_KEY="))
    (folder / "secret").write_text(SECRET + "\n")
    form.wanted.mounts.append((str(folder / "secret"), "/run/secrets/jwt_secret"))
    form.wanted.env |= {"JWT_SECRET_FILE": "/run/secrets/jwt_secret", "SERVICE_KEY": token}
    file = folder / "kong.yml"
    file.write_text(file.read_text().replace("Bearer service", "Bearer ${SERVICE_KEY}"))

    def then(container):
        contains("standard error", container.logs()[1], "bearer-signature")
        check = container.exec("gateway", "check", form.file)
        contains("gateway check", check.stdout + check.stderr, "bearer-signature")
        verify = container.exec("sh", "-c", 'printf %s "$SERVICE_KEY" | gateway token verify --secret-file /run/secrets/jwt_secret')
        expect("gateway token verify", verify.returncode, 1)
        explain = container.exec("gateway", "explain", "--config", form.file, "GET", "http://localhost/rest/v1/todos")
        contains("gateway explain", explain.stdout, "rest-v1-all")
        everything = check.stdout + check.stderr + verify.stderr + explain.stdout
        expect("the token is shown", token in everything, False)
    with_running(engine, form.wanted, then)


# === the image static ===

def static_wanted(folder, text, **more):
    (folder / "gateway.yml").write_text(text)
    mounts = [(str(folder / "gateway.yml"), "/etc/gateway/gateway.yml"), *more.pop("mounts", [])]
    return Wanted("static", mounts=mounts, hosts=["rest", "secure.test"], read_only=True, **more)


def static(engine, place):
    """Nothing can be written, nobody has a right; Lua and names work without a library."""
    text = '''_format_version: "3.0"
services:
- name: rest
  url: http://rest:3000/
  routes: [{name: rest, paths: [/rest/v1/]}]
- name: lua
  url: http://rest:3000/
  routes: [{name: lua, paths: [/lua]}]
  plugins:
  - name: pre-function
    config:
      access: ["local ok, why = pcall(error, 'raised'); kong.response.exit(200, {why = why, ok = ok})"]
'''
    def then(container):
        expect("Lua", ask("/lua"), (200, {"why": "raised", "ok": False}))
        expect("by TLS", ask("/rest/v1/todos", port=8443, tls=True)[0], 200)
        expect("health", container.health(), 0)
        has_no_rights(container, "65532")
        container.kill("TERM")
        expect("exit code", container.wait(), 0)
    with_running(engine, static_wanted(place.fresh(), text), then)


def static_trusts_the_bundle(engine, place):
    """An upstream's certificate is verified with the authorities of /etc/ssl/certs."""
    folder = place.fresh()
    certificate, _ = forms.pair(folder, "secure.test")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate", folder / "key")
    server = upstream.start(3443, context)
    text = '_format_version: "3.0"\nservices:\n- url: https://secure.test:3443\n  tls_verify: true\n  routes: [{paths: [/]}]\n'
    (folder / "bundle").write_text(certificate)
    bundle = [(str(folder / "bundle"), "/etc/ssl/certs/ca-certificates.crt")]
    try:
        with_running(engine, static_wanted(folder, text), lambda _: None, "/x", 502)
        with_running(engine, static_wanted(folder, text, mounts=bundle), lambda _: None, "/x", 200)
    finally:
        server.shutdown()
        server.server_close()


def static_demo(engine, place):
    with_running(engine, Wanted("static", ["demo"], read_only=True), lambda container: expect(
        "the stand-in", ask("/rest/v1/x")[1]["headers"]["authorization"][:7], "Bearer "), "/rest/v1/x")


ALL = [image_default, image_default_hardened, eval_echo, eval_echo_hardened, kong_entrypoint, kong_entrypoint_hardened,
       supabase_cli, restarts, other_users, without_a_file, a_broken_file, secrets_in_files, commands_without_a_gateway,
       the_term_signal, token_that_nobody_signed, static, static_trusts_the_bundle, static_demo, compose_files]
