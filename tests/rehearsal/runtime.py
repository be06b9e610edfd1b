"""What Lambda starts in a function's place: the handler under AWS's own runtime client, and nothing else to import.

Run by a clean interpreter (-I -S), it has the standard library, the function's code first and the runtime's own last.
At its end it writes each module's file into the file that its argument names.
"""

import atexit
import json
import os
import sys
from pathlib import Path


def write_imports(report: str) -> None:
    files = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    Path(report).write_text(json.dumps(sorted({file for file in files if file})), encoding="utf-8")


if __name__ == "__main__":
    atexit.register(write_imports, sys.argv[1])
    sys.path = [
        os.environ["LAMBDA_TASK_ROOT"],
        *(entry for entry in sys.path if entry != str(Path(__file__).parent)),
        os.environ["LAMBDA_RUNTIME_DIR"],
    ]
    from awslambdaric.__main__ import main  # type: ignore[import-untyped] # AWS ships no types

    main(["bootstrap", os.environ["_HANDLER"]])
