"""The CloudFront step and its command: whose distributions, how far, how long against what is usual."""

from __future__ import annotations

import argparse
import json
import shutil
import time
from datetime import UTC, datetime

import msgspec
import pytest

from checks.aws.session import AwsSession
from checks.cleanup.ownership import KnownResources
from checks.cloudfront import check as cloudfront_check
from checks.cloudfront.model import CloudFrontDetail
from checks.context import CheckContext
from checks.finding import CheckState
from checks.polling import PollClock
from config import model
from config.model import CleanupSettings, Settings
from ecotui import exit_codes
from ecotui.cli import cloudfront as command


class Fake:
    """CloudFront's listing and tags, as a test wants them; whatever is an exception is raised."""

    def __init__(self):
        self.items, self.tags = [], {}

    def add(self, id="E1", *, minutes=6.0, status="InProgress", enabled=True, alias="images.eco2.example", **more):
        self.items.append(
            {
                "Id": id,
                "ARN": f"arn:aws:cloudfront::123456789012:distribution/{id}",
                "Status": status,
                "Enabled": enabled,
                "DomainName": f"{id.lower()}.cloudfront.net",
                "Aliases": {"Quantity": 1, "Items": [alias]} if alias else {"Quantity": 0},
                "Origins": {"Items": [{"Id": "o", "DomainName": "bucket.s3.amazonaws.com"}]},
                "Comment": "",
                "LastModifiedTime": datetime.fromtimestamp(time.time() - minutes * 60, UTC),
                **more,
            }
        )

    def can_paginate(self, operation):
        return False

    def list_distributions(self):
        if isinstance(self.items, Exception):
            raise self.items
        return {"DistributionList": {"Items": self.items}}

    def list_tags_for_resource(self, Resource):
        answer = self.tags.get(Resource.rpartition("/")[2], {})
        if isinstance(answer, Exception):
            raise answer
        return {"Tags": {"Items": [{"Key": key, "Value": value} for key, value in answer.items()]}}


def refusal(code, operation):
    from botocore.exceptions import ClientError

    return ClientError({"Error": {"Code": code, "Message": "no"}}, operation)


@pytest.fixture
def fake(monkeypatch):
    fake = Fake()
    monkeypatch.setattr(AwsSession, "client", lambda self, service, region=None: fake)
    return fake


@pytest.fixture
def known(monkeypatch):
    """What terraform's state is said to hold; nothing is known of it before a test says so."""

    def say(*ids, read=True):
        held = frozenset(("aws_cloudfront_distribution", id) for id in ids)
        answer = KnownResources(state_read=read, state_error="" if read else "it is locked away", state_ids=held)
        monkeypatch.setattr("checks.cleanup.known_resources.read_known_resources", lambda world: answer)

    say(read=False)
    return say


@pytest.fixture
def world(tmp_path):
    settings = Settings(
        aws=model.AwsSettings(region="ap-northeast-2"),
        cleanup=CleanupSettings(domains=("eco2.example",), tags={"Project": "eco2"}),
    )
    return CheckContext(settings=settings, project=tmp_path, env={})


def seen(world):
    report = cloudfront_check.check(world)
    return report, msgspec.convert(report.detail, type=CloudFrontDetail)


def test_without_a_distribution_the_step_does_not_apply_yet(fake, known, world):
    report, detail = seen(world)
    assert [(finding.id, finding.state) for finding in report.findings] == [("cloudfront.list", CheckState.SKIPPED)]
    assert "no distribution yet" in report.findings[0].summary
    assert detail.rows == ()


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (2.0, "in progress for 2 min, usually 5 to 15."),
        (6.5, "in progress for 6 min, usually 5 to 15."),
        (22.0, "in progress for 22 min, usually 5 to 15: longer than usual."),
        (-3.0, "in progress for 0 min, usually 5 to 15."),
    ],
)
def test_progress_is_told_against_the_usual_time(fake, known, world, minutes, words):
    fake.add(minutes=minutes)
    report, detail = seen(world)
    finding = report.findings[0]
    assert finding.id == "cloudfront.distribution.E1"
    assert finding.state is CheckState.WARN is detail.rows[0].state
    assert words in finding.summary
    assert finding.guide == ("6.1",)
    assert finding.fixes[0].command == "ecotui cloudfront --wait"
    assert detail.rows[0].elapsed == pytest.approx(max(0, minutes) * 60, abs=5)


