"""What is asked of the gateway over TLS by clients that check its certificate. A check raises, or returns a note."""
import asyncio
import subprocess

import httpx2
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client

from checks import expect, mcp

REST = "/rest/v1/archon_settings?key=eq.theme"


def ask(place, *words, host="localhost"):
    """curl's exit code, and what it said of the answer: status, version of HTTP, and whether the certificate held."""
    done = subprocess.run(
        ["curl", "--silent", "--output", "/dev/null", "--max-time", "20", "--cacert", place.authority.ca,
         "--connect-to", f"{host}:{place.tls_port}:127.0.0.1:{place.tls_port}",
         "-w", "%{http_code} %{http_version} %{ssl_verify_result}", *words, f"https://{host}:{place.tls_port}{REST}"],
        capture_output=True, text=True, timeout=30)
    return done.returncode, done.stdout


def curl_over_tls(place):
    for version in ("--tlsv1.2 --tls-max 1.2", "--tlsv1.3"):
        expect(ask(place, *version.split(), "--http1.1"), (0, "200 1.1 0"), version)
        expect(ask(place, *version.split(), "--http2"), (0, "200 2 0"), version)
    # 35: no handshake.
    expect(ask(place, "--tlsv1.0", "--tls-max", "1.1", "--ciphers", "DEFAULT@SECLEVEL=0")[0], 35, "TLS 1.1")
    return "1.2 and 1.3, each with HTTP/1.1 and h2; 1.1 refused"


def curl_names(place):
    expect(ask(place, host="ui.test"), (0, "200 2 0"), "a name with a certificate of its own")
    # 60: the certificate is not for this name. Whoever takes it is served nevertheless.
    expect(ask(place, host="else.test")[0], 60, "a name that nobody serves")
    expect(ask(place, "--insecure", host="else.test")[1].split()[0], "200", "the same, unchecked")
    return "by SNI; an unknown name gets the default certificate"


def openssl(place, *words):
    """Asks for a page with OpenSSL's client; what that tells of the session."""
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{place.tls_port}", "-servername", "localhost", "-CAfile",
         place.authority.ca, "-verify_return_error", "-ign_eof", *map(str, words)], capture_output=True, text=True, timeout=30,
        input=f"GET {REST} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    expect(done.returncode, 0, "openssl: " + done.stderr)
    return done.stdout


def openssl_resumes(place):
    session = place.authority.folder / "session"
    for version in ("-tls1_2", "-tls1_3"):
        first, again = openssl(place, version, "-sess_out", session), openssl(place, version, "-sess_in", session)
        expect(("New, TLS" in first, "Reused, TLS" in again), (True, True), version)
        expect("HTTP/1.1 200 OK" in again, True, "an answer in a resumed session")
    return "sessions of 1.2 and 1.3"


def mcp_over_tls(place):
    verified = lambda **words: httpx2.AsyncClient(verify=place.authority.context(), **words)

    async def streamable(path):
        async with verified(timeout=20) as http:
            await mcp(streamable_http_client(place.tls_url + path, http_client=http))
    for path in ("/mcp", "/mcp/"):
        asyncio.run(streamable(path))
    asyncio.run(mcp(sse_client(place.tls_url + "/sse", httpx_client_factory=verified)))
    return "streamable HTTP at /mcp and /mcp/, SSE"


ALL = [curl_over_tls, curl_names, openssl_resumes, mcp_over_tls]
