"""Settings that a deployment keeps in a file, as whoever deploys sees them."""

import json
import re
from pathlib import Path

import pytest
from pool_inventory.errors import SettingsError

from infra.options import context, deployments
from infra.options.deploy_settings import DeploySettings
from tests.infra.makers import ROOT

FOLDER = ROOT / "settings"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "settings"
    folder.mkdir()
    write(folder, "prod", json.dumps({"memoryMb": 1024, "regions": "eu-west-1", "alarmEmail": "a@example.com"}))
    write(folder, "example", "{}")
    return folder


def write(folder: Path, name: str, text: str) -> None:
    folder.joinpath(f"{name}.json").write_text(text, encoding="utf-8")


def read(folder: Path, **given: object) -> DeploySettings:
    return context.read(deployments.choose(given, folder).context)


def refusal(folder: Path, **given: object) -> str:
    with pytest.raises(SettingsError) as raised:
        read(folder, **given)
    assert len(str(raised.value).splitlines()) == 1
    return str(raised.value)


def test_a_deploy_has_the_settings_of_the_file_it_names(folder: Path) -> None:
    settings = read(folder, settings="prod")
    assert (settings.memory_mb, settings.regions, settings.alarm_email) == (1024, ("eu-west-1",), "a@example.com")


def test_what_the_file_leaves_out_has_its_default(folder: Path) -> None:
    assert read(folder, settings="example") == read(folder)


def test_a_deploy_that_names_no_file_takes_none(folder: Path) -> None:
    write(folder, "broken", "{")
    assert read(folder) == context.read({})


def test_a_setting_beside_the_file_overrides_it_and_is_said(folder: Path) -> None:
    given = {"settings": "prod", "memoryMb": "512", "regions": "enabled", "alarmEmail": "a@example.com"}
    settings = read(folder, **given)
    assert (settings.memory_mb, settings.regions) == (512, "enabled"), "also where it is the default"
    assert deployments.choose(given, folder).overridden == (
        "-c memoryMb=512 overrides settings/prod.json, which has 1024",
        "-c regions=enabled overrides settings/prod.json, which has eu-west-1",
    )


def test_the_same_setting_beside_the_file_is_not_said(folder: Path) -> None:
    assert deployments.choose({"settings": "prod", "memoryMb": "1024"}, folder).overridden == ()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("prdo", "settings='prdo': there is no settings/prdo.json: did you mean prod? There are example, prod"),
        ("qa", "settings='qa': there is no settings/qa.json: there are example, prod"),
        ("prod.json", "not the name of a file in settings/ without its .json; there are example, prod"),
        ("../prod", "not the name of a file in settings/ without its .json"),
        ("", "not the name of a file in settings/ without its .json"),
    ],
)
def test_a_file_that_is_missing_names_those_there_are(folder: Path, name: str, says: str) -> None:
    assert says in refusal(folder, settings=name)


def test_a_missing_file_where_there_is_none_is_said(tmp_path: Path) -> None:
    assert refusal(tmp_path / "settings", settings="prod").endswith("there are none")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"regoins": "us-east-1"}', "settings/a.json: 'regoins' is no setting: did you mean regions?"),
        ('{"aws:cdk:x": "1"}', "settings/a.json: 'aws:cdk:x' is no setting: use one of stackName,"),
        ('{"settings": "prod"}', "settings/a.json: 'settings' is no setting"),
        ('{"force": "yes"}', "settings/a.json: 'force' is no setting"),
        ('{"memoryMb": 12}', "settings/a.json: memoryMb='12': not a whole number from 128 to 10240"),
        ('{"dashboard": true}', "settings/a.json: dashboard=True: neither a text nor a number: write it as -c has it"),
        ('{"regions": ["a"]}', "settings/a.json: regions=['a']: neither a text nor a number"),
        ('{"alarmEmail": null}', "settings/a.json: alarmEmail=None: neither a text nor a number"),
        ('{"tags": "a=b", "tags": "c=d"}', "settings/a.json: 'tags' comes twice: name it once"),
        ("[]", 'settings/a.json: it has to be one object, such as {"stackName": "PoolInventory"}'),
        ('{"tags": "a=b",}', "settings/a.json is no JSON that can be read ("),
        ("", "settings/a.json is no JSON that can be read ("),
        ("[" * 100_000, "settings/a.json is no JSON that can be read ("),
    ],
)
def test_what_is_wrong_in_a_file_is_named_with_the_file(folder: Path, text: str, says: str) -> None:
    write(folder, "a", text)
    assert says in refusal(folder, settings="a")


def test_a_wrong_value_in_a_file_counts_although_overridden(folder: Path) -> None:
    write(folder, "a", '{"memoryMb": 1}')
    assert "memoryMb='1'" in refusal(folder, settings="a", memoryMb="512")


def test_a_file_that_windows_wrote_is_read(folder: Path) -> None:
    folder.joinpath("a.json").write_text('{"memoryMb": 1024}', encoding="utf-8-sig")
    assert read(folder, settings="a").memory_mb == 1024


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.json")))
def test_each_file_that_there_is_can_be_deployed(name: str) -> None:
    read(FOLDER, settings=name)


@pytest.mark.parametrize(("page", "name"), [("settings.md", "example"), ("organization.md", "example-organization")])
def test_a_page_shows_the_example_as_it_is(page: str, name: str) -> None:
    (shown,) = re.findall(r"(?ms)^```json\n(.*?)^```$", ROOT.joinpath("docs", page).read_text(encoding="utf-8"))
    assert shown == FOLDER.joinpath(f"{name}.json").read_text(encoding="utf-8")
