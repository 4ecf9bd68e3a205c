"""Entries of a team's own guide, found by signatures from its fenced error texts: in recall and in precision."""

import json
import re
import time

import pytest
from support.diagnosis import FOLDER, SETS, cases

from config.model import GuideSettings, Settings
from ecotui.guide.lint import lint_library
from ecotui.guide.matching.matcher import Diagnosis, diagnose
from ecotui.guide.reading.derived_signatures import derive_signature_from_line
from ecotui.guide.reading.library import GuideLibrary, open_library

GUIDES = FOLDER / "guides"
NAMES = ("payments.ko.md", "search.en.md", "delivery.ko.md")
OWN = [json.loads(line) for line in (GUIDES / "cases.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def libraries() -> dict[str, GuideLibrary]:
    return {name: open_library(Settings(guide=GuideSettings(documents=(name,))), GUIDES, {}) for name in NAMES}


@pytest.mark.parametrize("case", OWN, ids=lambda case: f"{case['guide'][:8]}-{case['text'].strip()[:40]}")
def test_an_entry_of_ones_own_is_found_by_its_error_text_and_by_nothing_else(libraries, case):
    library = libraries[case["guide"]]
    found = [library.find_entry(match.entry) for match in diagnose(library, case["text"])]
    # Numbers, where the guide has some; titles otherwise.
    said = [entry.number if case["guide"].startswith("payments") else entry.title for entry in found if entry]
    assert said == case["expect"]


def test_errors_of_other_teams_and_tools_are_left_alone(libraries):
    """But for those that the guide really has."""
    meant = {("search.en.md", "terraform-state-is-locked"), ("search.en.md", "nat-gateway-quota")}
    found = {
        (name, match.entry)
        for file in SETS
        for case in cases(file)
        if not case.id.startswith("w") or case.id.endswith("-plain")
        for name, library in libraries.items()
        for match in diagnose(library, case.text)
    }
    assert found <= meant


@pytest.mark.parametrize("name", NAMES)
def test_commands_settings_and_frames_of_an_entry_are_no_signatures(libraries, name):
    for overlay in libraries[name].overlays.values():
        for signature in overlay.signatures:
            assert not any(
                word in signature.match
                for word in ("kubectl", "curl", "doAuthentication", "maxmemory_policy", "cidr", "Xms")
            )
            assert signature.kind == "text"
    assert [remark for remark in lint_library(libraries[name]) if "too long" in remark.text] == []


@pytest.mark.parametrize(
    ("written", "met"),
    [
        ("Error: volume <NAME> of the ledger is full", "Error: volume data-7 of the ledger is full"),
        ("Error: volume ${NAME} of the ledger is full", "Error: volume data of the ledger is full"),
        ("Error: volume $NAME of the ledger is full", "Error: volume x of the ledger is full"),
        ("Error: volume {{ name }} of the ledger is full", "Error: volume x of the ledger is full"),
        ("Error: volume xxxx of the ledger is full", "Error: volume abcd of the ledger is full"),
        ("Error: volume ... of the ledger is full", "Error: volume abcd of the ledger is full"),
        ("Error: volume … of the ledger is full", "Error: volume abcd of the ledger is full"),
        ("Error: volume *** of the ledger is full", "Error: volume abcd of the ledger is full"),
        ("오류: 볼륨 OOO 의 원장을 쓸 수 없습니다", "오류: 볼륨 결제 의 원장을 쓸 수 없습니다"),
        (
            "Error: the ledger is broken: checksum differs",
            "Error: the ledger is broken: op X, checksum differs",
        ),
        ("job exited with exit code 137 in the ledger", "job exited with exit code 137 in the ledger"),
    ],
)
def test_what_a_writer_leaves_open_is_open(written, met):
    signature = derive_signature_from_line(written)
    assert signature is not None
    assert re.search(signature.match, met, re.I | re.S)
    assert signature.anchor.lower() in met.lower()


@pytest.mark.parametrize(
    "line",
    [
        "Error: failed",
        "Error: connection refused",
        "Permission denied",
        "no such file or directory",
        "Error: Process completed with exit code 1.",
        "context deadline exceeded",
        "request timed out: 10.0.0.1:443",
        "오류: 파일을 찾을 수 없습니다",
        "Internal Server Error",
        '{"error": "not found"}',
        "",
    ],
)
def test_words_that_errors_of_any_kind_are_made_of_are_no_signature(line):
    assert derive_signature_from_line(line) is None


def test_a_code_that_an_error_ends_with_is_kept():
    signature = derive_signature_from_line("the settlement job ended with exit code 137")
    assert signature is not None
    assert not re.search(signature.match, "the settlement job ended with exit code 1", re.I)


@pytest.mark.parametrize("name", NAMES)
def test_a_long_log_is_read_fast_with_a_teams_own_guide_too(libraries, name):
    """No rule of it makes every line be looked at closely, Korean ones with short words neither."""
    diagnosis = Diagnosis(libraries[name])
    assert diagnosis._hints


def test_text_made_to_be_slow_for_a_derived_pattern_is_read_in_time(libraries):
    hostile = "index blocked by: usage exceeded flood-stage " * 4000 + "read-only-allow-delete block"
    begun = time.perf_counter()
    diagnose(libraries["search.en.md"], f"{hostile}\n" * 3)
    assert time.perf_counter() - begun < 5
