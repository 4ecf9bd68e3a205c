"""The cleanup against an AWS API: what is found, what goes, and what never goes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.cleanup import InstantClock, post, replace_deletion
from support.deletion import (
    CLEANUP,
    DOCUMENT,
    KEYS,
    OURS,
    TRUST,
    create_attached_policy,
    create_versioned_bucket,
    distribution,
    empty_account_context,
    list_no_identities,
    roles,
    rows,
)

from checks.cleanup.approval import Approval, build_approval
from checks.cleanup.check import check, check_with_detail
from checks.cleanup.deletion import MAX_REFUSALS, Deletion
from checks.cleanup.kinds import KINDS_BY_ID, s3
from checks.cleanup.leftover_kind import ResourceInUse
from checks.cleanup.model import CleanupDetail, DeletionProgress, DeletionState
from checks.cleanup.ownership import KnownResources
from checks.context import CheckContext
from checks.finding import CheckState


@pytest.fixture
def context(moto_endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CheckContext:
    return empty_account_context(moto_endpoint, tmp_path, monkeypatch)


def delete(
    context: CheckContext, keys: list[str] | None = None, *, meanwhile: Callable[[DeletionProgress], None] | None = None
) -> tuple[dict[str, tuple[DeletionState, str]], list[DeletionProgress]]:
    """Approve (everything preselected, or these keys) and delete, on a clock that does not wait."""
    _, detail = check_with_detail(context)
    chosen = keys if keys is not None else [one.key for one in detail.resources if one.preselected]
    heard: list[DeletionProgress] = []

    def tell(progress: DeletionProgress) -> None:
        heard.append(progress)
        if meanwhile:
            meanwhile(progress)

    run = Deletion(
        context.aws,
        build_approval(detail, chosen),
        context.settings.cleanup,
        KnownResources(),
        tell,
        clock=InstantClock(),
    )
    return dict(run.run()), heard


def test_an_empty_account_is_ok_when_every_kind_was_checked(context: CheckContext) -> None:
    context.aws.client("cloudfront").meta.events.register(
        "before-call.cloudfront.ListCloudFrontOriginAccessIdentities", list_no_identities
    )
    report = check(context)
    assert report.state is CheckState.OK, report.findings
    assert [finding.id for finding in report.findings] == ["cleanup.leftovers"]


def refuse(**_: Any) -> Any:
    from botocore.awsrequest import AWSResponse

    answer = {
        "Error": {
            "Code": "AccessDenied",
            "Message": "User: arn:aws:iam::123456789012:user/x is not authorized to perform: iam:ListPolicies",
        },
        "ResponseMetadata": {"HTTPStatusCode": 403},
    }
    return AWSResponse("", 403, {}, None), answer


def test_a_denied_list_is_unknown_with_its_action_and_the_other_kinds_are_checked(context: CheckContext) -> None:
    context.aws.client("ec2").import_key_pair(KeyName="k8s-cluster-key", PublicKeyMaterial=KEYS[0].encode())
    context.aws.client("iam").meta.events.register("before-call.iam.ListPolicies", refuse)
    report = check(context)
    by_id = {finding.id: finding for finding in report.findings}
    assert by_id["cleanup.look.iam-policy"].state is CheckState.UNKNOWN
    assert by_id["cleanup.look.iam-policy"].denied == ("iam:ListPolicies",)
    assert by_id["cleanup.key-pair"].state is CheckState.BLOCKED
    assert by_id["cleanup.key-pair"].guide == ("4.1",)
    assert "cleanup.leftovers" not in by_id


def test_another_account_than_the_settings_name_is_not_checked(context: CheckContext) -> None:
    create_attached_policy(context)
    settings = msgspec.structs.replace(
        context.settings, aws=msgspec.structs.replace(context.settings.aws, account="999999999999")
    )
    report = check(CheckContext(settings=settings, project=context.project, env=context.env))
    assert [finding.id for finding in report.findings] == ["cleanup.account"]
    assert report.state is CheckState.BLOCKED


def test_a_policy_is_detached_and_deleted_with_its_versions(context: CheckContext) -> None:
    arn = create_attached_policy(context)
    outcome, _ = delete(context)
    assert outcome == {f"iam-policy:{arn}": (DeletionState.GONE, "gone")}
    iam = context.aws.client("iam")
    assert iam.list_policies(Scope="Local")["Policies"] == []
    assert iam.get_role(RoleName="somebodys-role")
    assert iam.get_user(UserName="somebody")
    assert iam.get_group(GroupName="somebodies")


def test_a_bucket_is_deleted_with_versions_markers_and_uploads_although_versioning_is_off(
    context: CheckContext,
) -> None:
    create_versioned_bucket(context)
    outcome, _ = delete(context)
    assert outcome["s3-bucket:prod-sesacthon-images"][0] is DeletionState.GONE
    assert context.aws.client("s3").list_buckets()["Buckets"] == []


def test_a_bucket_with_object_lock_fails_with_that_reason(context: CheckContext) -> None:
    client = context.aws.client("s3")
    name = "prod-sesacthon-locked"
    client.create_bucket(
        Bucket=name,
        CreateBucketConfiguration={"LocationConstraint": "ap-northeast-2"},
        ObjectLockEnabledForBucket=True,
    )
    client.put_bucket_tagging(Bucket=name, Tagging={"TagSet": OURS})
    client.put_object(Bucket=name, Key="k", Body=b"1")
    client.put_object_legal_hold(Bucket=name, Key="k", LegalHold={"Status": "ON"})
    outcome, _ = delete(context)
    state, message = outcome[f"s3-bucket:{name}"]
    assert state is DeletionState.FAILED
    assert "object lock keeps 1 version" in message


def test_a_distribution_is_disabled_and_deleted_before_its_bucket_while_others_are_deleted(
    context: CheckContext, moto_endpoint: str
) -> None:
    transition = {"progression": "manual", "times": 12}
    post(
        f"{moto_endpoint}/moto-api/state-manager/set-transition",
        {"model_name": "cloudfront::distribution", "transition": transition},
    )
    try:
        id = distribution(context)
        create_versioned_bucket(context)
        arn = create_attached_policy(context)
        outcome, heard = delete(context)
    finally:
        post(
            f"{moto_endpoint}/moto-api/state-manager/unset-transition",
            {"model_name": "cloudfront::distribution"},
        )
    assert {state for state, _ in outcome.values()} == {DeletionState.GONE}
    gone = [one.item for one in heard if one.state == "gone"]
    assert gone.index(f"iam-policy:{arn}") < gone.index(f"cloudfront:{id}")
    assert gone.index(f"cloudfront:{id}") < gone.index("s3-bucket:prod-sesacthon-images")
    assert any("InProgress" in one.message for one in heard if one.item == f"cloudfront:{id}")
    assert heard[-1].counts == {"waiting": 0, "deleting": 0, "failed": 0, "skipped": 0, "gone": 3}


def test_an_instance_profile_is_deleted_before_its_role(context: CheckContext) -> None:
    roles(context)
    order = [one.key for one in rows(context).resources]
    assert order.index("instance-profile:prod-sesacthon-node") < order.index("iam-role:prod-sesacthon-node")
    outcome, _ = delete(context)
    assert {state for state, _ in outcome.values()} == {DeletionState.GONE}


def test_a_rule_that_names_a_deleted_group_does_not_block_a_security_group(
    context: CheckContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two groups that name each other are deleted side by side: one may find the other gone when it drops its rule."""
    from botocore.exceptions import ClientError

    ec2 = context.aws.client("ec2")
    group = ec2.create_security_group(
        GroupName="prod-sesacthon-a",
        Description="x",
        TagSpecifications=[{"ResourceType": "security-group", "Tags": OURS}],
    )["GroupId"]
    ec2.authorize_security_group_ingress(
        GroupId=group,
        IpPermissions=[{"IpProtocol": "tcp", "FromPort": 1, "ToPort": 2, "UserIdGroupPairs": [{"GroupId": group}]}],
    )
    asked = []

    def overtaken(**_: object) -> None:
        asked.append("revoke")
        raise ClientError({"Error": {"Code": "InvalidGroup.NotFound", "Message": "sg-gone"}}, "Revoke")

    monkeypatch.setattr(ec2, "revoke_security_group_ingress", overtaken)
    outcome, _ = delete(context)
    assert asked
    assert {state for state, _ in outcome.values()} == {DeletionState.GONE}


