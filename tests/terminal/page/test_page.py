"""The page as bytes: what it says, and what it can do to who opens it."""

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, get_args
from zipfile import ZipFile

import boto3
import pytest
from click.testing import CliRunner, Result
from hatchling.builders.wheel import WheelBuilder
from pool_inventory.model import Status
from pool_inventory.snapshots import keys, schema, table
from pool_inventory.stores.folder import FolderStore
from pool_inventory.stores.s3 import S3Store
from pool_inventory.terminal import command_line
from pool_inventory.terminal.demo.stand_in import StandIn
from pool_inventory.terminal.page import charts

from tests.chains import Reading, add_chain, identifier
from tests.conftest import BUCKET
from tests.makers import ACCOUNT_ID, any_pool
from tests.terminal.inventories import READINGS
from tests.terminal.page.made_up import HOSTILE, STRANGER, make_history

MAX_BYTES = 3_000_000
ROOT = Path(__file__).parents[3]


class Parsed(HTMLParser):
    """A page's elements with their attributes, and the text of each kind of them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self._open = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._open = tag

    def handle_data(self, data: str) -> None:
        self.texts.append((self._open, data))

    def text(self) -> str:
        return " ".join(" ".join(text for tag, text in self.texts if tag not in {"script", "style"}).split())


def run(location: Path | str, *arguments: str) -> Result:
    return CliRunner().invoke(command_line.main, ["report", str(location), *arguments])


def page_of(location: Path, *arguments: str) -> str:
    result = run(location, *arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four snapshots, of which the second and the last could not read eu-west-1."""
    made = tmp_path_factory.mktemp("inventory")
    add_chain(FolderStore(made), READINGS)
    return made


