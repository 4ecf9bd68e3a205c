"""An account to clean up, a clock that does not wait, and the whole way from the look to what is left."""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from checks.cleanup.approval import build_approval
from checks.cleanup.check import check_with_detail
from checks.cleanup.deletion import Deletion, DeletionClock
from checks.cleanup.kinds import KINDS_BY_ID
from checks.cleanup.leftover_kind import DeleteResource
from checks.cleanup.model import AwsResource, CleanupDetail, DeletionProgress, DeletionState, Leftover
from checks.cleanup.ownership import KnownResources
from checks.context import CheckContext
from config.model import AwsSettings, CleanupSettings, Settings

OURS = {"Project": "SeSACTHON", "ManagedBy": "Terraform"}
REGION = "ap-northeast-2"


class InstantClock(DeletionClock):
    """A clock that does not wait: resting moves it."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += max(seconds, 0.01)


@dataclass
class Account:
    """What a test asks of an account: clients, what is found in it, and what is left after a deletion."""

    context: CheckContext
    heard: list[DeletionProgress] = field(default_factory=list)

    def client(self, service: str) -> Any:
        return self.context.aws.client(service)

    def detail(self) -> CleanupDetail:
        return check_with_detail(self.context)[1]

    def rows(self) -> dict[str, Leftover]:
        return {one.key: one for one in self.detail().resources}

    def delete(
        self,
        keys: list[str] | None = None,
        *,
        detail: CleanupDetail | None = None,
        stopping: threading.Event | None = None,
        tell: Callable[[DeletionProgress], None] | None = None,
    ) -> dict[str, tuple[DeletionState, str]]:
        """Approve (everything preselected, or these keys) and delete."""
        detail = detail or self.detail()
        chosen = keys if keys is not None else [one.key for one in detail.resources if one.preselected]
        run = Deletion(
            self.context.aws,
            build_approval(detail, chosen),
            self.context.settings.cleanup,
            KnownResources(),
            tell or self.heard.append,
            clock=InstantClock(),
            stop_event=stopping or threading.Event(),
        )
        return dict(run.run())

    @staticmethod
    def tags(what: str, name: str = "", tags: dict[str, str] | None = None) -> list[dict[str, Any]]:
        """TagSpecifications: ours unless told otherwise, and a Name."""
        all_tags = {**(OURS if tags is None else tags), **({"Name": name} if name else {})}
        listed = [{"Key": key, "Value": value} for key, value in all_tags.items()]
        return [{"ResourceType": what, "Tags": listed}] if listed else []


@pytest.fixture(scope="module")
def cleanup_context(moto_endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> CheckContext:
    """Made once a module: a client of EC2 costs more than the questions that are asked with it."""
    home = tmp_path_factory.mktemp("cleanup")
    (home / "terraform").mkdir()
    env = {
        "AWS_ENDPOINT_URL": moto_endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "HOME": str(home),
        "NO_PROXY": "127.0.0.1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    selectors = CleanupSettings(
        prefixes=("prod-sesacthon", "/prod-sesacthon"), tags=OURS, protect=("*-keep",), poll=5.0, wait=600.0
    )
    context = CheckContext(
        settings=Settings(aws=AwsSettings(region=REGION), cleanup=selectors), project=Path(home), env=env
    )
    context.aws.client("cloudfront").meta.events.register(
        "before-call.cloudfront.ListCloudFrontOriginAccessIdentities", list_no_identities
    )
    return context


@pytest.fixture
def account(cleanup_context: CheckContext, moto_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """An empty account, and a terraform state that manages nothing."""
    post(f"{moto_endpoint}/moto-api/reset")
    monkeypatch.setattr("checks.tools.terraform.read_state_resources", lambda context: ())
    yield Account(cleanup_context)


class ItemQuery:
    """An AwsQuery that lists these items, and that AWS allows nothing else."""

    def __init__(self, region: str, *items: dict[str, Any]) -> None:
        self.region, self.items = region, items

    def list_items(self, service: str, operation: str, key: str, **parameters: Any) -> list[dict[str, Any]]:
        return list(self.items)

    def is_listed(self, resource: AwsResource) -> bool:
        return False

    def call_or_default(self, action: str, request: object, default: Any) -> Any:
        return default

    def read_tags(self, action: str, request: object) -> dict[str, str]:
        return {}

    def map_parallel(self, function: Callable[[Any], Any], items: list[Any]) -> list[Any]:
        return [function(item) for item in items]


def resource_of(kind: str, item: dict[str, Any], region: str = REGION) -> AwsResource:
    """The resource that a kind makes of this item of AWS's answer."""
    query: Any = ItemQuery(region, item)
    (resource,) = KINDS_BY_ID[kind].list_resources(query)
    return resource


def replace_deletion(monkeypatch: pytest.MonkeyPatch, kind: str, delete: DeleteResource) -> None:
    """Let this kind be deleted in another way until the test ends."""
    monkeypatch.setitem(KINDS_BY_ID, kind, replace(KINDS_BY_ID[kind], delete=delete))


def post(url: str, body: dict[str, Any] | None = None) -> None:
    """Tell moto itself something: to forget all (`/moto-api/reset`), or how long a state lasts."""
    request = urllib.request.Request(
        url, data=json.dumps(body or {}).encode(), headers={"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10):
        pass


def list_no_identities(**_: Any) -> Any:
    """What moto does not know: origin access identities. There are none."""
    from botocore.awsrequest import AWSResponse

    return AWSResponse("", 200, {}, None), {"CloudFrontOriginAccessIdentityList": {"Items": []}}
