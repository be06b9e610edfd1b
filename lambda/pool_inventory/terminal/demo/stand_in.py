"""A faulty AWS on this machine: moto behind a real socket, with the errors on the wire that moto does not make.

For the demo and the tests; the Lambda does not carry it.
"""

import copy
import io
import json
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from typing import Any

from moto.cognitoidp.models import CognitoIdpUserPool, cognitoidp_backends
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server
from werkzeug.test import Client
from werkzeug.wrappers import Request, Response

ACCOUNT_ID = DEFAULT_ACCOUNT_ID

Answer = Callable[[Request], Response | None]
"""Answers a request instead of moto, or returns None to leave it to moto."""


class StandIn:
    """The server's state: what it was asked, and what it answers otherwise than moto would.

    Attributes:
        url: where it listens.
        requests: the requests that it was sent, in order.
        answers: asked in order before moto is; the first that is not None is sent.
        enabled_regions: what account:ListRegions answers, which moto does not know.
    """

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[Request] = []
        self.answers: list[Answer] = []
        self.enabled_regions = ["us-east-1"]
        self._moto = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:  # noqa: ANN401 - WSGI's own
        """Answer a request, as WSGI has it."""
        request = Request(environ)
        body = request.get_data()  # read once, and kept for those who ask later
        self.requests.append(request)
        for answer in (*self.answers, self._list_regions):
            response = answer(request)
            if response is not None:
                return response(environ, start_response)
        environ["wsgi.input"] = io.BytesIO(body)
        moto_answer: Iterable[bytes] = self._moto(environ, start_response)
        return moto_answer

    def environment(self) -> dict[str, str]:
        """Return the variables by which an SDK finds this server, and no other."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            **past_proxies(os.environ),
        }

    def reset(self) -> None:
        """Remove all pools, requests and answers that were set."""
        self.answers.clear()
        self.enabled_regions = ["us-east-1"]
        Client(self._moto).post("/moto-api/reset").close()
        self.requests.clear()

    def after_moto(self, answer: Answer) -> Answer:
        """Return an answer that is given once moto has done what was asked, in the place of moto's own."""

        def answer_after(request: Request) -> Response | None:
            Response.from_app(self._moto, {**request.environ, "wsgi.input": io.BytesIO(request.get_data())})
            return answer(request)

        return answer_after

    def _list_regions(self, request: Request) -> Response | None:
        if request.path != "/listRegions":
            return None
        regions = [{"RegionName": name, "RegionOptStatus": "ENABLED_BY_DEFAULT"} for name in self.enabled_regions]
        return reply({"Regions": [*regions, {"RegionName": "ap-east-1", "RegionOptStatus": "DISABLED"}]})


def without_aws(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment less what leads to the user's own AWS and what sets the function."""
    return {
        name: value
        for name, value in environment.items()
        if not name.startswith(("AWS_", "INVENTORY_", "POWERTOOLS_"))
    }


def past_proxies(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that keep a proxy, if the user has one, for other hosts than this one.

    Of the two spellings some clients read one, some the other, and some the one that they find first.
    """
    hosts = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    if hosts.strip() != "*":  # which means all hosts, but only where it stands alone
        hosts = ",".join(filter(None, [hosts, "127.0.0.1", "localhost"]))
    return {"NO_PROXY": hosts, "no_proxy": hosts}


@contextmanager
def serve() -> Iterator[StandIn]:
    """Serve on a free port of this machine until the end of the block, with nothing left of an earlier one."""
    stand_in = StandIn()
    server = make_server("127.0.0.1", 0, stand_in, threaded=True, request_handler=_QuietHandler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    stand_in.url = f"http://127.0.0.1:{server.server_port}"
    try:
        # moto's state is the process's, not the server's.
        stand_in.reset()
        yield stand_in
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _QuietHandler(MotoRequestHandler):
    def log(self, *_: object) -> None:
        """Log neither requests nor clients that disconnect."""


_TEMPLATES: dict[str, CognitoIdpUserPool] = {}


def seed(region: str, pools: Iterable[dict[str, Any]], account_id: str = ACCOUNT_ID) -> None:
    """Make these the user pools of an account's region.

    Each is as ListUserPools is to list it, with dates in seconds since 1970.
    moto's own create_user_pool takes an eighth of a second each.
    """
    if region not in _TEMPLATES:
        _TEMPLATES[region] = CognitoIdpUserPool(ACCOUNT_ID, region, "template", {})
    backend = cognitoidp_backends[account_id][region]
    backend.user_pools.clear()
    for listed in pools:
        pool = copy.copy(_TEMPLATES[region])
        pool.id = listed["Id"]
        pool.arn = f"{pool.arn.rpartition('/')[0]}/{pool.id}"
        pool.name = listed["Name"]
        pool.status = listed.get("Status")
        pool.extended_config = {"LambdaConfig": listed.get("LambdaConfig", {})}
        pool.creation_date = datetime.fromtimestamp(listed["CreationDate"], UTC)
        pool.last_modified_date = datetime.fromtimestamp(listed["LastModifiedDate"], UTC)
        backend.user_pools[pool.id] = pool


def listing(region: str, answer: Answer) -> Answer:
    """Return an answer for ListUserPools in one region only."""

    def only_there(request: Request) -> Response | None:
        asked = request.headers.get("X-Amz-Target") == "AWSCognitoIdentityProviderService.ListUserPools"
        return answer(request) if asked and f"/{region}/" in request.headers["Authorization"] else None

    return only_there


def in_turn(*answers: Answer) -> Answer:
    """Return each answer once, in order, and leave what comes after to moto."""
    left = iter(answers)
    lock = threading.Lock()

    def next_one(request: Request) -> Response | None:
        with lock:
            answer = next(left, moto)
        return answer(request)

    return next_one


def every(period: int, answer: Answer) -> Answer:
    """Return an answer to every n-th request, beginning with the first."""
    numbers = count()
    return lambda request: answer(request) if next(numbers) % period == 0 else None


def moto(_: Request) -> None:
    """Leave it to moto."""


def throttle(_: Request) -> Response:
    """Throttle as Cognito does: with HTTP status 400."""
    return error("TooManyRequestsException", "Too many requests")


def deny(_: Request) -> Response:
    """Refuse as IAM does."""
    return error(
        "AccessDeniedException",
        f"User: arn:aws:sts::{ACCOUNT_ID}:assumed-role/pool-inventory/run is not authorized to perform: "
        "cognito-idp:ListUserPools with an explicit deny in a service control policy",
    )


def reset_connection(request: Request) -> Response:
    """Reset the connection without an answer."""
    connection: socket.socket = request.environ["werkzeug.socket"]
    # Closing with a linger of no time sends RST.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.shutdown(socket.SHUT_RDWR)
    return Response()


def hang(_: Request) -> Response:
    """Answer after more than a second, when a client with a timeout of a second has given up."""
    time.sleep(3)
    return Response()


def cut(body: bytes, *, at: int, **headers: str) -> Response:
    """Answer with the first bytes of a body only, under the whole body's length."""
    response = Response([body[:at]], content_type="application/x-amz-json-1.1", headers=headers)
    response.content_length = len(body)
    return response


def reply(answer: object, status: int = 200) -> Response:
    """Answer with JSON."""
    return Response(json.dumps(answer), status, content_type="application/x-amz-json-1.1")


def error(code: str, message: str, status: int = 400) -> Response:
    """Answer with an error of AWS's JSON protocol."""
    return reply({"__type": code, "message": message}, status)
