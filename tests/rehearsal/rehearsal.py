"""A deploy from its first command to its last, on this machine.

The CDK CLI deploys to a stand-in for AWS; what it deployed is taken from there and run as Lambda runs it.
"""

import json
import platform
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pool_inventory.terminal.demo import stand_in
from pool_inventory.terminal.demo.stand_in import StandIn, deny, every, listing, throttle

from infra.bundle import bundle
from tests.iam import simulator
from tests.iam.calls import all_calls
from tests.makers import any_pool, any_pools
from tests.rehearsal.deployment import STACK, Deployment, objects, read_deployment, stacks
from tests.rehearsal.organization import run_an_organization
from tests.rehearsal.running import Rehearsal, running, verify

ARCHITECTURES = {"x86_64": "x86_64", "aarch64": "arm64"}


def why_not() -> str | None:
    """Return why this machine cannot run what a deploy makes, None where it can."""
    if sys.version_info < (3, 12):
        return "the bundle is for Python 3.12 and later: with one of them on PATH, remove .venv and run make again"
    if sys.platform != "linux" or platform.machine() not in ARCHITECTURES:
        return f"the bundle is for Linux on {' or '.join(ARCHITECTURES)}, not {sys.platform} on {platform.machine()}"
    return None


def rehearse(aws: StandIn, folder: Path, say: Callable[[str], None]) -> None:
    """Deploy, run, deploy again, run, deploy an organization beside it, run, destroy; and compare what came of it.

    Each step's outcome is held against what was promised.

    Args:
        aws: with nothing in it.
        folder: empty.
        say: called with each step as it goes.

    Raises:
        AssertionError: an outcome is another.
        CdkError: the CLI failed.
        FunctionError: the function did.
    """
    rehearsal = Rehearsal(aws, folder, say)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    settings = {
        "pythonVersion": version,
        "architecture": ARCHITECTURES[platform.machine()],
        # moto passes over alarms, and then refuses the dashboard that shows them.
        "dashboard": "no",
        "alarmEmail": "cloud-team@example.com",
    }
    changes = {"eventBus": "default", "extraFormats": "csv", "memoryMb": "1024"}

    say("cdk bootstrap, against a stand-in for AWS on this machine")
    rehearsal.cdk.bootstrap()
    say(f"cdk deploy, with code for {settings['architecture']} and Python {version}")
    rehearsal.cdk.deploy(folder / "first", settings)
    run_three_times(rehearsal, read_deployment(aws, folder / "first-code"))

    say(f"cdk deploy, with other settings: {json.dumps(changes)}")
    rehearsal.cdk.update(folder / "second", settings | changes)
    deployment = read_deployment(aws, folder / "second-code")
    run_with_other_settings(rehearsal, deployment)

    say("cdk deploy, which forgets the alarms' address: it is stopped by a question, and nothing is deployed")
    forgetful = {name: value for name, value in (settings | changes).items() if name != "alarmEmail"}
    asked = rehearsal.cdk.refused(folder / "forgetful", forgetful)
    assert "these settings leave out what the deployed stack PoolInventory has" in asked
    assert "alarmEmail=cloud-team@example.com: no alarm would reach this address any more" in asked

    say("cdk diff: nothing with these settings, and something with the former")
    assert not rehearsal.cdk.differs(folder / "again", settings | changes)
    assert rehearsal.cdk.differs(folder / "first")

    beside = {"stackName": "Beside", "customerManagedKey": "yes", "accounts": "organization", "accountsPerBatch": "2"}
    say(f"cdk deploy, of another stack beside it: {json.dumps(beside)}")
    rehearsal.cdk.deploy(folder / "beside", settings | beside)
    assert stacks(aws) == {STACK, "Beside"}
    run_an_organization(rehearsal, read_deployment(aws, folder / "beside-code", "Beside"))

    say("cdk destroy: the first stack goes, and its snapshots stay")
    kept = objects(aws, deployment.bucket)
    rehearsal.cdk.destroy(folder / "second")
    assert stacks(aws) == {"Beside"}
    assert objects(aws, deployment.bucket) == kept
    verify(rehearsal, deployment, snapshots=3)


