"""A page that Vite built and serves, visited by Chromium through the gateway over TLS. A check raises, or returns a note."""
import json
import shutil
import subprocess

from checks import expect
from stack import HERE, free_port

SOURCE = HERE / "browser"
PARTS = 30


def page(stack, work):
    """Builds it in the folder `work` and serves it; its URL."""
    install(work)
    vite, port = work / "node_modules" / ".bin" / "vite", free_port()
    subprocess.run([vite, "build", "--logLevel", "warn"], cwd=work, check=True, timeout=60)
    stack.start("page", [vite, "preview", work, "--host", "127.0.0.1", "--strictPort", "--port", port], port)
    return f"http://127.0.0.1:{port}"


def install(work):
    """The source with its parts, and the packages that its lock file names."""
    work.mkdir(parents=True, exist_ok=True)
    lock = (SOURCE / "package-lock.json").read_text()
    stamp = work / "installed.json"
    shutil.copytree(SOURCE, work, dirs_exist_ok=True)
    (work / "src" / "parts").mkdir(exist_ok=True)
    for number in range(1, PARTS + 1):
        (work / "src" / "parts" / f"part-{number}.js").write_text(f"export default {number}\n")
    if not stamp.exists() or stamp.read_text() != lock:
        subprocess.run(["npm", "ci", "--silent", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=work, check=True, timeout=90)
        stamp.write_text(lock)


def visit(place, url, limit=40):
    """What Chromium saw."""
    done = subprocess.run(["node", place.page / "visit.mjs", url, place.authority.pin(place.ui_cert)], capture_output=True,
                          text=True, timeout=limit)
    expect(done.returncode, 0, "the visit: " + done.stderr)
    return json.loads(done.stdout)


def browser_page(place):
    seen = visit(place, f"https://ui.test:{place.tls_port}/")
    expect((seen["status"], seen["problems"]), (200, []))
    expect(seen["done"], {"sum": PARTS * (PARTS + 1) // 2, "health": "healthy", "said": "through the gateway"})
    expect(seen["color"], "rgb(0, 100, 0)", "the style sheet's color")
    expect({(load["protocol"], load["status"]) for load in seen["loads"]}, {("h2", 200)})
    expect(len(seen["loads"]) >= PARTS + 3, True, f"{len(seen['loads'])} loads: all parts, each a request")
    session = seen["session"]
    expect((session["protocol"], session["group"], session["subject"]), ("TLS 1.3", "X25519MLKEM768", "ui.test"))
    return f"Chromium {seen['version'].split('.')[0]}, {len(seen['loads'])} loads over h2, wss, {session['group']}"


ALL = [browser_page]
