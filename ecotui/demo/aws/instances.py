"""VcpuLimitExceeded from RunInstances (moto starts as many instances as one likes)."""

from __future__ import annotations

import threading
from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.instance_types import INSTANCE_TYPES
from moto.ec2.models.instances import InstanceBackend

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
