"""What to ask a gateway that has an unknown file: values for its variables, and requests for each of its routes.

Pure: a file's text and what `gateway routes --json` says of it go in. PyYAML reads the credentials."""
import base64
import hashlib
import hmac
import json
import re
import string
import time

import yaml

VARIABLE = re.compile(r"\$\{([A-Za-z_]\w*)(?::-[^}]*)?\}|\$([A-Z_][A-Z0-9_]*)|\{vault://env/([\w-]+)[^}]*\}")
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
DATE = "Thu, 01 Jan 2032 00:00:00 GMT"
# Most identities that are tried of one kind: the tenth key shows what the first one has shown.
MOST = 4


# ---------------------------------------------------------------------------------------------- variables
def environment(text):
    """A value for each variable of a file, by its name and by where it stands."""
    names = {next(filter(None, found)).replace("-", "_") for found in VARIABLE.findall(without_comments(text))}
    return {name: value(name, text) for found in names for name in {found, found.upper()}}


def without_comments(text):
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))


def value(name, text):
    word, upper = name.lower().replace("_", "-"), name.upper()
    if re.search(r"url:\s*[\"']?\$\{?%s\b" % name, text) or upper.endswith("URL"):
        return f"http://{word}.test:8080"
    if "EXPR" in upper:
        return "$((headers.authorization ~= nil and headers.authorization) or headers.apikey)"
    if upper.endswith("PORT") or re.search(r"port:\s*[\"']?\$\{?%s\b" % name, text):
        return "8080"
    if any(part in upper for part in ("HOST", "DOMAIN", "ORIGIN")):
        return f"{word}.test"
    if any(part in upper for part in ("TIMEOUT", "LIMIT", "RETRIES", "SIZE", "MINUTE", "SECOND")):
        return "60000"
    return f"value-of-{word}-long-enough-for-a-secret"


def expanded(text, env):
    return VARIABLE.sub(lambda found: env.get(next(filter(None, found.groups())).replace("-", "_"), found[0]), text)


# ---------------------------------------------------------------------------------------------- who asks
def identities(text, env):
    """Names and header lines or query strings of everybody who may ask, and of some who may not."""
    document = yaml.load(text, yaml.BaseLoader) or {}
    of = lambda kind: [{name: expanded(field, env) for name, field in entry.items() if isinstance(field, str)}
                       for entry in entries(document, kind)][:MOST]
    options = [plugin.get("config") or {} for plugin in entries(document, "plugins")]
    names = list(dict.fromkeys(name for config in options for name in listed(config.get("key_names")))) or ["apikey"]
    found = [("nobody", [], "")]
    keys = [entry["key"] for entry in of("keyauth_credentials") if entry.get("key")] + ["a-key-of-nobody"]
    found += [(f"key in {name}", [(name, key)], "") for key in keys for name in names[:2]]
    found += [("key in query", [], f"{names[0]}={key}") for key in keys]
    pairs = [(entry.get("username", ""), entry.get("password", "")) for entry in of("basicauth_credentials")]
    found += [("basic", [("Authorization", basic(*pair))], "") for pair in pairs + [("nobody", "wrong")]]
    found += [token for entry in of("jwt_secrets") for token in tokens(entry, options)]
    found += [("bearer", [("Authorization", "Bearer not.a.token")], "")]
    found += [("hmac", signed(entry), "") for entry in of("hmacauth_credentials") if entry.get("secret")]
    return found


def entries(document, kind):
    """All entities of a kind, wherever they are nested."""
    if isinstance(document, dict):
        own = document.get(kind)
        yield from (entry for entry in own or [] if isinstance(entry, dict)) if isinstance(own, list) else ()
        for part in document.values():
            yield from entries(part, kind)
    elif isinstance(document, list):
        for part in document:
            yield from entries(part, kind)


def listed(names):
    return names if isinstance(names, list) else [names] if isinstance(names, str) else []


def basic(name, password):
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def tokens(entry, options):
    """Tokens of a credential with a shared secret: one that is good, one that is over."""
    if not entry.get("secret") or entry.get("algorithm", "HS256") != "HS256":
        return
    claim = next((config["key_claim_name"] for config in options if config.get("key_claim_name")), "iss")
    for name, end in (("token", 4102444800), ("token that is over", 1000000000)):
        good = jwt({claim: entry.get("key", ""), "exp": end, "nbf": 1, "sub": "someone"}, entry["secret"])
        yield name, [("Authorization", f"Bearer {good}")], ""
        yield f"{name} in query", [], f"jwt={good}"


def jwt(claims, secret):
    part = lambda data: base64.urlsafe_b64encode(data).rstrip(b"=")
    text = b".".join(part(json.dumps(piece).encode()) for piece in ({"alg": "HS256", "typ": "JWT"}, claims))
    return (text + b"." + part(hmac.new(secret.encode(), text, hashlib.sha256).digest())).decode()


