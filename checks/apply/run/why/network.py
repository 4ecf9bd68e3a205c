"""What AWS shows of a NAT gateway, a load balancer or a CloudFront distribution that is being made."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import msgspec

from checks.apply.run.why.model import SLACK, Running, Seen
from checks.duration import span
from checks.finding import State
from checks.sanitize import one_line

if TYPE_CHECKING:
    from checks.context import World


def nat_gateway(world: World, running: Running) -> Seen:
    """State, and why it failed. Raises botocore's errors."""
    filters = [{"Name": "tag:Name", "Values": [running.name]}] if running.name else []
    found = [
        one
        for one in world.aws.paginate("ec2", "describe_nat_gateways", "NatGateways", Filter=filters)
        if running.action != "create" or one["CreateTime"].timestamp() >= running.started - SLACK
    ]
    if not found:
        return Seen(state=State.OK, sentence="EC2 has no NAT gateway of this run yet.")
    one = max(found, key=lambda gateway: gateway["CreateTime"])
    id_, state = one["NatGatewayId"], one_line(one.get("State", ""))
    facts = (("NAT gateway", id_), ("state", state), ("subnet", one_line(one.get("SubnetId", ""))))
    if state == "failed":
        why = one_line(f"{one.get('FailureCode', '')}: {one.get('FailureMessage', '')}")
        return Seen(state=State.BLOCKED, sentence=f"{id_} failed: {why}", facts=facts)
    waits = {
        "pending": "usually ready after one and a half to two minutes",
        "available": "terraform notices with its next look",
        "deleting": "usually gone after a minute",
    }
    return Seen(
        state=State.OK, sentence=f"{id_} is {state}: {waits.get(state, 'no more is told')}.", facts=facts
    )


def load_balancer(world: World, running: Running) -> Seen:
    """State and its reason. Raises botocore's errors."""
    name = running.planned.get("name", "")
    found: list[dict[str, Any]] = [
        one
        for one in world.aws.paginate("elbv2", "describe_load_balancers", "LoadBalancers")
        if (one.get("LoadBalancerName") == name)
        or (not name and one["CreatedTime"].timestamp() >= running.started - SLACK)
    ]
    if not found:
        return Seen(state=State.OK, sentence=f"There is no load balancer {name or 'of this run'} yet.")
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
        return Seen(
            state=State.BLOCKED if code == "failed" else State.WARN,
            sentence=f"{shown} is {code}: {reason or 'AWS gives no reason'}",
            facts=facts,
        )
    waits = {
        "provisioning": "usually active after two to three minutes",
        "active": "terraform sets its attributes",
    }
    return Seen(
        state=State.OK, sentence=f"{shown} is {code}: {waits.get(code, 'no more is told')}.", facts=facts
    )


def distribution(world: World, running: Running) -> Seen:
    """How far the deployment is, against what is usual. Raises botocore's errors."""
    aliases, comment = _listed(running.planned.get("aliases", "")), running.planned.get("comment", "")
    found = [
        one
        for one in world.aws.paginate("cloudfront", "list_distributions", "DistributionList.Items")
        if aliases & set((one.get("Aliases") or {}).get("Items") or ())
        or (not aliases and comment and one.get("Comment") == comment)
    ]
    if not found:
        what = f"for {', '.join(sorted(aliases))}" if aliases else "of this run"
        return Seen(state=State.OK, sentence=f"CloudFront has no distribution {what} yet.")
    one = max(found, key=lambda item: item["LastModifiedTime"])
    low, high = world.settings.cloudfront.normal_minutes
    status, id_ = one_line(one.get("Status", "")), one["Id"]
    since = max(time.time() - one["LastModifiedTime"].timestamp(), 0.0)
    facts = (
        ("distribution", id_),
        ("status", status),
        ("enabled", "yes" if one.get("Enabled", True) else "no"),
        ("changed", f"{span(since)} ago"),
    )
    if status != "InProgress":
        return Seen(
            state=State.OK, sentence=f"{id_} is {status}: terraform notices with its next look.", facts=facts
        )
    late = since > high * 60
    return Seen(
        state=State.WARN if late else State.OK,
        sentence=f"{id_} is {status} for {span(since)}: CloudFront spreads it to its edges, usually {low} to {high}"
        f" minutes{'; this takes longer than usual, and nothing can be done but wait' if late else ''}.",
        facts=facts,
        guide=("6.1",),
    )


def _listed(text: str) -> set[str]:
    """The names in an attribute that is shown as a JSON list."""
    try:
        return set(msgspec.json.decode(text, type=list[str]))
    except (msgspec.DecodeError, msgspec.ValidationError):
        return set()