def test_security_groups_that_name_each_other_are_deleted(context: CheckContext) -> None:
    ec2 = context.aws.client("ec2")
    ids = [
        ec2.create_security_group(
            GroupName=f"prod-sesacthon-{name}",
            Description="x",
            TagSpecifications=[{"ResourceType": "security-group", "Tags": OURS}],
        )["GroupId"]
        for name in "ab"
    ]
    for one, other in (ids, ids[::-1]):
        ec2.authorize_security_group_ingress(
            GroupId=one,
            IpPermissions=[{"IpProtocol": "tcp", "FromPort": 1, "ToPort": 2, "UserIdGroupPairs": [{"GroupId": other}]}],
        )
    outcome, _ = delete(context)
    assert {state for state, _ in outcome.values()} == {DeletionState.GONE}
    assert {group["GroupName"] for group in ec2.describe_security_groups()["SecurityGroups"]} == {"default"}


def test_a_refusal_during_which_its_blocker_was_deleted_is_not_final(
    context: CheckContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    ec2 = context.aws.client("ec2")
    for name, key in zip(("prod-sesacthon-first", "prod-sesacthon-second"), KEYS, strict=True):
        ec2.import_key_pair(
            KeyName=name,
            PublicKeyMaterial=key.encode(),
            TagSpecifications=[{"ResourceType": "key-pair", "Tags": OURS}],
        )
    really, tries, second_went = KINDS_BY_ID["key-pair"].delete, {"first": 0, "second": 0}, threading.Event()

    def entangled(asking: Any, seen: Any, task: Any) -> None:
        name = seen.name.rpartition("-")[2]
        tries[name] += 1
        if tries[name] < MAX_REFUSALS:
            raise ResourceInUse("the other one holds it")
        if name == "first" and tries[name] == MAX_REFUSALS:
            # AWS answers late: by now the other one has gone.
            assert second_went.wait(10)
            raise ResourceInUse("the other one holds it")
        really(asking, seen, task)

    def hear(progress: DeletionProgress) -> None:
        if progress.state == "gone":
            second_went.set()

    replace_deletion(monkeypatch, "key-pair", entangled)
    outcome, _ = delete(context, meanwhile=hear)
    assert {state for state, _ in outcome.values()} == {DeletionState.GONE}
    assert tries == {"first": MAX_REFUSALS + 1, "second": MAX_REFUSALS}


def test_foreign_and_protected_resources_are_never_deleted(context: CheckContext) -> None:
    iam, client = context.aws.client("iam"), context.aws.client("s3")
    create_attached_policy(context)
    iam.create_policy(PolicyName="billing", PolicyDocument=DOCUMENT)
    iam.create_policy(PolicyName="prod-sesacthon-keep", PolicyDocument=DOCUMENT, Tags=OURS)
    iam.create_role(
        RoleName="AWSServiceRoleForX", Path="/aws-service-role/x/", AssumeRolePolicyDocument=TRUST, Tags=OURS
    )
    (context.terraform_folder / "main.tf").write_text(
        'terraform {\n backend "s3" {\n  bucket = "prod-sesacthon-tf"\n }\n}'
    )
    for name in ("prod-sesacthon-tf", "prod-sesacthon-other-state"):
        client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "ap-northeast-2"})
        client.put_bucket_tagging(Bucket=name, Tagging={"TagSet": OURS})
        client.put_object(Bucket=name, Key="prod/terraform.tfstate", Body=b"{}")
    listed = {one.key: one for one in rows(context).resources}
    assert listed["s3-bucket:prod-sesacthon-tf"].protected
    assert listed["s3-bucket:prod-sesacthon-other-state"].protected
    assert not any("billing" in key or "AWSServiceRole" in key for key in listed)
    delete(context)
    left = {policy["PolicyName"] for policy in iam.list_policies(Scope="Local")["Policies"]}
    assert left == {"billing", "prod-sesacthon-keep"}
    assert len(client.list_buckets()["Buckets"]) == 2
    assert iam.get_role(RoleName="AWSServiceRoleForX")


