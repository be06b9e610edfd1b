"""botocore's data, cut to what the function asks of AWS: it describes four hundred services, and all that they do."""

import gzip
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from infra.errors import BundleError

# What the function calls. A test compares it with the calls in the program.
OPERATIONS: Mapping[str, frozenset[str]] = {
    "account": frozenset({"ListRegions"}),
    "cognito-idp": frozenset({"ListUserPools"}),
    "events": frozenset({"PutEvents"}),
    "organizations": frozenset({"ListAccounts", "ListAccountsForParent", "ListOrganizationalUnitsForParent"}),
    # HeadBucket is botocore's own: it follows a bucket to the region that it is in.
    "s3": frozenset({"GetObject", "HeadBucket", "ListObjectsV2", "PutObject"}),
    "sts": frozenset({"AssumeRole"}),
}
# What a client loads beside the model: how an endpoint is made, and what botocore adds to the model.
_BESIDE = ("endpoint-rule-set-1.json.gz", "service-2.sdk-extras.json")
_MODEL = "service-2.json"


def cut(data: Path) -> None:
    """Leave in botocore's folder of data what the operations in use need, and remove the rest.

    Raises:
        BundleError: the pinned botocore does not know an operation.
    """
    for folder in [path for path in data.iterdir() if path.is_dir()]:
        versions = sorted(path for path in folder.iterdir() if path.is_dir())
        is_used = folder.name in OPERATIONS
        for unused in versions[:-1] if is_used else [folder]:
            shutil.rmtree(unused)
        if is_used:
            _cut_version(versions[-1], OPERATIONS[folder.name])
    _cut_endpoints(data / "endpoints.json")


def _cut_version(folder: Path, operations: frozenset[str]) -> None:
    model = json.loads(gzip.decompress(folder.joinpath(f"{_MODEL}.gz").read_bytes()))
    missing = operations - model["operations"].keys()
    if missing:
        raise BundleError(
            f"the pinned botocore's {folder.parent.name} has no operation {', '.join(sorted(missing))}: see"
            " OPERATIONS in infra/bundle/models.py"
        )
    for path in folder.iterdir():
        if path.name not in _BESIDE:
            path.unlink()
    _write(folder / _MODEL, cut_model(model, operations))


def cut_model(model: Mapping[str, Any], operations: frozenset[str]) -> dict[str, Any]:
    """Return a service's model with these operations, the shapes that they reach, and every error's; undocumented."""
    kept = {name: operation for name, operation in model["operations"].items() if name in operations}
    shapes = model["shapes"]
    reached: set[str] = set()
    found = [*_shapes_of(kept.values()), *(name for name, shape in shapes.items() if shape.get("exception"))]
    while found:
        name = found.pop()
        if name not in reached:
            reached.add(name)
            found += _shapes_of([shapes[name]])
    kept_shapes = {name: shape for name, shape in shapes.items() if name in reached}
    # botocore wants the texts of what is beside them.
    return {**model, "operations": _undocumented(kept), "shapes": _undocumented(kept_shapes)}


def _shapes_of(parts: Iterable[Any]) -> Iterator[str]:
    """Return the names of the shapes that parts of a model refer to, at any depth."""
    for part in parts:
        if isinstance(part, dict):
            if isinstance(part.get("shape"), str):
                yield part["shape"]
            yield from _shapes_of(part.values())
        elif isinstance(part, list):
            yield from _shapes_of(part)


def _undocumented(part: Any) -> Any:  # noqa: ANN401 - any part of a model
    if isinstance(part, dict):
        # A member may have this name, too; what it is then is no text.
        kept = {name: each for name, each in part.items() if name != "documentation" or not isinstance(each, str)}
        return {name: _undocumented(each) for name, each in kept.items()}
    return [_undocumented(each) for each in part] if isinstance(part, list) else part


def _cut_endpoints(path: Path) -> None:
    """Leave the list of regions whole, and of the services' own those in use."""
    endpoints = json.loads(path.read_bytes())
    for partition in endpoints["partitions"]:
        services = partition["services"].items()
        partition["services"] = {name: service for name, service in services if name in OPERATIONS}
    _write(path, endpoints)


def _write(path: Path, content: object) -> None:
    # Not compressed: that would make the bytes depend on the zlib of the machine that builds.
    path.write_text(json.dumps(content, separators=(",", ":")), encoding="utf-8")
