"""Lambda, as far as a function can see: a clean process in the deployed environment, and the Runtime API.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import contextlib
import json
import queue
import shutil
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

# What the runtime brings beside the standard library.
_OF_THE_RUNTIME = ("awslambdaric", "simplejson", "snapshot-restore-py")
_STARTS_WITHIN_SECONDS = 60


class FunctionError(Exception):
    """The function raised; its text is what Lambda would get."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployedFunction:
    """A function as it was deployed.

    Attributes:
        arn: the function's.
        code: the folder that its zip was unpacked into.
        handler: as it was deployed.
        environment: the variables that were deployed.
        log_group: where its log lines go.
        runtime: such as "python3.13".
        architecture: "arm64" or "x86_64".
        memory_mb: its memory.
        timeout_seconds: its time to run.
    """

    arn: str
    code: Path
    handler: str
    environment: Mapping[str, str]
    log_group: str
    runtime: str
    architecture: str
    memory_mb: int
    timeout_seconds: int


class Sandbox:
    """One running process of a function.

    Attributes:
        log: the file that its stdout and stderr go to.
        imported: the file that has each file it imported, once it ended.
    """

    def __init__(self, function: DeployedFunction, folder: Path) -> None:
        self.log = folder / "log"
        self.imported = folder / "imported.json"
        self._function = function
        self._events: queue.Queue[object] = queue.Queue()
        self._answers: queue.Queue[tuple[str, Any]] = queue.Queue()
        self._process: subprocess.Popen[bytes] | None = None
        self._api = ThreadingHTTPServer(("127.0.0.1", 0), self._request_handler())

    def invoke(self, event: object) -> Any:
        """Return what the handler returns.

        Raises:
            FunctionError: what it raised, or that it gave no answer.
        """
        self._events.put(event)
        ends = time.monotonic() + self._function.timeout_seconds + _STARTS_WITHIN_SECONDS
        while True:
            try:
                kind, answer = self._answers.get(timeout=1)
                break
            except queue.Empty:
                if self._process is None or self._process.poll() is not None or time.monotonic() > ends:
                    raise FunctionError(f"no answer; it wrote:\n{self.log.read_text(encoding='utf-8')}") from None
        if kind != "response":
            raise FunctionError(json.dumps(answer))
        return answer

    def lines(self) -> list[dict[str, Any]]:
        """The lines of JSON that the function wrote."""
        return [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines() if line.startswith("{")]

    @contextmanager
    def running(self, extra_environment: Mapping[str, str]) -> Iterator["Sandbox"]:
        """Run the process for as long as the block."""
        serving = threading.Thread(target=self._api.serve_forever, daemon=True)
        serving.start()
        runtime_folder = self.log.with_name("runtime")
        lay_out_runtime(runtime_folder)
        environment = {**self._environment(runtime_folder), **self._function.environment, **extra_environment}
        with self.log.open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - the interpreter that runs this, less its site-packages
                [sys._base_executable, "-I", "-S", str(Path(__file__).with_name("runtime.py")), str(self.imported)],  # type: ignore[attr-defined] # venv itself goes by it
                cwd=self._function.code,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
            self._process = process
            try:
                yield self
            finally:
                self._events.put(None)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(_STARTS_WITHIN_SECONDS)
                process.kill()
                process.wait()
                self._api.shutdown()
                self._api.server_close()

    def _environment(self, runtime_folder: Path) -> dict[str, str]:
        """https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime."""
        name = self._function.arn.rpartition(":")[2]
        return {
            "_HANDLER": self._function.handler,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{self._function.runtime}",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self._function.memory_mb),
            "AWS_LAMBDA_FUNCTION_NAME": name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": self._function.log_group,
            "AWS_LAMBDA_LOG_STREAM_NAME": "2026/11/24/[$LATEST]0",
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._api.server_port}",
            "LAMBDA_RUNTIME_DIR": str(runtime_folder),
            "LAMBDA_TASK_ROOT": str(self._function.code),
            "LANG": "en_US.UTF-8",
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "TZ": ":UTC",
        }

    def _request_handler(self) -> type[BaseHTTPRequestHandler]:
        sandbox = self

        class RuntimeApi(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                """Answer `next` when there is an event; with an error when there will be none."""
                event = sandbox._events.get()
                if event is None:
                    self.send_error(410)
                    return
                self.send_response(200)
                deadline_ms = round((time.time() + sandbox._function.timeout_seconds) * 1000)
                self.send_header("Lambda-Runtime-Aws-Request-Id", str(uuid.uuid4()))
                self.send_header("Lambda-Runtime-Deadline-Ms", str(deadline_ms))
                self.send_header("Lambda-Runtime-Invoked-Function-Arn", sandbox._function.arn)
                self._end(json.dumps(event).encode())

            def do_POST(self) -> None:
                """Take a response, or an error of the handler or of its start."""
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                sandbox._answers.put((self.path.rpartition("/")[2], body))
                self.send_response(202)
                self._end(b"")

            def _end(self, body: bytes) -> None:
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing of each request."""

        return RuntimeApi


def lay_out_runtime(folder: Path) -> None:
    """Put AWS's runtime client and what it needs into a folder of their own, as Lambda has them in /var/runtime."""
    for name in _OF_THE_RUNTIME:
        files = distribution(name)
        for part in {file.parts[0] for file in files.files or ()} - {"__pycache__"}:
            source = Path(str(files.locate_file(part)))
            if source.is_dir():
                shutil.copytree(source, folder / part, dirs_exist_ok=True)
            else:
                folder.mkdir(exist_ok=True)
                shutil.copy2(source, folder / part)
