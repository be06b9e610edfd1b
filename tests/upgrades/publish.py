"""Publish a snapshot of one region, by whichever release of the package is on the path; print its changes."""

import json
import sys
from datetime import timedelta
from pathlib import Path

from pool_inventory.stores.folder import FolderStore

from tests.chains import add_snapshot, identifier
from tests.makers import TIME

if __name__ == "__main__":
    store = FolderStore(Path(sys.argv[1]))
    hour = int(sys.argv[2])
    add_snapshot(store, hour, {"us-east-1": json.load(sys.stdin)})
    assert timedelta(hours=hour) + TIME
    manifest = Path(sys.argv[1]) / f"manifests/{identifier(hour)}/manifest.json"
    sys.stdout.write(json.dumps(json.loads(manifest.read_bytes())["changes"]))
