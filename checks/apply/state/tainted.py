"""What the state holds as half made (tainted), and yet may stand: the next plan would destroy it and make it again.

terraform taints what it was creating when it was interrupted. Where only the wait was broken off and AWS shows the thing
whole, the mark can be taken off (`terraform untaint`), and the rest goes on from there. What failed by itself, in its
provisioner above all, is not whole whatever AWS shows, and is never offered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from checks.apply.run.stream import ApplyProgress
from checks.finding import Value
from checks.sanitize import one_line
from checks.tools.terraform import InState

if TYPE_CHECKING:
    from checks.context import World

CANCELED = "context canceled"
"""The provider's word, for what it waited for when it was interrupted (Go's context.Canceled)."""
HALTED = "execution halted"
"""Terraform's own word, among its errors, for having been interrupted."""


class HalfMade(Value, frozen=True):
    """One of them, and what AWS shows of it."""

    address: str
    id: str
    whole: bool = False
    """It stands: the mark may go."""
    shows: str = ""
    """In words; or why it is made again."""
    denied: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        return f"half made (tainted): {self.shows}"


def half_made(world: World, tainted: Iterable[InState], progress: ApplyProgress) -> tuple[HalfMade, ...]:
    """Each of them, looked at. `progress`: the last apply. Never raises for what AWS answers."""
    cut = cut_off(progress)
    return tuple(_judged(world, one, one.address in cut) for one in tainted)


def cut_off(progress: ApplyProgress) -> frozenset[str]:
    """Addresses of which only the wait was broken off: no error of theirs says anything else."""
    said: dict[str, list[bool]] = {}
    for error in progress.errors:
        if error.address:
            said.setdefault(error.address, []).append(
                CANCELED in f"{error.summary} {error.detail}" or error.summary == HALTED
            )
    return frozenset(address for address, canceled in said.items() if all(canceled))


def _judged(world: World, one: InState, cut: bool) -> HalfMade:
    from checks.aws.errors import errors

    if not cut:
        return HalfMade(address=one.address, id=one.id, shows="its creation failed, so it is made again")
    look = _LOOKS.get(one.type)
    if look is None:
        return HalfMade(
            address=one.address, id=one.id, shows="no look can tell whether it is whole, so it is made again"
        )
    try:
        whole, shows = look(world, one)
    except errors() as error:
        trouble = world.aws.explain(error)
        return HalfMade(address=one.address, id=one.id, shows=trouble.summary, denied=trouble.denied)
    return HalfMade(address=one.address, id=one.id, whole=whole, shows=one_line(shows))


Shown = tuple[bool, str]
"""Whether it stands, and AWS's words for it."""


def _instance(world: World, one: InState) -> Shown:
    client = world.aws.client("ec2")
    told = client.describe_instance_status(InstanceIds=[one.id], IncludeAllInstances=True)
    status: dict[str, Any] = next(iter(told.get("InstanceStatuses", ())), {})
    state = (status.get("InstanceState") or {}).get("Name", "unknown")
    checks = [(status.get(key) or {}).get("Status", "") for key in ("SystemStatus", "InstanceStatus")]
    if "impaired" in checks:
        return False, f"{one.id} is {state}, and a status check is impaired"
    return state == "running", f"{one.id} is {state}"


def _nat_gateway(world: World, one: InState) -> Shown:
    found = world.aws.client("ec2").describe_nat_gateways(NatGatewayIds=[one.id])["NatGateways"]
    state = found[0]["State"] if found else "gone"
    return state == "available", f"{one.id} is {state}"


def _load_balancer(world: World, one: InState) -> Shown:
    found = world.aws.client("elbv2").describe_load_balancers(LoadBalancerArns=[one.id])["LoadBalancers"]
    state = found[0]["State"]["Code"] if found else "gone"
    return state == "active", f"the load balancer is {state}"


def _distribution(world: World, one: InState) -> Shown:
    status = world.aws.client("cloudfront").get_distribution(Id=one.id)["Distribution"]["Status"]
    # Deployment goes on by itself; nothing of it is terraform's to do.
    return status in ("Deployed", "InProgress"), f"{one.id} is {status}"


# Only types that the provider reads back whole: a Route53 record that was not waited for has no `fqdn` in the state, reading
# does not bring it, and what is made of it then fails. And only what costs something to make again.
_LOOKS: dict[str, Callable[[World, InState], Shown]] = {
    "aws_cloudfront_distribution": _distribution,
    "aws_instance": _instance,
    "aws_lb": _load_balancer,
    "aws_nat_gateway": _nat_gateway,
}
TYPES = frozenset(_LOOKS)
"""Types that may be kept."""
