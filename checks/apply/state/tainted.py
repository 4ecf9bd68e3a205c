"""Tainted resources that may in fact be complete: the next plan would replace them.

terraform taints what it was creating when it was interrupted. Where only the wait was interrupted and AWS shows a complete
resource, it can be untainted. What failed by itself, in its provisioner above all, is not complete whatever AWS shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import msgspec

from checks.apply.run.stream import ApplyProgress
from checks.aws.errors import aws_error_types
from checks.finding import FrozenStruct
from checks.sanitize import one_line
from checks.tools.terraform import StateResource

if TYPE_CHECKING:
    from checks.context import CheckContext

CONTEXT_CANCELED = "context canceled"
"""The provider's error for a wait that was interrupted (Go's context.Canceled)."""
EXECUTION_HALTED = "execution halted"
"""Terraform's own error for an interruption."""


class TaintedResource(FrozenStruct, frozen=True):
    """A tainted resource, and what AWS shows of it."""

    address: str
    id: str
    is_complete: bool = msgspec.field(default=False, name="whole")
    """It exists and works: it can be untainted."""
    status: str = msgspec.field(default="", name="shows")
    """In words; or why the next plan replaces it."""
    denied: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        return f"tainted: {self.status}"


def check_tainted(
    context: CheckContext, tainted: Iterable[StateResource], progress: ApplyProgress
) -> tuple[TaintedResource, ...]:
    """Check each in AWS. `progress` is of the last apply. Never raises for what AWS answers."""
    interrupted = interrupted_while_waiting(progress)
    return tuple(_check_one(context, one, one.address in interrupted) for one in tainted)


def interrupted_while_waiting(progress: ApplyProgress) -> frozenset[str]:
    """Addresses of which only the wait was interrupted: all their errors say so."""
    errors: dict[str, list[bool]] = {}
    for error in progress.errors:
        if error.address:
            is_interruption = CONTEXT_CANCELED in f"{error.summary} {error.detail}" or error.summary == EXECUTION_HALTED
            errors.setdefault(error.address, []).append(is_interruption)
    return frozenset(address for address, interruptions in errors.items() if all(interruptions))


def _check_one(context: CheckContext, resource: StateResource, was_interrupted: bool) -> TaintedResource:
    check = _CHECKS.get(resource.type)
    is_complete = False
    denied: tuple[str, ...] = ()
    if not was_interrupted:
        status = "its creation failed, so the next plan replaces it"
    elif check is None:
        status = "no check can tell whether it is complete, so the next plan replaces it"
    else:
        try:
            is_complete, status = check(context, resource)
        except aws_error_types() as error:
            explained = context.aws.explain(error)
            status, denied = explained.summary, explained.denied
    return TaintedResource(
        address=resource.address, id=resource.id, is_complete=is_complete, status=one_line(status), denied=denied
    )


TaintedStatus = tuple[bool, str]
"""Whether it is complete, and its state in AWS's words."""


def _check_instance(context: CheckContext, resource: StateResource) -> TaintedStatus:
    client = context.aws.client("ec2")
    answer = client.describe_instance_status(InstanceIds=[resource.id], IncludeAllInstances=True)
    status: dict[str, Any] = next(iter(answer.get("InstanceStatuses", ())), {})
    state = (status.get("InstanceState") or {}).get("Name", "unknown")
    checks = [(status.get(key) or {}).get("Status", "") for key in ("SystemStatus", "InstanceStatus")]
    if "impaired" in checks:
        return False, f"{resource.id} is {state}, and a status check is impaired"
    return state == "running", f"{resource.id} is {state}"


def _check_nat_gateway(context: CheckContext, resource: StateResource) -> TaintedStatus:
    found = context.aws.client("ec2").describe_nat_gateways(NatGatewayIds=[resource.id])["NatGateways"]
    state = found[0]["State"] if found else "gone"
    return state == "available", f"{resource.id} is {state}"


def _check_load_balancer(context: CheckContext, resource: StateResource) -> TaintedStatus:
    found = context.aws.client("elbv2").describe_load_balancers(LoadBalancerArns=[resource.id])["LoadBalancers"]
    state = found[0]["State"]["Code"] if found else "gone"
    return state == "active", f"the load balancer is {state}"


def _check_distribution(context: CheckContext, resource: StateResource) -> TaintedStatus:
    status = context.aws.client("cloudfront").get_distribution(Id=resource.id)["Distribution"]["Status"]
    # Deployment goes on by itself; nothing of it is terraform's to do.
    return status in ("Deployed", "InProgress"), f"{resource.id} is {status}"


# Only types that the provider reads back with all attributes: a Route53 record that was not waited for has no `fqdn` in the
# state, reading it does not add that, and what is made of it then fails. And only what takes long to replace.
_CHECKS: dict[str, Callable[[CheckContext, StateResource], TaintedStatus]] = {
    "aws_cloudfront_distribution": _check_distribution,
    "aws_instance": _check_instance,
    "aws_lb": _check_load_balancer,
    "aws_nat_gateway": _check_nat_gateway,
}
UNTAINTABLE_TYPES = frozenset(_CHECKS)
"""Types that can be untainted."""
