"""Network interfaces that AWS services create: which ones they are, and whether their load balancer is deleted.

Interfaces are dicts as `DescribeNetworkInterfaces` of EC2 answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from checks.aws.errors import is_not_found

_CUSTOMER_TYPES = frozenset({"interface", "efa", "efa-only", "branch", "trunk"})
"""Types that a customer creates (EC2 API reference, NetworkInterface.interfaceType); others belong to a service."""
_LOAD_BALANCER_PREFIX = "ELB "
"""How the description of a load balancer's interface begins: `ELB app/name/id`, `ELB name`
(Elastic Load Balancing user guide)."""


def is_created_by_service(interface: Mapping[str, Any]) -> bool:
    """True for an interface that an AWS service created and deletes."""
    return bool(interface.get("RequesterManaged") or interface.get("InterfaceType", "interface") not in _CUSTOMER_TYPES)


def has_public_address(interface: Mapping[str, Any]) -> bool:
    """Only interfaces with a public address block an internet gateway, not every one of its VPC."""
    return bool((interface.get("Association") or {}).get("PublicIp"))


def is_load_balancer_deleted(
    client: Callable[[str, str | None], Any], interface: Mapping[str, Any], region: str | None
) -> bool:
    """True for the interface of a load balancer that is deleted: AWS removes the interface within minutes.

    `client` gives a client for a service and a region. Raises botocore's errors.
    """
    description = str(interface.get("Description") or "")
    if not description.startswith(_LOAD_BALANCER_PREFIX):
        return False
    name = description.removeprefix(_LOAD_BALANCER_PREFIX)
    type_, _, rest = name.partition("/")
    try:
        if type_ in {"app", "net", "gwy"} and rest:
            client("elbv2", region).describe_load_balancers(Names=[rest.partition("/")[0]])
        else:
            client("elb", region).describe_load_balancers(LoadBalancerNames=[name])
    except Exception as error:
        if is_not_found(error):
            return True
        raise
    return False