def signed(entry):
    date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())
    code = base64.b64encode(hmac.new(entry["secret"].encode(), f"date: {date}".encode(), hashlib.sha256).digest()).decode()
    name = entry.get("username", "")
    return [("Date", date), ("Authorization", f'hmac username="{name}", algorithm="hmac-sha256", headers="date", '
                                              f'signature="{code}"')]


# ---------------------------------------------------------------------------------------------- what is asked
def requests(route, who):
    """Requests for one path of a route: each method by everybody, odd paths, a preflight, an upgrade."""
    path = sample(route["path"]) if route["regex"] else route["path"] or "/"
    hosts = [host.replace("*", "any").partition(":")[0] for host in route["hosts"]] or ["gw.test"]
    extra = [(name, values[0]) for name, values in wanted_headers(route)]
    methods = route["methods"] or METHODS
    tls = "http" not in route["protocols"] or bool(route["snis"])
    name = next((sni for sni in route["snis"] if "*" not in sni), hosts[0])
    ask = lambda method, target, headers=(), host=hosts[0], secure=tls: {
        "method": method, "target": target, "host": host, "headers": [*extra, *headers], "tls": secure, "sni": name}
    for method in methods:
        for _, headers, query in who:
            yield ask(method, with_query(path, query), headers)
    for host in hosts:
        yield ask(methods[0], path, host=host)
        yield ask(methods[0], path, host=host, secure=not tls)
    best = next((one for one in who[1:]), who[0])
    for target in odd(path):
        yield ask(methods[0], target)
        yield ask(methods[0], with_query(target, best[2]), best[1])
    yield ask("OPTIONS", path, [("Origin", "https://app.test"), ("Access-Control-Request-Method", methods[0]),
                                ("Access-Control-Request-Headers", "authorization, apikey")])
    yield ask(methods[0], path, [("Origin", "https://app.test")])
    for _, headers, query in who[:1] + who[1:MOST]:
        yield dict(ask("GET", with_query(path, query), [*headers, *UPGRADE]), upgrade=True)
    yield dict(ask("POST", path, best[1]), body='{"some": "body"}')
    yield ask("BREW", path)


UPGRADE = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
           ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")]


def with_query(target, query):
    return target if not query else target + ("&" if "?" in target else "?") + query


def odd(path):
    """Paths near a path: longer, encoded, with dots and slashes too many."""
    bare = path.rstrip("/")
    cut = f"/%{ord(path[1]):02x}{path[2:]}" if len(path) > 1 and path[1] in string.ascii_letters else path
    paths = [f"{bare}/", f"{bare}/a/b.c?x=1&y=%20z&x=2", f"{bare}//double//slash", f"{bare}/a/../b/./c", f"{bare}/%2e%2e/up",
            f"{bare}/%C3%A9%2Fx", cut, f"{bare};v=1", f"{bare}x", f"/{bare}", f"{bare}?", f"{bare}/?a[]=1&b=%zz", bare.upper()]
    return [path if path.startswith("/") else f"/{path}" for path in paths]


def wanted_headers(route):
    headers = route["headers"]
    pairs = headers.items() if isinstance(headers, dict) else headers
    return [(name, values if isinstance(values, list) else [values]) for name, values in pairs]


# ---------------------------------------------------------------------------------------------- expressions
def sample(pattern):
    """A path that an expression takes, for the expressions that people write."""
    python = re.sub(r"\(\?<(\w+)>", r"(?P<\1>", pattern.removeprefix("~"))
    try:
        path = made(re._parser.parse(python))
    except re.error:
        return "/"
    return path if path.startswith("/") else "/" + path


def made(tree):
    return "".join(piece(str(kind), argument) for kind, argument in tree)


def piece(kind, argument):
    match kind:
        case "LITERAL":
            return chr(argument)
        case "ANY":
            return "x"
        case "IN":
            return member(argument)
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            return made(argument[2]) * max(argument[0], 1 if argument[1] else 0)
        case "SUBPATTERN":
            return made(argument[3])
        case "BRANCH":
            return made(argument[1][0])
    return ""


def member(choices):
    """A letter of a class: the first that is in it and does no harm in a path."""
    kinds = {"CATEGORY_DIGIT": "1", "CATEGORY_WORD": "a", "CATEGORY_NOT_SPACE": "a", "CATEGORY_NOT_DIGIT": "a"}
    if str(choices[0][0]) == "NEGATE":
        taken = {chr(argument) for kind, argument in choices[1:] if str(kind) == "LITERAL"}
        return next(letter for letter in "a1-_" if letter not in taken)
    kind, argument = choices[0]
    if str(kind) == "RANGE":
        return chr(argument[0])
    return chr(argument) if str(kind) == "LITERAL" else kinds.get(str(argument), "a")
