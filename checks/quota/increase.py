"""Asking AWS for a higher limit, and seeing whether it was granted."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import msgspec

from checks.aws.errors import aws_error_code, aws_error_types
from checks.finding import CheckState
from checks.polling import PollOutcome, PollResult
from checks.quota import usage as quota_usage
from checks.quota.model import REFUSED_STATUSES, QuotaRequestRow, format_quantity, request_status_meaning
from config.model import QuotaLimitSettings

if TYPE_CHECKING:
    from checks.aws.session import AwsSession

_REQUEST_ERRORS = {
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


class IncreaseResult(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a request for an increase."""

    state: CheckState
    text: str
    request: QuotaRequestRow | None = None
    """The request that is open now: the new one, or one from before."""


def increase_cli_command(service: str, code: str, value: float, region: str) -> str:
    """The same request as a command of the aws tool."""
    return shlex.join(
        (
            "aws", "service-quotas", "request-service-quota-increase", "--service-code", service, "--quota-code", code,
            "--desired-value", format_quantity(value), "--region", region,
        )
    )  # fmt: skip


def request_increase(aws: AwsSession, limit: QuotaLimitSettings, value: float) -> IncreaseResult:
    """Request an increase to `value`. A refusal that is known is a result, not an error. Raises botocore's other errors."""
    current = quota_usage.fetch_applied_quota(aws, limit.service, limit.code)
    if not current.adjustable:
        return IncreaseResult(
            state=CheckState.BLOCKED, text=f"AWS does not raise {limit.code} on request: it is not adjustable."
        )
    if current.value is not None and value <= current.value:
        return IncreaseResult(
            state=CheckState.BLOCKED,
            text=f"{format_quantity(value)} is not more than the limit in force, {format_quantity(current.value)}; nothing was requested.",
        )
    client = aws.client("service-quotas", quota_usage.quota_region(aws, limit.service))
    try:
        answer = client.request_service_quota_increase(
            ServiceCode=limit.service, QuotaCode=limit.code, DesiredValue=value
        )["RequestedQuota"]
    except aws_error_types() as error:
        code = aws_error_code(error)
        if code == "ResourceAlreadyExistsException":
            return _already_open_result(aws, limit, value)
        if code in _REQUEST_ERRORS:
            return IncreaseResult(
                state=CheckState.BLOCKED, text=f"{_REQUEST_ERRORS[code]} ({code}: {aws.explain(error).raw})"
            )
        raise
    status = str(answer.get("Status", "PENDING"))
    row = QuotaRequestRow(
        id=str(answer.get("Id", "")),
        status=status,
        desired=value,
        created=answer["Created"].timestamp() if answer.get("Created") else 0.0,
        meaning=request_status_meaning(status),
    )
    return IncreaseResult(
        state=CheckState.OK,
        text=f"Asked AWS for {format_quantity(value)} ({limit.code}); {status}: {row.meaning}.",
        request=row,
    )


def _already_open_result(aws: AwsSession, limit: QuotaLimitSettings, value: float) -> IncreaseResult:
    """AWS takes only one request per quota, and one is open."""
    try:
        rows = quota_usage.fetch_increase_requests(aws, limit.service, limit.code)
    except aws_error_types():
        rows = ()
    open_ = next((row for row in rows if row.is_open), None)
    text = "A request for this quota is open already, and AWS takes only one at a time; nothing was requested."
    if open_ is None:
        return IncreaseResult(state=CheckState.WARN, text=text)
    text += f" It is for {format_quantity(open_.desired)} ({open_.status}: {open_.meaning})."
    is_enough = open_.desired >= value
    if not is_enough:
        text += f" That is less than {format_quantity(value)}: ask again when it is answered."
    return IncreaseResult(state=CheckState.OK if is_enough else CheckState.WARN, text=text, request=open_)


def poll_increase(aws: AwsSession, limit: QuotaLimitSettings, needed: float | None = None) -> PollResult:
    """One poll of `quota --wait`: done when the limit has reached the requested value. Raises botocore's errors.

    Without a request, `needed` (in all, use included) is the value to reach.
    """
    rows = quota_usage.fetch_increase_requests(aws, limit.service, limit.code)
    current = quota_usage.fetch_applied_quota(aws, limit.service, limit.code).value
    newest = next((row for row in rows if row.is_open), rows[0] if rows else None)
    target = newest.desired if newest is not None else needed if needed is not None else limit.desired
    status = newest.status if newest is not None else ""
    data = {"code": limit.code, "limit": current, "desired": target}
    shown = f"{limit.code}: the limit is {format_quantity(current)}"
    if current is not None and target is not None and current >= target:
        return PollResult(
            PollOutcome.DONE, f"{shown}, at least the {format_quantity(target)} asked for: granted.", status, data
        )
    if newest is None:
        return PollResult(PollOutcome.FAILED, f"{shown}, and no increase was requested.", status, data)
    text = f"{shown}; the request for {format_quantity(newest.desired)} is {status}: {newest.meaning}."
    if status in REFUSED_STATUSES:
        case = f" Support case {newest.case}." if newest.case else ""
        return PollResult(PollOutcome.FAILED, text + case, status, data)
    if status == "APPROVED":
        text = (
            f"{shown}; the request for {format_quantity(newest.desired)} is approved, the limit does not show it yet."
        )
    return PollResult(PollOutcome.PENDING, text, status, data)
