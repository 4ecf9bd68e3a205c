"""Asking AWS for a higher limit, and seeing whether it was granted."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import msgspec

from checks.aws.errors import code_of, errors
from checks.finding import State
from checks.polling import Sight, Verdict
from checks.quota import usage as quota_usage
from checks.quota.model import REFUSED, RequestRow, meaning, number
from config.model import QuotaLimit

if TYPE_CHECKING:
    from checks.aws.session import Aws

_REFUSALS = {
    "DependencyAccessDeniedException": "Service Quotas may not ask the service behind the quota on our behalf: "
    "the identity needs read access to that service as well (for EC2: ec2:DescribeAccountAttributes and "
    "support:CreateCase).",
    "QuotaExceededException": "The account has too many open quota requests; wait until one is answered.",
    "InvalidResourceStateException": "The quota cannot be changed at the moment; try again later.",
    "NoSuchResourceException": "AWS knows no quota of this service and code in this region.",
    "IllegalArgumentException": "AWS does not take this value.",
    "ServiceException": "Service Quotas failed; try again in a minute.",
}
"""The errors of RequestServiceQuotaIncrease (Service Quotas API reference) in plain words."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """How a request went."""

    state: State
    text: str
    request: RequestRow | None = None
    """The request that is open now: ours, or the one that was there before."""


def equivalent(service: str, code: str, value: float, region: str) -> str:
    """The command of the aws tool that asks for the same."""
    return shlex.join(
        (
            "aws", "service-quotas", "request-service-quota-increase", "--service-code", service, "--quota-code", code,
            "--desired-value", number(value), "--region", region,
        )
    )  # fmt: skip


def request(aws: Aws, limit: QuotaLimit, value: float) -> Asked:
    """Ask for `value`. One request that is open already is an answer, not an error. Raises botocore's other errors."""
    current = quota_usage.limit(aws, limit.service, limit.code)
    if not current.adjustable:
        return Asked(
            state=State.BLOCKED, text=f"AWS does not raise {limit.code} on request: it is not adjustable."
        )
    if current.value is not None and value <= current.value:
        return Asked(
            state=State.BLOCKED,
            text=f"{number(value)} is not more than the limit in force, {number(current.value)}; nothing was asked.",
        )
    client = aws.client("service-quotas", quota_usage.region_of(aws, limit.service))
    try:
        answer = client.request_service_quota_increase(
            ServiceCode=limit.service, QuotaCode=limit.code, DesiredValue=value
        )["RequestedQuota"]
    except errors() as error:
        code = code_of(error)
        if code == "ResourceAlreadyExistsException":
            return _already(aws, limit, value)
        if code in _REFUSALS:
            return Asked(state=State.BLOCKED, text=f"{_REFUSALS[code]} ({code}: {aws.explain(error).raw})")
        raise
    status = str(answer.get("Status", "PENDING"))
    row = RequestRow(
        id=str(answer.get("Id", "")),
        status=status,
        desired=value,
        created=answer["Created"].timestamp() if answer.get("Created") else 0.0,
        meaning=meaning(status),
    )
    return Asked(
        state=State.OK,
        text=f"Asked AWS for {number(value)} ({limit.code}); {status}: {row.meaning}.",
        request=row,
    )


def _already(aws: Aws, limit: QuotaLimit, value: float) -> Asked:
    """There is an open request, and AWS takes only one per quota."""
    try:
        rows = quota_usage.requests(aws, limit.service, limit.code)
    except errors():
        rows = ()
    open_ = next((row for row in rows if row.open), None)
    text = "A request for this quota is open already, and AWS takes only one at a time; nothing was asked."
    if open_ is None:
        return Asked(state=State.WARN, text=text)
    text += f" It is for {number(open_.desired)} ({open_.status}: {open_.meaning})."
    enough = open_.desired >= value
    if not enough:
        text += f" That is less than {number(value)}: ask again when it is answered."
    return Asked(state=State.OK if enough else State.WARN, text=text, request=open_)


def sight(aws: Aws, limit: QuotaLimit, needed: float | None = None) -> Sight:
    """Where an increase stands: done when the limit has reached what was asked for. Raises botocore's errors.

    `needed` (in all, use included) is what counts when nothing was asked for.
    """
    rows = quota_usage.requests(aws, limit.service, limit.code)
    current = quota_usage.limit(aws, limit.service, limit.code).value
    newest = next((row for row in rows if row.open), rows[0] if rows else None)
    target = newest.desired if newest is not None else needed if needed is not None else limit.desired
    status = newest.status if newest is not None else ""
    data = {"code": limit.code, "limit": current, "desired": target}
    shown = f"{limit.code}: the limit is {number(current)}"
    if current is not None and target is not None and current >= target:
        return Sight(
            Verdict.DONE, f"{shown}, at least the {number(target)} asked for: granted.", status, data
        )
    if newest is None:
        return Sight(Verdict.FAILED, f"{shown}, and no increase was requested.", status, data)
    told = f"{shown}; the request for {number(newest.desired)} is {status}: {newest.meaning}."
    if status in REFUSED:
        case = f" Support case {newest.case}." if newest.case else ""
        return Sight(Verdict.FAILED, told + case, status, data)
    if status == "APPROVED":
        told = (
            f"{shown}; the request for {number(newest.desired)} is approved, the limit does not show it yet."
        )
    return Sight(Verdict.GOING, told, status, data)
