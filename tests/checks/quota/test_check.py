"""The quota step: limits, use, need, requests, and the ways out, against moto's EC2 and scripted Service Quotas."""

from __future__ import annotations

import time

import msgspec
import pytest

from checks.context import CheckContext
from checks.finding import CheckState
from checks.quota import check as quota_check
from checks.quota import usage as quota_usage
from checks.quota.model import REQUEST_STATUS_MEANINGS, QuotaDetail, request_status_meaning
from config.model import (
    AwsSettings,
    CleanupSettings,
    NodeGroupSettings,
    NodesSettings,
    QuotaLimitSettings,
    QuotaSettings,
    Settings,
)

VCPU = QuotaLimitSettings(code="L-1216C47A", service="ec2", title="vCPUs", desired=32)
ADDRESS = QuotaLimitSettings(code="L-0263D0A3", service="ec2", title="Elastic IPs", needed=1)
VPC = QuotaLimitSettings(code="L-F678F1CE", service="vpc", title="VPCs", needed=1)
OTHER = QuotaLimitSettings(code="L-FFFFFFFF", service="ec2", title="Something else", needed=3)
GROUPS = (
    NodeGroupSettings(name="master", count=1, instance_type="t3a.large", pattern="k8s-master*"),
    NodeGroupSettings(name="api", count=6, instance_type="t3a.medium", pattern="k8s-api-*"),
    NodeGroupSettings(name="worker", count=2, instance_type="t3a.large", pattern="k8s-worker-*"),
    NodeGroupSettings(name="infrastructure", count=4, instance_type="t3a.medium", pattern="k8s-infra-*"),
)
DENIED = (400, {"__type": "AccessDeniedException", "message": "no"})


@pytest.fixture
def env(aws_env, scripted):
    scripted.answer("GetServiceQuota", {"Quota": {"Value": 16.0, "Adjustable": True, "QuotaName": "Q"}})
    scripted.answer("ListRequestedServiceQuotaChangeHistoryByQuota", {"RequestedQuotas": []})
    return {**aws_env, "AWS_ENDPOINT_URL_SERVICE_QUOTAS": scripted.endpoint}


@pytest.fixture
def world(env, tmp_path):
    def make(*limits, groups=GROUPS, tags=None, timeout=8.0, **more):
        settings = Settings(
            aws=AwsSettings(region="ap-northeast-2", timeout=timeout),
            quota=QuotaSettings(limits=limits or (VCPU,)),
            nodes=NodesSettings(groups=groups),
            cleanup=CleanupSettings(tags=tags or {}),
        )
        return CheckContext(settings=settings, project=tmp_path, env={**env, **more})

    return make


def limit_is(scripted, value, **more):
    scripted.answer("GetServiceQuota", {"Quota": {"Value": value, "Adjustable": True, **more}})


def requested(scripted, *statuses, desired=32.0):
    rows = [
        {"Id": f"r{n}", "Status": status, "DesiredValue": desired, "Created": 1000.0 + n}
        for n, status in enumerate(statuses)
    ]
    scripted.answer("ListRequestedServiceQuotaChangeHistoryByQuota", {"RequestedQuotas": rows})


def seen(where):
    report = quota_check.check(where)
    detail = msgspec.convert(report.detail, type=QuotaDetail)
    return report.findings[0], (detail.rows[0] if detail.rows else None)


def facts(finding):
    return {fact.label: fact.value for fact in finding.facts}


def start(where, type_, count=1, name="", **more):
    where.aws.client("ec2").run_instances(
        ImageId="ami-12c6146b",
        MinCount=count,
        MaxCount=count,
        InstanceType=type_,
        TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": name or "x"}]}],
        **more,
    )


def test_thirteen_nodes_need_26_vcpus_and_16_are_too_few(world):
    finding, row = seen(world())
    assert finding.id == "quota.vcpu"
    assert finding.state is CheckState.BLOCKED
    assert finding.summary == "vCPUs: 16 allowed, 0 in use, 26 needed: 10 too few."
    assert (row.limit, row.used, row.needed, row.left) == (16, 0, 26, 16)
    assert [(group.group, group.vcpus, group.needed) for group in row.by_group] == [
        ("master", 2, 2),
        ("api", 2, 12),
        ("worker", 2, 4),
        ("infrastructure", 2, 8),
    ]
    assert finding.guide == ("3.1",)
    request = finding.fixes[0]
    assert request.command == "ecotui quota --request L-1216C47A --value 32 --yes"
    assert "aws service-quotas request-service-quota-increase" in request.changes
    assert "--desired-value 32 --region ap-northeast-2" in request.changes


