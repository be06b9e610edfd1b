"""Write the definition that the demo and the tests run from the stack: `make docs`."""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.infra.makers import Synthesized

ROOT = Path(__file__).parents[1]
PATH = ROOT / "lambda/pool_inventory/terminal/demo/state_machine.json"


def main() -> None:
    """Synthesize an organization's stack, and write its state machine's definition."""
    with TemporaryDirectory() as folder:
        stack = Synthesized(Path(folder), accounts="organization")
    (machine,) = stack.of_type("AWS::StepFunctions::StateMachine").values()
    PATH.write_text(f"{json.dumps(json.loads(machine['DefinitionString']), indent=2)}\n", encoding="utf-8")
    sys.stdout.write(f"{PATH.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
