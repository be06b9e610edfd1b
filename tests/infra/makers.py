import json
from pathlib import Path
from typing import Any

from infra.context import DeploySettings

ROOT = Path(__file__).parents[2]


def any_context(**changes: object) -> dict[str, Any]:
    """The context as cdk.json has it, with changes as `-c` would make them."""
    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    return {**context, **changes}


def any_settings(**changes: object) -> DeploySettings:
    return DeploySettings.from_context(any_context(**changes))
