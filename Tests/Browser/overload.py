"""Three times what the server can take, for as long as SILLOK_SECONDS says: it does not fall, says 503 with a time to what it
does not take, answers at least 80 % of what it could take alone, and all that it has answered is in the log.

A generator that waits for nothing: requests go out at the offered rate on whichever of many connections is free; where none
is, the request counts as not taken."""

import asyncio
import json
import os
import time

from servers import Server, folder

seconds = float(os.environ.get("SILLOK_SECONDS", "8"))
connections = int(os.environ.get("SILLOK_CONNECTIONS", "900"))
body = json.dumps({"type": "noted", "subject": "load-1", "data": {"text": "x" * 200}}).encode()


class Load:
    def __init__(self, host, port):
        self.host, self.port = host, port
        self.request = (f"POST /v1/events HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\n"
                        f"Content-Length: {len(body)}\r\n\r\n").encode() + body
        self.free, self.all, self.is_over = [], [], False
        self.reset()

    def reset(self):
        self.taken = self.shed = self.failed = self.late = 0
        self.hints = True
        self.times = []

    async def open(self, count):
        for _ in range(count):
            self.all.append(await asyncio.get_running_loop().create_connection(lambda: Connection(self), self.host, self.port))

    async def offer(self, rate, seconds):
        """Sends `rate` requests per second, without waiting for their answers."""
        begin, sent = time.monotonic(), 0
        while (now := time.monotonic() - begin) < seconds:
            due = int(rate * now)
            while sent < due:
                sent += 1
                if self.free:
                    self.free.pop().send()
                else:
                    self.late += 1
            await asyncio.sleep(0.001)
        return sent

    async def keep(self, busy, seconds):
        """Keeps `busy` requests running at any time, to measure what the server can take."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            while self.free and len(self.all) - len(self.free) < busy:
                self.free.pop().send()
            await asyncio.sleep(0.001)
        while len(self.free) < len(self.all):
            await asyncio.sleep(0.01)


class Connection(asyncio.Protocol):
    def __init__(self, load):
        self.load, self.data = load, b""

    def connection_made(self, transport):
        self.transport = transport
        self.load.free.append(self)

    def send(self):
        self.begin = time.monotonic()
        self.transport.write(self.load.request)

    def data_received(self, data):
        self.data += data
        head, end, rest = self.data.partition(b"\r\n\r\n")
        if not end:
            return
        lower = head.lower()
        length = int(lower.split(b"content-length: ", 1)[1].split(b"\r\n", 1)[0])
        if len(rest) < length:
            return
        self.data = rest[length:]
        status = int(head[9:12])
        if status == 200:
            self.load.taken += 1
            self.load.times.append(time.monotonic() - self.begin)
        elif status == 503:
            self.load.shed += 1
            self.load.hints = self.load.hints and b"\r\nretry-after: " in lower
        else:
            self.load.failed += 1
        self.load.free.append(self)

    def connection_lost(self, _):
        if not self.load.is_over:
            self.load.failed += 1


async def main():
    with Server(f"{folder()}/overload.sqlite") as server:
        host, port = server.address.removeprefix("http://").split(":")
        load = Load(host, int(port))
        await load.open(connections)
        before = server.ask("/v1/head")[1]["head"]
        await load.keep(64, 1)
        load.reset()
        await load.keep(64, max(3, min(20, seconds / 4)))
        sustainable = load.taken / max(3, min(20, seconds / 4))
        appended = server.ask("/v1/head")[1]["head"]
        load.reset()
        memory = server.memory()
        sent = await load.offer(3 * sustainable, seconds)
        taken = load.taken
        while len(load.free) < len(load.all):
            await asyncio.sleep(0.01)
        grown = (server.memory() - memory) / 1e6
        head = server.ask("/v1/head")[1]["head"]
        status, _ = server.ask("/health/ready")
        load.is_over, times = True, sorted(load.times)
        print(f"overload: {sustainable:.0f} a second alone; {sent / seconds:.0f} offered for {seconds:.0f} s: {taken / seconds:.0f} taken "
              f"({100 * taken / seconds / sustainable:.0f} %), {load.shed} told to come again, {load.late} found no connection, "
              f"{load.failed} failed; p50 {1e3 * times[len(times) // 2]:.0f} ms, p99 {1e3 * times[len(times) * 99 // 100]:.0f} ms; "
              f"memory grew by {grown:.0f} MB; head {head - appended} for {load.taken} answers")
        assert before == 0 and status == 200 and load.failed == 0 and load.hints
        assert head - appended == load.taken, "what was answered is not what was recorded"
        assert taken / seconds >= 0.8 * sustainable


asyncio.run(main())
