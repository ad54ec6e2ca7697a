"""The dashboard in a real browser, over the history of this repository: every page is opened, a projection is rebuilt,
compared, promoted and gone back from, a dead letter is retried, and each page is kept as a picture, in English and in
Korean. axe-core looks at each, the keyboard alone operates a projection, and the charts show 24 hours."""

import asyncio
import math
import os
import sqlite3
import struct
import subprocess
import sys
import time

from accessible import check, control, reach, strike, type_text
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
    await page.open(f"{base}/{route[3:]}" if route.startswith("../") else f"{base}/#/{route}")
    await shows(page, text)


def checksum(data):
    """FNV-1a with 64 bits."""
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return value


def seed(path):
    """A file of measurements over 24 hours: a load with a wave, a lag of 40 s, and a server that was off for an hour."""
    now, data = int(time.time()), b"sillok metrics 1"
    for step, number in [(1, 600), (10, 360), (120, 720)]:
        last = now // step * step - step
        times = [last - step * (number - 1 - index) for index in range(number)]
        times = [at for at in times if not 9 < (now - at) / 3600 < 10]
        data += struct.pack("<II", step, len(times))
        for at in times:
            load = (40 + 30 * math.sin((at - now) / 86400 * 2 * math.pi) + (at * 2654435761 >> 7) % 12) * step
            lag = 40 if 4.2 < (now - at) / 3600 < 4.5 else (at * 40503 >> 5) % 10 / 25
            data += struct.pack("<qffffIIII", at, step, 0.0012, 0.006 + load % 7 / 4000, lag, int(load), int(load * 2.4), int(load * 7), 0)
    with open(path, "wb") as file:
        file.write(data + struct.pack("<Q", checksum(data)))


def check_saved(path):
    """The server has kept its measurements, the new ones with them."""
    with open(path, "rb") as file:
        data = file.read()
    assert struct.unpack("<Q", data[-8:])[0] == checksum(data[:-8]), "the file of measurements is damaged"
    number = struct.unpack("<II", data[16:24])[1]
    newest = struct.unpack("<q", data[24 + 40 * (number - 1):][:8])[0]
    assert time.time() - newest < 60 and len(data) < 68000, f"the newest measurement is of {newest}"


async def charts(page, base):
    """Charts have axes of values and of time, three ranges, and show the values under the pointer and by the arrow keys."""
    await visit(page, base, "", "Head")
    for label, lines in [("1 h", 1), ("5 min", 1), ("24 h", 2)]:
        await page.run(f"[...document.querySelectorAll('.switch button')].find((b) => b.textContent === {label!r}).click()")
        # Hours without a server are a gap.
        await page.until("document.querySelectorAll('.chart-box')[0].querySelectorAll('path.line:not(.b)').length"
                         f" === {lines}", what=f"the lines of {label}")
        ticks = await page.run("[...document.querySelector('svg.chart').querySelectorAll('text')].map((t) => t.textContent)")
        assert len([one for one in ticks if one.endswith("/s")]) >= 4, f"the axis of values of {label}: {ticks}"
        assert len([one for one in ticks if ":" in one]) >= 4, f"the axis of time of {label}: {ticks}"
    read = "document.querySelector('.chart-box .readout').textContent"
    form = r"/^\d\d:\d\d: events [\d\u202f]+\/s, appends [\d\u202f]+\/s$/"
    await page.until(
        "(() => { const c = document.querySelector('.plot'), b = c.getBoundingClientRect();"
        " c.dispatchEvent(new PointerEvent('pointermove', { clientX: b.left + b.width / 3, clientY: b.top + 9 }));"
        f" return {form}.test({read}); }})()", what="the values under the pointer")
    await page.run("document.querySelector('.plot').dispatchEvent(new PointerEvent('pointerleave'))")
    await page.run("document.querySelector('.plot').focus()")
    said = []
    for key in ["ArrowLeft", "ArrowLeft", "Home", "End", "Escape"]:
        await strike(page, key)
        said.append(await page.run(read))
    assert said[0] == said[3] != said[1] and said[2] not in said[:2] and said[4] == "", f"the values by the keys: {said}"
    assert await page.run("document.querySelector('.readout').getAttribute('role') === 'status'")
    await page.open(base)
    await page.until("document.querySelector('.switch [aria-pressed=true]')?.textContent === '24 h'", what="the range that was chosen")


