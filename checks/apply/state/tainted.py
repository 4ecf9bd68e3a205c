"""What the state holds as half made (tainted), and yet may stand: the next plan would destroy it and make it again.

terraform taints what it was creating when it was interrupted. Where only the wait was broken off and AWS shows the thing
whole, the mark can be taken off (`terraform untaint`), and the rest goes on from there. What failed by itself, in its
provisioner above all, is not whole whatever AWS shows, and is never offered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import msgspec

from checks.apply.run.stream import ApplyProgress
from checks.finding import FrozenStruct
from checks.sanitize import one_line
from checks.tools.terraform import StateResource

if TYPE_CHECKING:
    from checks.context import CheckContext

CONTEXT_CANCELED = "context canceled"
"""The provider's word, for what it waited for when it was interrupted (Go's context.Canceled)."""
EXECUTION_HALTED = "execution halted"
"""Terraform's own word, among its errors, for having been interrupted."""


class TaintedResource(FrozenStruct, frozen=True):
    """One of them, and what AWS shows of it."""

    address: str
    id: str
    is_complete: bool = msgspec.field(default=False, name="whole")
    """It stands: the mark may go."""
    status: str = msgspec.field(default="", name="shows")
    """In words; or why it is made again."""
    denied: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        return f"half made (tainted): {self.status}"


def check_tainted(
    context: CheckContext, tainted: Iterable[StateResource], progress: ApplyProgress
) -> tuple[TaintedResource, ...]:
    """Each of them, looked at. `progress`: the last apply. Never raises for what AWS answers."""
    cut = interrupted_while_waiting(progress)
    return tuple(_check_one(context, one, one.address in cut) for one in tainted)


def interrupted_while_waiting(progress: ApplyProgress) -> frozenset[str]:
    """Addresses of which only the wait was broken off: no error of theirs says anything else."""
    said: dict[str, list[bool]] = {}
    for error in progress.errors:
        if error.address:
            said.setdefault(error.address, []).append(
                CONTEXT_CANCELED in f"{error.summary} {error.detail}" or error.summary == EXECUTION_HALTED
            )
    return frozenset(address for address, canceled in said.items() if all(canceled))


def _check_one(context: CheckContext, resource: StateResource, was_interrupted: bool) -> TaintedResource:
    from checks.aws.errors import aws_error_types

    if not was_interrupted:
        return TaintedResource(
            address=resource.address, id=resource.id, status="its creation failed, so it is made again"
        )
    look = _CHECKS.get(resource.type)
    if look is None:
        return TaintedResource(
            address=resource.address, id=resource.id, status="no look can tell whether it is whole, so it is made again"
        )
    try:
        whole, shows = look(context, resource)
    except aws_error_types() as error:
        trouble = context.aws.explain(error)
        return TaintedResource(address=resource.address, id=resource.id, status=trouble.summary, denied=trouble.denied)
    return TaintedResource(address=resource.address, id=resource.id, is_complete=whole, status=one_line(shows))


TaintedStatus = tuple[bool, str]
"""Whether it stands, and AWS's words for it."""


def _check_instance(context: CheckContext, resource: StateResource) -> TaintedStatus:
    client = context.aws.client("ec2")
    told = client.describe_instance_status(InstanceIds=[resource.id], IncludeAllInstances=True)
    status: dict[str, Any] = next(iter(told.get("InstanceStatuses", ())), {})
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


# Only types that the provider reads back whole: a Route53 record that was not waited for has no `fqdn` in the state, reading
# does not bring it, and what is made of it then fails. And only what costs something to make again.
_CHECKS: dict[str, Callable[[CheckContext, StateResource], TaintedStatus]] = {
    "aws_cloudfront_distribution": _check_distribution,
    "aws_instance": _check_instance,
    "aws_lb": _check_load_balancer,
    "aws_nat_gateway": _check_nat_gateway,
}
UNTAINTABLE_TYPES = frozenset(_CHECKS)
"""Types that may be kept."""