def run_three_times(rehearsal: Rehearsal, deployment: Deployment) -> None:
    """A cold start, a warm one, and an event that comes twice."""
    aws, say = rehearsal.aws, rehearsal.say
    gone, swapped, kept = any_pools(3, "eu-west-1")
    fill(aws, any_pools(61), [gone, swapped, kept])
    assert deployment.zipped_bytes <= bundle.MAX_ZIPPED_BYTES
    say(f"{deployment.function.handler} of the zip that was deployed, {deployment.zipped_bytes:,} bytes, cold")
    with running(rehearsal, deployment.function) as sandbox:
        summary = rehearsal.invoke(sandbox, deployment.event("2026-11-24T18:00:00Z"))
        assert (summary["status"], summary["pools"], summary["targets"]) == ("complete", 64, 2)
        assert summary["retries"] > 0

        say("The same process, warm, with a pool created, one deleted and one's trigger swapped")
        stand_in.seed("eu-west-1", [{**swapped, "LambdaConfig": {}}, kept, any_pool("eu-west-1")])
        summary = rehearsal.invoke(sandbox, deployment.event("2026-11-24T19:00:00Z"))
        assert summary["changes"] == {"created": 1, "deleted": 1, "modified": 1}

        say("The same event again")
        before, heard = objects(aws, deployment.bucket), len(rehearsal.heard())
        summary = rehearsal.invoke(sandbox, deployment.event("2026-11-24T19:00:00Z"))
        assert summary["result"] == "unchanged"
        assert objects(aws, deployment.bucket) == before
        assert not any("X-Amz-Target" in each.headers for each in rehearsal.heard()[heard:]), "Cognito was asked"

        metrics = [line["SnapshotComplete"] for line in sandbox.lines() if "SnapshotComplete" in line]
        assert metrics == [[1.0], [1.0]]
    verify(rehearsal, deployment, snapshots=2)
    # Its own snapshots have no extra formats and carry nothing, but one that it has to finish may.
    check_grants(rehearsal, deployment, unused={"carried/*", "extra/*"})


def run_with_other_settings(rehearsal: Rehearsal, deployment: Deployment) -> None:
    """A cold start of what the second deploy made, with the first's bucket, and a region that denies."""
    rehearsal.aws.requests.clear()
    rehearsal.aws.answers.insert(0, listing("eu-west-1", deny))
    assert deployment.function.memory_mb == 1024
    with running(rehearsal, deployment.function) as sandbox:
        summary = rehearsal.invoke(sandbox, deployment.event("2026-11-24T20:00:00Z"))
        assert (summary["result"], summary["status"]) == ("published", "partial")
        assert summary["carried"] == {"targets": 1, "pools": 3, "forgotten": 0}
    extra = [key for key in objects(rehearsal.aws, deployment.bucket) if key.startswith("user-pools/extra/csv/")]
    assert len(extra) == 1
    verify(rehearsal, deployment, snapshots=3)
    check_grants(rehearsal, deployment, unused=set())


def fill(aws: StandIn, *pools_of_regions: list[dict[str, Any]]) -> None:
    """Put pools into two regions of the account, both of which throttle as Cognito does."""
    aws.enabled_regions = ["us-east-1", "eu-west-1"]
    for region, pools in zip(aws.enabled_regions, pools_of_regions, strict=True):
        stand_in.seed(region, pools)
        aws.answers.append(listing(region, every(3, throttle)))


def check_grants(rehearsal: Rehearsal, deployment: Deployment, *, unused: set[str]) -> None:
    """Compare each call that was made with what was deployed, and each grant with the calls.

    Args:
        rehearsal: has the calls.
        deployment: has the grants.
        unused: for what under the prefix there may be grants that no call needed.
    """
    calls = all_calls(deployment.stack, rehearsal.heard())
    assert simulator.refused(deployment.stack, calls) == []
    not_needed = simulator.unused(deployment.stack, calls)
    assert {grant.resource.rpartition("/user-pools/")[2] for grant in not_needed} == unused
    granted = len(list(simulator.grants(simulator.identity_policies(deployment.stack)))) - len(not_needed)
    rehearsal.say(
        f"IAM would allow each of its {len(calls)} calls, and none of the {granted} grants could be left out"
    )
