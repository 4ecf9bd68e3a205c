"""What the forecast does with AWS calls that fail: they become `NotChecked`, with the missing permission."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from checks.apply.forecast.model import NotChecked
from checks.apply.plan.model import PlannedChange

if TYPE_CHECKING:
    from checks.aws.session import AwsSession


def failed_check(
    aws: AwsSession, error: BaseException, what: str, action: str = "", change: PlannedChange | None = None
) -> NotChecked:
    """`what` could not be checked. `action`: the IAM action that the call needs; `change`: the resource it was for."""
    explained = aws.explain(error, action)
    return NotChecked(
        address=change.address if change else "",
        type=change.type if change else "",
        what=what,
        why=explained.summary,
        denied=explained.denied,
        failed=True,
    )


def unusable_services(
    aws: AwsSession, services_and_regions: Iterable[tuple[str, str]], what: str
) -> dict[str, NotChecked]:
    """The services of which no client can be made (no credentials, no region), each reported once.

    The clients are made here, one after the other: made in parallel threads they are slower. `what` names what is checked,
    with `{service}`.
    """
    unusable: dict[str, NotChecked] = {}
    for service, region in dict.fromkeys(services_and_regions):
        try:
            aws.client(service, region or None)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is reported
            unusable[service] = failed_check(aws, error, what.format(service=service))
    return unusable
