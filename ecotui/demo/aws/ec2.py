"""What moto lacks of EC2 and a cleanup meets: placement groups, and that a deleted NAT gateway lets go of its address."""

from __future__ import annotations

import hashlib
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import EC2Backend
from moto.ec2.models.nat_gateways import NatGatewayBackend
from moto.ec2.responses import EC2Response


def install_placement_groups() -> None:
    """Put the operations in. Any number of times."""
    for name in ("create_placement_group", "delete_placement_group", "describe_placement_groups"):
        setattr(EC2Response, name, globals()[f"_{name.removesuffix('s')}"])
    if EC2Backend.delete_nat_gateway is not _delete_nat_gateway:
        EC2Backend.delete_nat_gateway = _delete_nat_gateway  # type: ignore[method-assign]


def _delete_nat_gateway(self: Any, nat_gateway_id: str) -> Any:
    gone = NatGatewayBackend.delete_nat_gateway(self, nat_gateway_id)
    for address in self.addresses:
        if address.eni and address.eni.id == gone._eni.id:
            address.eni, address.association_id = None, None
    return gone


def _placement_groups(response: Any) -> dict[str, dict[str, Any]]:
    """The account's, kept where moto's own reset takes them away."""
    backend = response.ec2_backend
    if not hasattr(backend, "placement_groups"):
        backend.placement_groups = {}
    groups: dict[str, dict[str, Any]] = backend.placement_groups
    return groups


def _unknown_group_error(name: str) -> EC2ClientError:
    return EC2ClientError("InvalidPlacementGroup.Unknown", f"The Placement Group '{name}' is unknown.")


def _create_placement_group(self: Any) -> ActionResult:
    name, groups = self._get_param("GroupName"), _placement_groups(self)
    if name in groups:
        raise EC2ClientError("InvalidPlacementGroup.Duplicate", f"The placement group '{name}' exists already.")
    tags = self._parse_tag_specification("placement-group").get("placement-group", {})
    id = "pg-" + hashlib.sha256(name.encode()).hexdigest()[:17]
    groups[name] = {
        "GroupName": name,
        "GroupId": id,
        "GroupArn": f"arn:aws:ec2:{self.region}:{self.current_account}:placement-group/{name}",
        "State": "available",
        "Strategy": self._get_param("Strategy") or "cluster",
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
    }
    return ActionResult({"PlacementGroup": groups[name]})


def _delete_placement_group(self: Any) -> EmptyResult:
    name = self._get_param("GroupName")
    if name not in _placement_groups(self):
        raise _unknown_group_error(name)
    inside = [
        instance
        for instance in self.ec2_backend.all_instances()
        if instance.state != "terminated" and getattr(instance.placement, "group_name", "") == name
    ]
    if inside:
        raise EC2ClientError("InvalidPlacementGroup.InUse", f"The placement group {name} is in use.")
    del _placement_groups(self)[name]
    return EmptyResult()


def _describe_placement_group(self: Any) -> ActionResult:
    groups = _placement_groups(self)
    names = self._get_param("GroupNames", [])
    names += self._filters_from_querystring().get("group-name", [])
    if missing := [name for name in self._get_param("GroupNames", []) if name not in groups]:
        raise _unknown_group_error(missing[0])
    return ActionResult({"PlacementGroups": [one for name, one in groups.items() if not names or name in names]})
