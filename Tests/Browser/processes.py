"""The pages of processes and webhooks in a real browser, over instances in every state: each page in light, dark,
narrow and Korean with axe-core, and an operator who retries, answers, skips, releases, ends, pauses and redrives.
SILLOK_INSTANCES is the number of instances; 100000 take some minutes to make. Prints how long each page and each kind
of request took."""

import asyncio
import os
import re
import subprocess
import sys
import time

from accessible import check
from devtools import Browser
from servers import Receiver, Server, folder, program, programs

pictures = sys.argv[1] if len(sys.argv) > 1 else os.path.join(folder(), "pictures")
instances = int(os.environ.get("SILLOK_INSTANCES", "300"))
times = {}


async def visit(page, base, route, text):
    """Opens a page in a browser that has nothing of it, and measures the time until it shows a text."""
    await page.open("about:blank")
    begin = time.time()
    await page.open(f"{base}/#/{route}")
    await shows(page, text)
    times.setdefault(route, []).append(time.time() - begin)


async def measure(page):
    """Prints the longest time until each page had its content, and how long requests took in the server."""
    for route, all_times in sorted(times.items()):
        print(f"  {route}: {max(all_times) * 1000:.0f} ms at most of {len(all_times)}")
    lines = (await page.run("fetch('metrics').then((answer) => answer.text())")).splitlines()
    series = dict(line.rsplit(" ", 1) for line in lines if line.startswith("sillok_http_request_seconds"))
    for name, count in series.items():
        operation = re.fullmatch(r'sillok_http_request_seconds_count\{operation="(\w+)"\}', name)
        if not operation or not re.search("rocess|nstance|eadline|Step|ebhook|eliver|overview", operation[1]):
            continue
        total = float(series[name.replace("_count", "_sum")])
        slow = [float(bound[1]) for bound in (re.search('le="([^"]+)"', one) for one, number in series.items()
                if one.startswith("sillok_http_request_seconds_bucket") and f'"{operation[1]}"' in one and number == count)
                if bound]
        print(f"  {operation[1]}: {count} requests, {total / float(count) * 1000:.1f} ms on average, none over {min(slow):.3g} s")


async def shows(page, text):
    await page.until(f"document.querySelector('main').textContent.toLowerCase().includes({text.lower()!r})", what=text)


async def lacks(page, text):
    await page.until(f"!document.querySelector('main').textContent.toLowerCase().includes({text.lower()!r})", what=f"no {text}")


async def press(page, label, reason, within="", **fields):
    """Presses the first button with a label, of a card with a text if there is one, and fills in what it asks for."""
    await page.until(
        f"(() => {{ const b = [...document.querySelectorAll('main button')].find((b) => b.textContent.startsWith({label!r})"
        f" && !b.disabled && (b.closest('section')?.textContent ?? '').includes({within!r})); b?.click(); return !!b; }})()",
        what=f"the button {label}")
    await page.until("document.querySelector('dialog [name=reason]')", what=f"the dialog of {label}")
    for name, value in {"reason": reason, **fields}.items():
        await page.run(f"document.querySelector('dialog [name={name}]').value = {value!r}")
    await page.run("document.querySelector('dialog button[type=submit]').click()")


async def looking(page, base):
    """Instances are found by their states and keys, and an instance shows what led to what."""
    await visit(page, base, "processes", "Outcome unknown")
    await page.run("[...document.querySelectorAll('.tile')].find((a) => a.textContent.startsWith('Parked')).click()")
    await page.until("[...document.querySelectorAll('tbody .tag')].every((t) => t.textContent === 'parked')"
                     " && document.querySelectorAll('tbody tr').length === 3", what="the parked instances")
    await visit(page, base, "process/purchase", "completed")
    await page.run("(() => { const s = document.querySelector('input[type=search]'); s.value = '5';"
                   " s.dispatchEvent(new Event('input')); })()")
    await page.until("[...document.querySelectorAll('tbody td:first-child')].every((t) => t.textContent.startsWith('5'))",
                     what="instances that begin with 5")
    await page.run("document.querySelector('tbody a').click()")
    await page.until("location.hash.startsWith('#/instance/purchase/5')")
    await visit(page, base, "instance/purchase/5", "is declined")
    await shows(page, "everything that can be undone is undone")
    await page.until("document.querySelectorAll('svg.causes path').length > 5", what="the lines of causes")
    await page.run("[...document.querySelectorAll('.timeline a')].find((a) => a.textContent.startsWith('event')).click()")
    await shows(page, "Causes and effects")
    await visit(page, base, "deadlines/purchase", "payment")


