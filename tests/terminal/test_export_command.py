import os
import subprocess
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from pool_inventory.stores.folder import FolderStore
from pool_inventory.terminal import command_line as cli

from tests.chains import add_chain, identifier
from tests.terminal.inventories import HOSTILE, json_of, pool, run, said


@pytest.mark.parametrize("ending", ["csv", "ndjson", "json", "parquet"])
def test_the_files_ending_says_which_format_to_export(folder: Path, tmp_path: Path, ending: str) -> None:
    named, by_ending = tmp_path / "named", tmp_path / f"pools.{ending}"
    assert run("export", folder, "--format", ending, "-o", str(named)).exit_code == 0
    assert run("export", folder, "-o", str(by_ending)).exit_code == 0
    assert by_ending.read_bytes() == named.read_bytes()


@pytest.mark.parametrize("file_format", ["csv", "ndjson", "json", "parquet"])
def test_export_writes_the_same_to_a_file_as_to_standard_output(
    folder: Path, tmp_path: Path, file_format: str
) -> None:
    result = run("export", folder, "--format", file_format, "--at", identifier(2))
    assert result.exit_code == 0
    file = tmp_path / "pools"
    assert run("export", folder, "--format", file_format, "--at", identifier(2), "-o", str(file)).exit_code == 0
    assert file.read_bytes() == result.stdout_bytes
    assert [path.name for path in tmp_path.iterdir()] == ["pools"]


def test_export_has_every_row_and_says_what_was_not_read(folder: Path, tmp_path: Path) -> None:
    assert len(json_of(run("export", folder, "--json", "--at", identifier(2)))) == 4
    file = tmp_path / "pools.parquet"
    result = run("export", folder, "--format", "parquet", "-o", str(file))
    assert pq.read_table(file).num_rows == 3
    assert "eu-west-1: denied" in result.stderr


def test_export_defuses_formulas_in_csv_unless_asked_not_to(tmp_path: Path) -> None:
    add_chain(FolderStore(tmp_path), [{"eu-west-1": [pool(1, Name="=1+1")]}])
    assert ",'=1+1," in said(run("export", tmp_path, "--format", "csv"))
    assert ",=1+1," in said(run("export", tmp_path, "--format", "csv", "--raw-cells"))


def test_csv_has_all_characters_as_they_are_and_says_so(hostile_folder: Path) -> None:
    assert HOSTILE in run("export", hostile_folder, "--format", "csv").stdout_bytes.decode()
    assert "It is for files: its cells have all characters as they are" in " ".join(
        said(CliRunner().invoke(cli.main, ["export", "--help"])).split()
    )


def test_what_is_no_file_stays_what_it_is(folder: Path, tmp_path: Path) -> None:
    """A device, a pipe and a link are written to, and not replaced."""
    linked, link = tmp_path / "linked.csv", tmp_path / "link.csv"
    linked.write_text("before")
    link.symlink_to(linked)
    assert run("export", folder, "--format", "csv", "-o", str(link)).exit_code == 0
    assert link.is_symlink()
    assert linked.read_bytes() == run("export", folder, "--format", "csv").stdout_bytes
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE) as reader:  # noqa: S603, S607 - our own file
        assert run("export", folder, "--format", "csv", "-o", str(pipe)).exit_code == 0
        assert reader.communicate(timeout=60)[0] == linked.read_bytes()
    assert pipe.is_fifo()


def test_an_export_that_cannot_be_written_leaves_nothing(folder: Path, tmp_path: Path) -> None:
    result = run("export", folder, "--format", "csv", "-o", str(tmp_path / "nowhere" / "pools.csv"))
    assert result.exit_code == 1
    assert "name a file in a folder that can be written to" in result.stderr
    assert list(tmp_path.iterdir()) == []
