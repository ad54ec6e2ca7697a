"""520 reads of one key that wait for a position, and another key that reads meanwhile: it is never refused, and the 99th
percentile of its times is at most three times what it is alone. Then 1,000 idle connections, and a request on a new one."""

import http.client
import json
import socket
import threading
import time

from servers import Server, folder

READS = 400


def times(server, key):
    """The times of reads on one connection, sorted."""
    host, port = server.address.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=60)
    taken = []
    for _ in range(READS):
        begin = time.monotonic()
        connection.request("GET", "/v1/events?limit=10", headers={"Authorization": f"Bearer {key}"})
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == 200, (answer.status, body)
        taken.append(time.monotonic() - begin)
    connection.close()
    return sorted(taken)


def wait(server, key, answers):
    host, port = server.address.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=60)
    connection.request("GET", "/v1/head", headers={
        "Authorization": f"Bearer {key}", "Sillok-At-Least": "1000000", "Prefer": "wait=20"})
    answer = connection.getresponse()
    answers.append((answer.status, json.loads(answer.read())))
    connection.close()


place = folder()
store = f"{place}/fair.sqlite"
with Server(store, "--auth", "keys") as server:
    other = server.ask("/v1/keys", {"name": "other", "scopes": "read", "resources": "*"})[1]["key"]
    for number in range(50):
        assert server.ask("/v1/events", {"type": "noted", "data": number})[0] == 200
    times(server, other)
    alone = times(server, other)
    share = server.ask("/v1/server")[1]["limits"]["requests"] // 2
    answers = []
    threads = [threading.Thread(target=wait, args=(server, server.key, answers)) for _ in range(520)]
    for thread in threads:
        thread.start()
    # Wait for the refusals of those beyond the share.
    while len(answers) < 520 - share:
        time.sleep(0.05)
    assert all(status == 503 and body["limit"] == "requests" for status, body in answers), answers[:3]
    beside = times(server, other)
    waiting = 520 - len(answers)
    for thread in threads:
        thread.join()
    p99 = [1e3 * part[len(part) * 99 // 100] for part in (alone, beside)]
    print(f"fair: {waiting} reads of one key wait; another key's p50 {1e3 * alone[READS // 2]:.1f} ms alone, "
          f"{1e3 * beside[READS // 2]:.1f} ms with them; p99 {p99[0]:.1f} and {p99[1]:.1f} ms")
    assert waiting == share and p99[1] <= 3 * p99[0]

    host, port = server.address.removeprefix("http://").split(":")
    idle = [socket.create_connection((host, int(port))) for _ in range(1000)]
    begin = time.monotonic()
    assert server.ask("/v1/head")[0] == 200
    print(f"fair: a request with 1,000 idle connections took {1e3 * (time.monotonic() - begin):.1f} ms")
    for one in idle:
        one.close()