async def failing(page, state):
    """The id of the first failing step in a state, and the key of its instance."""
    return await page.run(
        f"(() => {{ const c = [...document.querySelectorAll('section.card')].find((c) => c.textContent.includes({state!r}));"
        " return [c.querySelector('code').textContent, decodeURIComponent(c.querySelector('.sub a').href.split('/').at(-1))]; })()")


async def operating(page, base):
    """Each act is recorded, and the application executes it."""
    await visit(page, base, "effects/purchase", "outcome unknown")
    step, _ = await failing(page, "failing")
    await press(page, "Retry", "the bank is back", within=step)
    await lacks(page, step)
    for label, fields in [("Answer", {"result": "charged, the bank says"}), ("Skip", {})]:
        await visit(page, base, "effects/purchase", "outcome unknown")
        step, key = await failing(page, "outcome unknown")
        await press(page, label, "the bank was asked", within=step, **fields)
        await lacks(page, step)
        await visit(page, base, f"instance/purchase/{key}", "the bank was asked")
        await shows(page, "the instance ends")
    await visit(page, base, "process/purchase/parked", "parked-1")
    await visit(page, base, "instance/purchase/parked-1", "Do processes answer each other?")
    await press(page, "Release", "it was our own test")
    await shows(page, "waiting")
    await press(page, "End", "the customer gave up")
    await shows(page, "completed")


async def resuming(page, base):
    """A kind of effect that is paused is shown on the overview too, and continues when an operator wants it."""
    await visit(page, base, "", "effects paused")
    await shows(page, "askForRating of purchase")
    await visit(page, base, "processes", "ratings cannot be reached")
    await press(page, "Resume", "the service is back")
    await lacks(page, "askForRating")
    await visit(page, base, "process/purchase/completed", "completed")
    await visit(page, base, "instance/purchase/rated", "the instance ends")


async def webhooks(page, base):
    await visit(page, base, "webhooks", "partner")
    await shows(page, "disabled")
    await visit(page, base, "webhook/shop", "204")
    await press(page, "Pause", "the shop is moved")
    await shows(page, "the shop is moved")
    await press(page, "Resume", "it has moved")
    await page.until("document.querySelector('main .tag').textContent === 'active'", what="an active endpoint")
    before = await page.run("document.querySelector('tbody tr time').textContent")
    await asyncio.sleep(1.1)
    await press(page, "Redrive", "they lost some", position="1")
    await page.until(f"document.querySelector('tbody tr time').textContent !== {before!r}", what="new deliveries")


async def keys(page, base):
    await visit(page, base, "processes", "purchase")
    for key, text in [("w", "Webhooks"), ("r", "Processes")]:
        for one in ["g", key]:
            await page.call("Input.dispatchKeyEvent", type="keyDown", key=one, text=one)
            await page.call("Input.dispatchKeyEvent", type="keyUp", key=one)
        await page.until(f"document.querySelector('main h1')?.textContent === {text!r}", what=text)
    await visit(page, base, "instance/purchase/5", "is declined")
    for one in ["j", "j"]:
        await page.call("Input.dispatchKeyEvent", type="keyDown", key=one, text=one)
        await page.call("Input.dispatchKeyEvent", type="keyUp", key=one)
    await page.until("document.querySelectorAll('svg.causes path.lit').length > 0", what="the causes of the record under the focus")


