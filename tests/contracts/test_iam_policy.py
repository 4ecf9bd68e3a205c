"""docs/iam-policy.json is the least that the checks need: every operation they call, and nothing that they do not."""

from __future__ import annotations

import ast
import json
import re

import botocore.session
import pytest
from botocore import xform_name
from support import ROOT

POLICY = json.loads((ROOT / "docs" / "iam-policy.json").read_text(encoding="utf-8"))
PREFIX = {
    "efs": "elasticfilesystem",
    "elb": "elasticloadbalancing",
    "elbv2": "elasticloadbalancing",
    "opensearch": "es",
    "service-quotas": "servicequotas",
    "stepfunctions": "states",
}
"""Where IAM calls a service by another name than boto3."""
ACTIONS = {
    ("s3", "ListBuckets"): {"s3:ListAllMyBuckets"},
    ("s3", "HeadBucket"): {"s3:ListBucket"},
    ("s3", "ListObjectsV2"): {"s3:ListBucket"},
    ("s3", "ListObjectVersions"): {"s3:ListBucketVersions"},
    ("s3", "ListMultipartUploads"): {"s3:ListBucketMultipartUploads"},
    ("s3", "DeleteObjects"): {"s3:DeleteObject", "s3:DeleteObjectVersion"},
    ("s3", "CreateMultipartUpload"): {"s3:PutObject"},
    ("s3", "UploadPart"): {"s3:PutObject"},
    ("s3", "CompleteMultipartUpload"): {"s3:PutObject"},
    ("s3", "GetObjectLockConfiguration"): {"s3:GetBucketObjectLockConfiguration"},
}
"""Where IAM calls an operation by another name (Service Authorization Reference)."""
BY_F_STRING = {
    "iam:DetachGroupPolicy",
    "iam:DetachRolePolicy",
    "iam:DetachUserPolicy",
}
"""Called by names that are put together (cleanup/kinds/iam.py)."""
NOT_CALLED = {"iam:CreateServiceLinkedRole"}
"""Needed by AWS itself on our behalf: the first request for a quota makes the role of Service Quotas."""


def services() -> dict[str, dict[str, str]]:
    """Service to its operations, by the name of their Python method."""
    session = botocore.session.get_session()
    used = set()
    for path in (ROOT / "checks").rglob("*.py"):
        words = {
            node.value
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        used |= words & set(session.get_available_services())
    return {
        service: {xform_name(name): name for name in session.get_service_model(service).operation_names}
        for service in used
    }


def called() -> dict[str, set[str]]:
    """IAM action to the modules of checks/ that call its operation."""
    known = services()
    found: dict[str, set[str]] = {}
    for path in sorted((ROOT / "checks").rglob("*.py")):
        tree = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        strings = {node.value for node in tree if isinstance(node, ast.Constant) and isinstance(node.value, str)}
        words = strings | {node.attr for node in tree if isinstance(node, ast.Attribute)}
        for word in words:
            if "_" not in word:  # no operation that is called here has a name of one word
                continue
            owners = [service for service, operations in known.items() if word in operations]
            # The same operation in two services: the one that this module names.
            for service in [one for one in owners if one in strings] or owners:
                operation = known[service][word]
                if (service, operation) == ("autoscaling", "DescribeLoadBalancers"):
                    continue  # ec2.py and elb.py together name them; only elb and elbv2 are asked
                actions = ACTIONS.get((service, operation), {f"{PREFIX.get(service, service)}:{operation}"})
                for action in actions:
                    found.setdefault(action, set()).add(path.name)
    return found


def allowed(*statements: str) -> set[str]:
    return {
        action
        for statement in POLICY["Statement"]
        if not statements or statement["Sid"] in statements
        for action in statement["Action"]
    }


def test_every_operation_that_the_checks_call_is_allowed() -> None:
    asked = called()
    assert len(asked) > 60  # otherwise this test looks at nothing
    assert {action: where for action, where in asked.items() if action not in allowed()} == {}
    assert allowed() >= BY_F_STRING


def test_nothing_is_allowed_that_no_check_calls() -> None:
    assert allowed() - set(called()) - BY_F_STRING - NOT_CALLED == set()


def test_the_first_statement_only_reads() -> None:
    assert all(re.match(r"[\w-]+:(Describe|Get|List|LookupEvents$)", action) for action in allowed("Look"))


def test_deletions_are_in_a_statement_of_their_own() -> None:
    changing = re.compile(r":(Abort|Change|Delete|Detach|Disassociate|Release|Remove|Revoke|Terminate|Update)")
    assert {action for action in allowed() if changing.search(action)} == allowed("CleanUp")


@pytest.mark.parametrize("statement", POLICY["Statement"], ids=lambda statement: statement["Sid"])
def test_no_statement_has_a_wildcard_in_its_actions(statement: dict[str, list[str]]) -> None:
    assert [action for action in statement["Action"] if "*" in action] == []
    assert statement["Action"] == sorted(set(statement["Action"]))


def test_team_objects_are_written_to_one_place_and_never_deleted() -> None:
    (statement,) = (one for one in POLICY["Statement"] if one["Sid"] == "ShareWithTheTeam")
    assert statement["Action"] == ["s3:GetObject", "s3:ListBucket", "s3:PutObject"]
    assert "*" not in statement["Resource"]
    # Nothing else may write objects.
    assert "s3:PutObject" not in allowed("Look", "CleanUp")
