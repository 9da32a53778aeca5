"""A page that Vite built and serves, visited by Chromium through the gateway over TLS. A check raises, or returns a note."""
import json
import subprocess
import urllib.parse

from checks import curl, expect
from stack import HERE, free_port, npm

SOURCE = HERE / "browser"
PARTS = 30
USER, PASSWORD = "studio", "pä:ss w@rd/%41"


def page(stack, work):
    """Builds it in the folder `work` and serves it; its URL."""
    install(work)
    vite, port = work / "node_modules" / ".bin" / "vite", free_port()
    subprocess.run([vite, "build", "--logLevel", "warn"], cwd=work, check=True, timeout=60)
    stack.start("page", [vite, "preview", work, "--host", "127.0.0.1", "--strictPort", "--port", port], port)
    return f"http://127.0.0.1:{port}"


def password_file(folder):
    """A file with one user, whose password is hashed as slowly as people do it."""
    path = folder / "htpasswd"
    subprocess.run(["htpasswd", "-cbB", "-C", "10", path, USER, PASSWORD], check=True, capture_output=True)
    return path


def install(work):
    """The source with its parts, and its packages."""
    npm(SOURCE, work)
    (work / "src" / "parts").mkdir(exist_ok=True)
    for number in range(1, PARTS + 1):
        (work / "src" / "parts" / f"part-{number}.js").write_text(f"export default {number}\n")


def visit(place, url, limit=40):
    """What Chromium saw."""
    done = subprocess.run(["node", place.page / "visit.mjs", url, place.authority.pin(place.ui_cert)], capture_output=True,
                          text=True, timeout=limit)
    expect(done.returncode, 0, "the visit: " + done.stderr)
    return json.loads(done.stdout)


def seen_whole(place, origin):
    """Visits the page, and expects that all of it is there and works; what Chromium saw."""
    seen = visit(place, f"https://{origin}:{place.tls_port}/")
    expect((seen["status"], seen["problems"]), (200, []))
    expect(seen["done"], {"sum": PARTS * (PARTS + 1) // 2, "health": "healthy", "said": "through the gateway"})
    expect(seen["color"], "rgb(0, 100, 0)", "the style sheet's color")
    expect({(load["protocol"], load["status"]) for load in seen["loads"]}, {("h2", 200)})
    expect(len(seen["loads"]) >= PARTS + 3, True, f"{len(seen['loads'])} loads: all parts, each a request")
    return seen


def browser_page(place):
    seen = seen_whole(place, "ui.test")
    session = seen["session"]
    expect((session["protocol"], session["group"], session["subject"]), ("TLS 1.3", "X25519MLKEM768", "ui.test"))
    return f"Chromium {seen['version'].split('.')[0]}, {len(seen['loads'])} loads over h2, wss, {session['group']}"


def browser_password(place):
    status = lambda *words: curl("-o", "/dev/null", "-w", "%{http_code}", "--connect-to", f"::127.0.0.1:{place.tls_port}", *words,
                                 f"https://locked.test:{place.tls_port}/")
    expect((status(), status("-u", f"{USER}:{PASSWORD}?"), status("-u", f"{USER}:{PASSWORD}")), ("401", "401", "200"))
    seen = seen_whole(place, f"{USER}:{urllib.parse.quote(PASSWORD, safe='')}@locked.test")
    return f"{len(seen['loads'])} loads and wss with a bcrypt password"


ALL = [browser_page, browser_password]
