"""The dashboard in a real browser, over the history of this repository: every page is opened, a projection is rebuilt,
compared, promoted and gone back from, a dead letter is retried, and each page is kept as a picture."""

import asyncio
import os
import subprocess
import sys
import time

from devtools import Browser
from servers import Server, folder, program, programs

pictures = sys.argv[1] if len(sys.argv) > 1 else os.path.join(folder(), "pictures")
repository = subprocess.check_output(["git", "rev-parse", "--show-toplevel"], text=True).strip()


async def press(page, label, reason=None):
    """Presses a button, and confirms with a reason if it is asked for one."""
    await page.until(
        f"(() => {{ const b = [...document.querySelectorAll('main button')].find((b) => b.textContent.startsWith({label!r})"
        " && !b.disabled); b?.click(); return !!b; })()", what=f"the button {label}")
    if reason:
        await page.until("document.querySelector('dialog [name=reason]')", what="the dialog")
        await page.run(
            f"(() => {{ document.querySelector('dialog [name=reason]').value = {reason!r};"
            " document.querySelector('dialog button[type=submit]').click(); })()")


async def shows(page, text):
    await page.until(f"document.querySelector('main').textContent.toLowerCase().includes({text.lower()!r})", what=text)


async def visit(page, base, route, text):
    await page.open("about:blank")
    await page.open(f"{base}/#/{route}")
    await shows(page, text)


async def charts(page, base):
    """Friction: charts have axes of values and of time, and show the values under the pointer."""
    await visit(page, base, "", "Head")
    await page.until("document.querySelectorAll('.plot .axis').length >= 9", what="Friction: the axes of values")
    await page.until("document.querySelector('.times')?.textContent.endsWith('now')", what="Friction: the axis of time")
    await page.until(
        "(() => { const c = document.querySelector('svg.chart:not(.small)'), b = c.getBoundingClientRect();"
        " c.dispatchEvent(new PointerEvent('pointermove', { clientX: b.left + b.width / 2, clientY: b.top + 9 }));"
        " return /^\\d+ s ago: events .+, appends .+/.test(c.closest('.chart-box').querySelector('.note').textContent); })()",
        what="Friction: the values under the pointer")


async def numbers(page, base, server):
    """Friction: numbers have one form, and no line divides them, also not within "1 697 of 1 697"."""
    status, _ = server.ask("/v1/events", [{"type": "counted", "subject": "many-1"}] * 1000)
    assert status == 200
    for route, text in [("", "Head"), ("projections", "hot_files"), ("stream/many-1", "Last position")]:
        await visit(page, base, route, text)
        await page.until(r"/\d\u202f\d{3}/.test(document.querySelector('main').textContent)", what=f"Friction: a grouped number on {route!r}")
        other = await page.run(r"document.querySelector('main').textContent.match(/\d,\d{3}|\d[ \u00a0]\d{3}|\d of \d/)?.[0] ?? ''")
        assert not other, f"Friction: a number in another form on {route!r}: {other}"


async def everything(page, base):
    await visit(page, base, "", "Head")
    await shows(page, "dead letter")
    await visit(page, base, "streams", "commit-")
    await page.run("document.querySelector('input[type=search]').focus()")
    stream = await page.until("[...document.querySelectorAll('td a')].map((a) => a.textContent).find((t) => t.startsWith('commit-'))")
    await page.run(f"(() => {{ const s = document.querySelector('input[type=search]'); s.value = {stream[-9:]!r};"
                   " s.dispatchEvent(new Event('input')); })()")
    await page.until("document.querySelectorAll('tbody tr').length === 1", what="one stream found")
    await page.run("document.querySelector('td a').click()")
    await shows(page, "Last position")
    event = await page.until("document.querySelector('td a[href*=\"/event/\"]')?.href")
    await page.open(event)
    await shows(page, "Causes and effects")
    assert await page.run("document.querySelector('pre.code').innerText.length > 2")

    await visit(page, base, "projections", "hot_files")
    await visit(page, base, "projection/authors", "What operators did")
    await press(page, "Rebuild", "a browser asks for it")
    await page.until("[...document.querySelectorAll('main button')].some((b) => b.textContent === 'Promote' && !b.disabled)", 60, "a build that has caught up")
    await press(page, "Compare")
    await shows(page, "every row is the same")
    await press(page, "Promote", "the rows are the same")
    await page.until("document.querySelector('main').textContent.includes('previous')", what="the previous build")
    await press(page, "Roll back", "to show that it can")
    await shows(page, "rollback")
    await press(page, "Pause", "for a moment")
    await shows(page, "paused")
    await press(page, "Resume", "enough")

    await visit(page, base, "letters", "hot_files")
    await page.until("document.querySelector('tbody tr[tabindex]')")
    await page.run("document.querySelector('tbody tr[tabindex]').click()")
    await page.until("document.querySelector('main pre.code')", what="the payload of a dead letter")
    await press(page, "Skip", "it is not needed")
    await page.until("document.querySelector('main').textContent.includes('skipped')", what="a skipped letter")

    await visit(page, base, "operations", "Is the store sound?")
    await press(page, "Check now")
    await page.until("document.querySelector('.tag.good')", 60, "a sound store")
    await press(page, "Copy now")
    await page.until("document.querySelectorAll('.tag.good').length === 2", 60, "a copy")


