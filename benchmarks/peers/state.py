"""A state of an organization's machine as Lambda runs it: the bundle alone, one event, cold, and one core."""

import importlib
import json
import os
import sys
from contextlib import suppress
from types import SimpleNamespace

bundle, state, event = sys.argv[1:]
sys.path.insert(0, bundle)
os.sched_setaffinity(0, {0})
# Linux weighs sessions first, and then the processes in them: this one is in a session of its own.
with suppress(OSError), open("/proc/self/autogroup", "w") as file:  # noqa: PTH123 - pathlib takes time to import
    file.write(str(os.nice(0)))

answer = importlib.import_module(f"pool_inventory.organization.{state}").handler(
    json.loads(event),
    SimpleNamespace(
        aws_request_id="8476a536-e9f4-11e8-9739-2dfe598c3fcd",
        invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:PoolInventory-PublishA1B2C3D4",
        get_remaining_time_in_millis=lambda: 900_000,
    ),
)
print(json.dumps(answer, separators=(",", ":")))
# As in function.py.
sys.stdout.flush()
os._exit(0)
