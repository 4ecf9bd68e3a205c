"""What a plan takes out of the account's quotas: creates minus destroys. Limit and use come from the live account."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from checks import quota_live
from checks.apply.plan import Planned
from checks.apply.review import QuotaNeed, Unknown
from checks.finding import State

if TYPE_CHECKING:
    from checks.aws import Aws

_STANDARD = ("L-1216C47A", "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances, vCPUs")
_FAMILIES: tuple[tuple[str, tuple[str, str]], ...] = (
    # Longest prefix first. Codes: AWS Service Quotas, Amazon EC2.
    ("inf", ("L-1945791B", "Running On-Demand Inf instances, vCPUs")),
    ("trn", ("L-2C3B7624", "Running On-Demand Trn instances, vCPUs")),
    ("hpc", ("L-F7808C92", "Running On-Demand HPC instances, vCPUs")),
    ("dl", ("L-6E869C2A", "Running On-Demand DL instances, vCPUs")),
    ("vt", ("L-DB2E81BA", "Running On-Demand G and VT instances, vCPUs")),
    ("u", ("L-43DA4232", "Running On-Demand High Memory instances, vCPUs")),
    ("f", ("L-74FC7D96", "Running On-Demand F instances, vCPUs")),
    ("g", ("L-DB2E81BA", "Running On-Demand G and VT instances, vCPUs")),
    ("p", ("L-417A185B", "Running On-Demand P instances, vCPUs")),
    ("x", ("L-7295265B", "Running On-Demand X instances, vCPUs")),
)
_COUNTED = {
    "aws_eip": ("ec2", "L-0263D0A3", "Elastic IPs", "ec2:DescribeAddresses"),
    "aws_vpc": ("vpc", "L-F678F1CE", "VPCs per region", "ec2:DescribeVpcs"),
    "aws_internet_gateway": (
        "vpc",
        "L-A4707A72",
        "Internet gateways per region",
        "ec2:DescribeInternetGateways",
    ),
}
"""One unit a resource. Codes: AWS Service Quotas, Amazon EC2 and Amazon VPC."""


def quota_of(instance_type: str) -> tuple[str, str]:
    """The quota code and title that an instance type counts against."""
    return next((quota for prefix, quota in _FAMILIES if instance_type.startswith(prefix)), _STANDARD)


def net_instances(planned: Iterable[Planned]) -> tuple[Counter[tuple[str, str]], list[str]]:
    """(region, type) to how many more on-demand instances will run; and the addresses whose type is not known yet."""
    net: Counter[tuple[str, str]] = Counter()
    late: list[str] = []
    for one in planned:
        if one.type != "aws_instance":
            continue
        changes_type = one.actions == ("update",) and one.before.get("instance_type") != one.after.get(
            "instance_type"
        )
        if (one.creates or changes_type) and not one.after.get("instance_market_options"):
            kind = one.value("instance_type")
            if kind:
                net[one.region, kind] += 1
            else:
                late.append(one.address)
        before = one.before.get("instance_type")
        running = one.before.get("instance_state", "running") in ("running", "pending")
        if (one.destroys or changes_type) and isinstance(before, str) and running:
            net[one.region, before] -= 1
    return net, late


def quotas(aws: Aws, planned: Sequence[Planned]) -> tuple[list[QuotaNeed], list[Unknown]]:
    """Every quota that the plan touches, and what could not be looked at. Raises nothing."""
    found: list[QuotaNeed] = []
    unknown: list[Unknown] = []
    net, late = net_instances(planned)
    unknown += [
        Unknown(
            address=address,
            type="aws_instance",
            what="vCPUs",
            why="its instance type is known only after the apply",
        )
        for address in late
    ]
    unknown += [
        Unknown(
            address=one.address,
            type=one.type,
            what="vCPUs",
            why="how many instances it starts is up to its launch template and AWS; not counted",
        )
        for one in planned
        if one.creates
        and one.type in ("aws_autoscaling_group", "aws_eks_node_group", "aws_spot_fleet_request")
    ]
    for region in sorted({region for region, _ in net}):
        _vcpus(aws, region, {kind: n for (where, kind), n in net.items() if where == region}, found, unknown)
    for type_, (service, code, title, action) in _COUNTED.items():
        counts: Counter[str] = Counter()
        for one in planned:
            if one.type == type_:
                counts[one.region] += one.creates - one.destroys
        for region, needed in sorted(counts.items()):
            if needed <= 0:
                continue
            try:
                used: float | None = float(_used(aws, region, type_))
            except Exception as error:  # noqa: BLE001 - whatever AWS answers, it is said below and goes no further
                used = None
                unknown.append(_unknown(aws, error, f"{title} in use", action))
            found.append(_need(aws, region, service, code, title, used, float(needed), unknown))
    return found, unknown


def _vcpus(
    aws: Aws, region: str, net: dict[str, int], found: list[QuotaNeed], unknown: list[Unknown]
) -> None:
    running: Counter[str] | None
    try:
        running = _running(aws, region)
    except Exception as error:  # noqa: BLE001 - as above
        running = None
        unknown.append(_unknown(aws, error, "vCPUs in use", "ec2:DescribeInstances"))
    try:
        sizes = quota_live.vcpus(aws, {*net, *(running or ())}, region)
    except Exception as error:  # noqa: BLE001 - as above
        unknown.append(_unknown(aws, error, "vCPUs of the instance types", "ec2:DescribeInstanceTypes"))
        return
    for code, title in sorted({quota_of(kind) for kind in net}):
        kinds = [kind for kind in net if quota_of(kind)[0] == code]
        strange = [kind for kind in kinds if kind not in sizes]
        for kind in strange:
            unknown.append(
                Unknown(
                    type="aws_instance", what="vCPUs", why=f"EC2 does not know the instance type {kind} here"
                )
            )
        needed = float(sum(net[kind] * sizes[kind] for kind in kinds if kind in sizes))
        if needed <= 0:
            continue
        used = None
        if running is not None:
            used = float(
                sum(n * sizes.get(kind, 0) for kind, n in running.items() if quota_of(kind)[0] == code)
            )
        found.append(_need(aws, region, "ec2", code, title, used, needed, unknown))


def _need(
    aws: Aws,
    region: str,
    service: str,
    code: str,
    title: str,
    used: float | None,
    needed: float,
    unknown: list[Unknown],
) -> QuotaNeed:
    limit: float | None = None
    try:
        limit = quota_live.limit(aws, service, code, region).value
        if limit is None:
            unknown.append(Unknown(what=f"the limit of {title}", why="AWS gave no value for it"))
    except Exception as error:  # noqa: BLE001 - as above
        unknown.append(_unknown(aws, error, f"the limit of {title}", "servicequotas:GetServiceQuota"))
    if limit is None or used is None:
        state = State.BLOCKED if limit is not None and needed > limit else State.UNKNOWN
    else:
        state = State.OK if used + needed <= limit else State.BLOCKED
    return QuotaNeed(
        code=code,
        service=service,
        title=title,
        region=region,
        limit=limit,
        used=used,
        needed=needed,
        state=state,
    )


def _running(aws: Aws, region: str) -> Counter[str]:
    """On-demand instances that count against the quota, by type."""
    states = [{"Name": "instance-state-name", "Values": ["pending", "running"]}]
    counts: Counter[str] = Counter()
    for reservation in aws.paginate(
        "ec2", "describe_instances", "Reservations", region=region or None, Filters=states
    ):
        for instance in reservation["Instances"]:
            if instance.get("InstanceLifecycle") != "spot":
                counts[instance["InstanceType"]] += 1
    return counts


def _used(aws: Aws, region: str, type_: str) -> int:
    operation, key = {
        "aws_eip": ("describe_addresses", "Addresses"),
        "aws_vpc": ("describe_vpcs", "Vpcs"),
        "aws_internet_gateway": ("describe_internet_gateways", "InternetGateways"),
    }[type_]
    return sum(1 for _ in aws.paginate("ec2", operation, key, region=region or None))


def _unknown(aws: Aws, error: BaseException, what: str, action: str) -> Unknown:
    trouble = aws.explain(error, action)
    return Unknown(what=what, why=trouble.summary, denied=trouble.denied)
