"""terraform's errors in its three ways of telling them."""

from __future__ import annotations

import json

import pytest

from checks.tools.terraform_errors import find_state_lock, guide_entries_for_diagnostics, needs_init, parse_diagnostics

HUMAN = """
Error: Missing resource instance key

  on cloudfront.tf line 147, in resource "aws_route53_record" "cdn":
 147:   zone_id         = data.aws_route53_zone.main.zone_id

Because data.aws_route53_zone.main has "count" set, its attributes must be
accessed on specific instances.

Warning: Invalid Attribute Combination

  with aws_s3_bucket_lifecycle_configuration.images,
  on s3.tf line 24, in resource "aws_s3_bucket_lifecycle_configuration" "images":
  24: resource "aws_s3_bucket_lifecycle_configuration" "images" {

No attribute specified when one (and only one) of
[rule[0].filter,rule[0].prefix] is required
"""

LOCKED = (
    "Error message: resource temporarily unavailable\nLock Info:\n  ID:        f8808044-877b\n"
    "  Path:      terraform.tfstate\n  Operation: OperationTypeApply\n  Who:       ubuntu@master\n"
    "  Version:   1.11.4\n  Created:   2026-11-23 20:52:43.36953241 +0000 UTC\n  Info:      \n"
)


def line(summary: str, detail: str = "", severity: str = "error") -> str:
    node = {"severity": severity, "summary": summary, "detail": detail}
    return json.dumps({"type": "diagnostic", "@message": f"Error: {summary}", "diagnostic": node})


def test_text_for_people_is_read_with_its_file_line_and_resource() -> None:
    error, warning = parse_diagnostics(HUMAN)
    assert (error.is_error, error.location, error.code) == (
        True,
        "cloudfront.tf:147",
        "zone_id         = data.aws_route53_zone.main.zone_id",
    )
    assert error.detail.startswith("Because data.aws_route53_zone.main")
    assert (warning.severity, warning.address) == ("warning", "aws_s3_bucket_lifecycle_configuration.images")


def test_boxes_and_colours_make_no_difference() -> None:
    boxed = "\x1b[31m╷\x1b[0m\n" + "\n".join(f"\x1b[31m│\x1b[0m {row}" for row in HUMAN.strip().splitlines())
    assert [one.summary for one in parse_diagnostics(boxed)] == [one.summary for one in parse_diagnostics(HUMAN)]
    assert parse_diagnostics(boxed)[0].location == "cloudfront.tf:147"


def test_json_lines_and_a_validation_document_give_the_same() -> None:
    node = {
        "severity": "error",
        "summary": "Reference to undeclared resource",
        "detail": "not declared",
        "range": {"filename": "s3.tf", "start": {"line": 88, "column": 17, "byte": 4337}},
        "snippet": {"code": "  value = aws_iam_role.x.arn"},
    }
    whole = parse_diagnostics(json.dumps({"valid": False, "diagnostics": [node]}))
    lines = parse_diagnostics(
        '{"type":"version"}\n' + json.dumps({"type": "diagnostic", "diagnostic": node}) + "\nnot json\n"
    )
    assert whole == lines
    assert whole[0].location == "s3.tf:88"


def test_text_without_errors_has_none() -> None:
    assert parse_diagnostics("") == ()
    assert parse_diagnostics("Terraform has been successfully initialized!\n") == ()


@pytest.mark.parametrize(
    ("summary", "entries"),
    [
        ('Duplicate resource "aws_iam_policy" configuration', ("1.1",)),
        ("Provider configuration not present", ("1.2",)),
        ("Reference to undeclared resource", ("1.3",)),
        ("Missing resource instance key", ("1.4",)),
        ("No configuration files", ("1.6",)),
        ("Duplicate provider configuration", ()),
        ("Reference to undeclared local value", ()),
        ("Unexpected resource instance key", ()),
    ],
)
def test_an_error_leads_to_its_entry_and_a_similar_one_to_none(summary: str, entries: tuple[str, ...]) -> None:
    assert guide_entries_for_diagnostics(parse_diagnostics(line(summary))) == entries


def test_the_lifecycle_warning_leads_to_its_entry() -> None:
    assert guide_entries_for_diagnostics(parse_diagnostics(HUMAN)) == ("1.4", "1.5")
    other = line("Invalid Attribute Combination", "2 attributes specified when one of [a,b] is required")
    assert guide_entries_for_diagnostics(parse_diagnostics(other)) == ()


def test_a_held_lock_names_its_holder_and_since_when() -> None:
    held = find_state_lock(parse_diagnostics(line("Error acquiring the state lock", LOCKED)))
    assert held is not None
    assert (held.id, held.who) == ("f8808044-877b", "ubuntu@master")
    assert held.sentence == (
        "The state is locked by ubuntu@master for apply since 2026-11-23 20:52:43 UTC (lock f8808044-877b)"
    )
    assert find_state_lock(parse_diagnostics(line("Something else", LOCKED))) is None


def test_only_errors_that_init_cures_mean_not_initialised() -> None:
    missing = line("Missing required provider", "run: terraform init")
    assert needs_init(parse_diagnostics(missing))
    assert not needs_init(parse_diagnostics(missing + "\n" + line("Reference to undeclared resource")))
    assert not needs_init(())


def test_escape_sequences_in_a_message_do_not_survive() -> None:
    (one,) = parse_diagnostics(line("bad \x1b]52;c;AAAA\x07name"))
    assert one.summary == "bad name"
