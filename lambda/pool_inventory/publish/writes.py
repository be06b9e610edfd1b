"""Write objects that are never changed, those that do not depend on each other side by side."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from pool_inventory.snapshots import stored
from pool_inventory.stores.protocol import Store


def write_once(store: Store, key: str, body: bytes) -> bytes:
    """Write an object unless it is there; return the bytes that are there then.

    Raises:
        StoreError: the store cannot be read or written.
    """
    return body if store.put_if_absent(key, body) else stored.read(store, key)


def write_each_once(store: Store, bodies: Mapping[str, bytes]) -> dict[str, bytes]:
    """Write objects that are not there, in no order; return what is there then, by keys.

    Raises:
        StoreError: the store cannot be read or written.
    """
    with ThreadPoolExecutor(max(1, len(bodies))) as pool:
        found = pool.map(lambda key: write_once(store, key, bodies[key]), bodies)
        return dict(zip(bodies, found, strict=True))