async def keys(page, base):
    """One can go everywhere by keys alone."""
    await visit(page, base, "", "Head")
    for key, text in [("s", "Streams"), ("t", "Live tail"), ("p", "Projections"), ("d", "Dead letters"), ("o", "Overview")]:
        for one in ["g", key]:
            await page.call("Input.dispatchKeyEvent", type="keyDown", key=one, text=one)
            await page.call("Input.dispatchKeyEvent", type="keyUp", key=one)
        await page.until(f"document.querySelector('main h1')?.textContent === {text!r}", what=text)


async def tail(page, base, server):
    """The page contains at most two hundred rows."""
    await visit(page, base, "tail", "Live tail")
    await page.until("document.querySelector('.sub').textContent === 'following'")
    for start in range(0, 2000, 500):
        status, _ = server.ask("/v1/events", [{"type": "ticked", "subject": "clock-1", "data": {"n": start + n}} for n in range(500)])
        assert status == 200
    await page.until("document.querySelector('.feed a .rest')?.textContent.includes('1999')", what="the last event")
    assert await page.run("document.querySelectorAll('.feed a').length") == 200


async def digits(page, base, server):
    """C19: numbers that JavaScript cannot hold are shown with every digit, in the live tail and on the event's page."""
    data = '{"large":1524831183200260097,"least":-9007199254740993,"exact":0.12345678901234567891,"text":"1e999"}'
    await visit(page, base, "tail", "Live tail")
    await page.until("document.querySelector('.sub').textContent === 'following'")
    body = '{"type":"measured","subject":"digits-1","extension":1073741824,"data":%s}' % data
    status, answer = server.ask("/v1/events", body.encode())
    assert status == 200, answer
    shown = await page.until("document.querySelector('.feed a .rest')?.textContent", what="C19: the event in the live tail")
    assert shown == data, f"C19: the live tail shows {shown} and not {data}"
    await page.open(await page.run("document.querySelector('.feed a').href"))
    shown = await page.until("document.querySelector('main pre.code')?.textContent", what="C19: the page of the event")
    assert "".join(shown.split()) == data, f"C19: the page of the event shows {shown} and not {data}"


async def photograph(page, base):
    stream = await page.run("fetch('v1/streams?category=commit&limit=1').then((r) => r.json()).then((p) => p.streams[0].stream)")
    event = await page.run("fetch('v1/events?limit=1&direction=backward&category=commit').then((r) => r.json()).then((p) => p.events[0].id)")
    pages = [("overview", "", "Head"), ("streams", "streams", "commit-"), ("stream", f"stream/{stream}", "Last position"),
             ("event", f"event/{event}", "Causes and effects"), ("projections", "projections", "hot_files"),
             ("projection", "projection/authors", "What operators did"), ("letters", "letters", "hot_files"),
             ("operations", "operations", "sound"), ("tail", "tail", "Live tail")]
    for name, (width, height), dark in [("light", (1320, 860), False), ("dark", (1320, 860), True), ("narrow", (390, 840), False)]:
        await page.size(width, height, dark)
        for title, route, text in pages:
            await visit(page, base, route, text)
            await asyncio.sleep(0.4)
            wide = await page.run("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide <= 0, f"{title} is {wide} pixels too wide on {name}"
            await page.picture(f"{title}-{name}")
        await page.open(f"{base}/docs")
        await shows(page, "/v1/events")
        await page.picture(f"docs-{name}")


async def main():
    place = folder()
    store, model, backups = f"{place}/history.sqlite", f"{place}/views.sqlite", f"{place}/backups"
    os.mkdir(backups)
    program("git-history", "import", repository, store, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    program("git-history", "project", store, model, "--refuse", "README.md", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    follower = subprocess.Popen(
        [os.path.join(programs, "git-history"), "project", store, model, "--follow"], stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with Server(store, "--read-model", model, "--backups", backups) as server:
            async with Browser(pictures) as page:
                await page.size(1320, 860, False)
                begin = time.time()
                await charts(page, server.address)
                await numbers(page, server.address, server)
                await everything(page, server.address)
                await keys(page, server.address)
                await tail(page, server.address, server)
                await digits(page, server.address, server)
                await photograph(page, server.address)
                status, _ = server.ask("/v1/projections/hot_files/retry", {"reason": "the mistake is mended"})
                assert status == 202
                await visit(page, server.address, "letters", "Dead letters")
                await page.until("[...document.querySelectorAll('tbody tr .tag')].every((t) => t.textContent === 'skipped')", 60, "all letters mended")
                outside = [one for one in page.requests if not one.startswith((server.address, "about:", "data:"))]
                assert not outside, f"asked elsewhere: {outside}"
                # Without an earlier check or copy the server answers 404.
                errors = [one for one in page.errors if not one.endswith(("/v1/verification", "/v1/backup"))]
                assert not errors, f"errors in the page: {errors}"
                assert not page.dialogs, f"scripts ran: {page.dialogs}"
                print(f"dashboard: every page, {len(os.listdir(pictures))} pictures in {pictures}, {time.time() - begin:.0f} s")
    finally:
        follower.terminate()


asyncio.run(main())
