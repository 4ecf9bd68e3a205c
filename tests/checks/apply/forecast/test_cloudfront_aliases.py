"""Aliases of CloudFront: taken in this account, taken in another one, or led elsewhere by the DNS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.forecast import ScriptedAccount, forecast_for, planned, refusal

from checks.apply.forecast.collisions.cloudfront import alias_dns_warnings
from checks.apply.forecast.forecast import make_forecast
from checks.apply.forecast.model import Forecast
from checks.apply.plan.model import PlannedChange
from checks.context import CheckContext
from checks.finding import CheckState
from checks.tools import dns as dns_question
from checks.tools.dns import DnsError
from config.model import Settings

CERTIFICATE = "arn:aws:acm:us-east-1:1:certificate/c"
OURS = {
    "Id": "E1OURS",
    "DomainName": "d1.cloudfront.net",
    "Aliases": {"Items": ["www.example.com"]},
    "ViewerCertificate": {"ACMCertificateArn": CERTIFICATE},
}
COVERING = {
    "CertificateSummaryList": [
        {"CertificateArn": CERTIFICATE, "DomainName": "example.com", "SubjectAlternativeNameSummaries": ["*.example.com"]}
    ]
}  # fmt: skip
THEIRS = {"Alias": "cdn.example.com", "DistributionId": "*******THEIRS", "AccountId": "******112233"}


def distribution(*aliases: str, **more: Any) -> PlannedChange:
    return planned("aws_cloudfront_distribution", after={"aliases": list(aliases)}, **more)


def update(*aliases: str, had: tuple[str, ...] = ("www.example.com",), id: str = "E1OURS") -> PlannedChange:
    before = {"id": id, "domain_name": "d1.cloudfront.net", "aliases": list(had)}
    return distribution(*aliases, actions=("update",), before=before)


def account(*conflicts: dict[str, str], **more: Any) -> ScriptedAccount:
    return ScriptedAccount(
        **{
            "list_distributions": {"DistributionList": {"Items": [OURS]}},
            "list_certificates": COVERING,
            "get_service_quota": {"Quota": {"Value": 200.0}},
            "list_conflicting_aliases": {"ConflictingAliasesList": {"Items": list(conflicts)}},
            **more,
        }
    )


def test_an_alias_that_another_account_has_can_only_be_renamed() -> None:
    (one,) = forecast_for(account(THEIRS), distribution("cdn.example.com")).collisions
    assert (one.name, one.fixes) == ("cdn.example.com", ("rename", "stop"))
    assert one.existing == "distribution *******THEIRS of account ******112233, which belongs to another account"


def test_an_overlapping_wildcard_of_another_account_does_not_collide() -> None:
    seen = forecast_for(account({**THEIRS, "Alias": "*.example.com"}), distribution("cdn.example.com"))
    assert (seen.collisions, seen.state) == ((), CheckState.OK)


@pytest.mark.parametrize("alias", ["cdn.example.org", "a.b.example.com"])
def test_without_a_certificate_for_the_alias_cloudfront_is_not_asked(alias: str) -> None:
    asked = account(THEIRS)
    assert forecast_for(asked, distribution(alias)).state is CheckState.OK
    assert "list_conflicting_aliases" not in asked.calls


def test_a_denied_call_names_its_action_and_an_unanswerable_one_is_no_collision() -> None:
    denied = account(list_conflicting_aliases=refusal("AccessDenied", message="not authorized to perform: cloudfront:ListConflictingAliases"))  # fmt: skip
    assert [one.denied for one in forecast_for(denied, distribution("cdn.example.com")).not_checked] == [
        ("cloudfront:ListConflictingAliases",)
    ]
    gone = account(list_conflicting_aliases=refusal("NoSuchDistribution"))
    assert forecast_for(gone, distribution("cdn.example.com")).state is CheckState.OK


def test_an_update_collides_with_the_aliases_that_it_adds_and_not_with_its_own() -> None:
    other = {"Id": "E2", "DomainName": "d2.cloudfront.net", "Aliases": {"Items": ["cdn.example.com"]}}
    there = account(list_distributions={"DistributionList": {"Items": [OURS, other]}})
    (one,) = forecast_for(there, update("www.example.com", "CDN.example.com")).collisions
    assert (one.name, one.fixes) == ("cdn.example.com", ("delete", "rename", "stop"))
    for harmless in (update("www.example.com"), update(), update("WWW.example.com")):
        asked = account()
        assert forecast_for(asked, harmless).collisions == ()
        assert "list_distributions" not in asked.calls
    # What somebody else has added outside of terraform is on it already.
    assert forecast_for(account(), update("www.example.com", had=())).collisions == ()
    assert forecast_for(account(THEIRS), update("www.example.com", "cdn.example.com")).collisions != ()


def test_an_alias_that_moves_within_the_plan_cannot_be_imported() -> None:
    moved = (update("x.example.com"), planned("aws_cloudfront_distribution", "new", after={"aliases": ["www.example.com"]}))  # fmt: skip
    (one,) = forecast_for(account(), *moved).collisions
    assert one.address == "aws_cloudfront_distribution.new"
    assert one.fixes == ("rename", "stop")
    assert "this plan takes it away there (aws_cloudfront_distribution.x)" in one.existing
    gone = planned("aws_cloudfront_distribution", actions=("delete",), before={"aliases": ["www.example.com"]})
    (one,) = forecast_for(account(), gone, moved[1]).collisions
    assert "which this plan destroys" in one.existing


def test_one_alias_of_two_planned_distributions_collides() -> None:
    free = account(list_distributions={})
    new = planned("aws_cloudfront_distribution", "y", after={"aliases": ["b.example.com", "c.example.com"]})
    (one,) = forecast_for(free, distribution("a.example.com", "B.example.com"), new).collisions
    assert (one.address, one.name) == ("aws_cloudfront_distribution.y", "b.example.com")


def forecast_with_dns(monkeypatch: pytest.MonkeyPatch, answer: Any, *resources: PlannedChange) -> Forecast:
    """With a DNS that answers so; nobody else's is asked."""

    def ask(name: str, kind: str, server: object = None) -> tuple[str, ...]:
        assert kind == "CNAME"
        if isinstance(answer, Exception):
            raise answer
        found: tuple[str, ...] = answer.get(name, ())
        return found

    monkeypatch.setattr(dns_question, "query_dns", ask)
    context = CheckContext(settings=Settings(), project=Path(), env={})
    context.__dict__["aws"] = account(list_certificates={})
    return make_forecast(context, resources)


