"""Publish a snapshot of one region, by whichever release of the package is on the path; print its changes."""

import json
import sys
from pathlib import Path

from pool_inventory.aws.session import open_session
from pool_inventory.snapshots import keys
from pool_inventory.stores.folder import FolderStore
from pool_inventory.stores.protocol import Store
from pool_inventory.stores.s3 import S3Store

from tests.chains import add_snapshot


def _open(location: str) -> Store:
    _, separator, address = location.partition("://")
    if not separator:
        return FolderStore(Path(location))
    bucket, _, prefix = address.partition("/")
    return S3Store.open(open_session(None), bucket, prefix)


if __name__ == "__main__":
    store = _open(sys.argv[1])
    pools = {"us-east-1": json.load(sys.stdin)}
    identifier = add_snapshot(store, int(sys.argv[2]), pools, extra_formats=("csv", "ndjson"))
    manifest = store.get(keys.manifest(identifier))
    assert manifest
    sys.stdout.write(json.dumps(json.loads(manifest.body)["changes"]))
