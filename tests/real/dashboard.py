#!/usr/bin/env python3
"""The dashboard and the alert rules of packaging/, asked of a real Prometheus that scrapes two gateways, one with a file of
format 2.1 and one of 3.0, under a little load. Needs Debian's prometheus (100 MB, so this is not part of scripts/test;
that every metric is there, tests/wire/dashboard.rs checks always).

  tests/real/dashboard.py [--binary target/release/gateway] [--seconds 25]

A line for each expression, then `N expressions, M failed`; exit 1 when M > 0.
"""
import argparse
import http.server
import json
import pathlib
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

from stack import Stack, free_port

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PACKAGING = ROOT / "packaging"
# In the manner of dashboards that were made for Kong: its names of 3.x, and of 2.x.
KONGS = [
    'sum(rate(kong_http_requests_total{instance=~".*"}[30s]))',
    'sum(rate(kong_http_requests_total{instance=~".*",service=~".*",code=~"5.."}[30s])) by (service, route)',
    'sum(rate(kong_http_requests_total{consumer!=""}[30s])) by (consumer)',
    'histogram_quantile(0.95, sum(rate(kong_request_latency_ms_bucket{service=~".*"}[30s])) by (service, le))',
    'histogram_quantile(0.99, sum(rate(kong_upstream_latency_ms_bucket[30s])) by (route, le))',
    'histogram_quantile(0.90, sum(rate(kong_kong_latency_ms_bucket[30s])) by (le))',
    'sum(irate(kong_bandwidth_bytes{direction="egress"}[30s])) by (service)',
    'sum(kong_nginx_connections_total{state=~"active|reading|writing|waiting"}) by (state)',
    'sum(rate(kong_nginx_requests_total[30s]))',
    'kong_datastore_reachable',
    'max_over_time(kong_upstream_target_health{state="healthchecks_off"}[30s])',
    'sum(rate(kong_http_status{service=~".*"}[30s])) by (code)',
    'histogram_quantile(0.95, sum(rate(kong_latency_bucket{type="request"}[30s])) by (le))',
    'sum(irate(kong_bandwidth{type="ingress"}[30s])) by (service)',
    'sum(kong_nginx_http_current_connections{state=~"active|reading|writing|waiting"}) by (state)',
]
SWITCHES = "".join(f", {name}: true" for name in (
    "status_code_metrics", "latency_metrics", "bandwidth_metrics", "upstream_health_metrics"))


class Upstream(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        status = 503 if "broken" in self.path else 404 if "nowhere" in self.path else 200
        self.send_response(status)
        self.send_header("Content-Length", "3")
        self.end_headers()
        self.wfile.write(b"ok\n")

    def log_message(self, *_):
        pass


def upstream():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def kong_file(version, switches, port):
    return f"""_format_version: "{version}"
plugins: [{{name: prometheus, config: {{per_consumer: true{switches}}}}}]
consumers: [{{username: jo, keyauth_credentials: [{{key: k-1}}]}}]
upstreams: [{{name: up.test, targets: [{{target: '127.0.0.1:{port}'}}]}}]
services:
- name: api
  host: up.test
  routes: [{{name: all, paths: [/]}}]
- name: closed
  host: up.test
  plugins: [{{name: key-auth}}]
  routes: [{{name: closed, paths: [/closed]}}]
- name: down
  url: http://127.0.0.1:9
  retries: 0
  routes: [{{name: down, paths: [/down]}}]
"""


def gateway(stack, program, version, switches, port):
    """Starts one; its ports for clients and for Prometheus."""
    file, listen, tls, status = stack.folder / f"kong-{version}.yml", free_port(), free_port(), free_port()
    file.write_text(kong_file(version, switches, port))
    stack.start(f"gateway-{version}", [program, "run", "--config", file], listen, {
        "KONG_DATABASE": "off", "KONG_ADMIN_LISTEN": "off", "KONG_STATUS_LISTEN": f"127.0.0.1:{status}",
        "KONG_PROXY_LISTEN": f"127.0.0.1:{listen}, 127.0.0.1:{tls} ssl", "KONG_PROXY_ACCESS_LOG": "off"})
    return listen, status


def prometheus(stack, ports):
    config, port = stack.folder / "prometheus.yml", free_port()
    targets = ", ".join(f"'127.0.0.1:{port}'" for port in ports)
    config.write_text(f"global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: [{PACKAGING}/prometheus/alerts.yml]\n"
                      f"scrape_configs: [{{job_name: gateway, static_configs: [{{targets: [{targets}]}}]}}]\n")
    stack.start("prometheus", ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={stack.folder}/tsdb",
                               f"--web.listen-address=127.0.0.1:{port}"], port)
    return f"http://127.0.0.1:{port}"


