"""Headless Chromium, driven by its own protocol over two pipes: no library, no server, no port.

https://chromedevtools.github.io/devtools-protocol/
"""

import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)


@dataclass
class Browser:
    """One page of Chromium.

    `events` has all that it reported, such as requests and what was written to its console.
    """

    to: IO[bytes]
    back: IO[bytes]
    session: str | None = None
    events: list[dict[str, Any]] = field(default_factory=list)
    _number: int = 0

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        session = {"sessionId": self.session} if self.session else {}
        message = {"id": self._number, "method": method, "params": parameters, **session}
        self.to.write(json.dumps(message).encode() + b"\0")
        self.to.flush()
        while (answer := self._read()).get("id") != self._number:
            self.events.append(answer)
        assert "error" not in answer, answer
        result: dict[str, Any] = answer["result"]
        return result

    def _read(self) -> dict[str, Any]:
        found = bytearray()
        while (each := self.back.read(1)) != b"\0":
            assert each, "Chromium has ended"
            found += each
        message: dict[str, Any] = json.loads(found)
        return message

    def evaluate(self, script: str) -> Any:
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def open(self, page: Path, *, width: int = 1280, javascript: bool = True, dark: bool = False) -> None:
        """Open a file, and wait until it is loaded and drawn."""
        self.events.clear()
        self.call("Emulation.setScriptExecutionDisabled", value=not javascript)
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call("Page.navigate", url=page.as_uri())
        while not any(each.get("method") == "Page.loadEventFired" for each in self.events):
            self.events.append(self._read())

    def requests(self) -> list[str]:
        sent = (each for each in self.events if each.get("method") == "Network.requestWillBeSent")
        return [each["params"]["request"]["url"] for each in sent]

    def complaints(self) -> list[Any]:
        """All that was written to the console, and all that was not caught."""
        kinds = {"Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded", "Audits.issueAdded"}
        return [each["params"] for each in self.events if each.get("method") in kinds]

    def screenshot(self, path: Path) -> None:
        """Write a picture of the whole page."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        taken = self.call("Page.captureScreenshot", captureBeyondViewport=True, clip=clip, format="webp", quality=60)
        path.write_bytes(base64.b64decode(taken["data"]))

    def press(self, key: str) -> None:
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode={"Tab": 9}[key])


@contextmanager
def opened() -> Iterator[Browser]:
    """Start Chromium, with nothing of the user's, and end it."""
    assert PROGRAM, "there is no Chromium"
    ours_read, theirs_write = os.pipe()
    theirs_read, ours_write = os.pipe()
    # Chromium reads from descriptor 3 and writes to 4. A pipe's writing end never has the number 3.
    script = (
        f"import os, sys; os.dup2({theirs_read}, 3); os.dup2({theirs_write}, 4); os.execv(sys.argv[1], sys.argv[1:])"
    )
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = [
            *("--headless", "--remote-debugging-pipe", f"--user-data-dir={profile}", "--no-first-run"),
            *("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"),
            *("--hide-scrollbars", "--font-render-hinting=none", "about:blank"),
        ]
        process = subprocess.Popen(  # noqa: S603 - a browser that the machine has
            [sys.executable, "-c", script, PROGRAM, *options],
            pass_fds=(theirs_read, theirs_write),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_read)
        os.close(theirs_write)
        try:
            with os.fdopen(ours_write, "wb") as to, os.fdopen(ours_read, "rb") as back:
                browser = Browser(to, back)
                target = browser.call("Target.createTarget", url="about:blank")["targetId"]
                attached = browser.call("Target.attachToTarget", targetId=target, flatten=True)
                browser.session = attached["sessionId"]
                for domain in ("Page", "Runtime", "Network", "Log", "Audits"):
                    browser.call(f"{domain}.enable")
                yield browser
        finally:
            process.terminate()
            process.wait(10)
