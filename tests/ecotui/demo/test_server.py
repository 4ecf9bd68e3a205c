"""The demo's world: what its AWS adds to moto, the broken beginning, and that it leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from ecotui.demo import seed
from ecotui.demo.process import Demo, run_demo

pytestmark = pytest.mark.world

SPEED = 40.0
VCPUS = {"ServiceCode": "ec2", "QuotaCode": "L-1216C47A"}


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    with run_demo(speed=SPEED) as world:
        yield world


@pytest.fixture(scope="module")
def client(demo: Demo) -> Callable[..., Any]:
    def make(service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=demo.env["AWS_ENDPOINT_URL"],
            region_name=seed.REGION,
            aws_access_key_id="AKIAEXAMPLE",
            aws_secret_access_key="example",
        )

    return make


def refusal(call: Callable[..., Any], **arguments: Any) -> dict[str, str]:
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return dict(refused.value.response["Error"])


def soon(true: Callable[[], bool], seconds: float = 10.0) -> bool:
    until = time.monotonic() + seconds
    while not true():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def test_instances_over_the_vcpu_limit_are_refused_in_the_words_of_ec2(client: Any) -> None:
    error = refusal(
        client("ec2").run_instances,
        ImageId="ami-0e4d6d5e0d1b0c22a",
        InstanceType="t3a.large",
        MinCount=9,
        MaxCount=9,
    )
    assert error["Code"] == "VcpuLimitExceeded"
    assert "your current vCPU limit of 16 allows" in error["Message"]


def test_a_quota_request_is_pending_then_a_case_then_approved(client: Any) -> None:
    quotas = client("service-quotas")
    assert quotas.get_service_quota(**VCPUS)["Quota"]["Value"] == 16

    asked = quotas.request_service_quota_increase(**VCPUS, DesiredValue=32)["RequestedQuota"]
    assert asked["Status"] == "PENDING"
    second = refusal(quotas.request_service_quota_increase, **VCPUS, DesiredValue=64)
    assert second == {
        "Code": "ResourceAlreadyExistsException",
        "Message": "Only one open service quota increase request is allowed per quota.",
    }

    def history() -> list[dict[str, Any]]:
        answer = quotas.list_requested_service_quota_change_history_by_quota(**VCPUS)
        return list(answer["RequestedQuotas"])

    assert soon(lambda: history()[0]["Status"] == "CASE_OPENED")
    assert history()[0]["CaseId"]
    assert quotas.get_service_quota(**VCPUS)["Quota"]["Value"] == 16
    assert soon(lambda: history()[0]["Status"] == "APPROVED")
    assert quotas.get_service_quota(**VCPUS)["Quota"]["Value"] == 32
    assert quotas.get_aws_default_service_quota(**VCPUS)["Quota"]["Value"] == 16


def test_a_smaller_quota_than_the_present_one_cannot_be_asked_for(client: Any) -> None:
    error = refusal(
        client("service-quotas").request_service_quota_increase,
        ServiceCode="vpc",
        QuotaCode="L-F678F1CE",
        DesiredValue=2,
    )
    assert error["Code"] == "IllegalArgumentException"


def test_the_operator_is_a_user_of_the_account_with_the_alias(demo: Demo) -> None:
    session = boto3.Session(
        aws_access_key_id=_credentials(demo)["aws_access_key_id"],
        aws_secret_access_key=_credentials(demo)["aws_secret_access_key"],
        region_name=seed.REGION,
    )
    endpoint = demo.env["AWS_ENDPOINT_URL"]
    arn = session.client("sts", endpoint_url=endpoint).get_caller_identity()["Arn"]
    assert arn == "arn:aws:iam::123456789012:user/operator"
    aliases = session.client("iam", endpoint_url=endpoint).list_account_aliases()["AccountAliases"]
    assert aliases == [seed.ACCOUNT_ALIAS]


def _credentials(demo: Demo) -> dict[str, str]:
    import configparser

    parser = configparser.ConfigParser()
    parser.read(demo.env["AWS_SHARED_CREDENTIALS_FILE"])
    return dict(parser[demo.env["AWS_PROFILE"]])


def test_the_leftovers_collide_with_the_plan_and_the_foreign_things_are_there(client: Any) -> None:
    iam, s3, ec2 = client("iam"), client("s3"), client("ec2")
    policies = {policy["PolicyName"] for policy in iam.list_policies(Scope="Local")["Policies"]}
    assert policies == {*seed.POLICY_NAMES, seed.FOREIGN_RESOURCES["iam_policy"]}
    keys = {pair["KeyName"] for pair in ec2.describe_key_pairs()["KeyPairs"]}
    assert keys >= {
        seed.KEY_PAIR_NAME,
        seed.FOREIGN_RESOURCES["key_pair"],
        seed.FOREIGN_RESOURCES["similar_key_pair"],
    }
    # `s3 rm --recursive` would say that the bucket is empty of scan/0000.jpg; the versions say otherwise.
    versions = s3.list_object_versions(Bucket=seed.BUCKET_NAME)
    assert len(versions["Versions"]) == 12
    assert len(versions["DeleteMarkers"]) == 1
    assert len(s3.list_multipart_uploads(Bucket=seed.BUCKET_NAME)["Uploads"]) == 1
    assert refusal(s3.delete_bucket, Bucket=seed.BUCKET_NAME)["Code"] == "BucketNotEmpty"


def test_the_cleanup_finds_all_leftovers_and_nothing_foreign(demo: Demo) -> None:
    listed = subprocess.run(
        [sys.executable, "-P", "-m", "ecotui", "cleanup", "--json", "-C", str(demo.project)],
        env=demo.env,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert listed.returncode == 3, listed.stderr
    resources = json.loads(listed.stdout)["resources"]
    gone = {one["name"] for one in resources if one["action"] not in ("keep", "terraform-destroy")}
    assert gone == {
        *seed.POLICY_NAMES,
        seed.ROLE_NAME,
        seed.INSTANCE_PROFILE_NAME,
        seed.KEY_PAIR_NAME,
        seed.BUCKET_NAME,
        seed.ADDRESS_NAME,
        seed.VOLUME_NAME,
        "images.growbin.example",
    }
    assert not gone & set(seed.FOREIGN_RESOURCES.values())


def test_a_policy_in_use_cannot_be_deleted(client: Any) -> None:
    iam = client("iam")
    arns = {policy["PolicyName"]: policy["Arn"] for policy in iam.list_policies(Scope="Local")["Policies"]}
    attached = refusal(iam.delete_policy, PolicyArn=arns[seed.POLICY_NAMES[0]])
    assert attached["Code"] == "DeleteConflict"
    assert "attached" in attached["Message"]
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    own = iam.create_policy(PolicyName="two-versions", PolicyDocument=document)["Policy"]["Arn"]
    iam.create_policy_version(PolicyArn=own, PolicyDocument=document)
    assert "more than one version" in refusal(iam.delete_policy, PolicyArn=own)["Message"]
    iam.delete_policy_version(PolicyArn=own, VersionId="v2")
    iam.delete_policy(PolicyArn=own)


def test_the_old_distribution_is_deployed_enabled_and_changed_long_ago(client: Any) -> None:
    old = client("cloudfront").list_distributions()["DistributionList"]["Items"][0]
    assert (old["Status"], old["Enabled"]) == ("Deployed", True)
    assert time.time() - old["LastModifiedTime"].timestamp() > 86_400
    assert old["Aliases"]["Items"] == ["images.growbin.example"]


def _distribution(reference: str, *aliases: str, identity: str = "") -> dict[str, Any]:
    return {
        "CallerReference": reference,
        "Comment": reference,
        "Enabled": True,
        "Aliases": {"Quantity": len(aliases), "Items": list(aliases)},
        "Origins": {
            "Quantity": 1,
            "Items": [
                {
                    "Id": "bucket",
                    "DomainName": "some.s3.amazonaws.com",
                    "S3OriginConfig": {"OriginAccessIdentity": identity},
                }
            ],
        },
        "DefaultCacheBehavior": {"TargetOriginId": "bucket", "ViewerProtocolPolicy": "allow-all"},
    }


def test_a_distribution_can_be_deleted_only_when_disabled_and_deployed(client: Any) -> None:
    cloudfront = client("cloudfront")
    made = cloudfront.create_distribution(DistributionConfig=_distribution("life"))
    id = made["Distribution"]["Id"]
    assert made["Distribution"]["Status"] == "InProgress"
    assert refusal(cloudfront.delete_distribution, Id=id, IfMatch=made["ETag"])["Code"] == "DistributionNotDisabled"

    config = cloudfront.get_distribution_config(Id=id)
    disabled = {**config["DistributionConfig"], "Enabled": False}
    changed = cloudfront.update_distribution(Id=id, IfMatch=config["ETag"], DistributionConfig=disabled)
    assert changed["ETag"] != config["ETag"]
    assert changed["Distribution"]["Status"] == "InProgress"
    assert refusal(cloudfront.delete_distribution, Id=id, IfMatch=changed["ETag"])["Code"] == "DistributionNotDisabled"
    assert refusal(cloudfront.delete_distribution, Id=id, IfMatch=config["ETag"])["Code"] == "PreconditionFailed"

    assert soon(lambda: cloudfront.get_distribution(Id=id)["Distribution"]["Status"] == "Deployed")
    cloudfront.delete_distribution(Id=id, IfMatch=changed["ETag"])
    assert refusal(cloudfront.get_distribution, Id=id)["Code"] == "NoSuchDistribution"


def test_an_alias_belongs_to_one_distribution(client: Any) -> None:
    taken = _distribution("second", "images.growbin.example")
    cloudfront = client("cloudfront")
    error = refusal(cloudfront.create_distribution, DistributionConfig=taken)
    assert error["Code"] == "CNAMEAlreadyExists"
    # Through another one, CloudFront tells who has it, and hides the half of it.
    other = cloudfront.create_distribution(DistributionConfig=_distribution("third"))["Distribution"]["Id"]
    told = cloudfront.list_conflicting_aliases(DistributionId=other, Alias="images.growbin.example")
    (one,) = told["ConflictingAliasesList"]["Items"]
    assert (one["Alias"], one["AccountId"]) == ("images.growbin.example", "******789012")
    free = cloudfront.list_conflicting_aliases(DistributionId=other, Alias="free.growbin.example")
    assert free["ConflictingAliasesList"].get("Items", []) == []


def test_an_origin_access_identity_lives_as_at_aws(client: Any) -> None:
    cloudfront = client("cloudfront")
    made = cloudfront.create_cloud_front_origin_access_identity(
        CloudFrontOriginAccessIdentityConfig={"CallerReference": "own", "Comment": "images"}
    )
    id = made["CloudFrontOriginAccessIdentity"]["Id"]
    listed = cloudfront.list_cloud_front_origin_access_identities()["CloudFrontOriginAccessIdentityList"]
    assert id in [item["Id"] for item in listed["Items"]]
    config = cloudfront.get_cloud_front_origin_access_identity_config(Id=id)
    assert config["CloudFrontOriginAccessIdentityConfig"]["Comment"] == "images"

    path = f"origin-access-identity/cloudfront/{id}"
    user = cloudfront.create_distribution(DistributionConfig=_distribution("user", identity=path))
    origin = user["Distribution"]["DistributionConfig"]["Origins"]["Items"][0]
    assert origin["S3OriginConfig"] == {"OriginAccessIdentity": path}
    in_use = refusal(cloudfront.delete_cloud_front_origin_access_identity, Id=id, IfMatch=made["ETag"])
    assert in_use["Code"] == "CloudFrontOriginAccessIdentityInUse"
    assert refusal(cloudfront.get_cloud_front_origin_access_identity, Id="EGONE")["Code"] == (
        "NoSuchCloudFrontOriginAccessIdentity"
    )


def test_the_project_is_copied_and_the_key_is_the_owners_alone(demo: Demo) -> None:
    assert (demo.project / "ecotui.yaml").is_file()
    assert (demo.project / "terraform" / "nodes.tf").is_file()
    for path, mode in ((demo.root, 0o700), (demo.root / ".ssh" / "k8s-cluster-key", 0o600)):
        assert path.stat().st_mode & 0o777 == mode


def test_nothing_of_the_users_credentials_gets_into_the_world(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = {
        "AWS_ACCESS_KEY_ID": "AKIAUSER",
        "AWS_SESSION_TOKEN": "leak",
        "GH_TOKEN": "leak",
        "GITHUB_TOKEN": "leak",
        "KUBECONFIG": "leak",
        "TF_VAR_password": "leak",
        "SSH_AUTH_SOCK": "leak",
        "ALL_PROXY": "leak",
    }
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    from pathlib import Path

    from ecotui.demo import environment
    from ecotui.demo.home import DemoHome

    env = environment.base_environment(DemoHome(Path("/demo")))
    assert "leak" not in " ".join(env.values())
    assert "AWS_ACCESS_KEY_ID" not in env
    assert env["KUBECONFIG"] == "/demo/.kube/config"
    assert env["HOME"] == "/demo"


def test_the_home_and_every_process_in_it_are_gone_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ecotui.demo.process._SWEEP_TIMEOUT_SECONDS", 0.5)
    with run_demo(speed=SPEED) as world:
        stray = subprocess.Popen(
            [
                sys.executable,
                "-c",
                "import signal,time; signal.signal(signal.SIGINT, signal.SIG_IGN); time.sleep(60)",
            ],
            env=world.env,
            start_new_session=True,
        )
        time.sleep(0.2)
    assert not world.root.exists()
    assert not world.is_alive
    assert stray.wait(5) in (-signal.SIGKILL, -signal.SIGINT)


def test_the_world_ends_and_tidies_up_when_its_parent_is_killed(tmp_path: Any) -> None:
    home = tmp_path / "home"
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import subprocess, sys; w = subprocess.Popen([sys.executable, '-P', '-m', 'ecotui.demo.server',"
            f" '--home', {str(home)!r}, '--temporary'], stdin=subprocess.PIPE, start_new_session=True); w.wait()",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    for line in parent.stdout:
        if '"ready"' in line:
            break
    assert home.exists()
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    assert soon(lambda: not home.exists())
    parent.stdout.close()


def test_a_folder_that_holds_something_is_not_taken_as_a_home(tmp_path: Any) -> None:
    from ecotui.demo.process import DemoError

    (tmp_path / "mine.txt").write_text("keep me")
    with pytest.raises(DemoError, match="not empty"), run_demo(keep=tmp_path):
        pass
    assert (tmp_path / "mine.txt").read_text() == "keep me"