def test_a_resource_that_changed_since_its_approval_is_skipped(context: CheckContext) -> None:
    ec2 = context.aws.client("ec2")
    ec2.import_key_pair(KeyName="k8s-cluster-key", PublicKeyMaterial=KEYS[0].encode())
    arn = create_attached_policy(context)
    _, detail = check_with_detail(context)
    approval = build_approval(detail, ["key-pair:k8s-cluster-key", f"iam-policy:{arn}"])
    ec2.delete_key_pair(KeyName="k8s-cluster-key")
    ec2.import_key_pair(KeyName="k8s-cluster-key", PublicKeyMaterial=KEYS[1].encode())
    context.aws.client("iam").create_user(UserName="newcomer")
    context.aws.client("iam").attach_user_policy(UserName="newcomer", PolicyArn=arn)
    outcome = Deletion(context.aws, approval, CLEANUP, KnownResources(), lambda _: None, clock=InstantClock()).run()
    assert outcome["key-pair:k8s-cluster-key"][0] is DeletionState.SKIPPED
    assert outcome[f"iam-policy:{arn}"][0] is DeletionState.SKIPPED
    assert "user newcomer" in outcome[f"iam-policy:{arn}"][1]
    assert len(ec2.describe_key_pairs()["KeyPairs"]) == 1


