"""What moto's EC2 lacks: a vCPU limit, placement groups, released addresses of NAT gateways, Ubuntu's machine images."""

from __future__ import annotations

import hashlib
import threading
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import EC2Backend
from moto.ec2.models.instance_types import INSTANCE_TYPES
from moto.ec2.models.instances import InstanceBackend
from moto.ec2.models.nat_gateways import NatGatewayBackend
from moto.ec2.responses import EC2Response

from ecotui.demo.aws.service_quotas import VCPU_QUOTA, QuotaService

# The bucket of L-1216C47A: Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances.
_STANDARD_FAMILIES = tuple("acdhimrtz")
_COUNTED_STATES = ("pending", "running")


class VcpuLimitExceeded(EC2ClientError):
    """In the words of EC2 itself."""

    def __init__(self, limit: float) -> None:
        super().__init__(
            "VcpuLimitExceeded",
            f"You have requested more vCPU capacity than your current vCPU limit of {limit:.0f} allows for the instance "
            "bucket that the specified instance type belongs to. Please visit "
            "http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit.",
        )


def standard_vcpus(instance_type: str) -> int:
    """The vCPUs that an instance type takes from the Standard quota; 0 for types of other quotas."""
    if not instance_type.startswith(_STANDARD_FAMILIES):
        return 0
    known: dict[str, Any] = INSTANCE_TYPES.get(instance_type, {})
    return int(known.get("VCpuInfo", {}).get("DefaultVCpus", 2))


def install_vcpu_limit(quota_service: QuotaService) -> None:
    """Hold RunInstances to the vCPU limit. Once a process."""
    backend: Any = InstanceBackend
    run = backend.run_instances
    lock = threading.Lock()

    def run_instances(
        self: Any, image_id: str, count: int, user_data: Any, security_group_names: list[str], **kwargs: Any
    ) -> Any:
        with lock:  # terraform starts ten at once: the sum must be right
            limit = quota_service.limit(self.region_name, VCPU_QUOTA)
            used = sum(
                standard_vcpus(instance.instance_type)
                for instance in self.all_instances()
                if instance.state in _COUNTED_STATES
            )
            if used + count * standard_vcpus(kwargs.get("instance_type") or "m1.small") > limit:
                raise VcpuLimitExceeded(limit)
            return run(self, image_id, count, user_data, security_group_names, **kwargs)

    backend.run_instances = run_instances


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
