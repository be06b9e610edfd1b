"""What each service answers: the one state of the server, and its answer to a request."""

import json
import time
from collections import Counter
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

from benchmarks.fake import ACCOUNT_ID, BUCKET, Setup
from benchmarks.server import accounts
from benchmarks.server.answers import Answer, Request, xml
from benchmarks.server.objects import Objects
from benchmarks.server.pools import Region, make_region, offset

MAX_PAGE = 60
ACCOUNT_DIGITS = 12


@dataclass(slots=True)
class Quota:
    """A token bucket, full when it is made."""

    per_second: float
    burst: float
    tokens: float = field(init=False)
    since: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.tokens = self.burst

    def take(self) -> bool:
        """Whether there was a token, which is then taken."""
        now = time.monotonic()
        self.tokens, self.since = min(self.burst, self.tokens + self.per_second * (now - self.since)), now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@dataclass(slots=True)
class Services:
    """The state of the server. Each method answers a request of one service."""

    setup: Setup = field(default_factory=Setup)
    objects: Objects = field(default_factory=Objects)
    counts: Counter[str] = field(default_factory=Counter)
    timeline: list[tuple[str, float, float]] = field(default_factory=list)
    _regions: dict[str, Region] = field(default_factory=dict)
    _quotas: dict[tuple[str, str], Quota] = field(default_factory=dict)
    _faults: Counter[str] = field(default_factory=Counter)

    def set_up(self, setup: Setup) -> None:
        """Begin again with another setup."""
        self.setup = setup
        self.counts.clear()
        self.timeline.clear()
        self._quotas.clear()
        self._faults.clear()
        self._regions = {
            name: make_region(
                name, pools, account_id=ACCOUNT_ID, version=setup.version, modified_every=setup.modified_every
            )
            for name, pools in setup.pools.items()
        }
        if not setup.keeps_objects:
            self.objects = Objects()
        if setup.folder:
            self.objects.load(BUCKET, Path(setup.folder))

    def answer(self, request: Request) -> tuple[str, Answer]:
        """Return the operation that a client of AWS asked for, and the answer."""
        access_key, region, service = request.scope()
        if service == "s3":
            name, answered = self.objects.answer(request)
        elif service == "cognito-idp":
            name = request.operation
            answered = self._cognito(name, json.loads(request.body), access_key, region)
        elif service == "account":
            name, answered = "ListRegions", self._account()
        elif service == "organizations":
            token = json.loads(request.body).get("NextToken")
            name, answered = request.operation, _json(accounts.page(self.setup.accounts, token))
        else:
            name, answered = request.operation, self._other(request.operation, request, access_key)
        self.counts[name] += 1
        return name, answered

    def _cognito(self, operation: str, asked: dict[str, Any], access_key: str, region: str) -> Answer:
        if self.setup.quota_per_second:
            new = Quota(self.setup.quota_per_second, self.setup.burst)
            if not self._quotas.setdefault((access_key, region), new).take():
                self.counts["throttled"] += 1
                return _error("TooManyRequestsException", "Rate exceeded")
        if region not in self._regions:
            return _error("UnrecognizedClientException", "The security token included in the request is invalid.")
        if operation == "ListUserPools":
            return self._list_user_pools(self._regions[region], asked)
        if operation == "DescribeUserPool":
            return self._describe(self._regions[region], asked["UserPoolId"])
        return _error("UnknownOperationException", operation)

    def _list_user_pools(self, region: Region, asked: dict[str, Any]) -> Answer:
        size = asked.get("MaxResults", 0)
        if not 1 <= size <= MAX_PAGE:
            return _error("InvalidParameterException", f"maxResults is {size}, and must be from 1 to {MAX_PAGE}")
        token = asked.get("NextToken")
        try:
            body = region.page(token, size)
        except ValueError:
            return _error("InvalidParameterException", "Invalid pagination token")
        if self.setup.fault and offset(token) == (self.setup.fault_page - 1) * size and self._is_faulty(region.name):
            return self._faulty(body)
        return Answer(body)

    def _is_faulty(self, region: str) -> bool:
        self._faults[region] += 1
        return not self.setup.fault_times or self._faults[region] <= self.setup.fault_times

    def _faulty(self, body: bytes) -> Answer:
        self.counts["faults"] += 1
        if self.setup.fault == "no answer":
            page = b"<html><body>The proxy is busy. Please try again.</body></html>"
            return Answer(page, content_type="text/html")
        if self.setup.fault == "error 500":
            return _error("InternalErrorException", "Internal error", HTTPStatus.INTERNAL_SERVER_ERROR)
        if self.setup.fault == "denied":
            return _error("AccessDeniedException", "User is not authorized to perform: cognito-idp:ListUserPools")
        return Answer(body, cut=self.setup.fault == "cut", reset=self.setup.fault == "reset")

    def _describe(self, region: Region, pool_id: str) -> Answer:
        found = region.pool(pool_id)
        if found is None:
            return _error("ResourceNotFoundException", f"User pool {pool_id} does not exist.")
        arn = f"arn:aws:cognito-idp:{region.name}:{ACCOUNT_ID}:userpool/{pool_id}"
        return Answer(b'{"UserPool":%b,"Arn":"%b","UserPoolTags":{}}}' % (found.removesuffix(b"}"), arn.encode()))

    def _account(self) -> Answer:
        regions = [{"RegionName": name, "RegionOptStatus": "ENABLED_BY_DEFAULT"} for name in self._regions]
        return _json({"Regions": regions})

    def _other(self, operation: str, request: Request, access_key: str) -> Answer:
        if operation == "AssumeRole":
            return accounts.assume_role(request)
        if operation == "GetCallerIdentity":
            named = access_key.isdecimal() and len(access_key) == ACCOUNT_DIGITS
            return _identity(access_key if named else ACCOUNT_ID)
        if operation == "DescribeRegions":
            return self._describe_regions()
        if operation == "PutEvents":
            entries = json.loads(request.body)["Entries"]
            return _json({"FailedEntryCount": 0, "Entries": [{"EventId": str(n)} for n, _ in enumerate(entries)]})
        if operation == "GetResources":
            return _json({"ResourceTagMappingList": [], "PaginationToken": ""})
        return _error("UnknownOperationException", operation)

    def _describe_regions(self) -> Answer:
        items = "".join(
            f"<item><regionName>{name}</regionName><optInStatus>opt-in-not-required</optInStatus></item>"
            for name in self._regions
        )
        return xml(
            f'<DescribeRegionsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><regionInfo>{items}'
            "</regionInfo></DescribeRegionsResponse>"
        )


def _identity(account_id: str) -> Answer:
    return xml(
        '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
        f"<Arn>arn:aws:iam::{account_id}:user/auditor</Arn><UserId>AIDACKCEVSQ6C2EXAMPLE</UserId>"
        f"<Account>{account_id}</Account></GetCallerIdentityResult><ResponseMetadata>"
        "<RequestId>8476a536-e9f4-11e8-9739-2dfe598c3fcd</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
    )


def _json(value: object) -> Answer:
    return Answer(json.dumps(value).encode())


def _error(code: str, message: str, status: int = HTTPStatus.BAD_REQUEST) -> Answer:
    body = json.dumps({"__type": code, "message": message}).encode()
    return Answer(body, status, headers=(("x-amzn-ErrorType", code),))
