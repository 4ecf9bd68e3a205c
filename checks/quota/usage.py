"""Limits, increase requests and use of quotas, from Service Quotas and EC2. Reads only.

Empty capacity reservations count against the vCPU limit too; they are not counted here.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from checks.aws.errors import AwsErrorKind, aws_error_code, aws_error_types, call_or_error, response_kind
from checks.aws.vcpu_families import VCPU_QUOTA_CODES
from checks.quota.model import QuotaRequestRow, request_status_meaning
from checks.sanitize import one_line

if TYPE_CHECKING:
    from checks.aws.session import AwsSession

MIN_REPORT_INTERVAL = 1.0
"""Seconds between two reports of progress."""

GLOBAL_SERVICES = frozenset({"iam", "cloudfront", "route53", "organizations"})
"""Services whose quotas are kept in us-east-1, whatever the region."""


@dataclass(frozen=True)
class AppliedQuota:
    value: float | None
    adjustable: bool
    is_default: bool
    name: str


@dataclass(frozen=True)
class OnDemandInstance:
    """A running (or starting) On-Demand instance."""

    id: str
    type: str
    name: str


@dataclass(frozen=True)
class QuotaSnapshot:
    """The answers of AWS; an exception in place of an answer that failed."""

    limits: Mapping[str, AppliedQuota | Exception]
    requests: Mapping[str, tuple[QuotaRequestRow, ...] | Exception]
    resource_counts: Mapping[str, tuple[float, float] | Exception]
    """By code, for quotas of countable resources: how many exist, and how many of them are the project's own."""
    instances: tuple[OnDemandInstance, ...] | Exception | None
    vcpus_by_type: Mapping[str, int] | Exception = field(default_factory=dict)


