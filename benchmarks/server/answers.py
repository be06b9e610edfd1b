"""HTTP as the server speaks it: what it was asked, and what it answers."""

import re
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

_SCOPE = re.compile(r"Credential=(?P<key>[^/]+)/\d+/(?P<region>[\w-]*)/(?P<service>[\w-]+)/aws4_request")


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked; the headers' names are in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def _split(self) -> SplitResult:
        return urlsplit(self.target)

    @property
    def path(self) -> str:
        """The path, decoded."""
        return unquote(self._split.path)

    @property
    def query(self) -> dict[str, str]:
        """The parameters of the address."""
        return dict(parse_qsl(self._split.query, keep_blank_values=True))

    @property
    def operation(self) -> str:
        """The operation that a service of JSON is asked for, or that a form names."""
        named = self.headers.get("x-amz-target", "").rpartition(".")[2]
        return named or dict(parse_qsl(self.body.decode("latin-1"))).get("Action", "")

    def scope(self) -> tuple[str, str, str]:
        """Return the access key, the region and the service that it was signed for; empty where it was not."""
        scope = _SCOPE.search(self.headers.get("authorization", ""))
        return (scope["key"], scope["region"], scope["service"]) if scope else ("", "", "")


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered.

    Attributes:
        cut: whether only half of the body is sent before the connection is closed.
        reset: whether the connection is reset instead.
    """

    body: bytes = b""
    status: int = HTTPStatus.OK
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = "application/x-amz-json-1.1"
    cut: bool = False
    reset: bool = False

    def on_the_wire(self, *, head_only: bool) -> bytes:
        """Return all bytes of the answer that are sent."""
        lines = (
            f"HTTP/1.1 {int(self.status)} {HTTPStatus(self.status).phrase}",
            f"Content-Type: {self.content_type}",
            f"Content-Length: {len(self.body)}",
            "x-amzn-RequestId: 8476a536-e9f4-11e8-9739-2dfe598c3fcd",
            *(f"{name}: {value}" for name, value in self.headers),
        )
        head = "\r\n".join(lines).encode() + b"\r\n\r\n"
        if head_only:
            return head
        return head + (self.body[: len(self.body) // 2] if self.cut else self.body)


def xml(body: str, status: int = HTTPStatus.OK) -> Answer:
    """Return an answer in XML."""
    return Answer(f'<?xml version="1.0" encoding="UTF-8"?>\n{body}'.encode(), status, content_type="application/xml")
