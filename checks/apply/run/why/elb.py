"""What AWS shows of a NAT gateway, a load balancer or a CloudFront distribution that is being made."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import msgspec

from checks.apply.run.why.model import CLOCK_TOLERANCE, ResourceStatus, RunningResource
from checks.duration import format_duration
from checks.finding import CheckState
from checks.sanitize import one_line

if TYPE_CHECKING:
    from checks.context import CheckContext


def nat_gateway_status(context: CheckContext, resource: RunningResource) -> ResourceStatus:
    """State, and why it failed. Raises botocore's errors."""
    filters = [{"Name": "tag:Name", "Values": [resource.name_tag]}] if resource.name_tag else []
    found = [
        one
        for one in context.aws.paginate("ec2", "describe_nat_gateways", "NatGateways", Filter=filters)
        if resource.action != "create" or one["CreateTime"].timestamp() >= resource.started - CLOCK_TOLERANCE
    ]
    if not found:
        return ResourceStatus(state=CheckState.OK, sentence="EC2 has no NAT gateway of this run yet.")
    one = max(found, key=lambda gateway: gateway["CreateTime"])
    id_, state = one["NatGatewayId"], one_line(one.get("State", ""))
    facts = (("NAT gateway", id_), ("state", state), ("subnet", one_line(one.get("SubnetId", ""))))
    if state == "failed":
        why = one_line(f"{one.get('FailureCode', '')}: {one.get('FailureMessage', '')}")
        return ResourceStatus(state=CheckState.BLOCKED, sentence=f"{id_} failed: {why}", facts=facts)
    waits = {
        "pending": "usually ready after one and a half to two minutes",
        "available": "terraform notices with its next look",
        "deleting": "usually gone after a minute",
    }
    return ResourceStatus(
        state=CheckState.OK, sentence=f"{id_} is {state}: {waits.get(state, 'no more is told')}.", facts=facts
    )


def load_balancer_status(context: CheckContext, resource: RunningResource) -> ResourceStatus:
    """State and its reason. Raises botocore's errors."""
    name = resource.planned_attributes.get("name", "")
    found: list[dict[str, Any]] = [
        one
        for one in context.aws.paginate("elbv2", "describe_load_balancers", "LoadBalancers")
        if (one.get("LoadBalancerName") == name)
        or (not name and one["CreatedTime"].timestamp() >= resource.started - CLOCK_TOLERANCE)
    ]
    if not found:
        return ResourceStatus(state=CheckState.OK, sentence=f"There is no load balancer {name or 'of this run'} yet.")
    one = max(found, key=lambda balancer: balancer["CreatedTime"])
    state, reason = one.get("State") or {}, ""
    code, reason = one_line(state.get("Code", "")), one_line(state.get("Reason", ""))
    shown = one_line(one.get("LoadBalancerName", ""))
    facts = (
        ("load balancer", shown),
        ("state", code),
        ("reason", reason),
        ("address", one_line(one.get("DNSName", ""))),
    )
    if code in ("failed", "active_impaired"):
        return ResourceStatus(
            state=CheckState.BLOCKED if code == "failed" else CheckState.WARN,
            sentence=f"{shown} is {code}: {reason or 'AWS gives no reason'}",
            facts=facts,
        )
    waits = {
        "provisioning": "usually active after two to three minutes",
        "active": "terraform sets its attributes",
    }
    return ResourceStatus(
        state=CheckState.OK, sentence=f"{shown} is {code}: {waits.get(code, 'no more is told')}.", facts=facts
    )


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
            state=CheckState.OK, sentence=f"{id_} is {status}: terraform notices with its next look.", facts=facts
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
