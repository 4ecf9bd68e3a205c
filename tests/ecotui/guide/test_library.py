"""The documents in force: search, corrections, a project's own guide."""

import msgspec
import pytest

from checks.finding import CheckState, Finding, Report
from config.load import load_settings
from config.model import GuideSettings, Settings
from ecotui.guide.cause import CauseState, check_cause
from ecotui.guide.lint import lint_library
from ecotui.guide.matching.matcher import diagnose
from ecotui.guide.reading.library import GuideError, guide_language, load_shipped_library, open_library
from ecotui.guide.reading.overlay import read_overlay
from ecotui.guide.search import EntryIndex


def ids(entries) -> list[str]:
    return [entry.id for entry in entries]


def settings(**guide) -> Settings:
    return msgspec.structs.replace(Settings(), guide=GuideSettings(**guide))


def test_corrections_come_in_the_language_asked_for():
    library = load_shipped_library("ko")
    assert "2 vCPU" in library.corrections_for("3.1")[0]
    assert "Method 2 does not add up" in library.corrections_for("3.1", "en")[0]
    assert library.corrections_for("1.1") == ()


def test_every_entry_that_is_known_to_be_wrong_is_corrected():
    assert all(
        load_shipped_library("en").corrections_for(entry) for entry in ("2.1", "3.1", "3.2", "4.2", "5.1", "6.2")
    )


def test_a_finding_leads_to_its_entries():
    library = load_shipped_library("en")
    assert library.entries_naming("quota.vcpu") == ("3.1", "3.2")
    assert library.entries_naming("cleanup.s3-bucket.images") == ("4.2",)
    assert library.entries_naming("cleanup.s3-bucketeer") == ()


def test_the_overlay_speaks_of_entries_that_exist():
    assert load_shipped_library("en").unmatched_overlays == ()


def test_the_language_follows_the_setting_then_the_locale():
    assert guide_language(settings(language="ko"), {"LANG": "en_US.UTF-8"}) == "ko"
    assert guide_language(Settings(), {"LANG": "ko_KR.UTF-8"}) == "ko"
    assert guide_language(Settings(), {"LC_ALL": "C", "LANG": "ko_KR.UTF-8"}) == "en"
    assert guide_language(Settings(), {}) == "en"


def test_signatures_come_from_the_error_texts_of_a_guide_of_ones_own(tmp_path):
    (tmp_path / "runbook.md").write_text(
        "## 1. Disk\n\n### 1.1. Full\n\n#### Problem\n```\nError: volume data-7 (vol-1234) has no space left at 98%\n```\n\n"
        "**Cause**: logs\n\n#### Fix\n```bash\njournalctl --vacuum-size=1G\n```\n"
    )
    library = open_library(settings(documents=("runbook.md",)), tmp_path, {})
    assert ids(library.entries) == ["1.1"]
    found = diagnose(library, "x\n│ Error: volume data-3 (vol-9) has no space\n│ left at 99%\n")
    assert [match.entry for match in found] == ["1.1"]
    assert diagnose(library, "journalctl --vacuum-size=1G") == ()
    assert diagnose(library, "Error: creating EC2 Instance: VcpuLimitExceeded") == ()


def test_an_error_text_that_is_too_short_is_no_signature(tmp_path):
    (tmp_path / "a.md").write_text("### 1.1 A\n#### Problem\n```\nError: failed\n```\n")
    library = open_library(settings(documents=("a.md",)), tmp_path, {})
    assert library.overlays == {}


def test_a_folder_of_documents_is_read_in_order(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "b.md").write_text("### 2.1 B\ntext\n")
    (tmp_path / "docs" / "a.md").write_text("### 1.1 A\ntext\n")
    assert ids(open_library(settings(documents=("docs",)), tmp_path, {}).entries) == ["1.1", "2.1"]


def test_a_document_that_is_not_there_is_named(tmp_path):
    with pytest.raises(GuideError, match=r"none\.md: No such file"):
        open_library(settings(documents=("none.md",)), tmp_path, {})


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (b"a: [", "x.yaml:"),
        (b"'1.1': {signatures: [{anchor: a, match: '('}]}", "x.yaml:"),
        (b"'1.1': {signature: []}", "signature"),
        (b"'1.1': {signatures: [{anchor: a, match: b, kind: fatal}]}", "fatal"),
        (b"- a", "x.yaml:"),
    ],
)
def test_a_bad_overlay_is_one_line(source, said):
    with pytest.raises(GuideError, match=said) as caught:
        read_overlay(source, "x.yaml")
    assert "\n" not in str(caught.value)


# -- several documents ---------------------------------------------------------------------------------------------

