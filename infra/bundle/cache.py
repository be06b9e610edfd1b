"""Folders that are built once for each content, and are there whole or not at all."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory


def digest(*parts: bytes) -> str:
    """Name a content: the same parts in the same order give the same name, anything else another.

    Returns:
        20 hexadecimal digits.
    """
    whole = hashlib.sha256()
    for part in parts:
        whole.update(b"%d:" % len(part))
        whole.update(part)
    return whole.hexdigest()[:20]


def built_once(folder: Path, build: Callable[[Path], None]) -> Path:
    """Return a folder of the cache, building it on the first call.

    It is built beside its place and put there with one rename, so a build that was stopped leaves nothing under the
    folder's name, and of two builds at once either may win. Anyone may read it, whatever this user's umask: the modes
    go with it into Lambda, where another user runs.

    Args:
        folder: its place, named for its content.
        build: fills the empty folder that it is given; what it raises goes through.
    """
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".building-", dir=folder.parent) as building:
        fresh = Path(building, folder.name)
        fresh.mkdir()
        build(fresh)
        for path in (fresh, *fresh.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        try:
            fresh.rename(folder)
        except OSError:
            # Another process put the same content there first.
            if not folder.is_dir():
                raise
    return folder