def test_a_limit_that_is_enough_is_ok(world, scripted):
    limit_is(scripted, 32.0)
    finding, row = seen(world())
    assert finding.state is CheckState.OK is row.state
    assert finding.summary == "vCPUs: 32 allowed, 0 in use, 26 needed: enough, 6 to spare."


def test_a_limit_that_is_just_enough_is_ok(world, scripted):
    limit_is(scripted, 26.0)
    assert seen(world())[0].state is CheckState.OK


def test_the_vcpus_of_other_instances_are_in_use(world, scripted):
    limit_is(scripted, 32.0)
    where = world()
    start(where, "m5.2xlarge")
    finding, row = seen(where)
    assert (row.used, row.needed) == (8, 26)
    assert finding.state is CheckState.BLOCKED and "2 too few" in finding.summary


def test_nodes_that_run_already_are_in_use_and_not_needed_again(world, scripted):
    limit_is(scripted, 26.0)
    where = world()
    start(where, "t3a.large", name="k8s-master")
    start(where, "t3a.medium", name="k8s-api-auth")
    finding, row = seen(where)
    assert (row.used, row.needed) == (4, 22)
    assert finding.state is CheckState.OK
    assert row.by_group[1].running == 1


def test_spot_stopped_and_other_families_do_not_count(world):
    where = world()
    start(where, "m5.large", InstanceMarketOptions={"MarketType": "spot"})
    start(where, "g4dn.xlarge")
    start(where, "t3a.large", name="stopped")
    ec2 = where.aws.client("ec2")
    for reservation in ec2.describe_instances(Filters=[{"Name": "tag:Name", "Values": ["stopped"]}])["Reservations"]:
        ec2.stop_instances(InstanceIds=[item["InstanceId"] for item in reservation["Instances"]])
    assert seen(where)[1].used == 0


def test_smaller_types_of_the_family_are_said_not_to_help(world):
    finding, _ = seen(world())
    assert "do not help" in facts(finding)["Smaller types"]
    assert "stays at 26" in facts(finding)["Smaller types"]
    assert not any(fix.id == "smaller" for fix in finding.fixes)


def test_smaller_types_are_offered_where_they_have_fewer_vcpus(world):
    groups = (NodeGroupSettings(name="api", count=5, instance_type="m5.2xlarge", pattern="api*"),)
    finding, _ = seen(world(groups=groups))
    fix = next(fix for fix in finding.fixes if fix.id == "smaller")
    assert "10 vCPUs instead of 40" in fix.title
    assert "m5.large" in fix.command


def test_how_many_nodes_fit_is_computed(world):
    finding, _ = seen(world())
    fix = next(fix for fix in finding.fixes if fix.id == "fewer")
    assert fix.title == "Run fewer nodes: 8 of 13 fit"
    assert facts(finding)["Fewer nodes"] == "8 of the 13 nodes that are to come fit in 16 vCPUs"


def test_an_instance_type_that_the_region_does_not_offer_blocks(world):
    groups = (NodeGroupSettings(name="api", count=1, instance_type="t9z.huge", pattern="api*"),)
    finding, row = seen(world(groups=groups))
    assert finding.state is CheckState.BLOCKED and "t9z.huge" in finding.summary
    assert row.by_group[0].vcpus is None


@pytest.mark.parametrize("status", ["PENDING", "CASE_OPENED"])
def test_an_open_request_turns_asking_into_waiting(world, scripted, status):
    requested(scripted, "DENIED", status)
    finding, row = seen(world())
    assert finding.fixes[0].id == "wait"
    assert not any(fix.id == "request" for fix in finding.fixes)
    assert finding.guide[0] == "3.2"
    assert status in finding.summary and REQUEST_STATUS_MEANINGS[status] in finding.summary
    assert row.requests[0].status == status


