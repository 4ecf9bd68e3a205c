"""`ecotui quota`: list, request, wait."""

from __future__ import annotations

import argparse
import json

import pytest

from checks.polling import PollClock
from ecotui import exit_codes
from ecotui.cli import main
from ecotui.cli import quota as command

CODE = "L-1216C47A"
OPEN = {"Id": "r1", "Status": "CASE_OPENED", "DesiredValue": 32.0, "Created": 1000.0}
HISTORY = "ListRequestedServiceQuotaChangeHistoryByQuota"
ASK = "RequestServiceQuotaIncrease"


def limit(value, adjustable=True):
    return {"Quota": {"Value": value, "Adjustable": adjustable}}


@pytest.fixture
def shell(aws_env, scripted, monkeypatch, tmp_path):
    """An operator's shell in an empty folder, its Service Quotas scripted; returns `ecotui`."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {**aws_env, "AWS_ENDPOINT_URL_SERVICE_QUOTAS": scripted.endpoint}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    scripted.answer("GetServiceQuota", limit(16.0))
    scripted.answer(HISTORY, {"RequestedQuotas": []})
    return lambda *words: main(["quota", *words])


class Time:
    def __init__(self, interrupt_after=None):
        self.now, self.left = 0.0, interrupt_after

    def sleep(self, seconds):
        if self.left is not None and self.now >= self.left:
            raise KeyboardInterrupt
        self.now += seconds


def wait(*words, time=None):
    """`ecotui quota --wait CODE`, with a clock of our own."""
    time = time or Time()
    parser = argparse.ArgumentParser()
    from ecotui.cli import add_common_options

    add_common_options(parser)
    command.configure(parser)
    args = parser.parse_args(["--wait", CODE, *words])
    return command.run(args, clock=PollClock(now=lambda: time.now, sleep=time.sleep))


def test_the_list_is_one_json_document_with_every_key(shell, capsys):
    assert shell("--json") == exit_codes.BLOCKED
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "ecotui.quota/1"
    row = document["quotas"][0]
    assert set(row) == {
        "code", "service", "title", "limit", "used", "needed", "left", "state", "adjustable", "default", "requests",
        "by_group",
    }  # fmt: skip
    assert (row["code"], row["limit"], row["used"], row["needed"], row["left"]) == (CODE, 16, 0, 26, 16)
    assert row["state"] == "blocked"
    assert row["requests"] == []
    assert row["by_group"][1]["group"] == "api"


def test_a_failed_list_is_still_a_json_document(shell, capsys, monkeypatch, dead_endpoint):
    monkeypatch.setenv("AWS_ENDPOINT_URL_SERVICE_QUOTAS", dead_endpoint)
    assert shell("--json") == exit_codes.BLOCKED
    said = capsys.readouterr()
    assert json.loads(said.out)["quotas"] == []
    assert "cannot be reached" in said.err


def test_a_request_is_sent_and_told(shell, scripted, capsys):
    scripted.answer(ASK, {"RequestedQuota": {"Id": "r1", "Status": "PENDING", "DesiredValue": 32.0}})
    assert shell("--request", CODE, "--value", "32", "--yes") == exit_codes.OK
    sent = next(body for name, body in scripted.asked if name == ASK)
    assert sent == {"ServiceCode": "ec2", "QuotaCode": CODE, "DesiredValue": 32.0}
    said = capsys.readouterr()
    assert "Asked AWS for 32" in said.out and f"ecotui quota --wait {CODE}" in said.out
    assert "Account 123456789012" in said.err and "request-service-quota-increase" in said.err


def test_without_consent_nothing_is_sent(shell, scripted, capsys):
    assert shell("--request", CODE, "--value", "32") == exit_codes.USAGE
    assert scripted.count(ASK) == 0
    assert "--yes" in capsys.readouterr().err


@pytest.mark.parametrize("value", ["16", "8"])
def test_a_value_that_is_not_above_the_limit_is_refused(shell, scripted, capsys, value):
    assert shell("--request", CODE, "--value", value, "--yes") == exit_codes.BLOCKED
    assert scripted.count(ASK) == 0
    assert "not more than the limit in force, 16" in capsys.readouterr().out


@pytest.mark.parametrize("value", ["0", "-3", "nan", "inf", "many"])
def test_a_value_that_is_no_amount_is_a_usage_error(shell, scripted, value):
    assert shell("--request", CODE, f"--value={value}", "--yes") == exit_codes.USAGE
    assert scripted.count(ASK) == 0


def test_a_second_request_while_one_is_open_is_explained(shell, scripted, capsys):
    scripted.refuse(
        ASK,
        "ResourceAlreadyExistsException",
        "Only one open service quota increase request is allowed per quota.",
    )
    scripted.answer(HISTORY, {"RequestedQuotas": [OPEN]})
    assert shell("--request", CODE, "--value", "32", "--yes") == exit_codes.OK
    said = capsys.readouterr().out
    assert "open already" in said and "It is for 32 (CASE_OPENED" in said


def test_an_open_request_for_less_is_a_warning(shell, scripted, capsys):
    scripted.refuse(ASK, "ResourceAlreadyExistsException")
    scripted.answer(HISTORY, {"RequestedQuotas": [OPEN]})
    assert shell("--request", CODE, "--value", "64", "--yes") == exit_codes.WARNINGS
    assert "less than 64" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("DependencyAccessDeniedException", "read access to that service"),
        ("QuotaExceededException", "too many open quota requests"),
        ("InvalidResourceStateException", "cannot be changed at the moment"),
        ("IllegalArgumentException", "does not take this value"),
    ],
)
def test_a_refusal_is_explained(shell, scripted, capsys, code, words):
    scripted.refuse(ASK, code, "no")
    assert shell("--request", CODE, "--value", "32", "--yes") == exit_codes.BLOCKED
    assert words in capsys.readouterr().out


def test_a_missing_permission_to_request_is_named(shell, scripted, capsys):
    scripted.refuse(ASK, "AccessDeniedException", "no")
    assert shell("--request", CODE, "--value", "32", "--yes") == exit_codes.BLOCKED
    assert "servicequotas:RequestServiceQuotaIncrease" in capsys.readouterr().err


def test_a_quota_that_is_not_adjustable_is_not_asked_for(shell, scripted, capsys):
    scripted.answer("GetServiceQuota", limit(16.0, adjustable=False))
    assert shell("--request", CODE, "--value", "32", "--yes") == exit_codes.BLOCKED
    assert scripted.count(ASK) == 0
    assert "not adjustable" in capsys.readouterr().out


def test_another_account_than_the_settings_mean_gets_no_request(shell, scripted, capsys):
    assert (
        shell("--request", CODE, "--value", "32", "--yes", "--set", "aws.account='999999999999'") == exit_codes.BLOCKED
    )
    assert scripted.count(ASK) == 0
    assert "999999999999" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [("--request", CODE), ("--value", "32"), ("--request", "L-X", "--value", "9"), ("--wait", "L-X")]
)
def test_half_a_command_is_a_usage_error(shell, words):
    assert shell(*words) == exit_codes.USAGE


def test_waiting_ends_when_the_limit_is_raised(shell, scripted, capsys):
    scripted.answer("GetServiceQuota", limit(16.0), limit(16.0), limit(32.0))
    scripted.answer(HISTORY, {"RequestedQuotas": [OPEN]})
    assert wait() == exit_codes.OK
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("[0 s] ") and "Next check in 5 min." in lines[0]
    assert any("next check in 4 min" in line for line in lines)
    assert lines[-1].startswith("[10 min] ") and "granted" in lines[-1]


def test_an_approval_before_the_limit_shows_it_is_waited_for(shell, scripted, capsys):
    scripted.answer("GetServiceQuota", limit(16.0), limit(32.0))
    scripted.answer(HISTORY, {"RequestedQuotas": [{**OPEN, "Status": "APPROVED"}]})
    assert wait() == exit_codes.OK
    assert "approved, the limit does not show it yet" in capsys.readouterr().out


@pytest.mark.parametrize("status", ["DENIED", "CASE_CLOSED", "NOT_APPROVED", "INVALID_REQUEST"])
def test_waiting_ends_when_the_request_is_refused(shell, scripted, capsys, status):
    closed = {**OPEN, "Status": status, "CaseId": "4711"}
    scripted.answer(HISTORY, {"RequestedQuotas": [OPEN]}, {"RequestedQuotas": [closed]})
    assert wait() == exit_codes.BLOCKED
    said = capsys.readouterr().out
    assert status in said and "4711" in said


def test_waiting_without_a_request_ends_at_once(shell, capsys):
    assert wait() == exit_codes.BLOCKED
    assert "no increase was requested" in capsys.readouterr().out


def test_waiting_ends_after_the_time_allowed(shell, scripted, capsys):
    scripted.answer(HISTORY, {"RequestedQuotas": [OPEN]})
    assert wait("--set", "quota.wait=900") == exit_codes.BLOCKED
    assert "Stopped waiting after 15 min" in capsys.readouterr().err


def test_throttling_and_a_dropped_network_do_not_end_the_waiting(shell, scripted, capsys, monkeypatch, dead_endpoint):
    from botocore.exceptions import ClientError, EndpointConnectionError

    from checks.quota import usage as quota_usage

    troubles = [
        ClientError({"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}, "GetServiceQuota"),
        EndpointConnectionError(endpoint_url="https://servicequotas.ap-northeast-2.amazonaws.com/"),
    ]
    ask = quota_usage.fetch_increase_requests

    def sometimes(*words):
        if troubles:
            raise troubles.pop(0)
        return ask(*words)

    monkeypatch.setattr(quota_usage, "fetch_increase_requests", sometimes)
    scripted.answer("GetServiceQuota", limit(16.0), limit(32.0))
    scripted.answer(HISTORY, {"RequestedQuotas": [OPEN]})
    assert wait() == exit_codes.OK
    said = capsys.readouterr().out
    assert "throttling" in said and "cannot be reached" in said and "Waiting goes on." in said


def test_credentials_that_expire_while_waiting_are_said(shell, scripted, capsys):
    scripted.answer(
        HISTORY,
        {"RequestedQuotas": [OPEN]},
        (400, {"__type": "ExpiredTokenException", "message": "expired"}),
    )
    assert wait() == exit_codes.BLOCKED
    said = capsys.readouterr().err
    # The keys stand in variables: no login would renew them.
    assert "expired" in said and "Renew the keys in the variables" in said and "aws sso login" not in said


def test_the_countdown_of_a_screen_is_a_json_line_a_second(shell, scripted, capsys):
    scripted.answer("GetServiceQuota", limit(16.0), limit(32.0))
    scripted.answer(HISTORY, {"RequestedQuotas": [OPEN]})
    assert wait("--progress", "--set", "quota.poll=3") == exit_codes.OK
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["next_poll_in"] for line in lines] == [3.0, 2.0, 1.0, 0.0]
    assert {line["status"] for line in lines} == {"CASE_OPENED"}
    assert lines[-1]["verdict"] == "done" and lines[-1]["limit"] == 32


def test_ctrl_c_ends_the_waiting_with_130(shell, scripted, capsys, monkeypatch):
    scripted.answer(HISTORY, {"RequestedQuotas": [OPEN]})
    with pytest.raises(KeyboardInterrupt):
        wait(time=Time(interrupt_after=10))

    def interrupted(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr("checks.polling.SYSTEM_CLOCK", PollClock(sleep=interrupted))
    assert shell("--wait", CODE) == exit_codes.INTERRUPTED
    assert "interrupted" in capsys.readouterr().err