def test_a_deployed_distribution_is_ok(fake, known, world):
    fake.add(status="Deployed")
    assert seen(world)[0].state is CheckState.OK


def test_a_disabled_distribution_is_not_green(fake, known, world):
    fake.add(status="Deployed", enabled=False)
    report, _ = seen(world)
    assert report.state is CheckState.WARN and "disabled" in report.findings[0].summary


def test_a_distribution_being_disabled_is_said(fake, known, world):
    fake.add(enabled=False)
    assert "being disabled for 6 min" in seen(world)[0].findings[0].summary


def test_distributions_of_others_are_left_out(fake, known, world):
    fake.add("E1", alias="shop.noteco2.example")
    assert seen(world)[1].rows == ()


def test_tags_make_a_distribution_ours(fake, known, world):
    fake.add("E1", alias="")
    fake.tags["E1"] = {"Project": "eco2"}
    assert [row.id for row in seen(world)[1].rows] == ["E1"]


def test_what_is_in_terraform_s_state_is_ours_whatever_it_is_called(fake, known, world):
    fake.add("E1", alias="elsewhere.example", status="Deployed")
    known("E1")
    report, detail = seen(world)
    assert report.state is CheckState.OK
    assert detail.rows[0].managed is True


def test_a_deployed_leftover_of_an_earlier_deployment_is_not_green(fake, known, world):
    fake.add("E1", status="Deployed")
    known()
    report, _ = seen(world)
    assert report.state is CheckState.SKIPPED
    assert report.findings[0].id == "cloudfront.list"
    assert report.findings[1].fixes[0].action.step == "cleanup"
    assert report.findings[1].fixes[0].action.select == ("cloudfront:E1",)


def test_one_that_terraform_is_still_creating_counts_before_it_is_in_the_state(fake, known, world):
    fake.add("E1", minutes=3)
    known()
    assert seen(world)[0].state is CheckState.WARN


def test_a_listing_that_is_not_allowed_is_unknown_and_names_the_action(fake, known, world):
    fake.items = refusal("AccessDenied", "ListDistributions")
    finding = seen(world)[0].findings[0]
    assert finding.state is CheckState.UNKNOWN
    assert finding.denied == ("cloudfront:ListDistributions",)


def test_tags_that_may_not_be_read_leave_it_unknown_whose_a_distribution_is(fake, known, world):
    fake.add("E1", alias="")
    fake.tags["E1"] = refusal("AccessDenied", "ListTagsForResource")
    finding = seen(world)[0].findings[0]
    assert finding.state is CheckState.UNKNOWN
    assert finding.denied == ("cloudfront:ListTagsForResource",)
    known()
    assert seen(world)[0].state is CheckState.SKIPPED


def test_a_dead_endpoint_is_unknown(known, tmp_path, aws_env, dead_endpoint):
    where = CheckContext(
        settings=Settings(aws=model.AwsSettings(region="ap-northeast-2")),
        project=tmp_path,
        env={**aws_env, "AWS_ENDPOINT_URL": dead_endpoint},
    )
    report = cloudfront_check.check(where)
    assert report.state is CheckState.UNKNOWN and report.seconds < 5


@pytest.mark.skipif(shutil.which("terraform") is None, reason="reads the state with terraform")
def test_a_distribution_of_the_state_is_found_at_moto(tmp_path, aws_env):
    """The whole path: moto's listing, and terraform's own state file."""
    where = CheckContext(
        settings=Settings(aws=model.AwsSettings(region="ap-northeast-2")), project=tmp_path, env={**aws_env}
    )
    id = create(where)
    folder = tmp_path / "terraform"
    folder.mkdir()
    (folder / "main.tf").write_text("")
    instance = {"schema_version": 1, "attributes": {"id": id, "arn": "arn:x"}}
    resource = {
        "mode": "managed",
        "type": "aws_cloudfront_distribution",
        "name": "images",
        "provider": 'provider["registry.terraform.io/hashicorp/aws"]',
        "instances": [instance],
    }
    state = {"version": 4, "terraform_version": "1.5.0", "serial": 1, "lineage": "l", "outputs": {}}
    (folder / "terraform.tfstate").write_text(json.dumps({**state, "resources": [resource]}))
    report, detail = seen(where)
    assert [row.id for row in detail.rows] == [id]
    assert detail.rows[0].managed is True, detail.state_unread
    assert report.findings[0].id == f"cloudfront.distribution.{id}"