def test_an_open_request_for_too_little_is_said(world, scripted):
    requested(scripted, "PENDING", desired=20.0)
    assert "still be too few: 26" in seen(world())[0].summary


@pytest.mark.parametrize("status", ["DENIED", "CASE_CLOSED", "NOT_APPROVED", "INVALID_REQUEST"])
def test_a_refused_request_is_explained_and_may_be_made_again(world, scripted, status):
    requested(scripted, status)
    finding, _ = seen(world())
    assert REQUEST_STATUS_MEANINGS[status] in finding.summary
    assert finding.fixes[0].id == "request"


def test_an_approval_that_is_not_in_force_yet_is_waited_for(world, scripted):
    requested(scripted, "APPROVED")
    finding, _ = seen(world())
    assert "approved; the limit does not show it yet" in finding.summary
    assert finding.fixes[0].id == "wait"


def test_every_status_has_a_meaning_and_unknown_ones_are_said_to_be_unknown():
    model_statuses = {
        "PENDING", "CASE_OPENED", "APPROVED", "DENIED", "CASE_CLOSED", "NOT_APPROVED", "INVALID_REQUEST",
    }  # fmt: skip
    import botocore.session

    service = botocore.session.get_session().get_service_model("service-quotas")
    assert set(service.shape_for("RequestStatus").enum) == model_statuses == set(REQUEST_STATUS_MEANINGS)
    assert "does not know" in request_status_meaning("NEW_ONE")


def test_without_a_value_of_its_own_the_account_has_aws_s_default(world, scripted):
    scripted.refuse("GetServiceQuota", "NoSuchResourceException")
    scripted.answer("GetAWSDefaultServiceQuota", {"Quota": {"Value": 5.0, "Adjustable": True}})
    finding, row = seen(world())
    assert row.limit == 5 and row.default
    assert facts(finding)["Limit"] == "5 (AWS default)"


def test_a_quota_that_cannot_be_raised_says_so_and_offers_no_request(world, scripted):
    limit_is(scripted, 16.0, Adjustable=False)
    finding, _ = seen(world())
    assert "does not raise this quota" in finding.summary
    assert not any(fix.id == "request" for fix in finding.fixes)


def test_a_limit_that_may_not_be_read_is_unknown_and_names_the_action(world, scripted):
    scripted.answer("GetServiceQuota", DENIED)
    finding, row = seen(world())
    assert finding.state is CheckState.UNKNOWN is row.state
    assert finding.denied == ("servicequotas:GetServiceQuota",)
    assert row.limit is None and row.used == 0


def test_requests_that_may_not_be_read_do_not_hide_a_limit_that_was(world, scripted):
    limit_is(scripted, 32.0)
    scripted.answer("ListRequestedServiceQuotaChangeHistoryByQuota", DENIED)
    finding, _ = seen(world())
    assert finding.state is CheckState.OK
    assert finding.denied == ("servicequotas:ListRequestedServiceQuotaChangeHistoryByQuota",)
    assert "not known" in facts(finding)["Requests"]


def test_instances_that_may_not_be_read_leave_the_use_unknown(world, scripted):
    limit_is(scripted, 500.0)
    scripted.refuse("DescribeInstances", "UnauthorizedOperation", "You are not authorized.", status=403)
    where = world(AWS_ENDPOINT_URL_EC2=scripted.endpoint)
    finding, row = seen(where)
    assert finding.state is CheckState.UNKNOWN
    assert finding.denied == ("ec2:DescribeInstances",)
    assert row.used is None and row.limit == 500


def test_addresses_and_vpcs_are_counted(world, scripted):
    limit_is(scripted, 2.0)
    where = world(ADDRESS, VPC)
    ec2 = where.aws.client("ec2")
    ec2.allocate_address(Domain="vpc")
    ec2.allocate_address(Domain="vpc")
    findings = quota_check.check(where).findings
    assert [finding.id for finding in findings] == ["quota.elastic-ip", "quota.vpc"]
    assert findings[0].state is CheckState.BLOCKED and "1 too few" in findings[0].summary
    assert findings[1].state is CheckState.OK


