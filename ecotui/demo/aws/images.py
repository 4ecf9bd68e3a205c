"""The machine images that the demo's terraform looks up. moto reads them when it is imported: nothing of moto is imported here."""

from __future__ import annotations

from typing import Any

CANONICAL_ACCOUNT = "099720109477"
"""The account that publishes Ubuntu's images."""


def machine_images() -> list[dict[str, Any]]:
    """In the form of MOTO_AMIS_PATH."""
    return [
        {
            "ami_id": "ami-0e4d6d5e0d1b0c22a",
            "name": "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-amd64-server-20251015",
            "description": "Canonical, Ubuntu, 22.04 LTS, amd64 jammy image",
            "owner_id": CANONICAL_ACCOUNT,
            "public": True,
            "virtualization_type": "hvm",
            "architecture": "x86_64",
            "state": "available",
            "platform": None,
            "image_type": "machine",
            "hypervisor": "xen",
            "root_device_name": "/dev/sda1",
            "root_device_type": "ebs",
            "sriov": "simple",
            "creation_date": "2025-10-15T03:12:44.000Z",
        }
    ]
