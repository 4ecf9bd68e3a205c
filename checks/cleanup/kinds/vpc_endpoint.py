"""VPC endpoints of the region: interfaces in subnets, or gateways in route tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checks.cleanup.aws_query import Asking, InUse, NotYet, epoch
from checks.cleanup.kinds import Task, vpc_shared
from checks.cleanup.model import Seen

_GONE = frozenset({"deleted", "expired", "rejected"})


def find(asking: Asking) -> Iterable[Seen]:
    for found in asking.pages("ec2", "describe_vpc_endpoints", "VpcEndpoints"):
        if _state(found) not in _GONE:
            yield _seen(found, asking.region)


def again(asking: Asking, id: str, region: str) -> Seen | None:
    found = vpc_shared.item(asking, "describe_vpc_endpoints", "VpcEndpoints", region, VpcEndpointIds=[id])
    return _seen(found, region) if found and _state(found) not in _GONE else None


def delete(asking: Asking, seen: Seen, task: Task) -> None:
    if seen.state == "deleting":
        raise NotYet("AWS is deleting it")
    answer = asking.client("ec2", seen.region).delete_vpc_endpoints(VpcEndpointIds=[seen.id])
    # It never raises for one endpoint: what did not go stands in the answer.
    for refused in answer.get("Unsuccessful", ()):
        error = refused.get("Error", {})
        if not str(error.get("Code", "")).endswith(".NotFound"):
            raise InUse(f"{error.get('Code', '')}: {error.get('Message', '')}")


def _state(found: dict[str, Any]) -> str:
    # AWS writes `available` and `Available`, depending on the type.
    return str(found.get("State", "")).lower()


def _seen(found: dict[str, Any], region: str) -> Seen:
    id, vpc = found["VpcEndpointId"], found.get("VpcId", "")
    name, tags = vpc_shared.named(found, id)
    service = found.get("ServiceName", "")
    return Seen(
        kind="vpc-endpoint",
        id=id,
        name=name,
        region=region,
        aliases=(id,),
        tags=tags,
        created=epoch(found.get("CreationTimestamp")),
        size=f"{found.get('VpcEndpointType', '')} {service}".strip(),
        state=_state(found),
        billed=()
        if found.get("VpcEndpointType", "Gateway") == "Gateway"  # a gateway costs nothing
        else ((f"vpc-endpoint.{found['VpcEndpointType'].lower()}", len(found.get("SubnetIds", ())) or 1),),
        identity=(id, service),
        blocks=(
            *(f"security-group:{group['GroupId']}" for group in found.get("Groups", ())),
            *(f"subnet:{subnet}" for subnet in found.get("SubnetIds", ())),
            *(f"route-table:{table}" for table in found.get("RouteTableIds", ())),
            f"vpc:{vpc}",
        ),
        guarded="made by an AWS service; it goes with that" if found.get("RequesterManaged") else "",
    )