async def photograph(page, base):
    pages = [("processes", "processes", "Outcome unknown", "결과 불명"), ("process", "process/purchase", "parked", "보류"),
             ("instance", "instance/purchase/5", "is declined", "is declined"),
             ("instance-waiting", "instance/purchase/3", "waits for", "기다리는 것"),
             ("instance-parked", "instance/purchase/parked-2", "limit is", "limit is"), ("deadlines", "deadlines/purchase", "payment", "payment"),
             ("effects", "effects/purchase", "outcome unknown", "결과 불명"), ("webhooks", "webhooks", "partner", "partner"),
             ("webhook", "webhook/ledger", "500", "500")]
    views = [("light", (1320, 860), False), ("dark", (1320, 860), True), ("narrow", (390, 840), False), ("korean", (1320, 860), False)]
    for name, (width, height), dark in views:
        await page.size(width, height, dark)
        await page.run(f"localStorage.setItem('sillok-language', {'ko' if name == 'korean' else 'en'!r})")
        for title, route, text, korean in pages:
            await visit(page, base, route, korean if name == "korean" else text)
            await asyncio.sleep(0.1)
            wide = await page.run("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide <= 0, f"{title} is {wide} pixels too wide on {name}"
            await page.picture(f"{title}-{name}")
            # Colours differ in the dark, and nothing else.
            await check(page, f"{title} ({name})", ["color-contrast"] if dark else None)
    await page.run("localStorage.setItem('sillok-language', 'en')")


def key_of_the_application(store):
    """A key that names the reserved categories to which the application's processes and webhooks append."""
    printed = program(
        "sillok", "keys", "create", store, "--name", "play", "--scope", "read", "--scope", "append", "--resource", "*",
        "--resource", "process:purchase-*", "--resource", "webhook:*", stdout=subprocess.PIPE, text=True).stdout
    return re.search(r"sillok_[0-9a-f]+_[0-9a-f]{64}", printed).group()


async def sign_in(page, server):
    await page.open(server.address)
    status = await page.run(
        "fetch('v1/session', {method: 'POST', headers: {'Content-Type': 'application/json'},"
        f" body: JSON.stringify({{token: {server.key!r}}})}}).then((answer) => answer.status)")
    assert status == 200, f"signing in gave {status}"


async def main():
    place, receiver = folder(), Receiver()
    store, model = f"{place}/shop.sqlite", f"{place}/views.sqlite"
    begin = time.time()
    program("sillok-process-play", "make", store, model, receiver.address, str(instances))
    made = time.time() - begin
    with Server(store, "--read-model", model, "--auth", "keys") as server:
        key = key_of_the_application(store)
        # The server reads a new key of another process after a moment.
        while server.ask("/v1/head", headers={"Authorization": f"Bearer {key}"})[0] != 200:
            time.sleep(0.1)
        application = subprocess.Popen(
            [os.path.join(programs, "sillok-process-play"), "run", server.grpc, model, receiver.address],
            stdin=subprocess.DEVNULL, env={**os.environ, "SILLOK_TOKEN": key})
        try:
            async with Browser(pictures) as page:
                await sign_in(page, server)
                begin = time.time()
                await photograph(page, server.address)
                await page.size(1320, 860, False)
                await looking(page, server.address)
                await keys(page, server.address)
                await operating(page, server.address)
                await resuming(page, server.address)
                await webhooks(page, server.address)
                outside = [one for one in page.requests if not one.startswith((server.address, "about:", "data:"))]
                assert not outside, f"asked elsewhere: {outside}"
                assert not page.errors, f"errors in the page: {page.errors}"
                assert not page.dialogs, f"scripts ran: {page.dialogs}"
                route, slowest = max(((route, max(all_times)) for route, all_times in times.items()), key=lambda one: one[1])
                print(f"processes: {instances} instances made in {made:.0f} s, shown in {time.time() - begin:.0f} s;"
                      f" the slowest first content took {slowest * 1000:.0f} ms ({route})")
                await measure(page)
                assert slowest < 2, f"the slowest first content: {route} took {slowest:.1f} s"
        finally:
            application.terminate()
            application.wait()


asyncio.run(main())