class QuotaQueryProgress:
    """Reports how many requests are answered, at most once in MIN_REPORT_INTERVAL. Threads may share it."""

    def __init__(
        self, total: int, report_progress: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._total = total
        self._report_progress = report_progress
        self._clock = clock
        self._lock = threading.Lock()
        self._answer_count = 0
        self._is_throttled = False
        self._last_report = clock()

    def record_answer(self, *_: object) -> None:
        """One more request has an answer or an error."""
        with self._lock:
            self._answer_count += 1
            self._report(due=False)

    def record_throttling(self) -> None:
        """AWS throttles; botocore repeats the request by itself."""
        with self._lock:
            first, self._is_throttled = not self._is_throttled, True
            self._report(due=first)

    def _report(self, *, due: bool) -> None:
        now = self._clock()
        if not due and now - self._last_report < MIN_REPORT_INTERVAL:
            return
        self._last_report = now
        who = "AWS throttles Service Quotas" if self._is_throttled else "quotas"
        self._report_progress(f"{who}: {self._answer_count} of {self._total} answered")


@contextmanager
def watch_throttling(aws: AwsSession, regions: Iterable[str], progress: QuotaQueryProgress) -> Iterator[None]:
    """Records every throttled answer of Service Quotas in `progress`. Raises botocore's errors."""

    def record(response: tuple[object, Any] | None = None, **_: object) -> None:
        # (HTTP response, parsed response), before botocore decides whether to repeat the request
        if response and response_kind(response[1]) is AwsErrorKind.THROTTLED:
            progress.record_throttling()

    clients = [aws.client("service-quotas", region or None) for region in regions]
    for client in clients:
        client.meta.events.register("needs-retry.service-quotas", record)
    try:
        yield
    finally:
        for client in clients:
            client.meta.events.unregister("needs-retry.service-quotas", record)


def quota_region(aws: AwsSession, service: str) -> str:
    """The region that keeps the quotas of a service: us-east-1 for the global ones."""
    return "us-east-1" if service in GLOBAL_SERVICES else aws.region


def fetch_applied_quota(aws: AwsSession, service: str, code: str, region: str = "") -> AppliedQuota:
    """The limit in force: the account's own, else AWS's default. Raises botocore's errors.

    Without a region, in the one where the service keeps its quotas.
    """
    client = aws.client("service-quotas", region or quota_region(aws, service))
    default = False
    try:
        quota = client.get_service_quota(ServiceCode=service, QuotaCode=code)["Quota"]
    except aws_error_types() as error:
        if aws_error_code(error) != "NoSuchResourceException":
            raise
        quota = client.get_aws_default_service_quota(ServiceCode=service, QuotaCode=code)["Quota"]
        default = True
    return AppliedQuota(
        value=quota.get("Value"),
        adjustable=bool(quota.get("Adjustable", True)),
        is_default=default,
        name=one_line(quota.get("QuotaName", "")),
    )


def fetch_increase_requests(aws: AwsSession, service: str, code: str) -> tuple[QuotaRequestRow, ...]:
    """The increase requests of a quota, newest first. Raises botocore's errors."""
    try:
        found = list(
            aws.paginate(
                "service-quotas",
                "list_requested_service_quota_change_history_by_quota",
                "RequestedQuotas",
                region=quota_region(aws, service),
                ServiceCode=service,
                QuotaCode=code,
            )
        )
    except aws_error_types() as error:
        if aws_error_code(error) == "NoSuchResourceException":
            return ()
        raise
    rows = (
        QuotaRequestRow(
            id=one_line(str(item.get("Id", ""))),
            status=one_line(str(item.get("Status", ""))),
            desired=float(item.get("DesiredValue") or 0),
            created=item["Created"].timestamp() if item.get("Created") else 0.0,
            meaning=request_status_meaning(str(item.get("Status", ""))),
            case=one_line(str(item.get("CaseId") or "")),
        )
        for item in found
    )
    return tuple(sorted(rows, key=lambda row: row.created, reverse=True))


def fetch_on_demand_instances(aws: AwsSession) -> tuple[OnDemandInstance, ...]:
    """On-Demand instances that count against the vCPU quotas: pending and running ones; neither spot nor on
    dedicated hosts. Raises botocore's errors."""
    reservations = aws.paginate(
        "ec2",
        "describe_instances",
        "Reservations",
        Filters=[{"Name": "instance-state-name", "Values": ["pending", "running"]}],
    )
    return tuple(
        OnDemandInstance(
            id=item["InstanceId"],
            type=item.get("InstanceType", ""),
            name=one_line(next((tag["Value"] for tag in item.get("Tags", ()) if tag["Key"] == "Name"), "")),
        )
        for reservation in reservations
        for item in reservation.get("Instances", ())
        if not item.get("InstanceLifecycle") and item.get("Placement", {}).get("Tenancy") != "host"
    )


def fetch_vcpus_by_type(aws: AwsSession, types: Iterable[str], region: str = "") -> dict[str, int]:
    """Default vCPUs by instance type; types that are not offered in the region are left out. Wildcards as in EC2's
    filters (`t3a.*`). Raises botocore's errors."""
    # By a filter, not by InstanceTypes: there one unknown type refuses the whole question.
    wanted = sorted(set(types) - {""})
    found: dict[str, int] = {}
    for start in range(0, len(wanted), 100):  # a filter takes at most 200 values
        for item in aws.paginate(
            "ec2",
            "describe_instance_types",
            "InstanceTypes",
            region=region or None,
            Filters=[{"Name": "instance-type", "Values": wanted[start : start + 100]}],
        ):
            found[item["InstanceType"]] = int(item["VCpuInfo"]["DefaultVCpus"])
    return found


def fetch_single_vcpu_types(aws: AwsSession) -> tuple[str, ...]:
    """Current types that have one vCPU. Raises botocore's errors."""
    return tuple(
        sorted(
            item["InstanceType"]
            for item in aws.paginate(
                "ec2",
                "describe_instance_types",
                "InstanceTypes",
                Filters=[
                    {"Name": "vcpu-info.default-vcpus", "Values": ["1"]},
                    {"Name": "current-generation", "Values": ["true"]},
                ],
            )
            if int(item["VCpuInfo"]["DefaultVCpus"]) == 1
        )
    )


def _resource_counter(
    operation: str, result_key: str
) -> Callable[[AwsSession, Mapping[str, str]], tuple[float, float]]:
    def count(aws: AwsSession, tags: Mapping[str, str]) -> tuple[float, float]:
        items = [
            item
            for item in aws.paginate("ec2", operation, result_key)
            # Addresses that the customer brought do not count.
            if item.get("PublicIpv4Pool", "amazon") == "amazon"
        ]
        return len(items), sum(_has_all_tags(item, tags) for item in items)

    return count


RESOURCE_COUNTERS = {
    "L-0263D0A3": ("ec2:DescribeAddresses", _resource_counter("describe_addresses", "Addresses")),
    "L-F678F1CE": ("ec2:DescribeVpcs", _resource_counter("describe_vpcs", "Vpcs")),
    "L-A4707A72": (
        "ec2:DescribeInternetGateways",
        _resource_counter("describe_internet_gateways", "InternetGateways"),
    ),
    "L-E79EC296": ("ec2:DescribeSecurityGroups", _resource_counter("describe_security_groups", "SecurityGroups")),
}
"""Quotas whose use is a count of resources, with the IAM action of the count. The use of other quotas is not known."""


def fetch_quotas(
    aws: AwsSession,
    quotas: Iterable[tuple[str, str]],
    types: Iterable[str],
    tags: Mapping[str, str],
    report_progress: Callable[[str], None] = lambda text: None,
) -> QuotaSnapshot:
    """Limits, requests and use for these (service, code) pairs, in parallel.

    Raises botocore's errors only where no client can be made: no credentials, no region, a bad profile.
    """
    wanted = list(dict.fromkeys(quotas))
    # Clients are made here, one after the other: in parallel it takes longer.
    regions = sorted({quota_region(aws, service) for service, _ in wanted})
    aws.client("ec2")
    on_demand = any(code in VCPU_QUOTA_CODES for _, code in wanted)

    def instances_and_types() -> tuple[tuple[OnDemandInstance, ...] | Exception, Mapping[str, int] | Exception]:
        running = call_or_error(lambda: fetch_on_demand_instances(aws))
        seen = {item.type for item in running} if isinstance(running, tuple) else set()
        return running, call_or_error(lambda: fetch_vcpus_by_type(aws, {*types, *seen}))

    count = QuotaQueryProgress(2 * len(wanted), report_progress)
    with (
        watch_throttling(aws, regions, count),
        ThreadPoolExecutor(max_workers=8, thread_name_prefix="quota") as pool,
    ):
        limits = {code: pool.submit(call_or_error, partial(fetch_applied_quota, aws, s, code)) for s, code in wanted}
        asked = {code: pool.submit(call_or_error, partial(fetch_increase_requests, aws, s, code)) for s, code in wanted}
        for questions in (limits, asked):
            for question in questions.values():
                question.add_done_callback(count.record_answer)
        counts = {
            code: pool.submit(call_or_error, partial(RESOURCE_COUNTERS[code][1], aws, tags))
            for _, code in wanted
            if code in RESOURCE_COUNTERS
        }
        running = pool.submit(instances_and_types) if on_demand else None
        found, sizes = running.result() if running else (None, {})
        return QuotaSnapshot(
            limits={code: future.result() for code, future in limits.items()},
            requests={code: future.result() for code, future in asked.items()},
            resource_counts={code: future.result() for code, future in counts.items()},
            instances=found,
            vcpus_by_type=sizes,
        )


def _has_all_tags(item: Mapping[str, Any], tags: Mapping[str, str]) -> bool:
    own = {tag["Key"]: tag["Value"] for tag in item.get("Tags", ())}
    return bool(tags) and all(own.get(key) == value for key, value in tags.items())
