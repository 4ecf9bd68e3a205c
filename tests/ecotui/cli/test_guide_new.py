"""An entry drafted from a session, for the team to review."""

from importlib import resources
from types import SimpleNamespace

import pytest

from ecotui.cli import main
from ecotui.guide.draft import (
    EntryDraft,
    EntryFormat,
    detect_entry_format,
    draft_from_session,
    is_recognisable,
    next_entry_number,
    render_entry,
)
from ecotui.guide.matching.matcher import diagnose
from ecotui.guide.reading.derived_signatures import derive_signatures
from ecotui.guide.reading.document import SectionKind, parse_guide
from ecotui.guide.reading.library import GuideLibrary, Overlay, load_shipped_library
from ecotui.session import events
from ecotui.session.store import SessionStore

ERROR = "working\n╷\n│ Error: the frobnicator of the cluster refused to turn\n│ \n│ It is stuck.\n╵\n"


def ran(name: str, argv: tuple[str, ...], outcome: str) -> list[SimpleNamespace]:
    start = events.CommandStarted(command=name, step="apply", title=name, argv=argv, cwd="/")
    return [
        SimpleNamespace(event=start),
        SimpleNamespace(event=events.CommandEnded(command=name, step="apply", outcome=outcome)),
    ]


def records():
    return [
        *ran("a", ("terraform", "apply"), "failed"),
        *ran("b", ("oil", "the frobnicator"), "succeeded"),
        *ran("c", ("terraform", "apply"), "succeeded"),
    ]


OWN = """# 안내서

## 1. Terraform

### 1.1. 앞의 것
**증상**
```
Error: the ledger of the cluster is torn
```
**조치**: 꿰맨다

## 2. 그 밖
### 2.1. 다른 것
**증상**: 느리다
"""


@pytest.mark.parametrize("language", ["ko", "en"])
def test_a_draft_is_an_entry_of_the_guide_in_its_form_and_found_again_by_its_error(language):
    library = load_shipped_library(language)
    known = draft_from_session(records(), {"a": ERROR}.get, library)
    assert known is not None and known.is_solved
    form = detect_entry_format(library)
    number = next_entry_number(library, known.failed_command)
    text = render_entry(known, number, form)
    assert number == "1.7"
    assert text.startswith("### 1.7. the frobnicator of the cluster refused to turn\n")
    assert "│" not in text
    heads = ("#### 문제", "**원인**:", "#### 해결") if language == "ko" else ("#### Problem", "**Cause**:", "#### Fix")
    assert all(f"\n{head}" in text for head in heads)
    assert "oil 'the frobnicator'\nterraform apply" in text
    source = resources.files("config").joinpath(f"guide/eco2.{language}.md").read_text(encoding="utf-8")
    document = parse_guide(source.replace("\n## 2. ", f"\n{text}\n## 2. ", 1), "own.md")
    (entry,) = [one for one in document.entries if one.id == number]
    assert {SectionKind.PROBLEM, SectionKind.CAUSE, SectionKind.FIX} <= {passage.kind for passage in entry.sections}
    assert entry.chapter.startswith("1. ")
    again = GuideLibrary((document,), {number: Overlay(signatures=derive_signatures(entry))}, language)
    assert [match.entry for match in diagnose(again, ERROR)] == [number]
    assert is_recognisable(text)


def test_a_draft_for_a_guide_of_ones_own_has_its_words_and_its_numbers():
    document = parse_guide(OWN, "own.ko.md")
    library = GuideLibrary((document,), {}, "en")
    form = detect_entry_format(library)
    assert (form.language, form.heading_level) == ("ko", 3)
    known = EntryDraft("Error: x of the frobnicator is worn", "terraform apply", (), False)
    text = render_entry(known, next_entry_number(library, known.failed_command), form)
    assert text.startswith("### 1.2. x of the frobnicator is worn\n\n**증상**:\n```\n")
    assert "\n**조치**: (팀에서 채워 주세요)" in text
    assert next_entry_number(library, "kubectl get nodes") == "3.1"
    assert (
        next_entry_number(GuideLibrary((parse_guide("# A\n## One\ntext\n## Two\ntext\n", "a.md"),), {}, "en"), "gh")
        == ""
    )


def test_an_error_that_is_too_general_is_reported():
    known = EntryDraft("Error: failed", "make", (), False)
    assert not is_recognisable(render_entry(known, "1.1", EntryFormat("en", {}, 3)))


def test_a_failure_that_the_guide_knows_is_not_drafted():
    assert draft_from_session(records(), {"a": "Error: VcpuLimitExceeded\n"}.get, load_shipped_library("en")) is None


def test_the_command_drafts_from_the_newest_session_to_a_new_file_only(tmp_path, monkeypatch, capsys):
    for name in ("XDG_CONFIG_HOME", "ECOTUI_CONFIG", "ECOTUI_SESSION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LANG", "en_US.UTF-8")
    monkeypatch.setenv("ECOTUI_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    session = SessionStore(tmp_path / "state").create(project="p", folder=tmp_path)
    assert main(["guide", "new"]) == 1
    for record in records():
        session.append(record.event)
    (session.commands_folder / "a").mkdir(parents=True)
    (session.commands_folder / "a" / "output.log").write_text(ERROR)
    capsys.readouterr()
    assert main(["guide", "new"]) == 0
    told = capsys.readouterr().out
    assert "Error: the frobnicator of the cluster refused to turn" in told
    assert main(["guide", "new", session.id, "--out", "draft.md"]) == 0
    assert (tmp_path / "draft.md").read_text() == told
    assert main(["guide", "new", "--out", "draft.md"]) == 2
