"""Drives a headless Chromium over its DevTools protocol: opens pages, runs scripts in them, takes pictures."""

import asyncio
import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
import urllib.request

import websockets


class Browser:
    def __init__(self, folder):
        self.folder = folder

    async def __aenter__(self):
        self.profile = tempfile.mkdtemp()
        program = next(path for path in map(shutil.which, ["chromium", "chromium-browser", "google-chrome"]) if path)
        self.process = subprocess.Popen(
            [program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
             "--remote-debugging-port=0", "--disable-background-networking", f"--user-data-dir={self.profile}", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        port_file = os.path.join(self.profile, "DevToolsActivePort")
        deadline = time.time() + 60
        while not os.path.exists(port_file) or not open(port_file).read().strip():
            if time.time() > deadline:
                raise RuntimeError("Chromium did not start")
            await asyncio.sleep(0.05)
        port = open(port_file).read().split()[0]
        pages = json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/json"))
        address = next(page["webSocketDebuggerUrl"] for page in pages if page["type"] == "page")
        self.socket = await websockets.connect(address, max_size=None)
        self.number, self.answers, self.dialogs, self.errors, self.requests = 0, {}, [], [], []
        self.reader = asyncio.create_task(self.read())
        for domain in ["Page", "Runtime", "Network", "Log"]:
            await self.call(f"{domain}.enable")
        return self

    async def __aexit__(self, *_):
        self.reader.cancel()
        await self.socket.close()
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)

    async def read(self):
        async for text in self.socket:
            message = json.loads(text)
            if "id" in message:
                self.answers.pop(message["id"]).set_result(message)
                continue
            method, what = message["method"], message["params"]
            if method == "Page.javascriptDialogOpening":
                self.dialogs.append(what["message"])
                asyncio.create_task(self.call("Page.handleJavaScriptDialog", accept=True))
            elif method == "Runtime.exceptionThrown":
                self.errors.append(what["exceptionDetails"].get("exception", {}).get("description", str(what)))
            elif method == "Log.entryAdded" and what["entry"]["level"] == "error":
                self.errors.append(what["entry"]["text"] + " " + what["entry"].get("url", ""))
            elif method == "Network.requestWillBeSent":
                self.requests.append(what["request"]["url"])

    async def call(self, method, **parameters):
        self.number += 1
        self.answers[self.number] = answer = asyncio.get_running_loop().create_future()
        await self.socket.send(json.dumps({"id": self.number, "method": method, "params": parameters}))
        message = await asyncio.wait_for(answer, 60)
        if "error" in message:
            raise RuntimeError(f"{method}: {message['error']}")
        return message["result"]

    async def run(self, script):
        """The value of a script in the page."""
        result = await self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            raise RuntimeError(result["exceptionDetails"]["exception"].get("description", "the script failed"))
        return result["result"].get("value")

    async def open(self, address):
        await self.call("Page.navigate", url=address)

    async def until(self, script, seconds=20, what=None):
        """Waits until a script gives something true, and answers that."""
        deadline = time.time() + seconds
        while True:
            try:
                value = await self.run(script)
            except RuntimeError:
                value = None
            if value not in (None, False, "", 0):
                return value
            if time.time() > deadline:
                text = await self.run("document.body.innerText")
                raise AssertionError(f"waited in vain for {what or script}; the page says:\n{text[:1500]}")
            await asyncio.sleep(0.05)

    async def size(self, width, height, dark):
        await self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        await self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    async def picture(self, name):
        result = await self.call("Page.captureScreenshot", format="png")
        os.makedirs(self.folder, exist_ok=True)
        with open(os.path.join(self.folder, name + ".png"), "wb") as file:
            file.write(base64.b64decode(result["data"]))
