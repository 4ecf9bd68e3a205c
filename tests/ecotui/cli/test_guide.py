"""`ecotui guide` and `ecotui diagnose`."""

import io
import json
import sys
from pathlib import Path

import pytest

from ecotui.cli import main


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("XDG_CONFIG_HOME", "ECOTUI_CONFIG", "LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LANG", "en_US.UTF-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_an_entry_is_printed_with_its_corrections(capsys):
    assert main(["guide", "3.1"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("3.1  VcpuLimitExceeded\n")
    assert "#### Fix 1: Request a higher vCPU limit" in out
    assert "> Correction: Method 2 does not add up" in out


def test_the_language_can_be_chosen(capsys, monkeypatch):
    assert main(["guide", "3.1", "--language", "ko"]) == 0
    assert "#### 해결 방법 1" in capsys.readouterr().out
    monkeypatch.setenv("LANG", "ko_KR.UTF-8")
    assert main(["guide", "3.1"]) == 0
    assert "> Correction: 해결 방법 2의 계산은 틀립니다" in capsys.readouterr().out


def test_words_list_the_entries_that_have_them(capsys):
    assert main(["guide", "bucket"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["4.2", "BucketAlreadyOwnedByYou"]


def test_words_that_are_nowhere_fail(capsys):
    assert main(["guide", "kubernetes-on-mars"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "nothing in the guide" in captured.err


def test_an_entry_as_json(capsys):
    assert main(["guide", "4.2", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "ecotui.guide/1"
    (entry,) = document["entries"]
    assert set(entry) == {"id", "title", "chapter", "text", "corrections"}
    assert (entry["id"], entry["chapter"]) == ("4.2", "4. Problems Running the Scripts")
    assert len(entry["corrections"]) == 1


def test_nothing_found_as_json_is_still_a_document(capsys):
    assert main(["guide", "nosuchword", "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == {"schema": "ecotui.guide/1", "entries": []}


def test_a_document_that_is_not_there_is_a_usage_error(capsys):
    assert main(["guide", "--set", "guide.documents=[none.md]"]) == 2
    assert "none.md: No such file" in capsys.readouterr().err


def test_a_file_is_diagnosed(project, capsys):
    (project / "apply.log").write_text("a\nError: creating EC2 Instance: VcpuLimitExceeded: more\n")
    assert main(["diagnose", "apply.log", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "schema": "ecotui.diagnose/1",
        "matches": [
            {
                "entry": "3.1",
                "title": "VcpuLimitExceeded",
                "score": 1.0,
                "line": 2,
                "excerpt": "a Error: creating EC2 Instance: VcpuLimitExceeded: more",
            }
        ],
    }


def test_standard_input_is_diagnosed(capsys, monkeypatch):
    text = b"Error: creating S3 Bucket (b): BucketAlreadyOwnedByYou\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
    assert main(["diagnose"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("4.2  BucketAlreadyOwnedByYou\n")
    assert "line 1:" in out and "ecotui guide 4.2" in out


def test_a_text_without_a_match_is_reported(project, capsys):
    (project / "x.log").write_text("Error: something else\n")
    assert main(["diagnose", "x.log"]) == 0
    assert capsys.readouterr().out == "The guide has nothing about this text.\n"
    assert main(["diagnose", "x.log", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["matches"] == []


def test_a_file_that_cannot_be_read_is_a_usage_error(capsys):
    assert main(["diagnose", "none.log"]) == 2
    assert "none.log" in capsys.readouterr().err


def test_lint_names_unusable_parts_with_their_lines(project, capsys):
    text = "# Guide\n\n## 1. Chapter\n\n### 1.1 One\n#### Problem\n```\nOops\n```\n#### Fix\nx\n"
    text += "### 1.1 Two\n#### Fix\ny\n### 1.3 Three\n#### Problem\nwords\n```\nnever closed\n"
    (project / "own.md").write_text(text)
    assert main(["guide", "lint", "own.md"]) == 4
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "own.md:5: 1.1: its error text has too few fixed words to be recognised"
    assert "own.md:12: 1.1 is used twice; the second one is 1.1-2" in lines
    assert "own.md:12: 1.1-2: has a fix, but no heading for the problem" in lines
    assert "own.md:15: 1.3: has a problem, but no fix" in lines
    assert any(line.startswith("own.md:18: a fenced block is never closed") for line in lines)


def test_lint_of_a_document_that_can_be_used_whole_is_quiet(project, capsys):
    text = "# Guide\n\n### 1.1 One\n#### Problem\n```\nThe frobnicator refused to turn\n```\n#### Fix\nx\n"
    (project / "own.md").write_text(text)
    assert main(["guide", "lint", "own.md", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"schema": "ecotui.guide.lint/1", "remarks": []}
    assert main(["guide", "lint", "none.md"]) == 2


def test_why_adds_the_rule_that_found_an_entry(project, capsys):
    (project / "x.log").write_text(
        "aws_cloudfront_distribution.a: Still creating... [6m0s elapsed]\n"
        "Error: creating IAM Role (a): EntityAlreadyExists: Role with name a already exists.\n"
    )
    assert main(["diagnose", "x.log"]) == 0
    out = capsys.readouterr().out
    assert "by “EntityAlreadyExists”: an error of the kind that this entry is about\n" in out
    assert "by “aws_cloudfront”: a line of progress; nothing failed\n" in out
    assert main(["diagnose", "x.log", "--json", "--why"]) == 0
    assert json.loads(capsys.readouterr().out)["reasons"] == [
        {"entry": "2.1", "line": 2, "rule": "EntityAlreadyExists", "kind": "near"},
        {"entry": "6.1", "line": 1, "rule": "aws_cloudfront", "kind": "progress"},
    ]