def load(ports, seconds):
    """Requests of every kind: answered, refused, failed, of a consumer."""
    paths = ["/fine", "/closed?apikey=k-1", "/closed", "/broken", "/nowhere", "/down"]
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for port in ports:
            for path in paths:
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5).read()
                except urllib.error.HTTPError:
                    pass
        time.sleep(0.1)


def expressions():
    """Every expression of the dashboard, variables and Grafana's own words filled in."""
    text = json.loads((PACKAGING / "grafana" / "gateway.json").read_text())
    asked = [(f"{panel['title']}", target["expr"]) for panel in text["panels"] for target in panel.get("targets", [])]
    for variable in text["templating"]["list"]:
        if variable["type"] == "query":
            found = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["definition"])
            asked.append((f"variable {variable['name']}", f"count by ({found[2]}) ({found[1]})"))
    fill = lambda expr: re.sub(r"\$(instance|service|route)\b", ".*", expr.replace("$__rate_interval", "30s"))
    return [(name, fill(expr)) for name, expr in asked] + [("Kong's", expr) for expr in KONGS]


def ask(url, path, **query):
    try:
        with urllib.request.urlopen(f"{url}{path}?{urllib.parse.urlencode(query)}", timeout=10) as answer:
            return json.load(answer)["data"]
    except urllib.error.HTTPError as error:
        raise RuntimeError(json.load(error)["error"]) from None


def check(url, name, expr):
    try:
        found = ask(url, "/api/v1/query", query=expr)["result"]
        values = [series["value"][1] for series in found]
        good, note = bool(values) and "NaN" not in values, f"{len(found)} series, such as {values[:1]}"
    except RuntimeError as error:
        good, note = False, str(error)
    print(f"{'ok  ' if good else 'FAIL'} {name}: {note}" + ("" if good else f"\n     {expr}"), flush=True)
    return good


def main():
    ap = argparse.ArgumentParser(description="Asks a real Prometheus what the dashboard asks.")
    ap.add_argument("--binary", type=pathlib.Path, default=ROOT / "target" / "release" / "gateway")
    ap.add_argument("--seconds", type=int, default=25)
    opts = ap.parse_args()
    rules = PACKAGING / "prometheus"
    subprocess.run(["promtool", "check", "rules", "alerts.yml"], cwd=rules, check=True)
    subprocess.run(["promtool", "test", "rules", "alerts.test.yml"], cwd=rules, check=True)
    with Stack() as stack:
        port = upstream()
        started = [gateway(stack, opts.binary.resolve(), *kind, port) for kind in (("2.1", ""), ("3.0", SWITCHES))]
        url = prometheus(stack, [status for _, status in started])
        load([listen for listen, _ in started], opts.seconds)
        results = [check(url, name, expr) for name, expr in expressions()]
        for rule in ask(url, "/api/v1/rules")["groups"][0]["rules"]:
            results.append(rule["health"] == "ok")
            print(f"{'ok  ' if results[-1] else 'FAIL'} alert {rule['name']}: {rule['state']} {rule.get('lastError', '')}")
    print(f"{len(results)} expressions, {len(results) - sum(results)} failed")
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