async def language(page, base):
    """The language is that of the browser until another is chosen, which is kept."""
    agent = await page.run("navigator.userAgent")
    await page.call("Emulation.setUserAgentOverride", userAgent=agent, acceptLanguage="ko-KR,ko,en")
    await visit(page, base, "streams", "이벤트 스트림")
    await page.run("document.getElementById('language').click()")
    await shows(page, "Streams")
    await visit(page, base, "letters", "Dead letters")
    assert await page.run("document.documentElement.lang") == "en"
    await page.run("localStorage.removeItem('sillok-language')")
    await page.call("Emulation.setUserAgentOverride", userAgent=agent, acceptLanguage="en-US,en")


async def keyboard(page, base):
    """A projection is paused and resumed without a pointer, and every focus on the way can be seen."""
    await visit(page, base, "projection/authors", "What operators did")
    for verb, state in [("Pause", "paused"), ("Resume", "up to")]:
        await reach(page, f"one.matches('.head button') && one.textContent === {verb!r}")
        await strike(page, "Enter")
        await page.until("document.activeElement.name === 'reason'", what="the dialog with its field focused")
        await type_text(page, "by the keyboard")
        await reach(page, "one.type === 'submit'", 5)
        await strike(page, "Enter")
        await page.until(f"document.querySelector('.explained').textContent.includes({state!r})", what=f"a projection that is {state}")
    await visit(page, base, "", "Head")
    await reach(page, "one.matches('.switch button') && one.textContent === '1 h'")
    await strike(page, "Space")
    await reach(page, "one.matches('.plot')")
    await strike(page, "ArrowLeft")
    await page.until("document.querySelector('.readout').textContent !== ''", what="a value by the keyboard")


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
    # The button has the same words.
    await page.until("[...document.querySelectorAll('main td')].some((cell) => cell.textContent === 'roll back')", what="the act")
    await press(page, "Pause", "for a moment")
    await shows(page, "paused")
    await press(page, "Resume", "enough")

    await visit(page, base, "letters", "hot_files")
    await page.until("document.querySelector('.letters summary')?.textContent.includes('later event')", what="followers, folded")
    assert await page.run("[...document.querySelectorAll('.letters > li > .letter .tag')].every((t) => t.textContent === 'failed')")
    await page.run("document.querySelector('.letter button.open').click()")
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
    await shows(page, "Causes and effects")
    shown = await page.until("document.querySelector('main pre.code')?.textContent", what="C19: the page of the event")
    assert "".join(shown.split()) == data, f"C19: the page of the event shows {shown} and not {data}"


