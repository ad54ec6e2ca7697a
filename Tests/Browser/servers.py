"""Starts the built programs and a server over a store of its own; ends them when the test ends."""

import http.server
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request

programs = os.environ["SILLOK_PROGRAMS"]


def program(name, *arguments, **options):
    return subprocess.run([os.path.join(programs, name), *arguments], check=True, stdin=subprocess.DEVNULL, **options)


class Server:
    """`sillok serve` on a port that the system chose."""

    def __init__(self, store, *arguments):
        self.process = subprocess.Popen(
            [os.path.join(programs, "sillok"), "serve", store, "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", *arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=sys.stderr, text=True)
        self.key = self.address = self.grpc = None
        for line in self.process.stdout:
            if found := re.search(r"sillok_[0-9a-f]+_[0-9a-f]{64}", line):
                self.key = found.group()
            if found := re.search(r"at (https?://\S+)/", line):
                self.address = found.group(1)
            if found := re.search(r"at (sillok://\S+)", line):
                self.grpc = found.group(1)
            if self.address and self.grpc:
                return
        raise RuntimeError("the server did not start")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        assert self.process.wait(timeout=30) == 0, "the server did not end well"

    def ask(self, path, body=None, method=None, headers=None):
        """The status and the JSON of an answer."""
        headers = dict(headers or {})
        if self.key:
            headers.setdefault("Authorization", f"Bearer {self.key}")
        data = None
        if body is not None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        request = urllib.request.Request(self.address + path, data=data, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            text = error.read()
            return error.code, json.loads(text) if text else None

    def memory(self):
        """Resident bytes of the process."""
        with open(f"/proc/{self.process.pid}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Receiver(http.server.ThreadingHTTPServer):
    """What webhooks are sent to: below /taken all are taken, below /refused none, and /gone is no longer there."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response({"/refused": 500, "/gone": 410}.get(self.path, 204))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    def __init__(self):
        super().__init__(("127.0.0.1", 0), self.Handler)
        self.address = f"http://127.0.0.1:{self.server_port}/"
        threading.Thread(target=self.serve_forever, daemon=True).start()


def folder():
    return tempfile.mkdtemp(prefix="sillok-browser-")
