from pathlib import Path

import pytest
from pool_inventory.terminal.demo.stand_in import StandIn

from tests.rehearsal.rehearsal import rehearse, why_not


@pytest.mark.slow
@pytest.mark.skipif(why_not() is not None, reason=str(why_not()))
@pytest.mark.filterwarnings("ignore:Tried to parse:UserWarning")  # moto passes over some kinds of resources
def test_what_cdk_deploys_takes_snapshots_that_outlive_it(aws: StandIn, tmp_path: Path) -> None:
    rehearse(aws, tmp_path, print)
