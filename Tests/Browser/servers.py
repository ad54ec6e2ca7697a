"""Starts the built programs and a server over a store of its own; ends them when the test ends."""

import json
import os
import re
import subprocess
import sys
import tempfile
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
        self.key = None
        for line in self.process.stdout:
            if found := re.search(r"sillok_[0-9a-f]+_[0-9a-f]{64}", line):
                self.key = found.group()
            if found := re.search(r"at (https?://\S+)/", line):
                self.address = found.group(1)
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


def folder():
    return tempfile.mkdtemp(prefix="sillok-browser-")
