"""An entry drafted from a session, for the team to review."""

from types import SimpleNamespace

from ecotui.cli import main
from ecotui.guide.document import Part, parse
from ecotui.guide.drafting import draft, next_number, written
from ecotui.guide.library import derive, shipped
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


def test_a_draft_is_an_entry_by_which_the_error_is_found_again():
    library = shipped("en")
    known = draft(records(), {"a": ERROR}.get, library)
    assert known is not None and known.solved
    text = written(known, next_number(library), "en")
    (entry,) = parse(f"# Guide\n\n{text}", "own.md").entries
    assert entry.id == next_number(library)
    assert {Part.PROBLEM, Part.CAUSE, Part.FIX} <= {passage.part for passage in entry.passages}
    assert "oil 'the frobnicator'\nterraform apply" in text
    assert any("frobnicator" in signature.anchor for signature in derive(entry))


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
