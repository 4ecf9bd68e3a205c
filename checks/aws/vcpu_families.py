"""The vCPU quotas of EC2: which instance families count against which quota. Pure.

Codes and titles: AWS Service Quotas, Amazon EC2. Families: EC2 user guide, "On-Demand instance quotas".
"""

from __future__ import annotations

import re
from typing import NamedTuple


class VcpuQuota(NamedTuple):
    """The quota of On-Demand instances of some families, counted in vCPUs."""

    code: str
    families: tuple[str, ...]
    """The letters that an instance type begins with: `t` of t3a.large, `im` of im4gn.large."""
    title: str
    spot_code: str = ""
    """The quota of their spot instances; empty where these count against the same one."""


VCPU_QUOTAS = (
    VcpuQuota(
        "L-1216C47A",
        ("a", "c", "d", "h", "i", "im", "is", "m", "r", "t", "z"),
        "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances, vCPUs",
        "L-34B43A08",
    ),
    VcpuQuota("L-74FC7D96", ("f",), "Running On-Demand F instances, vCPUs", "L-88CF9481"),
    VcpuQuota("L-DB2E81BA", ("g", "gr", "vt"), "Running On-Demand G and VT instances, vCPUs", "L-3819A6DF"),
    VcpuQuota("L-417A185B", ("p",), "Running On-Demand P instances, vCPUs", "L-7212CCBC"),
    VcpuQuota("L-7295265B", ("x",), "Running On-Demand X instances, vCPUs", "L-E3A00192"),
    VcpuQuota("L-1945791B", ("inf",), "Running On-Demand Inf instances, vCPUs", "L-B5D1601B"),
    VcpuQuota("L-2C3B7624", ("trn",), "Running On-Demand Trn instances, vCPUs", "L-6B0D517C"),
    VcpuQuota("L-6E869C2A", ("dl",), "Running On-Demand DL instances, vCPUs", "L-85EED4F7"),
    VcpuQuota("L-F7808C92", ("hpc",), "Running On-Demand HPC instances, vCPUs"),
    VcpuQuota("L-43DA4232", ("u",), "Running On-Demand High Memory instances, vCPUs"),
)
VCPU_QUOTA_CODES = frozenset(quota.code for quota in VCPU_QUOTAS)

_BY_FAMILY = {family: quota for quota in VCPU_QUOTAS for family in quota.families}


def vcpu_quota_for(instance_type: str, *, spot: bool = False) -> tuple[str, str]:
    """Code and title of the quota that an instance type counts against; a family that is not listed is a standard one."""
    letters = re.match(r"[a-z]*", instance_type)
    prefix = letters.group() if letters else ""
    known = max((family for family in _BY_FAMILY if prefix.startswith(family)), key=len, default="m")
    quota = _BY_FAMILY[known]
    if spot and quota.spot_code:
        return quota.spot_code, quota.title.replace("Running On-Demand", "Spot")
    return quota.code, quota.title