def approve_bucket(context: CheckContext, *, objects: int) -> Approval:
    create_versioned_bucket(context, objects=objects)
    _, detail = check_with_detail(context)
    return build_approval(detail, ["s3-bucket:prod-sesacthon-images"])


@pytest.mark.parametrize("objects", [0, 3])
def test_a_bucket_that_holds_more_than_at_its_approval_is_not_emptied(context: CheckContext, objects: int) -> None:
    approval, s3_client = approve_bucket(context, objects=objects), context.aws.client("s3")
    for number in range(30):
        s3_client.put_object(Bucket="prod-sesacthon-images", Key=f"new-{number}", Body=b"1")
    before = len(s3_client.list_object_versions(Bucket="prod-sesacthon-images")["Versions"])
    outcome = Deletion(context.aws, approval, CLEANUP, KnownResources(), lambda _: None, clock=InstantClock()).run()
    state, message = outcome["s3-bucket:prod-sesacthon-images"]
    assert state is DeletionState.SKIPPED
    assert message.startswith(f"holds more than when it was approved: {before} versions")
    assert message.endswith(f"; {2 * objects} then")
    assert len(s3_client.list_object_versions(Bucket="prod-sesacthon-images")["Versions"]) == before


def test_a_bucket_that_outgrew_a_page_of_its_listing_since_its_approval_is_not_emptied(
    context: CheckContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "DELETE_BATCH_SIZE", 10)
    approval, s3_client = approve_bucket(context, objects=3), context.aws.client("s3")
    for number in range(30):
        s3_client.put_object(Bucket="prod-sesacthon-images", Key=f"a-{number}", Body=b"1")
    outcome = Deletion(context.aws, approval, CLEANUP, KnownResources(), lambda _: None, clock=InstantClock()).run()
    assert outcome["s3-bucket:prod-sesacthon-images"][0] is DeletionState.SKIPPED
    assert "10+ versions" in outcome["s3-bucket:prod-sesacthon-images"][1]


def test_a_bucket_that_holds_less_than_at_its_approval_is_deleted(context: CheckContext) -> None:
    approval, s3_client = approve_bucket(context, objects=3), context.aws.client("s3")
    version = s3_client.list_object_versions(Bucket="prod-sesacthon-images")["Versions"][0]
    s3_client.delete_object(Bucket="prod-sesacthon-images", Key=version["Key"], VersionId=version["VersionId"])
    outcome = Deletion(context.aws, approval, CLEANUP, KnownResources(), lambda _: None, clock=InstantClock()).run()
    assert outcome["s3-bucket:prod-sesacthon-images"][0] is DeletionState.GONE


@pytest.mark.parametrize("denied_first", [True, False])
def test_a_bucket_whose_content_could_not_be_counted_is_not_emptied(context: CheckContext, denied_first: bool) -> None:
    """At the approval, or right before the deletion: what is in it is not known, so it is not what was approved."""
    events = context.aws.client("s3").meta.events
    create_versioned_bucket(context)
    if denied_first:
        events.register("before-call.s3.ListObjectVersions", refuse)
    _, detail = check_with_detail(context)
    approval = build_approval(detail, ["s3-bucket:prod-sesacthon-images"])
    if denied_first:
        events.unregister("before-call.s3.ListObjectVersions", refuse)
    else:
        events.register("before-call.s3.ListObjectVersions", refuse)
    aborted: list[object] = []
    events.register("before-call.s3.AbortMultipartUpload", lambda **_: aborted.append(1))
    try:
        outcome = Deletion(context.aws, approval, CLEANUP, KnownResources(), lambda _: None, clock=InstantClock()).run()
    finally:
        events.unregister("before-call.s3.ListObjectVersions", refuse)
    state, message = outcome["s3-bucket:prod-sesacthon-images"]
    assert state is DeletionState.SKIPPED
    assert "could not be counted" in message
    assert aborted == []


