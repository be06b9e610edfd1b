"""What can be asked of any store, by name."""

from collections.abc import Callable

from pool_inventory.stores.s3 import S3Store

KEY = "data/dt=2026-11-24/one.parquet"

Act = Callable[[S3Store], object]
READS: dict[str, Act] = {"get": lambda store: store.get(KEY), "keys": lambda store: list(store.keys("data"))}
WRITES: dict[str, Act] = {
    "put_if_absent": lambda store: store.put_if_absent(KEY, b"one"),
    "replace": lambda store: store.replace(KEY, b"one", '"0123"'),
    "put": lambda store: store.put(KEY, b"one"),
}
ACTS = {**READS, **WRITES}
