"""Starts the servers that the tests talk to: ours, and UmaDB's own from the same wheel as its client.

STORE names our store: a file such as store.sqlite, which is the default, or a folder such as bank.sillok.
"""
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """An empty store and a server on it."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.folder = tempfile.mkdtemp(prefix=f"interop-{kind}-")
        self.port = free_port()
        self.process: subprocess.Popen | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        if self.kind == "umadb":
            program = os.path.join(os.path.dirname(sys.executable), "umadb")
            command = [program, "--listen", self.target, "--db-path", self.folder]
        else:
            protocol = "--http" if self.kind == "http" else "--grpc"
            store = os.path.join(self.folder, os.environ.get("STORE", "store.sqlite"))
            command = [os.environ["SILLOK"], "serve", store, protocol, self.target]
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + 30
        while True:
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the {self.kind} server does not listen: {self.output()}")
            time.sleep(0.01)

    def output(self) -> str:
        with open(os.path.join(self.folder, "log"), errors="replace") as f:
            return f.read()[-2000:]

    def ask_to_stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
