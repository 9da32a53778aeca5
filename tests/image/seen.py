"""Asking a gateway, and saying what was wrong with the answer."""
import http.client
import json
import ssl

from container import until


def expect(what, got, wanted):
    if got != wanted:
        raise AssertionError(f"{what}: wanted {wanted!r}, got {got!r}")


def contains(what, text, part):
    if part not in text:
        raise AssertionError(f"{what} has no {part!r}: {text!r}")


def ask(path, headers=None, port=8000, tls=False):
    """Status and, if it is JSON, the body of an answer; (None, None) if there is none."""
    context = ssl._create_unverified_context() if tls else None
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=10, context=context) if tls \
        else http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers={"Host": "localhost", **(headers or {})})
        answer = connection.getresponse()
        body = answer.read()
        return answer.status, json.loads(body) if answer.getheader("Content-Type", "").startswith("application/json") else body
    except OSError:
        return None, None
    finally:
        connection.close()


def serves(container, path="/", headers=None, status=200):
    def there():
        if not container.running():
            raise AssertionError(f"it ended: {container.logs()}")
        return ask(path, headers)[0] == status
    until(f"{status} for {path}", there)
