"""What holds for every store."""

from pathlib import Path

import pytest
from pool_inventory.stores.folder import FolderStore
from pool_inventory.stores.protocol import Store

from tests.stores.acts import KEY


@pytest.fixture(params=["s3", "folder"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    made: Store = (
        request.getfixturevalue("s3_store") if request.param == "s3" else FolderStore(tmp_path / "new" / "out")
    )
    return made


def test_an_object_that_was_put_can_be_read(store: Store) -> None:
    assert store.put_if_absent(KEY, b"one")
    stored = store.get(KEY)
    assert stored is not None
    assert stored.body == b"one"


def test_a_missing_object_is_none(store: Store) -> None:
    assert store.get(KEY) is None


def test_an_object_that_is_there_is_not_put_over(store: Store) -> None:
    assert store.put_if_absent(KEY, b"one")
    assert not store.put_if_absent(KEY, b"two")
    stored = store.get(KEY)
    assert stored is not None
    assert stored.body == b"one"


def test_an_object_is_replaced_only_as_the_one_that_was_read(store: Store) -> None:
    store.put_if_absent(KEY, b"one")
    first = store.get(KEY)
    assert first is not None
    assert store.replace(KEY, b"two", first.etag)
    assert not store.replace(KEY, b"three", first.etag)
    second = store.get(KEY)
    assert second is not None
    assert second.body == b"two"


def test_an_object_of_the_same_body_counts_as_written(store: Store) -> None:
    """It may have been this very write, whose answer was lost."""
    assert store.put_if_absent(KEY, b"one")
    assert store.put_if_absent(KEY, b"one")
    assert store.replace(KEY, b"one", "0123")


def test_an_object_is_put_whatever_is_there(store: Store) -> None:
    for body in (b"one", b"two"):
        store.put(KEY, body)
        stored = store.get(KEY)
        assert stored is not None
        assert stored.body == body


def test_a_missing_object_is_not_replaced(store: Store) -> None:
    store.put_if_absent(KEY, b"one")
    assert not store.replace("data/other", b"two", "0123")


def test_keys_are_a_folders_own_and_sorted_after_a_text(store: Store) -> None:
    for key in ("data/b", "data/a/1", "data/c", "database/d", "latest.json"):
        store.put_if_absent(key, b"")
    assert list(store.keys("data")) == ["data/a/1", "data/b", "data/c"]
    assert list(store.keys("data", "data/b")) == ["data/c"]
    assert list(store.keys("nothing")) == []