def test_a_record_that_leads_to_another_distribution_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    dns = {"cdn.example.com": ("d9.cloudfront.net",), "lb.example.com": ("x.elb.amazonaws.com",)}
    seen = forecast_with_dns(
        monkeypatch, dns, distribution("cdn.example.com", "lb.example.com", "none.example.com", "*.example.com")
    )
    (one,) = seen.warnings
    assert (seen.state, one.what) == (CheckState.WARN, "alias cdn.example.com")
    assert "d9.cloudfront.net" in one.why


def test_a_record_that_leads_to_the_distribution_itself_is_no_warning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dns = {"cdn.example.com": ("d1.cloudfront.net",)}
    assert forecast_with_dns(monkeypatch, dns, update("www.example.com", "cdn.example.com")).warnings == ()
    assert forecast_with_dns(monkeypatch, dns, distribution("cdn.example.com")).warnings != ()


def test_a_dns_that_does_not_answer_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = forecast_with_dns(monkeypatch, DnsError("the resolver does not answer"), distribution("cdn.example.com"))
    assert [(one.what, one.failed) for one in seen.not_checked] == [("where the DNS points the aliases", True)]


def test_the_dns_is_not_asked_about_an_aws_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dns_question, "query_dns", lambda *words: pytest.fail("asked"))
    context = CheckContext(settings=Settings(), project=Path(), env={"AWS_ENDPOINT_URL": "http://127.0.0.1:5000"})
    assert alias_dns_warnings(context, [distribution("cdn.example.com")]) == []
