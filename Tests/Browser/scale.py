"""Many streams and events: every page of the dashboard is answered in less than 300 ms, and no page holds more rows than
it shows. SILLOK_STREAMS and SILLOK_EVENTS say how many; 100,000 and 1,000,000 take some minutes to write."""

import asyncio
import os
import time
import urllib.request

from devtools import Browser
from servers import Server, folder

streams, events = int(os.environ.get("SILLOK_STREAMS", "5000")), int(os.environ.get("SILLOK_EVENTS", "20000"))
place = folder()


async def main():
    with Server(f"{place}/large.sqlite") as server:
        for start in range(0, events, 1000):
            status, answer = server.ask("/v1/events", [
                {"type": f"kind{n % 7}", "subject": f"thing{n % streams % 20}-{n % streams}", "tags": [f"tag:{n % 1000}"], "data": {"n": n}}
                for n in range(start, min(start + 1000, events))])
            assert status == 200, answer
        last = server.ask("/v1/events?limit=1&direction=backward")[1]["events"][0]
        slowest = ("", 0.0)
        for path in ["/", "/v1/overview?seconds=120", "/v1/categories?limit=200", "/v1/streams?limit=100", "/v1/streams?limit=100&search=999",
                     "/v1/streams?category=thing7&limit=100", f"/v1/streams?limit=100&after={last['subject']}", f"/v1/streams/{last['subject']}",
                     f"/v1/streams/{last['subject']}/events?limit=50&direction=backward", f"/v1/events/{last['id']}",
                     f"/v1/events/{last['id']}/relations", "/v1/events?limit=100&direction=backward", "/v1/events?limit=100&type=kind3&tag=tag%3A3",
                     "/metrics", "/v1/positions/1"]:
            times = []
            for _ in range(5):
                begin = time.time()
                urllib.request.urlopen(server.address + path).read()
                times.append(time.time() - begin)
            time_taken = sorted(times)[2]
            if time_taken > slowest[1]:
                slowest = (path, time_taken)
            print(f"{time_taken * 1000:8.1f} ms  {path}")
        assert slowest[1] < 0.3, slowest
        async with Browser(f"{place}/pictures") as page:
            most = 0
            for route, text in [("", "Head"), ("streams", "thing"), (f"stream/{last['subject']}", "Last position"), ("tail", "Live tail")]:
                await page.open("about:blank")
                await page.open(f"{server.address}/#/{route}")
                await page.until(f"document.querySelector('main').textContent.includes({text!r})")
                most = max(most, await page.run("document.querySelectorAll('*').length"))
            assert most < 5000, most
        print(f"scale: {streams} streams, {events} events, slowest {slowest[1] * 1000:.0f} ms ({slowest[0]}), at most {most} elements")


asyncio.run(main())