OWN = """\
# Team runbook

## 1. Disks

### 1.1. A volume is full
#### Problem
```
Error: the volume of the ledger has no space left
```
#### Fix
Clean it.

### 9.1. Clock is off
text
"""


@pytest.fixture
def runbook(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "runbook.md").write_text(OWN)
    return tmp_path


def short(id="quota.vcpu", **more):
    return Finding(id=id, step=id.split(".")[0], state=CheckState.BLOCKED, title="t", summary="too few", **more)


def test_a_document_of_ones_own_takes_the_place_of_the_shipped_guide_or_stands_beside_it(runbook):
    alone = open_library(settings(documents=("docs/runbook.md",)), runbook, {})
    assert ids(alone.entries) == ["1.1", "9.1"]
    both = open_library(settings(documents=("eco2", "docs/runbook.md")), runbook, {})
    assert ids(both.entries) == [*ids(load_shipped_library("en").entries), "runbook:1.1", "9.1"]
    assert [one.guide for one in both.guides] == ["eco2", "runbook"]
    first = open_library(settings(documents=("docs/runbook.md", "eco2")), runbook, {})
    assert ids(first.entries)[:3] == ["1.1", "9.1", "eco2:1.1"]


def test_a_number_that_two_guides_have_is_asked_for_by_the_name_of_the_guide(runbook):
    both = open_library(settings(documents=("eco2", "docs/runbook.md")), runbook, {})
    assert both.find_entry("1.1").title == "Duplicate Resource Configuration"
    assert both.find_entry("runbook:1.1").title == "A volume is full"
    assert both.find_entry("eco2:1.1") is both.find_entry("1.1")
    assert both.find_entry("runbook:9.1") is both.find_entry("9.1")
    assert both.find_entry("other:1.1") is None
    assert both.entry_in_language("3.1", "ko").title == "VcpuLimitExceeded"


def test_a_log_names_an_entry_alike_in_every_project_and_never_as_another_guides(runbook):
    both = open_library(settings(documents=("docs/runbook.md", "eco2")), runbook, {})
    alone = open_library(settings(documents=("docs/runbook.md",)), runbook, {})
    assert [both.log_name(ident) for ident in ("1.1", "eco2:1.1", "3.1")] == ["runbook:1.1", "1.1", "3.1"]
    assert alone.log_name("1.1") == "runbook:1.1"
    for library, own, theirs in (
        (both, "1.1", "eco2:1.1"),
        (alone, "1.1", ""),
        (load_shipped_library("en"), "", "1.1"),
    ):
        assert library.id_from_log_name("runbook:1.1") == own
        assert library.id_from_log_name("1.1") == theirs


def test_search_diagnosis_and_lint_work_over_all_of_them(runbook):
    both = open_library(settings(documents=("eco2", "docs/runbook.md")), runbook, {})
    text = "Error: the volume of the ledger has no space left\nError: VcpuLimitExceeded\n"
    assert [match.entry for match in diagnose(both, text)] == ["runbook:1.1", "3.1"]
    assert [hit.entry.id for hit in EntryIndex(both).search("volume")] == ["runbook:1.1"]
    assert [hit.entry.id for hit in EntryIndex(both).search("1.1")][:2] == ["1.1", "runbook:1.1"]
    assert {remark.document for remark in lint_library(both)} >= {"eco2.en.md", "eco2.ko.md"}


def test_what_a_finding_names_is_the_shipped_guides_and_never_another_ones_number(runbook):
    finding = short(guide=("3.1",))
    (runbook / "docs" / "runbook.md").write_text("## 3. X\n### 3.1. Another thing\ntext\n")
    for documents, explained in (
        ((), ("3.1",)),
        (("eco2", "docs/runbook.md"), ("3.1",)),
        (("docs/runbook.md", "eco2"), ("eco2:3.1",)),
        (("docs/runbook.md",), ()),
    ):
        guide = GuideSettings(documents=documents)
        library = open_library(settings(documents=documents), runbook, {})
        assert library.entries_explaining(finding) == explained
        assert guide.qualify_entry_numbers(finding.guide) == explained
        reports = {"quota": Report(step="quota", findings=(finding,), started=1.0, seconds=0.1)}
        for ident in explained:
            assert check_cause(library, ident, reports).state is CauseState.PRESENT
    assert library.entries_explaining(msgspec.structs.replace(finding, state=CheckState.OK)) == ()