@pytest.mark.parametrize("entity", ["role", "user", "group"])
def test_a_policy_that_gains_a_user_after_its_last_check_is_not_detached(context: CheckContext, entity: str) -> None:
    arn, iam = create_attached_policy(context), context.aws.client("iam")
    attached: list[str] = []

    def attach(progress: DeletionProgress) -> None:
        if progress.state == "deleting" and not attached:
            attached.append(entity)
            if entity == "role":
                iam.create_role(RoleName="newcomer", AssumeRolePolicyDocument=TRUST)
            elif entity == "user":
                iam.create_user(UserName="newcomer")
            else:
                iam.create_group(GroupName="newcomer")
            getattr(iam, f"attach_{entity}_policy")(**{f"{entity.capitalize()}Name": "newcomer", "PolicyArn": arn})

    outcome, _ = delete(context, meanwhile=attach)
    state, message = outcome[f"iam-policy:{arn}"]
    assert attached
    assert state is DeletionState.SKIPPED
    assert f"{entity} newcomer" in message
    users = iam.list_entities_for_policy(PolicyArn=arn)
    assert len(users["PolicyRoles"] + users["PolicyUsers"] + users["PolicyGroups"]) == 4


def test_a_role_that_enters_a_profile_after_its_last_check_is_not_removed_from_it(context: CheckContext) -> None:
    iam = context.aws.client("iam")
    iam.create_role(RoleName="prod-sesacthon-node", AssumeRolePolicyDocument=TRUST, Tags=OURS)
    iam.create_instance_profile(InstanceProfileName="newcomer", Tags=[{"Key": "Project", "Value": "Other"}])
    added: list[str] = []

    def add(progress: DeletionProgress) -> None:
        if progress.state == "deleting" and not added:
            added.append(progress.item)
            iam.add_role_to_instance_profile(InstanceProfileName="newcomer", RoleName="prod-sesacthon-node")

    outcome, _ = delete(context, ["iam-role:prod-sesacthon-node"], meanwhile=add)
    state, message = outcome["iam-role:prod-sesacthon-node"]
    assert added
    assert state is DeletionState.SKIPPED
    assert "instance profile newcomer" in message
    (role,) = iam.get_instance_profile(InstanceProfileName="newcomer")["InstanceProfile"]["Roles"]
    assert role["RoleName"] == "prod-sesacthon-node"


def test_an_interrupted_deletion_is_finished_by_the_next(
    context: CheckContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Like a kill: the first run dies with a policy half detached and a bucket half empty."""
    monkeypatch.setattr(s3, "DELETE_BATCH_SIZE", 2)
    arn = create_attached_policy(context)
    create_versioned_bucket(context)
    roles(context)
    _, detail = check_with_detail(context)
    approval = build_approval(detail, [one.key for one in detail.resources if one.preselected])
    events, sent = context.aws.client("iam").meta.events, []

    def dies(**call: Any) -> None:
        sent.append(call)
        raise KeyboardInterrupt

    events.register("after-call.iam.DetachRolePolicy", dies)
    first = Deletion(context.aws, approval, CLEANUP, KnownResources(), lambda _: None, clock=InstantClock())
    with pytest.raises(KeyboardInterrupt):
        first.run()
    assert sent
    events.unregister("after-call.iam.DetachRolePolicy", dies)
    outcome = Deletion(context.aws, approval, CLEANUP, KnownResources(), lambda _: None, clock=InstantClock()).run()
    assert {state for state, _ in outcome.values()} == {DeletionState.GONE}
    assert arn in "".join(outcome)
    assert not [one for one in rows(context).resources if one.deletable]


def test_a_stopped_deletion_deletes_nothing_more(context: CheckContext) -> None:
    create_attached_policy(context)
    create_versioned_bucket(context)
    _, detail = check_with_detail(context)
    stopping = threading.Event()
    stopping.set()
    run = Deletion(
        context.aws,
        build_approval(detail, [one.key for one in detail.resources]),
        CLEANUP,
        KnownResources(),
        lambda _: None,
        clock=InstantClock(),
        stop_event=stopping,
    )
    assert {state for state, _ in run.run().values()} == {DeletionState.WAITING}
    assert len([one for one in rows(context).resources if one.deletable]) == 2


# The command line.


def test_an_answer_that_is_not_from_aws_makes_its_kind_unknown_and_the_others_are_checked(
    context: CheckContext,
) -> None:
    """A proxy's page, or a service that breaks: it used to end the whole look."""
    from botocore.parsers import ResponseParserError

    def page(**_: Any) -> None:
        raise ResponseParserError("Unable to parse response, invalid XML received")

    events = context.aws.client("ec2").meta.events
    events.register("before-call.ec2.DescribeVolumes", page)
    try:
        report = check(context)
    finally:
        events.unregister("before-call.ec2.DescribeVolumes", page)
    told = [finding for finding in report.findings if finding.state is CheckState.UNKNOWN]
    assert any("is not one of AWS" in finding.summary for finding in told), report.findings
    assert msgspec.convert(report.detail, type=CleanupDetail).resources is not None
