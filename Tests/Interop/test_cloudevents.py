"""Events of the official Python SDK of CloudEvents go in and come out unchanged: structured, in batches and binary, over
HTTP, and through export and import."""
import json
import os
import subprocess
import unittest
import urllib.parse
from datetime import datetime, timedelta, timezone
from http.client import HTTPConnection, HTTPResponse
from typing import Any

from cloudevents.core.bindings.http import HTTPMessage, from_binary, from_structured, to_binary, to_structured
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from servers import Server

FORMAT = JSONFormat()
STORE = os.environ.get("STORE", "store.sqlite")
# What a store adds to an event: its place and its id there.
ADDED = {"position", "revision", "sillokid", "silloktime"}


def event(id: str, data: Any = None, **attributes: Any) -> CloudEvent:
    given = {"id": id, "source": "https://example.org/s?a=b&c", "type": "com.example.happened", "specversion": "1.0"}
    return CloudEvent(attributes={**given, **attributes}, data=data)


def events() -> list[CloudEvent]:
    time = datetime(2018, 4, 5, 17, 31, 0, 123456, tzinfo=timezone.utc)
    zone = timezone(timedelta(hours=-5, minutes=-30))
    return [
        event("A234-1234-1234", {"a": [1, 2.5, None], "b": "ü\n"}, datacontenttype="application/json", time=time),
        event("evt_1Nx", "<much wow=\"xml\"/>", datacontenttype="text/xml", subject="order 7%"),
        event("1", b"\x00\xff\x80", datacontenttype="application/octet-stream", time=time.astimezone(zone)),
        event("2"),
        event("3", {"x": 1}),
        event("4", {"x": 1}, comexampleextension="a \"quoted\" % €uro", dataschema="https://example.org/schema"),
    ]


EVENTS = events()


class TestCloudEvents(unittest.TestCase):
    maxDiff = None

    def setUp(self) -> None:
        self.server = Server("http")
        self.addCleanup(self.server.stop)

    def ask(self, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> HTTPResponse:
        # Adds no header of its own but the length of the body.
        connection = HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        self.addCleanup(connection.close)
        connection.request("GET" if body is None else "POST", path, body, headers or {})
        return connection.getresponse()

    def send(self, message: HTTPMessage) -> None:
        with self.ask("/v1/events", message.body, message.headers) as answer:
            self.assertEqual(answer.status, 200, answer.read())

    def path(self, sent: CloudEvent, rest: str = "") -> str:
        id, source = (urllib.parse.quote(text, safe="") for text in (sent.get_id(), sent.get_source()))
        return f"/v1/events/{id}{rest}?source={source}"

    def assert_same(self, sent: CloudEvent, got: CloudEvent, place: str) -> None:
        kept = {name: value for name, value in got.get_attributes().items() if name not in ADDED}
        given = {name: value for name, value in sent.get_attributes().items() if value is not None}
        self.assertEqual(given, kept, place)
        self.assertEqual(sent.get_data(), got.get_data(), place)

    def structured(self, sent: CloudEvent) -> CloudEvent:
        with self.ask(self.path(sent), headers={"Accept": "application/cloudevents+json"}) as answer:
            self.assertTrue(answer.headers["Content-Type"].startswith("application/cloudevents+json"))
            return from_structured(HTTPMessage({}, answer.read()), FORMAT)

    def binary(self, sent: CloudEvent) -> CloudEvent:
        with self.ask(self.path(sent, "/binary")) as answer:
            headers = {name: value for name, value in answer.headers.items() if name.lower().startswith(("ce-", "content-type"))}
            return from_binary(HTTPMessage({name.lower(): value for name, value in headers.items()}, answer.read()), FORMAT)

    def test_structured(self) -> None:
        for sent in EVENTS:
            for _ in range(2):
                self.send(to_structured(sent, FORMAT))
            self.assert_same(sent, self.structured(sent), f"structured {sent.get_id()}")
            got = self.binary(sent)
            self.assertEqual(sent.get_data(), got.get_data())
            self.assertEqual(sent.get_time(), got.get_time())
        with self.ask("/v1/head") as answer:
            self.assertEqual(json.load(answer)["head"], len(EVENTS))

    def test_binary(self) -> None:
        for sent in EVENTS:
            for _ in range(2):
                self.send(to_binary(sent, FORMAT))
            self.assert_same(sent, self.binary(sent), f"binary {sent.get_id()}")
        # The other mode is the same event.
        for sent in EVENTS[:1]:
            self.send(to_structured(sent, FORMAT))
        with self.ask("/v1/head") as answer:
            self.assertEqual(json.load(answer)["head"], len(EVENTS))

    def test_batch(self) -> None:
        sent = EVENTS
        body = b"[" + b",".join(FORMAT.write(one) for one in sent) + b"]"
        self.send(HTTPMessage({"content-type": "application/cloudevents-batch+json"}, body))
        with self.ask("/v1/events", headers={"Accept": "application/cloudevents-batch+json"}) as answer:
            got = [from_structured(HTTPMessage({}, json.dumps(one).encode()), FORMAT) for one in json.load(answer)]
        self.assertEqual(len(sent), len(got))
        for before, after in zip(sent, got):
            self.assert_same(before, after, f"batch {before.get_id()}")

    def test_export_and_import(self) -> None:
        sillok, folder = os.environ["SILLOK"], self.server.folder
        lines, store, copy = (os.path.join(folder, name) for name in ("in.jsonl", f"import-{STORE}", f"copy-{STORE}"))
        with open(lines, "wb") as f:
            f.writelines(FORMAT.write(one) + b"\n" for one in EVENTS)
        for _ in range(2):
            subprocess.run([sillok, "import", store, lines], check=True, capture_output=True)
        exported = subprocess.run([sillok, "export", store], check=True, capture_output=True).stdout
        got = [from_structured(HTTPMessage({}, line), FORMAT) for line in exported.splitlines()]
        self.assertEqual(len(EVENTS), len(got))
        for before, after in zip(EVENTS, got):
            self.assert_same(before, after, f"export {before.get_id()}")
        with open(lines, "wb") as f:
            f.write(exported)
        subprocess.run([sillok, "import", copy, lines], check=True, capture_output=True)
        again = subprocess.run([sillok, "export", copy], check=True, capture_output=True).stdout
        self.assertEqual(exported, again)


if __name__ == "__main__":
    unittest.main()
