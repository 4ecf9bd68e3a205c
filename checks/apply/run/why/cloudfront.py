"""Status of a CloudFront distribution that is being deployed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec

from checks.apply.run.why.model import ResourceStatus, RunningResource
from checks.duration import format_duration
from checks.finding import CheckState
from checks.sanitize import one_line

if TYPE_CHECKING:
    from checks.context import CheckContext


def distribution_status(context: CheckContext, resource: RunningResource) -> ResourceStatus:
    """How far the deployment is, against what is usual. Raises botocore's errors."""
    aliases, comment = (
        _parse_names(resource.planned_attributes.get("aliases", "")),
        resource.planned_attributes.get("comment", ""),
    )
    found = [
        one
        for one in context.aws.paginate("cloudfront", "list_distributions", "DistributionList.Items")
        if aliases & set((one.get("Aliases") or {}).get("Items") or ())
        or (not aliases and comment and one.get("Comment") == comment)
    ]
    if not found:
        what = f"for {', '.join(sorted(aliases))}" if aliases else "of this run"
        return ResourceStatus(state=CheckState.OK, sentence=f"CloudFront has no distribution {what} yet.")
    one = max(found, key=lambda item: item["LastModifiedTime"])
    low, high = context.settings.cloudfront.normal_minutes
    status, id_ = one_line(one.get("Status", "")), one["Id"]
    since = max(time.time() - one["LastModifiedTime"].timestamp(), 0.0)
    facts = (
        ("distribution", id_),
        ("status", status),
        ("enabled", "yes" if one.get("Enabled", True) else "no"),
        ("changed", f"{format_duration(since)} ago"),
    )
    if status != "InProgress":
        return ResourceStatus(
            state=CheckState.OK, sentence=f"{id_} is {status}: terraform notices with its next check.", facts=facts
        )
    late = since > high * 60
    return ResourceStatus(
        state=CheckState.WARN if late else CheckState.OK,
        sentence=f"{id_} is {status} for {format_duration(since)}: CloudFront spreads it to its edges, usually {low} to {high}"
        f" minutes{'; this takes longer than usual, and nothing can be done but wait' if late else ''}.",
        facts=facts,
        guide=("6.1",),
    )


def _parse_names(text: str) -> set[str]:
    """The names in an attribute that is shown as a JSON list."""
    try:
        return set(msgspec.json.decode(text, type=list[str]))
    except (msgspec.DecodeError, msgspec.ValidationError):
        return set()
