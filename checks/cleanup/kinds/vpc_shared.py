"""What the kinds of a VPC share: one item by its id, which VPCs are default ones, and who holds on to something.

A refusal of EC2 says that something depends on it and not what; `holders_named` says what.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from checks.cleanup.aws_query import Asking, InUse, NotYet, code, is_denied, is_missing, tags_of
from checks.sanitize import one_line

SHOWN = 4
"""Holders that a message names."""
_HELD = frozenset({"DependencyViolation", "InvalidGroup.InUse", "InvalidNetworkInterface.InUse"})
_BALANCER = "ELB "
"""How the description of a network interface begins that a load balancer made: `ELB app/name/id`, `ELB name`
(Elastic Load Balancing user guide)."""


def item(asking: Asking, operation: str, key: str, region: str, **parameters: Any) -> Any:
    """The first item under `key` that EC2 answers with; None when it does not know any (more)."""
    try:
        found = getattr(asking.client("ec2", region), operation)(**parameters)[key]
    except Exception as error:
        if is_missing(error):
            return None
        raise
    return found[0] if found else None


def named(found: dict[str, Any], id: str) -> tuple[str, dict[str, str]]:
    """What people call it (the tag Name, else its id), and its tags."""
    tags = tags_of(found.get("Tags"))
    return tags.get("Name") or id, tags


def default_vpcs(asking: Asking, region: str) -> frozenset[str] | None:
    """The ids of the region's default VPCs (one, or none); None when we may not look."""
    mine = [{"Name": "is-default", "Values": ["true"]}]

    def ask() -> frozenset[str] | None:
        return frozenset(
            vpc["VpcId"]
            for vpc in asking.pages("ec2", "describe_vpcs", "Vpcs", region=region, Filters=mine)
            if vpc.get("IsDefault")
        )

    nothing: frozenset[str] | None = None
    return asking.attempt("ec2:DescribeVpcs", ask, nothing)


def default_guard(vpc: str, defaults: frozenset[str] | None) -> str:
    """Why a part of this VPC is never deleted; empty when it may be."""
    if defaults is None:
        return "whether its VPC is the default one could not be looked at (ec2:DescribeVpcs)"
    return "part of the default VPC" if vpc in defaults else ""


def interfaces(asking: Asking, region: str, by: str, id: str) -> list[dict[str, Any]]:
    """The network interfaces that EC2's filter `by` (subnet-id, group-id, vpc-id) finds. Raises what botocore raises."""
    wanted = [{"Name": by, "Values": [id]}]
    return list(
        asking.pages("ec2", "describe_network_interfaces", "NetworkInterfaces", region=region, Filters=wanted)
    )


@contextmanager
def holders_named(asking: Asking, region: str, by: str, id: str, *, public: bool = False) -> Iterator[None]:
    """Turn EC2's refusal into one that names the network interfaces which hold on; `public`: those with an address.

    Raises NotYet when all that is left is what AWS itself is taking away (a deleted load balancer's interfaces), and
    InUse, which is given up after some tries, for anything else.
    """
    try:
        yield
    except Exception as error:
        if code(error) not in _HELD:
            raise
        try:
            left = interfaces(asking, region, by, id)
        except Exception as refusal:
            if is_denied(refusal):
                raise error from refusal
            raise
        if public:
            left = [one for one in left if one.get("Association", {}).get("PublicIp")]
        words = [_words(one) for one in left]
        if not left:
            raise
        if all(_leaving(asking, one, region) for one in left):
            raise NotYet(f"AWS is still removing {_listed(words)}") from error
        raise InUse(f"still used by {_listed(words)}") from error


def _listed(words: list[str]) -> str:
    more = f" and {len(words) - SHOWN} more" if len(words) > SHOWN else ""
    return ", ".join(words[:SHOWN]) + more


def _words(interface: dict[str, Any]) -> str:
    user = interface.get("Attachment", {}).get("InstanceId", "") or interface.get("Description", "")
    return one_line(f"network interface {interface['NetworkInterfaceId']}{f' ({user})' if user else ''}")


def _leaving(asking: Asking, interface: dict[str, Any], region: str) -> bool:
    """True for the interface of a load balancer that is not there any more: AWS removes it within minutes."""
    description = str(interface.get("Description", ""))
    if not description.startswith(_BALANCER):
        return False
    name = description.removeprefix(_BALANCER)
    kind, _, rest = name.partition("/")
    try:
        if kind in {"app", "net", "gwy"} and rest:
            asking.client("elbv2", region).describe_load_balancers(Names=[rest.partition("/")[0]])
        else:
            asking.client("elb", region).describe_load_balancers(LoadBalancerNames=[name])
    except Exception as error:
        if is_missing(error):
            return True
        if is_denied(error):
            return False
        raise
    return False
