"""The vCPU quotas of EC2: one table for the quota step and the forecast."""

from __future__ import annotations

import pytest

from checks.aws import vcpu_families
from checks.aws.vcpu_families import VCPU_QUOTAS, vcpu_quota_for


@pytest.mark.parametrize(
    ("instance_type", "code"),
    [
        ("t3a.large", "L-1216C47A"),
        ("im4gn.large", "L-1216C47A"),
        ("inf2.xlarge", "L-1945791B"),
        ("i4i.large", "L-1216C47A"),
        ("g5.xlarge", "L-DB2E81BA"),
        ("gr6.4xlarge", "L-DB2E81BA"),
        ("vt1.3xlarge", "L-DB2E81BA"),
        ("hpc7a.96xlarge", "L-F7808C92"),
        ("h1.2xlarge", "L-1216C47A"),
        ("p4d.24xlarge", "L-417A185B"),
        ("dl1.24xlarge", "L-6E869C2A"),
        ("d3.xlarge", "L-1216C47A"),
        ("trn1.2xlarge", "L-2C3B7624"),
        ("u-6tb1.metal", "L-43DA4232"),
        ("x2idn.16xlarge", "L-7295265B"),
        ("", "L-1216C47A"),
    ],
)
def test_each_family_counts_against_its_own_quota(instance_type: str, code: str) -> None:
    assert vcpu_quota_for(instance_type)[0] == code


def test_spot_instances_count_against_a_quota_of_their_own() -> None:
    assert vcpu_quota_for("g5.xlarge", spot=True) == ("L-3819A6DF", "Spot G and VT instances, vCPUs")
    assert vcpu_quota_for("u-6tb1.metal", spot=True)[0] == "L-43DA4232"


def test_no_family_counts_against_two_quotas() -> None:
    families = [family for quota in VCPU_QUOTAS for family in quota.families]
    assert len(families) == len(set(families))


def test_the_quota_step_and_the_forecast_use_this_table() -> None:
    from checks.apply.forecast import quotas
    from checks.quota import check, usage

    assert check.vcpu_quota_for is quotas.vcpu_quota_for is vcpu_families.vcpu_quota_for
    assert check.VCPU_QUOTA_CODES is usage.VCPU_QUOTA_CODES is vcpu_families.VCPU_QUOTA_CODES