def create(where):
    behaviour = {
        "TargetOriginId": "o",
        "ViewerProtocolPolicy": "allow-all",
        "ForwardedValues": {"QueryString": False, "Cookies": {"Forward": "none"}},
        "MinTTL": 0,
    }
    origin = {
        "Id": "o",
        "DomainName": "bucket.s3.amazonaws.com",
        "S3OriginConfig": {"OriginAccessIdentity": ""},
    }
    config = {
        "CallerReference": "r",
        "Comment": "images",
        "Enabled": True,
        "Origins": {"Quantity": 1, "Items": [origin]},
        "DefaultCacheBehavior": behaviour,
    }
    return where.aws.client("cloudfront").create_distribution(DistributionConfig=config)["Distribution"]["Id"]


def run(world, monkeypatch, *words, sleep=None):
    monkeypatch.setattr(command, "check_context", lambda args: world)
    parser = argparse.ArgumentParser()
    command.configure(parser)
    now = [0.0]

    def forward(seconds):
        now[0] += seconds
        if sleep:
            sleep(now[0])

    return command.run(parser.parse_args(words), clock=PollClock(now=lambda: now[0], sleep=forward))


def test_the_command_prints_one_document(fake, known, world, monkeypatch, capsys):
    fake.add()
    assert run(world, monkeypatch, "--json") == exit_codes.WARNINGS
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "ecotui.cloudfront/1"
    assert document["normal_minutes"] == [5, 15]
    row = document["distributions"][0]
    assert (row["id"], row["status"], row["enabled"], row["state"]) == ("E1", "InProgress", True, "warn")


def test_waiting_ends_when_all_are_deployed(fake, known, world, monkeypatch, capsys):
    fake.add("E1")
    fake.add("E2", status="Deployed", alias="www.eco2.example")

    def deploy(now):
        if now > 40:
            fake.items[0]["Status"] = "Deployed"

    assert run(world, monkeypatch, "--wait", sleep=deploy) == exit_codes.OK
    lines = capsys.readouterr().out.splitlines()
    assert "1 of 2 deployed; images.eco2.example in progress for 6 min" in lines[0]
    assert "2 of 2 deployed" in lines[-1]


def test_waiting_does_not_wait_for_leftovers(fake, known, world, monkeypatch, capsys):
    fake.add("E1", status="Deployed")
    fake.add("E2", enabled=False)
    known("E1")
    assert run(world, monkeypatch, "--wait") == exit_codes.OK


def test_waiting_with_nothing_to_wait_for_says_so(fake, known, world, monkeypatch, capsys):
    assert run(world, monkeypatch, "--wait") == exit_codes.OK
    assert "nothing to wait for" in capsys.readouterr().out


def test_waiting_ends_after_the_time_allowed(fake, known, world, monkeypatch, capsys):
    fake.add()
    assert run(world, monkeypatch, "--wait") == exit_codes.BLOCKED
    assert "Stopped waiting after 1 h" in capsys.readouterr().err


def test_a_screen_gets_json_lines(fake, known, world, monkeypatch, capsys):
    fake.add()
    assert run(world, monkeypatch, "--wait", "--progress") == exit_codes.BLOCKED
    first = json.loads(capsys.readouterr().out.splitlines()[0])
    assert first["status"] == "InProgress" and first["next_poll_in"] == 15.0
    assert first["distributions"][0]["id"] == "E1"


def test_a_denied_listing_ends_the_waiting(fake, known, world, monkeypatch, capsys):
    fake.items = refusal("AccessDenied", "ListDistributions")
    assert run(world, monkeypatch, "--wait") == exit_codes.BLOCKED
    assert "ListDistributions" in capsys.readouterr().err
