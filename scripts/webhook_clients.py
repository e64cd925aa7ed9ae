"""Libraries that others wrote take what webhooks send: standardwebhooks of PyPI and of npm, with the secret as the service showed it, and with the
one that follows it.

Usage: webhook_clients.py BASE_URL TOOLS, with an operator's token in ONEMIND_TOKEN; the service may call this machine.
Exits with 1 where something is not as it should be.
"""

import http.server
import json
import os
import queue
import subprocess
import sys
import threading

import requests
from standardwebhooks import Webhook, WebhookVerificationError

BASE, TOOLS = sys.argv[1].rstrip("/"), sys.argv[2]
HEADERS = {"Authorization": f"Bearer {os.environ['ONEMIND_TOKEN']}"}
AGENCY = "ori:TX9990500"
messages = queue.Queue()

VERIFY = """
const { Webhook } = require("standardwebhooks");
const [secret, headers, body] = JSON.parse(require("fs").readFileSync(0, "utf8"));
console.log(JSON.stringify(new Webhook(secret).verify(body, headers)));
"""


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        messages.put(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


def call(method, path, body=None):
    answer = requests.request(method, f"{BASE}{path}", json=body, headers=HEADERS, timeout=10)
    assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
    return answer.json()


def by_npm(secret, headers, body):
    """What the library of npm makes of a message; None where it refuses it."""
    node = subprocess.run([f"{TOOLS}/bin/node", "-e", VERIFY], input=json.dumps([secret, headers, body]), capture_output=True, text=True,
                          env={**os.environ, "NODE_PATH": f"{TOOLS}/node_modules"}, timeout=60, check=False)
    return json.loads(node.stdout) if node.returncode == 0 else None


def name(agency):
    call("PUT", f"/v1/agencies/{AGENCY}", {"name": agency, "kind": "municipal_police", "country": "US"})
    return messages.get(timeout=30)


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    made = call("POST", "/v1/webhooks", {"url": url, "event_types": ["agency.changed"], "agencies": None})
    headers, body = name("Şişli Police")
    told = Webhook(made["secret"]).verify(body, headers)
    assert told["type"] == "agency.changed" and told["id"] == headers["webhook-id"] and told["agency"]["name"] == "Şişli Police", told
    assert by_npm(made["secret"], headers, body) == told
    for secret, altered in [(made["secret"], body.replace("changed", "Changed")), ("whsec_" + "A" * 43 + "=", body)]:
        assert by_npm(secret, headers, altered) is None
        try:
            Webhook(secret).verify(altered, headers)
        except WebhookVerificationError:
            continue
        raise AssertionError("a message that is not as it was signed is taken")
    rotated = call("POST", f"/v1/webhooks/{made['id']}/rotation")
    headers, body = name("Another")
    for secret in (made["secret"], rotated["secret"]):
        assert by_npm(secret, headers, body) == Webhook(secret).verify(body, headers)
    print("standardwebhooks of PyPI and npm take what is sent, and nothing else")


main()
