"""What a value in a plan is made of, followed through modules; and where a name is written."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from checks.apply.plan.configuration import Configuration
from checks.apply.plan.source_locations import SourceIndex


def configuration(root: dict[str, Any]) -> Configuration:
    return Configuration(msgspec.Raw(json.dumps({"root_module": root}).encode()), {})


def resource(address: str, **expressions: Any) -> dict[str, Any]:
    return {"address": address, "expressions": expressions}


def refers(*names: str) -> dict[str, Any]:
    return {"references": list(names)}


PROJECT = {
    "resources": [
        resource("aws_subnet.a", vpc_id=refers("module.net.vpc_id", "module.net")),
        resource("aws_security_group.read", vpc_id=refers("data.aws_vpc.old.id", "data.aws_vpc.old")),
        resource("aws_security_group.local", vpc_id=refers("local.vpc")),
        {
            **resource("aws_route53_record.each", name=refers("each.value.name", "each.value")),
            "for_each_expression": refers("aws_acm_certificate.cdn.options", "aws_acm_certificate.cdn"),
        },
        resource(
            "aws_autoscaling_group.g",
            launch_template=[{"id": refers("aws_launch_template.t.id", "aws_launch_template.t")}],
        ),
    ],
    "module_calls": {
        "net": {
            "expressions": {},
            "module": {
                "resources": [resource("aws_vpc.this")],
                "outputs": {"vpc_id": {"expression": refers("aws_vpc.this.id", "aws_vpc.this")}},
            },
        },
        "groups": {
            "expressions": {"vpc": refers("module.net.vpc_id", "module.net")},
            "module": {"resources": [resource("aws_security_group.this", vpc_id=refers("var.vpc"))]},
        },
    },
}


@pytest.mark.parametrize(
    ("address", "attribute", "sources"),
    [
        ("aws_subnet.a", "vpc_id", {"module.net.aws_vpc.this"}),
        ('module.groups["x"].aws_security_group.this[0]', "vpc_id", {"module.net.aws_vpc.this"}),
        ("aws_security_group.read", "vpc_id", {"data.aws_vpc.old"}),
        ("aws_security_group.local", "vpc_id", {"?"}),
        ('aws_route53_record.each["a"]', "name", {"aws_acm_certificate.cdn"}),
        ("aws_autoscaling_group.g", "launch_template", {"aws_launch_template.t"}),
        ("aws_subnet.a", "elsewhere", set()),
        ("aws_unknown.x", "name", set()),
    ],
)
def test_a_value_is_followed_to_the_resources_that_it_refers_to(
    address: str, attribute: str, sources: set[str]
) -> None:
    assert configuration(PROJECT).sources(address, attribute) == sources


def test_outputs_that_refer_to_each_other_come_to_an_end() -> None:
    turning = {
        "resources": [resource("aws_subnet.a", vpc_id=refers("module.a.out"))],
        "module_calls": {
            "a": {
                "expressions": {"x": refers("module.a.out")},
                "module": {"outputs": {"out": {"expression": refers("var.x")}}},
            }
        },
    }
    assert configuration(turning).sources("aws_subnet.a", "vpc_id") == {"?"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "iam.tf").write_text(
        'resource "aws_iam_role" "other" {\n  name = "other"\n}\n\n'
        'resource "aws_iam_role" "node" {\n  inline_policy {\n    name = "inner"\n  }\n  name = "node"\n}\n'
    )
    (tmp_path / "modules" / "team").mkdir(parents=True)
    (tmp_path / "modules" / "team" / "main.tf").write_text('resource "aws_ecr_repository" "this" {\n}\n')
    (tmp_path / ".terraform" / "modules").mkdir(parents=True)
    noted = {"Modules": [{"Key": "", "Dir": "."}, {"Key": "k8s.team", "Dir": "modules/team"}]}
    (tmp_path / ".terraform" / "modules" / "modules.json").write_text(json.dumps(noted))
    return tmp_path


def test_a_name_is_found_in_its_resource_and_not_in_a_block_inside(folder: Path) -> None:
    written = SourceIndex(folder, {})
    assert written.locate('aws_iam_role.node["a"]', "name") == "iam.tf:9"
    assert written.locate("aws_iam_role.gone", "name") == ""


def test_the_location_of_a_module_s_resource_is_in_the_module_s_folder(folder: Path) -> None:
    written = SourceIndex(folder, {})
    # The attribute is not there (a default of the provider): then it is the resource.
    assert written.locate('module.k8s.module.team["x"].aws_ecr_repository.this', "name") == "modules/team/main.tf:1"
    assert written.locate("module.elsewhere.aws_ecr_repository.this", "name") == ""


def test_a_damaged_module_record_leaves_the_root_module(folder: Path) -> None:
    (folder / ".terraform" / "modules" / "modules.json").write_text("{")
    assert SourceIndex(folder, {}).locate("aws_iam_role.node", "name") == "iam.tf:9"


def test_thousands_of_resources_are_followed_in_a_second() -> None:
    many = {
        "resources": [resource(f"aws_subnet.s{n}", vpc_id=refers("aws_vpc.v.id", "aws_vpc.v")) for n in range(5000)]
    }
    known = configuration(many)
    begun = time.perf_counter()
    assert all(known.sources(f"aws_subnet.s{n}[0]", "vpc_id") == {"aws_vpc.v"} for n in range(5000))
    assert time.perf_counter() - begun < 2.0
