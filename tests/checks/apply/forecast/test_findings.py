"""The findings of the apply step about the forecast, and their fixes."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from checks.apply.forecast import import_blocks
from checks.apply.forecast.findings import cleanup_selection, forecast_findings
from checks.apply.forecast.model import (
    Collision,
    Forecast,
    ForecastWarning,
    NotChecked,
    ProtectedResource,
    QuotaNeed,
    SavedReview,
)
from checks.apply.plan.model import Plan
from checks.finding import CheckState, CopyText, Finding, OpenStep, RunCommand

ROLE = Collision(
    address='module.k8s.aws_iam_role.node["a"]',
    type="aws_iam_role",
    name="node",
    existing="arn:aws:iam::1:role/node",
    fixes=("adopt", "delete", "rename", "stop"),
    import_id="node",
    guide=("2.1",),
    location="modules/k8s/iam.tf:12",
)


def findings(folder: Path = Path("/p/terraform"), **forecast: object) -> dict[str, Finding]:
    review = SavedReview(
        plan_sha256="",
        created_at=0.0,
        folder="/p/terraform",
        workspace="",
        plan=Plan(terraform="1.11.4", format="1.2", changes=()),
        forecast=Forecast(**forecast),  # type: ignore[arg-type]
    )
    if folder.exists():
        import_blocks.write_import_blocks(folder, review, import_blocks.select_imports(review, [ROLE.address]))
    return {one.id: one for one in forecast_findings(review, folder)}


def test_a_collision_has_its_fixes() -> None:
    found = findings(collisions=(ROLE,))[f"apply.{ROLE.id}"]
    assert (found.state, found.guide) == (CheckState.BLOCKED, ("2.1",))
    assert found.summary == "iam role node exists already"
    fixes = {fix.id: fix.action for fix in found.fixes}
    assert fixes["apply.adopt"] == RunCommand(argv=("ecotui", "adopt", "--write", ROLE.address))
    assert fixes["apply.cleanup"] == OpenStep(
        step="cleanup", select=("iam-role:arn:aws:iam::1:role/node", "iam-role:node")
    )
    assert fixes["apply.rename"] == CopyText(text="/p/terraform/modules/k8s/iam.tf:12")
    anyway = fixes["apply.anyway"]
    assert isinstance(anyway, CopyText)
    assert f"{ROLE.id}=REASON" in anyway.text


def test_a_collision_with_an_import_block_asks_for_a_new_plan(tmp_path: Path) -> None:
    found = findings(tmp_path, collisions=(ROLE,))[f"apply.{ROLE.id}"]
    assert "plan again" in found.summary
    assert [(fix.id, fix.recommended) for fix in found.fixes] == [
        ("apply.plan", True),
        ("apply.unadopt", False),
    ]


def test_a_resource_of_another_account_can_only_be_renamed() -> None:
    theirs = Collision(
        address="aws_s3_bucket.i",
        type="aws_s3_bucket",
        name="i",
        existing="arn:aws:s3:::i, which belongs to another account",
        fixes=("rename", "stop"),
        location="s3.tf:1",
    )
    (found,) = findings(collisions=(theirs,)).values()
    assert [fix.id for fix in found.fixes] == ["apply.rename", "apply.anyway", "apply.plan"]


def test_a_resource_marked_as_deleted_can_be_restored() -> None:
    secret = Collision(
        address="aws_secretsmanager_secret.s",
        type="aws_secretsmanager_secret",
        name="s",
        existing="arn:s (scheduled for deletion)",
        fixes=("restore", "rename", "stop"),
        restore=("aws", "secretsmanager", "restore-secret", "--secret-id", "s"),
    )
    (found,) = findings(collisions=(secret,)).values()
    assert found.fixes[0].command == "aws secretsmanager restore-secret --secret-id s"


def test_a_quota_that_is_too_small_leads_to_the_quotas() -> None:
    need = QuotaNeed(
        code="L-1216C47A",
        service="ec2",
        title="vCPUs",
        limit=16.0,
        used=0.0,
        needed=26.0,
        state=CheckState.BLOCKED,
    )
    (found,) = findings(quotas=(need,)).values()
    assert "10 too few" in found.summary
    assert found.fixes[0].action == OpenStep(step="quota")


def test_denied_checks_are_grouped_by_the_missing_action() -> None:
    denied = [
        NotChecked(what=f"name {n}", why="not allowed", address=f"aws_x.{n}", denied=(action,), failed=True)
        for action, n in (("iam:ListRoles", 1), ("iam:ListRoles", 2), ("ec2:DescribeVpcs", 3))
    ]
    found = findings(not_checked=tuple(denied))
    assert set(found) == {"apply.unlooked:iam:ListRoles", "apply.unlooked:ec2:DescribeVpcs"}
    assert all(one.state is CheckState.UNKNOWN and one.denied for one in found.values())
    assert "and 1 more" in found["apply.unlooked:iam:ListRoles"].summary


def test_what_is_known_after_the_apply_is_a_warning_with_a_fact_for_each_resource() -> None:
    late = tuple(
        NotChecked(what="name", why="its name is known only after the apply", address=f"aws_x.{n}") for n in range(3)
    )
    (found,) = findings(not_checked=late).values()
    assert (found.id, found.state) == ("apply.unknowable", CheckState.WARN)
    assert [fact.label for fact in found.facts] == ["aws_x.0", "aws_x.1", "aws_x.2"]


def test_a_warning_is_a_finding_of_its_own() -> None:
    (found,) = findings(warnings=(ForecastWarning(what="the credentials end too early", why="in 3 min"),)).values()
    assert found.state is CheckState.WARN


def test_hundreds_of_collisions_do_not_become_hundreds_of_findings() -> None:
    many = tuple(
        Collision(address=f"aws_iam_role.r[{n}]", type="aws_iam_role", name=f"r{n}", existing="x", fixes=())
        for n in range(300)
    )
    found = findings(collisions=many)
    assert len(found) == 41
    assert "260 more" in found["apply.collisions"].summary


def test_the_cleanup_selection_has_kinds_with_ids_names_and_arns() -> None:
    distribution = Collision(
        address="aws_cloudfront_distribution.d",
        type="aws_cloudfront_distribution",
        name="cdn.example.com",
        existing="distribution E1 (d1.cloudfront.net)",
        fixes=("adopt", "delete", "rename", "stop"),
        import_id="E1",
    )
    assert cleanup_selection([distribution]) == ("cloudfront:E1", "cloudfront:cdn.example.com")
    # A table is no leftover that the cleanup step looks for, and what cannot be deleted is not offered.
    table = msgspec.structs.replace(distribution, type="aws_dynamodb_table")
    theirs = msgspec.structs.replace(distribution, fixes=("rename", "stop"))
    assert cleanup_selection([table, theirs]) == ()


@pytest.mark.parametrize(
    ("type_", "existing", "import_id", "line"),
    [
        (
            "aws_ecr_repository",
            "arn:aws:ecr:eu-west-1:1:repository/team/web",
            "team/web",
            "aws ecr delete-repository --repository-name team/web --region eu-west-1",
        ),
        ("aws_iam_user", "arn:aws:iam::1:user/Robot", "Robot", "aws iam delete-user --user-name Robot"),
        ("aws_sqs_queue", "x", "https://sqs/1/a b", "aws sqs delete-queue --queue-url 'https://sqs/1/a b'"),
        ("aws_db_instance", "arn:aws:rds:eu-west-1:1:db:a", "a", ""),
    ],
)
def test_a_type_without_a_leftover_kind_is_deleted_by_hand_unless_it_holds_data(
    type_: str, existing: str, import_id: str, line: str
) -> None:
    one = msgspec.structs.replace(ROLE, type=type_, existing=existing, import_id=import_id, name="robot")
    fixes = {fix.id: fix.action for fix in findings(collisions=(one,))[f"apply.{one.id}"].fixes}
    assert "apply.cleanup" not in fixes
    assert fixes.get("apply.delete") == (CopyText(text=line) if line else None)


def test_a_resource_with_an_import_block_is_never_offered_for_deletion() -> None:
    policy = msgspec.structs.replace(ROLE, address="aws_iam_policy.p", type="aws_iam_policy", name="p")
    assert cleanup_selection([ROLE, policy], {ROLE.address}) == cleanup_selection([policy])


def test_a_protected_resource_is_blocked_with_the_line_to_change(tmp_path: Path) -> None:
    bucket = ProtectedResource(
        address="aws_s3_bucket.i",
        type="aws_s3_bucket",
        name="images",
        why="3 objects or versions; empty it",
        replaced=True,
        location="s3.tf:2",
    )
    found = findings(tmp_path / "none", protected=(bucket,))["apply.destroy:aws_s3_bucket.i"]
    assert found.state is CheckState.BLOCKED
    assert found.summary == "s3 bucket images cannot be replaced: 3 objects or versions; empty it"
    assert [fix.id for fix in found.fixes] == ["apply.edit", "apply.anyway", "apply.plan"]
    assert Forecast(protected=(bucket,)).blocking_ids == ("destroy:aws_s3_bucket.i",)