def test_a_vpc_of_ours_is_not_needed_again(world, scripted):
    limit_is(scripted, 2.0)
    where = world(VPC, tags={"Project": "eco2"})
    ec2 = where.aws.client("ec2")
    own = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    ec2.create_tags(Resources=[own], Tags=[{"Key": "Project", "Value": "eco2"}])
    finding, row = seen(where)
    assert (row.used, row.needed) == (2, 0)
    assert finding.state is CheckState.OK


def test_a_quota_whose_use_cannot_be_counted_is_never_green(world, scripted):
    limit_is(scripted, 100.0)
    finding, row = seen(world(OTHER))
    assert finding.id == "quota.l-ffffffff"
    assert finding.state is CheckState.UNKNOWN and "use is not known" in finding.summary.replace("in use", "use")
    assert row.used is None


def test_a_quota_whose_use_is_unknown_but_which_is_too_small_anyway_blocks(world, scripted):
    limit_is(scripted, 2.0)
    assert seen(world(OTHER))[0].state is CheckState.BLOCKED


@pytest.mark.parametrize("code", ["ExpiredTokenException", "UnrecognizedClientException"])
def test_expired_or_wrong_credentials_are_told_once(world, scripted, code):
    scripted.refuse("GetServiceQuota", code, "expired")
    report = quota_check.check(world(VCPU, ADDRESS, VPC))
    assert [finding.id for finding in report.findings] == ["quota.look"]
    assert report.state is CheckState.UNKNOWN


def test_no_credentials_are_told_once(world):
    where = world(VCPU, ADDRESS, AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")
    report = quota_check.check(where)
    assert [finding.id for finding in report.findings] == ["quota.look"]
    assert "No AWS credentials" in report.findings[0].summary


def test_a_dead_endpoint_is_told_once(world, dead_endpoint):
    where = world(VCPU, VPC, AWS_ENDPOINT_URL=dead_endpoint, AWS_ENDPOINT_URL_SERVICE_QUOTAS=dead_endpoint)
    report = quota_check.check(where)
    assert [finding.id for finding in report.findings] == ["quota.look"]
    assert "cannot be reached" in report.findings[0].summary
    assert report.seconds < 5


def test_a_hanging_endpoint_ends_in_time(world, hanging_endpoint):
    address = hanging_endpoint.endpoint
    where = world(VCPU, VPC, timeout=0.4, AWS_ENDPOINT_URL=address, AWS_ENDPOINT_URL_SERVICE_QUOTAS=address)
    report = quota_check.check(where)
    assert report.state is CheckState.UNKNOWN and report.seconds < 6


def test_without_quotas_in_the_settings_there_is_nothing_to_look_at(world):
    where = world()
    nothing = msgspec.structs.replace(where.settings, quota=QuotaSettings(limits=()))
    report = quota_check.check(CheckContext(settings=nothing, project=where.project, env=where.env))
    assert report.state is CheckState.SKIPPED


def test_while_aws_throttles_it_says_how_many_answers_are_there(world, scripted, monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    monkeypatch.setattr("botocore.retries.bucket.TokenBucket.acquire", lambda *_, **__: True)
    throttled = (400, {"__type": "ThrottlingException", "message": "Rate exceeded"})
    scripted.answer("GetServiceQuota", throttled, throttled, {"Quota": {"Value": 26.0}})
    said = []
    where = world(VCPU).with_progress(said.append)
    assert quota_check.check(where).state is CheckState.OK
    assert said[0] == "quotas: limits, use and open requests"
    assert said[1].startswith("AWS throttles Service Quotas: ")
    assert said[1].endswith(" of 2 answered")
    # Nobody listens any more.
    client = where.aws.client("service-quotas")
    scripted.answer("GetServiceQuota", throttled, {"Quota": {"Value": 26.0}})
    client.get_service_quota(ServiceCode="ec2", QuotaCode="L-1216C47A")
    assert len(said) == 2


def test_how_far_it_is_is_said_only_to_somebody_who_waits():
    now, said = [0.0], []
    count = quota_usage.QuotaQueryProgress(4, said.append, clock=lambda: now[0])
    for second in (0.5, 1.5, 1.6, 3.0):
        now[0] = second
        count.record_answer()
    assert said == ["quotas: 2 of 4 answered", "quotas: 4 of 4 answered"]
