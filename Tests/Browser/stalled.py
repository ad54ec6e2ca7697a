"""Fifty subscribers that take nothing while events are appended: the memory of the server grows by less than 64 MB more
than without them. SILLOK_MEGABYTES says how much is appended: 40 for the promise, less where time is short."""

import os
import socket
import time

from servers import Server, folder

megabytes = int(os.environ.get("SILLOK_MEGABYTES", "8"))


def fill(server):
    begin = time.time()
    for _ in range(megabytes * 10):
        status, answer = server.ask("/v1/events", [{"type": "big", "data": "z" * 4000} for _ in range(25)])
        assert status == 200, answer
    time.sleep(1)
    return time.time() - begin


with Server(f"{folder()}/stalled.sqlite") as server:
    host, port = server.address.removeprefix("http://").split(":")
    fill(server)
    before = server.memory()
    sockets = []
    for _ in range(50):
        one = socket.create_connection((host, int(port)))
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        one.sendall(f"GET /v1/subscribe HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        one.recv(1)
        sockets.append(one)
    took = fill(server)
    growth = (server.memory() - before) / 1e6
    print(f"stalled: 50 subscribers, {megabytes} MB appended in {took:.1f} s, memory grew by {growth:.0f} MB")
    assert growth < 64, growth
    for one in sockets:
        one.close()