@pytest.fixture(scope="module")
def text(folder: Path) -> str:
    return Parsed(page_of(folder)).text()


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A page of pools whose names are of an attacker, small enough to be looked at."""
    made = tmp_path_factory.mktemp("hostile")
    make_history(FolderStore(made), count=300, account_count=2, snapshots=2)
    return page_of(made)


def test_the_head_says_how_things_stand(text: str) -> None:
    assert "Partial : 1 of 2 regions could not be read. Snapshot of 2026-11-24 21:00 UTC." in text
    assert "pools known 3 2 from earlier" in text
    assert "regions read 1 of 2" in text
    assert "the newest snapshot, 2026-11-24T21-00Z, is" in text


def test_what_was_not_read_is_named_with_its_last_reading(text: str) -> None:
    assert f"{ACCOUNT_ID} eu-west-1 denied AccessDeniedException : no 2026-11-24 20:00 UTC" in text
    assert f"{ACCOUNT_ID} eu-west-1 denied AccessDeniedException 2026-11-24 19:00 UTC" in text


def test_the_strip_has_a_letter_for_each_snapshot(text: str) -> None:
    assert "oDoD" in text
    assert "oooo" in text


def test_a_change_of_a_trigger_says_before_and_after(text: str) -> None:
    assert "pre_sign_up : none → check:3" in text


def test_a_part_of_a_page_is_in_its_order(text: str) -> None:
    parts = (
        *("pools known", "Coverage and changes", "Functions outside the account or region", "Newest changes"),
        *("Pools by account and region", "Triggers by region", "How long untouched", "What pools have", "All pools"),
    )
    places = [text.rindex(part) for part in parts]
    assert places == sorted(places)


def test_a_snapshot_that_is_gone_is_a_gap_and_not_an_end(tmp_path: Path) -> None:
    add_chain(FolderStore(tmp_path), READINGS)
    (tmp_path / f"changes/dt=2026-11-24/changes-{identifier(2)}.parquet").unlink()
    (tmp_path / f"coverage/dt=2026-11-24/coverage-{identifier(1)}.parquet").unlink()
    shutil.rmtree(tmp_path / "_staging")
    result = run(tmp_path)
    assert result.exit_code == 0
    assert "o?oD" in Parsed(result.stdout).text()
    assert f"changes-{identifier(2)}.parquet is gone" in result.stderr
    assert f"changes-{identifier(2)}.parquet is gone" in Parsed(result.stdout).text()


@pytest.mark.parametrize("changes", [{"created": "<b>"}, [], {"created": 1, "deleted": -1, "modified": 2}])
def test_a_manifest_that_anybody_wrote_is_named(tmp_path: Path, changes: object) -> None:
    add_chain(FolderStore(tmp_path), READINGS)
    made = tmp_path / keys.manifest(identifier(1))
    made.write_text(json.dumps({**json.loads(made.read_bytes()), "changes": changes}), encoding="utf-8")
    page = Parsed(page_of(tmp_path)).text()
    assert f"{keys.manifest(identifier(1))} is no manifest that this program writes" in page
    assert "oDoD" not in page


def test_changes_that_anybody_wrote_are_named(tmp_path: Path) -> None:
    add_chain(FolderStore(tmp_path), READINGS)
    written = tmp_path / keys.changes(identifier(2))
    row = {**json.loads(next(table.lines(written.read_bytes()))), "before": "[1]", "after": "no JSON"}
    written.write_bytes(table.encode(schema.CHANGES, [json.dumps(row).encode()], {}))
    assert "changes-2026-11-24T20-00Z.parquet is not what this program writes" in Parsed(page_of(tmp_path)).text()


def test_each_status_has_a_letter_of_its_own() -> None:
    assert set(charts.LETTERS) == set(get_args(Status))
    assert len({*charts.LETTERS.values(), charts.UNKNOWN}) == len(charts.LETTERS) + 1


def test_the_file_is_there_whole_and_the_screen_stays_empty(folder: Path, tmp_path: Path) -> None:
    assert run(folder, "-o", str(tmp_path / "inventory.html")).stdout == ""
    written = (tmp_path / "inventory.html").read_text(encoding="utf-8")
    assert written.startswith("<!DOCTYPE html>")
    assert written.endswith("</html>\n")


def test_a_folder_without_snapshots_is_an_error_on_one_line(tmp_path: Path) -> None:
    result = run(tmp_path)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"error: {tmp_path} holds no snapshots")


def test_the_policy_allows_its_own_script_and_style_alone(folder: Path) -> None:
    parsed = Parsed(page_of(folder))
    (policy,) = (each["content"] for tag, each in parsed.elements if each.get("http-equiv"))
    assert re.fullmatch(
        r"default-src 'none'; script-src 'sha256-[\w+/]+='; style-src 'sha256-[\w+/]+='; img-src data:; "
        r"base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'",
        policy or "",
    )


def test_no_element_has_a_handler_a_style_or_an_address(hostile: str) -> None:
    parsed = Parsed(hostile)
    attributes = {name for _, each in parsed.elements for name in each}
    assert not {each for each in attributes if each.startswith("on")} | ({"style", "src", "action"} & attributes)
    addresses = {each.get("href") for _, each in parsed.elements if "href" in each}
    assert addresses == {"data:,", "#pools"}
    assert {tag for tag, _ in parsed.elements} & {"img", "iframe", "form", "a"} == {"a"}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_text_wherever_it_is(hostile: str, name: str) -> None:
    shown = "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in name)
    texts = [text for tag, text in Parsed(hostile).texts if tag == "bdi"]
    assert shown in texts
    assert shown in {pool[0] for pool in data_of(hostile)["pools"]}


def test_no_character_turns_the_direction_of_the_page(hostile: str) -> None:
    assert re.findall("[\u0000-\u0009\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029]", hostile) == []


def data_of(page: str) -> Any:
    """What the script reads."""
    found = re.findall(r'(?s)<script type="application/json" id="data">(.*?)</script>', page)
    assert len(found) == 1
    return json.loads(found[0])


def test_a_function_of_another_account_is_named_with_its_time(hostile: str) -> None:
    text = Parsed(hostile).text()
    assert "functions outside 1 of the account or region" in text
    assert f":{STRANGER}:function:collect account {STRANGER} pre_sign_up 2026-11-25 02:00 UTC 1" in text


@pytest.mark.parametrize(
    ("arn", "place"),
    [
        (f"arn:aws:lambda:us-east-1:{ACCOUNT_ID}:function:check:3", "region us-east-1"),
        (f"arn:aws:lambda:eu-west-1:{STRANGER}:function:<img src=x>", f"account {STRANGER}"),
        ("<img src=x onerror=alert(1)>", "no function's ARN"),
    ],
)
def test_whatever_a_trigger_names_is_text(tmp_path: Path, arn: str, place: str) -> None:
    calling = any_pool(
        "eu-west-1", LambdaConfig={"PreTokenGenerationConfig": {"LambdaVersion": "V2_0", "LambdaArn": arn}}
    )
    add_chain(FolderStore(tmp_path), [{"eu-west-1": [any_pool("eu-west-1")]}, {"eu-west-1": [calling]}])
    page = page_of(tmp_path)
    assert "<img" not in page
    assert f"{arn} {place} pre_token_generation_config" in Parsed(page).text()


def test_only_what_is_needed_is_read_from_a_bucket(aws: StandIn, folder: Path) -> None:
    """A manifest, the coverage and the changes of each snapshot; data and carried rows of the newest."""
    add_chain(S3Store.open(boto3.session.Session(), BUCKET, "pools"), READINGS)
    aws.requests.clear()
    page = run(f"s3://{BUCKET}/pools").stdout
    read = [request.path.partition("/pools/")[2] for request in aws.requests if request.path.count("/") > 1]
    assert {each.partition("/")[0] for each in read} == {
        *("latest.json", "manifests", "coverage", "changes", "data", "carried")
    }
    assert [each for each in read if each.startswith(("data/", "carried/"))] == [
        keys.data(identifier(3)),
        keys.carried(identifier(3)),
    ]
    assert (
        Parsed(page).text().partition("pools known")[2] == Parsed(page_of(folder)).text().partition("pools known")[2]
    )


def test_the_parts_of_the_page_are_in_the_package(tmp_path: Path) -> None:
    """Installed, it has to find them."""
    wheel = next(WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"]))
    with ZipFile(wheel) as archive:
        found = {name.rpartition("/")[2] for name in archive.namelist() if "/terminal/page/page." in name}
    assert found == {"page.html", "page.css", "page.js"}


def test_more_targets_than_fit_are_those_that_failed(tmp_path: Path) -> None:
    make_history(FolderStore(tmp_path), count=300, account_count=12, snapshots=7)
    text = Parsed(page_of(tmp_path)).text()
    assert re.search(r"\d+ others, none failed", text)
    assert "ooooooo" in text
    assert "oDDDDDD" in text


def test_10000_pools_are_under_3_megabytes(tmp_path: Path) -> None:
    make_history(FolderStore(tmp_path), snapshots=1)
    page = page_of(tmp_path)
    assert len(data_of(page)["pools"]) == 10_000
    assert len(page.encode()) < MAX_BYTES


def test_the_time_axis_has_as_many_snapshots_as_asked_for(folder: Path) -> None:
    assert "oDoD" not in page_of(folder, "--last", "2")
    assert "changes 4 in 2 snapshots" in Parsed(page_of(folder, "--last", "2")).text()


def test_an_account_without_pools_has_a_page(tmp_path: Path) -> None:
    add_chain(FolderStore(tmp_path), [{"eu-west-1": []}])
    assert "No pool is known." in page_of(tmp_path)


def test_many_new_pools_hide_no_swapped_trigger(tmp_path: Path) -> None:
    swapped = any_pool("eu-west-1")
    many = [any_pool("us-east-1") for _ in range(150)]
    other = {**swapped, "LambdaConfig": {"PreSignUp": f"arn:aws:lambda:eu-west-1:{STRANGER}:function:x"}}
    before: Reading = {"eu-west-1": [swapped], "us-east-1": many[:1]}
    add_chain(FolderStore(tmp_path), [before, {**before, "eu-west-1": [other]}, {"us-east-1": many}])
    assert f"→ x (account {STRANGER})" in Parsed(page_of(tmp_path)).text()


def test_an_organizations_pools_are_named_with_accounts(organization: Path) -> None:
    shown = Parsed(page_of(organization)).text()
    assert "pool 3 eu-west-1_000000003 of 210000000003" in shown
    assert "pool 3 eu-west-1_000000003 210000000003 eu-west-1" in shown
    assert "210000000002 eu-west-1 denied" in shown


def test_accounts_without_pools_are_among_those_it_counts(tmp_path: Path) -> None:
    reading: Reading = {"210000000001 eu-west-1": [any_pool("eu-west-1")], "210000000002 eu-west-1": []}
    add_chain(FolderStore(tmp_path), [{**reading, "210000000003 eu-west-1": None}])
    assert "1 of 3 regions in 3 accounts could not be read" in Parsed(page_of(tmp_path)).text()
