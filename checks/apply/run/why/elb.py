"""Status of a load balancer that is being created."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from checks.apply.run.why.model import CLOCK_TOLERANCE, ResourceStatus, RunningResource
from checks.finding import CheckState
from checks.sanitize import one_line

if TYPE_CHECKING:
    from checks.context import CheckContext


def load_balancer_status(context: CheckContext, resource: RunningResource) -> ResourceStatus:
    """State and its reason. Raises botocore's errors."""
    name = resource.planned_attributes.get("name", "")
    found: list[dict[str, Any]] = [
        one
        for one in context.aws.paginate("elbv2", "describe_load_balancers", "LoadBalancers")
        if (one.get("LoadBalancerName") == name)
        or (not name and one["CreatedTime"].timestamp() >= resource.started_at - CLOCK_TOLERANCE)
    ]
    if not found:
        return ResourceStatus(state=CheckState.OK, sentence=f"There is no load balancer {name or 'of this run'} yet.")
    one = max(found, key=lambda balancer: balancer["CreatedTime"])
    state = one.get("State") or {}
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
        state=CheckState.OK, sentence=f"{shown} is {code}: {waits.get(code, 'AWS tells no more')}.", facts=facts
    )
