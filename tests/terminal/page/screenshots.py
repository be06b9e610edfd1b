"""Take the pictures of the page that the docs show: python -m tests.terminal.page.screenshots."""

import sys
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from pool_inventory.snapshots import archive, keys
from pool_inventory.stores.folder import FolderStore
from pool_inventory.terminal.page.facts import gather
from pool_inventory.terminal.page.render import render

from tests.terminal.page import browser
from tests.terminal.page.made_up import make_history

DOCS = Path(__file__).parents[3] / "docs"
WIDTHS = (400, 1280)
# The table of all pools is too long for a picture.
MAX_ROWS = 12


def main() -> None:
    with TemporaryDirectory() as folder, browser.opened() as chromium:
        store = FolderStore(Path(folder))
        make_history(store)
        newest = archive.newest(store, sys.exit)
        page = Path(folder, "inventory.html")
        made_at = keys.snapshot_time(newest.id) + timedelta(hours=3)
        text = render(gather(store, made_at, 60, sys.exit)).replace(store.address(""), "s3://my-inventory/user-pools")
        page.write_text(text, encoding="utf-8")
        for width in WIDTHS:
            chromium.open(page, width=width)
            chromium.evaluate(
                f"[...document.getElementById('rows').rows].slice({MAX_ROWS}).forEach((row) => row.remove())"
            )
            chromium.screenshot(DOCS / f"page-{width}.webp")


if __name__ == "__main__":
    main()
