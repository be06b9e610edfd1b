"""A made-up history of an organization, written by the project's own code: 12 accounts, 10,000 pools, a few weeks."""

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from pool_inventory.model import Coverage, Status, Target
from pool_inventory.publish.commit import Draft, commit
from pool_inventory.publish.finish import finish
from pool_inventory.snapshots import keys, manifest, rows
from pool_inventory.snapshots.known import open_known
from pool_inventory.stores.protocol import Store

from tests.makers import TIME, any_coverage

REGIONS = (
    *(
        "ap-northeast-1",
        "ap-south-1",
        "ap-southeast-1",
        "ap-southeast-2",
        "ca-central-1",
        "eu-central-1",
        "eu-north-1",
    ),
    *("eu-west-1", "eu-west-2", "sa-east-1", "us-east-1", "us-east-2", "us-west-2"),
)
WORDS = ("customers", "Kunden", "利用者プール", "Пользователи", "العملاء", "back-office", "partners", "staff", "shop")
TRIGGERS = ("PreSignUp", "PostConfirmation", "CustomMessage", "PreAuthentication", "UserMigration")
HOSTILE = (
    "<script>document.title='owned'</script>",
    "</script><img src=x onerror=document.title='owned'>",
    '" onmouseover="document.title=1" x="',
    "{{ 7 * 7 }} {% raw %}",
    "safe\u202egpj.exe\u2066",
    "&lt;b&gt; &amp;amp; ]]> <!--",
    "n" * 128,
    "\u2028line\u0000 end\u200f",
)
STRANGER = "666655554444"

Pools = dict[Target, list[dict[str, Any]]]
Failures = Mapping[Target, tuple[Status, str]]


def accounts(count: int) -> list[str]:
    return [f"{111_122_223_333 + 100_010_001 * number}" for number in range(count)]


def make_pools(count: int, account_count: int) -> Pools:
    """Pools in all targets, some with many and some with none."""
    dice = random.Random("pools")  # noqa: S311 - the same pools each time
    targets = [Target(account, region) for account in accounts(account_count) for region in REGIONS]
    weights = [dice.paretovariate(1) if dice.random() < 0.7 else 0 for _ in targets]
    pools: Pools = {target: [] for target in targets}
    for number, target in enumerate(dice.choices(targets, weights, k=count)):
        pools[target].append(make_pool(dice, target, number))
    return pools


def make_pool(dice: random.Random, target: Target, number: int, **members: Any) -> dict[str, Any]:
    modified = round(TIME.timestamp() - 86_400 * dice.expovariate(1 / 500), 3)
    used = dice.sample(TRIGGERS, dice.choice((0, 1, 1, 2, 3)))
    arn = f"arn:aws:lambda:{target.region}:{target.account_id}:function:"
    return {
        "Id": f"{target.region}_{number:09d}",
        "Name": f"{dice.choice(WORDS)} {dice.choice(('prod', 'test', 'dev'))} {number}",
        "LambdaConfig": {name: f"{arn}{dice.choice(('auth', 'mail', 'audit'))}-{dice.randrange(30)}" for name in used},
        "CreationDate": modified - 1000,
        "LastModifiedDate": modified,
        **members,
    }


def add_reading(store: Store, number: int, pools: Pools, failures: Failures, *, step_hours: int = 8) -> str:
    """Publish a snapshot of all targets after the newest that is there, as a run would."""
    latest = manifest.read_latest(store)
    known = open_known(store, latest.snapshot_id) if latest else None
    time = TIME + timedelta(hours=step_hours * number)
    draft = Draft(
        id=keys.snapshot_id(time),
        started_at=time,
        ended_at=time + timedelta(seconds=40),
        previous=latest,
        known=known,
        coverage=tuple(_coverage(target, pools, failures) for target in sorted(pools)),
        lines=_lines(pools, failures, keys.snapshot_time(keys.snapshot_id(time))),
    )
    finish(store, draft.id, commit(store, draft), known, now=time)
    return draft.id


def make_history(store: Store, *, count: int = 10_000, account_count: int = 12, snapshots: int = 60) -> Pools:
    """Publish snapshots in which pools come, go and change, some targets fail, and one trigger is swapped."""
    dice = random.Random("history")  # noqa: S311 - the same history each time
    pools = make_pools(count, account_count)
    targets = [target for target, each in pools.items() if each]
    for name, target in zip(HOSTILE, targets, strict=False):
        pools[target][0] |= {"Name": name}
    denied, slow, late = targets[1], targets[4], targets[-1]
    for number in range(snapshots):
        for _ in range(dice.randrange(4) if number else 0):
            _change(dice, pools[dice.choice(targets)], number)
        if number == max(1, snapshots - 2):
            swapped = f"arn:aws:lambda:{targets[0].region}:{STRANGER}:function:collect"
            pools[targets[0]][0] = {**pools[targets[0]][0], "LambdaConfig": {"PreSignUp": swapped}}
        failures: dict[Target, tuple[Status, str]] = {}
        if number >= max(1, snapshots - 9):
            failures[denied] = ("denied", "AccessDeniedException")
        if number % 11 == 5:
            failures[slow] = ("throttled", "TooManyRequestsException")
        if number in {20, 21}:
            failures[late] = ("timed_out", "DeadlineReached")
        if number == 33:
            failures |= dict.fromkeys(targets[10:13], ("failed", "EndpointConnectionError"))
        add_reading(store, number, pools, failures)
    return pools


def _change(dice: random.Random, pools: list[dict[str, Any]], number: int) -> None:
    kind = dice.choice(("created", "deleted", "modified", "modified"))
    place = dice.randrange(1, len(pools)) if len(pools) > 1 else 0
    if kind == "created" or not place:
        first = pools[0]
        pools.append({**first, "Id": f"{first['Id'][:-9]}{dice.randrange(10**9):09d}", "Name": f"new {number}"})
    elif kind == "deleted":
        pools.pop(place)
    else:
        pools[place] = {**pools[place], "Name": f"{pools[place]['Name'][:100]} v{number}"}


def _coverage(target: Target, pools: Pools, failures: Failures) -> Coverage:
    covered = replace(any_coverage(target.region, last_ok=None), account_id=target.account_id)
    if target not in failures:
        return replace(covered, pools=len(pools[target]))
    status, code = failures[target]
    return replace(covered, status=status, pools=None, error_code=code, error_message="made up")


def _lines(pools: Pools, failures: Failures, time: Any) -> Iterator[bytes]:
    for target in sorted(pools):
        if target not in failures:
            for pool in _sorted(pools[target]):
                yield rows.json_line(rows.data_row(pool, partition="aws", target=target, snapshot_time=time))


def _sorted(pools: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(pools, key=lambda each: str(each["Id"]))
