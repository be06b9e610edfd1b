"""S3: objects in memory, with the conditions of PutObject. Every bucket is there from the first request on."""

import bisect
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote
from xml.sax.saxutils import escape

from benchmarks.server.answers import Answer, Request, xml

MAX_KEYS = 1000
MODIFIED = "2026-11-24T18:00:00.000Z"
MODIFIED_HEADER = ("Last-Modified", "Tue, 24 Nov 2026 18:00:00 GMT")


@dataclass(slots=True)
class Bucket:
    """The objects of a bucket: their bodies and etags by key, and the keys sorted."""

    objects: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    sorted_keys: list[str] = field(default_factory=list)

    def put(self, key: str, body: bytes) -> str:
        """Write an object; return its etag."""
        if key not in self.objects:
            bisect.insort(self.sorted_keys, key)
        etag = f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'
        self.objects[key] = (body, etag)
        return etag

    def delete(self, key: str) -> None:
        """Remove an object, if there is one."""
        if self.objects.pop(key, None):
            self.sorted_keys.remove(key)

    def after(self, start: str, prefix: str) -> Iterator[str]:
        """Return the keys with a prefix that come after a text."""
        first = max(bisect.bisect_right(self.sorted_keys, start), bisect.bisect_left(self.sorted_keys, prefix))
        for key in self.sorted_keys[first:]:
            if not key.startswith(prefix):
                return
            yield key


@dataclass(slots=True)
class Objects:
    """All buckets."""

    buckets: dict[str, Bucket] = field(default_factory=dict)

    def load(self, bucket: str, folder: Path) -> None:
        """Fill a bucket with the files of a folder, under their paths in it."""
        filled = self.buckets.setdefault(bucket, Bucket())
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                filled.put(path.relative_to(folder).as_posix(), path.read_bytes())

    def answer(self, request: Request) -> tuple[str, Answer]:
        """Return the name of the operation that was asked for, and the answer."""
        _, bucket_name, *key = request.path.split("/", 2)
        bucket = self.buckets.setdefault(bucket_name, Bucket())
        if not key or not key[0]:
            return _of_bucket(bucket, bucket_name, request)
        return _of_object(bucket, key[0], request)


def _of_bucket(bucket: Bucket, name: str, request: Request) -> tuple[str, Answer]:
    if request.method == "GET" and "list-type" in request.query:
        return "ListObjectsV2", _list(bucket, name, request.query)
    if request.method == "GET" and "location" in request.query:
        return "GetBucketLocation", xml("<LocationConstraint/>")
    return ("HeadBucket" if request.method == "HEAD" else "CreateBucket"), Answer()


def _of_object(bucket: Bucket, key: str, request: Request) -> tuple[str, Answer]:
    stored = bucket.objects.get(key)
    if request.method == "PUT":
        return "PutObject", _put(bucket, key, request)
    if request.method == "DELETE":
        bucket.delete(key)
        return "DeleteObject", Answer(status=HTTPStatus.NO_CONTENT)
    name = "HeadObject" if request.method == "HEAD" else "GetObject"
    if stored is None:
        return name, _error("NoSuchKey", HTTPStatus.NOT_FOUND)
    body, etag = stored
    return name, Answer(body, headers=(("ETag", etag), MODIFIED_HEADER), content_type="binary/octet-stream")


def _put(bucket: Bucket, key: str, request: Request) -> Answer:
    if "transfer-encoding" in request.headers:
        return _error("NotImplemented", HTTPStatus.NOT_IMPLEMENTED)
    stored = bucket.objects.get(key)
    expected = request.headers.get("if-match")
    if expected is not None and stored is None:
        return _error("NoSuchKey", HTTPStatus.NOT_FOUND)
    is_unmet = expected is not None and stored is not None and stored[1] != expected
    if is_unmet or (stored is not None and request.headers.get("if-none-match") == "*"):
        return _error("PreconditionFailed", HTTPStatus.PRECONDITION_FAILED)
    return Answer(headers=(("ETag", bucket.put(key, request.body)),))


def _list(bucket: Bucket, name: str, query: dict[str, str]) -> Answer:
    prefix = query.get("prefix", "")
    delimiter = query.get("delimiter", "")
    max_keys = min(int(query.get("max-keys", MAX_KEYS)), MAX_KEYS)
    # A continuation token is the last key, or the last common prefix, of the page before.
    start = query.get("continuation-token", query.get("start-after", ""))
    found: list[str] = []
    folders: list[str] = []
    more = ""
    for key in bucket.after(start, prefix):
        head, mark, _ = key[len(prefix) :].partition(delimiter) if delimiter else (key, "", "")
        folder = f"{prefix}{head}{mark}" if mark else ""
        if folder and (folder in folders[-1:] or folder == start):
            continue
        if len(found) + len(folders) == max_keys:
            more = max(found[-1:] + folders[-1:])
            break
        (folders if folder else found).append(folder or key)

    def coded(text: str) -> str:
        return quote(text, safe="/") if query.get("encoding-type") == "url" else escape(text)

    contents = "".join(
        f"<Contents><Key>{coded(key)}</Key><LastModified>{MODIFIED}</LastModified>"
        f"<ETag>{escape(bucket.objects[key][1])}</ETag><Size>{len(bucket.objects[key][0])}</Size>"
        f"<StorageClass>STANDARD</StorageClass></Contents>"
        for key in found
    )
    common = "".join(f"<CommonPrefixes><Prefix>{coded(each)}</Prefix></CommonPrefixes>" for each in folders)
    encoding = "<EncodingType>url</EncodingType>" if "encoding-type" in query else ""
    token = f"<NextContinuationToken>{escape(more)}</NextContinuationToken>" if more else ""
    return xml(
        f'<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>{name}</Name>'
        f"<Prefix>{coded(prefix)}</Prefix><MaxKeys>{max_keys}</MaxKeys>{encoding}"
        f"<KeyCount>{len(found) + len(folders)}</KeyCount><IsTruncated>{str(bool(more)).lower()}</IsTruncated>{token}"
        f"{contents}{common}</ListBucketResult>"
    )


def _error(code: str, status: int) -> Answer:
    return xml(f"<Error><Code>{code}</Code><Message>{code}</Message></Error>", status)
