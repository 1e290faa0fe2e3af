"""What the vendors' own clients and parsers say of what sarkd sends. One JSON line in, words out."""

import gzip
import json
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer


def webhook(given):
    """Standard Webhooks' library verifies the signature, and not that of another body."""
    from standardwebhooks import Webhook
    from standardwebhooks.webhooks import WebhookVerificationError

    body = given["body"].encode()
    checker = Webhook(given["key"])
    assert checker.verify(body, given["headers"])["type"] == "alert.test"
    for wrong in [body + b" ", body.replace(b"alert", b"alarm")]:
        try:
            checker.verify(wrong, given["headers"])
        except WebhookVerificationError:
            continue
        raise AssertionError("a wrong body is verified")


def slack(given):
    """slack-sdk's models read every block and find nothing against it."""
    from slack_sdk.models.blocks import Block
    from slack_sdk.webhook import WebhookClient

    sent = json.loads(given["body"])
    blocks = [Block.parse(block) for block in sent["blocks"]]
    assert all(blocks), sent
    for block, ours in zip(blocks, sent["blocks"]):
        block.validate_json()
        assert block.to_dict() == ours, (block.to_dict(), ours)
    theirs = told(lambda url: WebhookClient(url).send(text=sent["text"], blocks=blocks), b"ok")
    assert theirs == sent, theirs


def pagerduty(given):
    """The official client sends the same body."""
    from pagerduty import EventsApiV2Client

    sent = json.loads(given["body"])
    answer = json.dumps({"status": "success", "dedup_key": sent["dedup_key"]}).encode()

    tls = given["tls"]
    trust = ssl.create_default_context(cafile=f"{tls}/ca.pem")

    def trigger(url):
        client = EventsApiV2Client(sent["routing_key"], base_url=url.rstrip("/"), verify=trust)
        payload = sent["payload"]
        assert client.trigger(
            payload["summary"], payload["source"], dedup_key=sent["dedup_key"],
            severity=payload["severity"], payload=payload, links=sent["links"],
        ) == sent["dedup_key"]

    theirs = told(trigger, answer, status=202, tls=tls)
    ours = {key: value for key, value in sent.items() if key not in ("client", "links")}
    theirs.pop("links", None)
    assert theirs == ours, (theirs, ours)


def sentinel(given):
    """Azure's client is content with the emulator."""
    import time

    from azure.core.credentials import AccessToken
    from azure.monitor.ingestion import LogsIngestionClient

    class Credential:
        def get_token(self, *scopes, **_):
            assert scopes[0].startswith("https://monitor.azure.com/"), scopes
            return AccessToken("B0", int(time.time()) + 3600)

    client = LogsIngestionClient(given["url"], Credential(), connection_verify=given["ca"])
    client.upload(rule_id="dcr-1", stream_name="Custom-SarkAlerts_CL", logs=given["logs"])
    try:
        client.upload(rule_id="dcr-2", stream_name="Custom-SarkAlerts_CL", logs=given["logs"])
    except Exception as error:
        assert "404" in str(error) or getattr(error, "status_code", 0) == 404, error
        return
    raise AssertionError("a rule that there is not takes logs")


def cef(given):
    """pycef reads the line, what is around it included."""
    import pycef

    values = pycef.parse(given["line"])
    for key, value in given["wanted"].items():
        assert values.get(key) == value, (key, value, values)


def told(send, answer, status=200, tls=None):
    """What a client sends to a server of ours, which has its certificate in the directory `tls`."""
    bodies = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            bodies.append(json.loads(body))
            self.send_response(status)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    scheme, host = "http", "127.0.0.1"
    if tls:
        ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ours.load_cert_chain(f"{tls}/cert.pem", f"{tls}/key.pem")
        server.socket = ours.wrap_socket(server.socket, server_side=True)
        scheme, host = "https", "localhost"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    send(f"{scheme}://{host}:{server.server_port}/")
    server.shutdown()
    return bodies[0]


given = json.loads(sys.stdin.readline())
globals()[sys.argv[1]](given)
print("agreed")
