"""An entry drafted from a session, for the team to review."""

from importlib import resources
from types import SimpleNamespace

import pytest

from ecotui.cli import main
from ecotui.guide.draft import Draft, Form, draft, form_of, next_number, recognised, written
from ecotui.guide.matching.matcher import diagnose
from ecotui.guide.reading.derived_signatures import derive
from ecotui.guide.reading.document import Part, parse
from ecotui.guide.reading.library import Library, Overlay, shipped
from ecotui.session import events
from ecotui.session.store import Store

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
    library = shipped(language)
    known = draft(records(), {"a": ERROR}.get, library)
    assert known is not None and known.solved
    form = form_of(library)
    number = next_number(library, known.failed)
    text = written(known, number, form)
    assert number == "1.7"
    assert text.startswith("### 1.7. the frobnicator of the cluster refused to turn\n")
    assert "│" not in text
    heads = (
        ("#### 문제", "**원인**:", "#### 해결")
        if language == "ko"
        else ("#### Problem", "**Cause**:", "#### Fix")
    )
    assert all(f"\n{head}" in text for head in heads)
    assert "oil 'the frobnicator'\nterraform apply" in text
    source = resources.files("config").joinpath(f"guide/eco2.{language}.md").read_text(encoding="utf-8")
    document = parse(source.replace("\n## 2. ", f"\n{text}\n## 2. ", 1), "own.md")
    (entry,) = [one for one in document.entries if one.id == number]
    assert {Part.PROBLEM, Part.CAUSE, Part.FIX} <= {passage.part for passage in entry.passages}
    assert entry.chapter.startswith("1. ")
    again = Library((document,), {number: Overlay(signatures=derive(entry))}, language)
    assert [match.entry for match in diagnose(again, ERROR)] == [number]
    assert recognised(text)


def test_a_draft_for_a_guide_of_ones_own_has_its_words_and_its_numbers():
    document = parse(OWN, "own.ko.md")
    library = Library((document,), {}, "en")
    form = form_of(library)
    assert (form.language, form.level) == ("ko", 3)
    known = Draft("Error: x of the frobnicator is worn", "terraform apply", (), False)
    text = written(known, next_number(library, known.failed), form)
    assert text.startswith("### 1.2. x of the frobnicator is worn\n\n**증상**:\n```\n")
    assert "\n**조치**: (팀에서 채워 주세요)" in text
    assert next_number(library, "kubectl get nodes") == "3.1"
    assert next_number(Library((parse("# A\n## One\ntext\n## Two\ntext\n", "a.md"),), {}, "en"), "gh") == ""


def test_an_error_too_general_to_be_found_by_is_said_to_be_so():
    known = Draft("Error: failed", "make", (), False)
    assert not recognised(written(known, "1.1", Form("en", {}, 3)))


def test_a_failure_that_the_guide_knows_is_not_drafted():
    assert draft(records(), {"a": "Error: VcpuLimitExceeded\n"}.get, shipped("en")) is None


def test_the_command_drafts_from_the_newest_session_to_a_new_file_only(tmp_path, monkeypatch, capsys):
    for name in ("XDG_CONFIG_HOME", "ECOTUI_CONFIG", "ECOTUI_SESSION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LANG", "en_US.UTF-8")
    monkeypatch.setenv("ECOTUI_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    session = Store(tmp_path / "state").create(project="p", folder=tmp_path)
    assert main(["guide", "new"]) == 1
    for record in records():
        session.append(record.event)
    (session.commands / "a").mkdir(parents=True)
    (session.commands / "a" / "output.log").write_text(ERROR)
    capsys.readouterr()
    assert main(["guide", "new"]) == 0
    told = capsys.readouterr().out
    assert "Error: the frobnicator of the cluster refused to turn" in told
    assert main(["guide", "new", session.id, "--out", "draft.md"]) == 0
    assert (tmp_path / "draft.md").read_text() == told
    assert main(["guide", "new", "--out", "draft.md"]) == 2