def test_an_overlay_beside_a_document_needs_no_setting_and_speaks_of_its_own_numbers(runbook):
    (runbook / "docs" / "runbook.guide.yaml").write_text(
        "'1.1':\n  findings: [nodes.node]\n  corrections: [{en: Look at the inodes too.}]\n"
        "  signatures: [{anchor: ENOSPC, match: ENOSPC}]\n'7.7': {findings: [x.y]}\n"
    )
    both = open_library(settings(documents=("eco2", "docs/runbook.md")), runbook, {})
    assert both.corrections_for("runbook:1.1") == ("Look at the inodes too.",)
    assert both.corrections_for("1.1") == ()
    assert [match.entry for match in diagnose(both, "write failed: ENOSPC")] == ["runbook:1.1"]
    down = short("nodes.node.a", guide=("7.2",))
    assert both.entries_explaining(down) == ("runbook:1.1", "7.2")
    assert both.unmatched_overlays == (("runbook.guide.yaml", "7.7"),)
    assert any(one.text == "7.7: no document has this entry" for one in lint_library(both))


def test_the_overlay_of_the_settings_adds_to_entries_of_every_guide_and_takes_nothing_away(runbook):
    (runbook / "more.yaml").write_text(
        "'3.1': {corrections: [{en: Ask the platform team first.}]}\n"
        "'runbook:1.1': {corrections: [{en: Note.}]}\n'8.8': {}\n"
    )
    both = open_library(settings(documents=("eco2", "docs/runbook.md"), overlay="more.yaml"), runbook, {})
    assert both.corrections_for("3.1")[-1] == "Ask the platform team first."
    assert len(both.corrections_for("3.1")) == len(load_shipped_library("en").corrections_for("3.1")) + 1
    assert [match.entry for match in diagnose(both, "Error: VcpuLimitExceeded")] == ["3.1"]
    # A correction alone does not take the derived signatures away.
    assert [match.entry for match in diagnose(both, "the volume of the ledger has no space left")] == ["runbook:1.1"]
    assert both.unmatched_overlays == (("more.yaml", "8.8"),)


def test_a_teams_own_version_of_the_shipped_guide_keeps_what_is_known_of_it(tmp_path):
    (tmp_path / "TROUBLESHOOTING.md").write_text(
        "## 3. Quotas\n### 3.1. VcpuLimitExceeded\nOur own words.\n### 3.9. New\ntext\n"
    )
    library = open_library(settings(documents=("TROUBLESHOOTING.md",), overlay="eco2"), tmp_path, {})
    assert library.corrections_for("3.1")
    assert [match.entry for match in diagnose(library, "Error: VcpuLimitExceeded")] == ["3.1"]
    assert library.entries_explaining(short(guide=("3.1", "3.2"))) == ("3.1",)
    assert library.unmatched_overlays == ()


def test_two_languages_of_one_document_are_one_guide(tmp_path):
    (tmp_path / "ops.ko.md").write_text("### 1.1 가득 참\n지웁니다\n\n### 1.2 둘\n본문\n")
    (tmp_path / "ops.en.md").write_text("### 1.1 Full\nClean it\n")
    library = open_library(settings(documents=(".",)), tmp_path, {"LANG": "en_US.UTF-8"})
    assert [(one.id, one.title) for one in library.entries] == [("1.1", "Full"), ("1.2", "둘")]
    assert library.entry_in_language("1.1", "ko").title == "가득 참"
    assert [one.guide for one in library.guides] == ["ops"]


def test_documents_of_the_same_name_are_named_by_their_folder(tmp_path):
    for folder in ("api", "web"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "README.md").write_text("### 1.1 A\ntext\n")
    library = open_library(settings(documents=("api", "web")), tmp_path, {})
    assert ids(library.entries) == ["1.1", "web/README:1.1"]
    (tmp_path / "eco2.md").write_text("### 1.1 A\ntext\n")
    assert open_library(settings(documents=("eco2.md",)), tmp_path, {}).guides[0].guide != "eco2"


def test_a_guide_without_an_order_of_response_has_none(runbook):
    assert load_shipped_library("ko").response_entry == "7.3"
    assert open_library(settings(documents=("docs/runbook.md",)), runbook, {}).response_entry == ""
    first = open_library(settings(documents=("docs/runbook.md", "eco2")), runbook, {})
    assert first.response_entry == "7.3"


def test_the_settings_refuse_the_shipped_overlay_on_top_of_itself(tmp_path):
    from config.errors import SettingsError

    with pytest.raises(SettingsError, match="eco2 has its overlay already"):
        load_settings(tmp_path, None, overrides=["guide.overlay=eco2"], env={})


def test_lint_names_a_pattern_that_may_take_too_long(runbook):
    (runbook / "docs" / "runbook.guide.yaml").write_text("'1.1': {signatures: [{anchor: disk, match: '(d+)+isk'}]}\n")
    library = open_library(settings(documents=("docs/runbook.md",)), runbook, {})
    assert any("takes too long" in remark.text for remark in lint_library(library))
