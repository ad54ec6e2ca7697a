"""A receiver of webhooks that others wrote: the package standardwebhooks verifies signatures, the SDK of CloudEvents parses
bodies. It fails in the ways of real receivers, by a seed: drops connections before and after it has kept a message,
answers 500 and 429, and slowly. Its log has a line for each event that it has kept, written before it answers.

    webhook_receiver.py PORT LOG SECRET SEED FAULTS_IN_A_HUNDRED
"""
import json
import os
import random
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock

from cloudevents.core.bindings.http import HTTPMessage, from_structured
from cloudevents.core.formats.json import JSONFormat
from standardwebhooks.webhooks import Webhook

PORT, LOG, SECRET, SEED, FAULTS = int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
WEBHOOK = Webhook(SECRET)
RANDOM = random.Random(SEED)
LOCK = Lock()
GONE = LOG + ".gone"


def write(line: dict) -> None:
    with LOCK, open(LOG, "a") as log:
        log.write(json.dumps(line) + "\n")
        log.flush()
        os.fsync(log.fileno())


def parse(body: bytes, content_type: str) -> list:
    if content_type.startswith("application/cloudevents-batch+json"):
        bodies = [json.dumps(one).encode() for one in json.loads(body)]
    else:
        bodies = [body]
    headers = {"content-type": "application/cloudevents+json"}
    return [from_structured(HTTPMessage(headers=headers, body=one), JSONFormat()) for one in bodies]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def answer(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("content-length", "0")
        self.end_headers()

    def drop(self) -> None:
        self.close_connection = True
        self.connection.close()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        with LOCK:
            fault = RANDOM.choice(["before", "after", 500, 429, "slow", "later"]) if RANDOM.randrange(100) < FAULTS else None
        if os.path.exists(GONE):
            return self.answer(410)
        if fault == "before":
            return self.drop()
        if fault == 500:
            return self.answer(500)
        if fault == 429:
            return self.answer(429, retry_after="0")
        if fault == "slow":
            # Longer than the sender waits; the message is not kept.
            time.sleep(1.5)
            return self.drop()
        try:
            WEBHOOK.verify(body, dict(self.headers))
            events = parse(body, self.headers["content-type"])
        except Exception as error:
            write({"error": repr(error)})
            return self.answer(400)
        for event in events:
            write({
                "message": self.headers["webhook-id"], "id": event.get_id(), "source": event.get_source(),
                "type": event.get_type(), "stream": event.get_subject(), "position": event.get_extension("position"),
                "revision": event.get_extension("revision"), "data": event.get_data(),
            })
        if fault == "after":
            return self.drop()
        if fault == "later":
            time.sleep(0.2)
        self.answer(204)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True


if __name__ == "__main__":
    server = Server(("127.0.0.1", PORT), Handler)
    print("ready", flush=True)
    server.serve_forever()
