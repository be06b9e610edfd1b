"""The page in Chromium, as people open it. Skipped where there is none."""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from pool_inventory.stores.folder import FolderStore
from pool_inventory.terminal.demo.walkthrough import run_demo
from rich.console import Console

from tests.terminal.page import browser
from tests.terminal.page.browser import Browser
from tests.terminal.page.made_up import HOSTILE, STRANGER, make_history
from tests.terminal.page.test_page import page_of

pytestmark = pytest.mark.skipif(browser.PROGRAM is None, reason="there is no Chromium: apt-get install chromium")

# On a busy machine all takes longer; alone it is a quarter of this.
MAX_DRAWN_MS = 1000


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of 12 accounts and 10,000 pools."""
    folder = tmp_path_factory.mktemp("large")
    make_history(FolderStore(folder), snapshots=3)
    written = folder / "inventory.html"
    written.write_text(page_of(folder), encoding="utf-8")
    return written


@pytest.fixture(scope="module")
def page_of_the_demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the inventory that `make run` leaves."""
    folder = tmp_path_factory.mktemp("demo")
    run_demo(folder / "out", Console(file=io.StringIO()))
    written = folder / "inventory.html"
    written.write_text(page_of(folder / "out"), encoding="utf-8")
    return written


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser.opened() as found:
        yield found


def search(chromium: Browser, words: str) -> list[list[str]]:
    """Search, and return the rows that are shown."""
    script = """(() => {
        const field = document.getElementById("search");
        field.value = WORDS;
        field.dispatchEvent(new Event("input"));
        return [...document.getElementById("rows").rows].filter((row) => !row.hidden)
          .map((row) => [...row.cells].map((cell) => cell.innerText));
    })()"""
    rows: list[list[str]] = chromium.evaluate(script.replace("WORDS", json.dumps(words)))
    return rows


def test_it_asks_for_nothing_and_complains_of_nothing(chromium: Browser, page: Path) -> None:
    chromium.open(page)
    assert search(chromium, "prod")
    assert [each for each in chromium.requests() if not each.startswith("data:")] == [page.as_uri()]
    assert chromium.complaints() == []
    assert chromium.evaluate("document.title").startswith("User pools, 2026-11-2")


def test_10000_pools_are_drawn_within_a_second(chromium: Browser, page: Path) -> None:
    chromium.open(page)
    drawn = chromium.evaluate("""new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(
        () => done(performance.getEntriesByType("navigation")[0].loadEventEnd))))""")
    assert 0 < drawn < MAX_DRAWN_MS


def test_the_search_finds_pools_that_are_not_drawn_at_first(chromium: Browser, page: Path) -> None:
    chromium.open(page)
    assert search(chromium, STRANGER)[0][4] == f"pre_sign_up → collect (account {STRANGER})"
    assert len(search(chromium, "prod us-")) == 200
    assert search(chromium, "nothing is like this") == []
    assert chromium.evaluate("document.getElementById('found').textContent") == "0 of 10,000 pools"


def test_the_script_draws_the_rows_as_they_were(chromium: Browser, page: Path) -> None:
    chromium.open(page)
    before = chromium.evaluate("document.getElementById('rows').innerHTML")
    search(chromium, "kunden")
    assert chromium.evaluate("document.getElementById('rows').innerHTML") != before
    search(chromium, "")
    assert chromium.evaluate("document.getElementById('rows').innerHTML.replaceAll(' hidden=\"\"', '')") == before


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_found_and_is_only_text(chromium: Browser, page: Path, name: str) -> None:
    chromium.open(page)
    found = search(chromium, name.split(maxsplit=1)[0].encode("unicode_escape").decode())
    assert found
    assert chromium.evaluate("[...document.querySelectorAll('img, b[onmouseover], [onerror]')].length") == 0
    assert chromium.evaluate("document.scripts.length") == 2


def test_without_javascript_all_but_the_search_is_there(chromium: Browser, page: Path) -> None:
    chromium.open(page, javascript=False)
    tree = chromium.call("Accessibility.getFullAXTree")["nodes"]
    names = [str(node.get("name", {}).get("value")) for node in tree]
    assert any("Without JavaScript there is no search" in name for name in names)
    assert not [node for node in tree if node.get("role", {}).get("value") == "searchbox"]
    assert {"Functions outside the account or region", "All pools"} <= set(names)


@pytest.mark.parametrize("width", [400, 1280])
def test_no_part_of_it_is_wider_than_the_window(chromium: Browser, page: Path, width: int) -> None:
    """What is wider scrolls within itself."""
    chromium.open(page, width=width)
    assert chromium.evaluate("document.documentElement.scrollWidth") <= width


def test_all_that_scrolls_can_be_reached_by_keyboard(chromium: Browser, page: Path) -> None:
    chromium.open(page)
    reached: list[str] = []
    while True:
        chromium.press("Tab")
        found = chromium.evaluate("document.activeElement.id || document.activeElement.innerText.slice(0, 60)")
        if found in reached or len(reached) > 50:
            break
        reached.append(found)
    assert reached[0] == "Go to all pools"
    assert {"Snapshots as a table", "What was not read, as a table", "search"} <= set(reached)
    scrolled = "[...document.querySelectorAll('.scrolled')]"
    assert chromium.evaluate(
        f"{scrolled}.every((each) => each.tabIndex === 0 && each.getAttribute('role') === 'region')"
    )


def test_each_region_has_a_name_for_a_screen_reader(chromium: Browser, page: Path) -> None:
    chromium.open(page)
    nodes = chromium.call("Accessibility.getFullAXTree")["nodes"]
    regions = [node["name"]["value"] for node in nodes if node.get("role", {}).get("value") == "region"]
    assert len(regions) > 10
    assert all(regions)
    searchbox = next(node for node in nodes if node.get("role", {}).get("value") == "searchbox")
    assert searchbox["name"]["value"].startswith("Search by name, id")


def test_it_is_dark_where_the_system_is(chromium: Browser, page: Path) -> None:
    grounds = []
    for dark in (False, True):
        chromium.open(page, dark=dark)
        grounds.append(chromium.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert grounds == ["rgb(255, 255, 255)", "rgb(15, 19, 24)"]


def test_print_has_no_search_and_cuts_nothing_off(chromium: Browser, page: Path) -> None:
    chromium.open(page)
    chromium.call("Emulation.setEmulatedMedia", media="print")
    style = "getComputedStyle(document.querySelector('{}')).{}"
    assert chromium.evaluate(style.format("#searching", "display")) == "none"
    assert chromium.evaluate(style.format(".tall", "overflowY")) == "visible"
    chromium.call("Emulation.setEmulatedMedia", media="")


@pytest.mark.parametrize("width", [400, 1280])
def test_the_demos_page_opens_without_a_complaint(chromium: Browser, page_of_the_demo: Path, width: int) -> None:
    chromium.open(page_of_the_demo, width=width)
    assert [each for each in chromium.requests() if not each.startswith("data:")] == [page_of_the_demo.as_uri()]
    assert chromium.complaints() == []
    assert chromium.evaluate("document.documentElement.scrollWidth") <= width


def test_the_demos_page_tells_the_demos_story(chromium: Browser, page_of_the_demo: Path) -> None:
    chromium.open(page_of_the_demo)
    (found,) = search(chromium, "strange")
    assert "Kunden, Köln 7" in found
    assert "pre_sign_up → strange (account 666655554444)" in found
    assert len(search(chromium, "eu-central-1")) == 40
    text = chromium.evaluate("document.body.innerText")
    assert "1 of 5 regions could not be read" in text
    assert "eu-central-1" in text