async def photograph(page, base, chain):
    stream = await page.run("fetch('v1/streams?category=commit&limit=1').then((r) => r.json()).then((p) => p.streams[0].stream)")
    event = await page.run("fetch('v1/events?limit=1&direction=backward&category=commit').then((r) => r.json()).then((p) => p.events[0].id)")
    pages = [("overview", "", "Head", "최신 위치"), ("streams", "streams", "commit-", "commit-"),
             ("stream", f"stream/{stream}", "Last position", "마지막 위치"), ("event", f"event/{event}", "Causes and effects", "원인과 결과"),
             ("causes", "event/" + chain, "Causes and effects", "원인과 결과"), ("projections", "projections", "hot_files", "hot_files"),
             ("projection", "projection/authors", "What operators did", "운영 기록"), ("letters", "letters", "hot_files", "hot_files"),
             ("operations", "operations", "sound", "이상 없음"), ("tail", "tail", "No event since", "추가된 이벤트가 없습니다"),
             ("nothing", "streams//nowhere", "No stream has such a name", "이런 이름의 스트림이 없습니다"), ("docs", "../docs", "/v1/events", "/v1/events")]
    views = [("light", (1320, 860), False), ("dark", (1320, 860), True), ("narrow", (390, 840), False), ("korean", (1320, 860), False)]
    for name, (width, height), dark in views:
        await page.size(width, height, dark)
        await page.run(f"localStorage.setItem('sillok-language', {'ko' if name == 'korean' else 'en'!r})")
        for title, route, text, korean in pages:
            await visit(page, base, route, korean if name == "korean" else text)
            await page.until("!document.querySelector('.chart-box') || document.querySelector('path.line')", what="the lines of the charts")
            await asyncio.sleep(0.2)
            wide = await page.run("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide <= 0, f"{title} is {wide} pixels too wide on {name}"
            await page.picture(f"{title}-{name}")
            # Colours differ in the dark, and nothing else.
            await check(page, f"{title} ({name})", ["color-contrast"] if dark else None)
            if title == "streams" and name == "light":
                await control(page)
    await in_korean(page, base)
    await page.run("localStorage.setItem('sillok-language', 'en')")


async def in_korean(page, base):
    """What the server says in English is shown in Korean, by its codes: acts, objectives, and why a request failed."""
    await visit(page, base, "projection/authors", "운영 기록")
    await page.until("[...document.querySelectorAll('main td')].some((cell) => cell.textContent === '롤백')", what="an act in Korean")
    await visit(page, base, "", "지연의 99%가 5초 미만 (기간 1시간)")
    await shows(page, "250\u00A0ms")
    missing = "import(`${location.origin}/assets/api.js`).then((api) => api.get('v1/positions/99999999')).catch((error) => error.message)"
    message = await page.run(missing)
    assert message.startswith("찾을 수 없습니다: "), message


def promise(model):
    """An objective as an application has last measured it, in the read model."""
    with sqlite3.connect(model) as database:
        database.execute(
            "INSERT INTO sillok_objectives VALUES ('hot_files', 'lag p99 < 5.0 seconds over 3600.0 seconds', '', '0.25 seconds',"
            " 0.5, 0.1, 1, ?)", [int((time.time() + 3600) * 1e6)])


def tell_a_story(server):
    """Events that have causes, as an application records them; the id of one in the middle."""
    first = server.ask("/v1/events", [{"type": "order-placed", "subject": "order-7", "data": {"items": 3}, "metadata": {"correlationid": "order-7"}}])
    assert first[0] == 200, first
    ids = [server.ask("/v1/events?limit=1&direction=backward")[1]["events"][0]["id"]]
    for cause, kind, subject in [(0, "payment-requested", "payment-7"), (1, "payment-accepted", "payment-7"), (2, "order-confirmed", "order-7"),
                                 (2, "receipt-sent", "mail-7"), (3, "parcel-packed", "parcel-7"), (5, "parcel-sent", "parcel-7")]:
        status, answer = server.ask("/v1/events", [{"type": kind, "subject": subject, "data": {"order": 7},
                                                    "metadata": {"correlationid": "order-7", "causationid": ids[cause]}}])
        assert status == 200, answer
        ids.append(server.ask("/v1/events?limit=1&direction=backward")[1]["events"][0]["id"])
    return ids[2]


async def main():
    place = folder()
    store, model, backups = f"{place}/history.sqlite", f"{place}/views.sqlite", f"{place}/backups"
    os.mkdir(backups)
    seed(store + "-metrics")
    program("git-history", "import", repository, store, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    program("git-history", "project", store, model, "--refuse", "README.md", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    promise(model)
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
                await language(page, server.address)
                await keyboard(page, server.address)
                await photograph(page, server.address, tell_a_story(server))
                status, _ = server.ask("/v1/projections/hot_files/retry", {"reason": "the mistake is mended"})
                assert status == 202
                await visit(page, server.address, "letters", "Dead letters")
                await page.until("[...document.querySelectorAll('.letter .tag')].every((t) => t.textContent === 'skipped')", 60, "all letters mended")
                outside = [one for one in page.requests if not one.startswith((server.address, "about:", "data:"))]
                assert not outside, f"asked elsewhere: {outside}"
                # Without an earlier check or copy the server answers 404. The last one is asked for on purpose.
                missing = ("/v1/verification", "/v1/backup", "/v1/positions/99999999")
                errors = [one for one in page.errors if not one.endswith(missing)]
                assert not errors, f"errors in the page: {errors}"
                assert not page.dialogs, f"scripts ran: {page.dialogs}"
                print(f"dashboard: every page, {len(os.listdir(pictures))} pictures in {pictures}, {time.time() - begin:.0f} s")
        check_saved(store + "-metrics")
    finally:
        follower.terminate()


asyncio.run(main())
