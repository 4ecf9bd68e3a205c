"""`ecotui config show|explain|validate`."""

import json
from pathlib import Path

import pytest
import yaml

from config.explain import describe_setting
from config.load import load_settings
from config.schema import iter_leaf_fields
from ecotui.cli import main


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("ECOTUI_CONFIG", raising=False)
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "ecotui.yaml").write_text("project: shop\naws:\n  timeout: 3\n", encoding="utf-8")
    monkeypatch.chdir(folder)
    return folder


def test_show_prints_yaml_that_is_the_settings_in_force(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "show", "--set", "aws.region=eu-west-1"]) == 0
    out = capsys.readouterr().out
    assert "region: eu-west-1  # --set" in out
    assert "timeout: 3.0  # ecotui.yaml:3" in out
    (project / "ecotui.yaml").write_text(out, encoding="utf-8")
    assert load_settings(project, None, (), {}).settings.aws.region == "eu-west-1"
    assert len(yaml.safe_load(out)["nodes"]["groups"]) == 4


def test_show_as_json_says_where_each_value_comes_from(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "show", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "ecotui.config-show/1"
    assert document["files"] == [str(project / "ecotui.yaml")]
    assert document["settings"]["project"] == "shop"
    assert document["provenance"]["project"] == "ecotui.yaml:1"
    assert document["provenance"]["aws.region"] == "default"


@pytest.mark.parametrize(
    "argv",
    [
        ["--set", "project=me", "config", "show"],
        ["config", "--set", "project=me", "show"],
        ["config", "show", "--set", "project=me"],
    ],
)
def test_an_override_counts_wherever_it_stands(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv) == 0
    assert "project: me  # --set" in capsys.readouterr().out


def test_explain_tells_meaning_type_default_value_and_origin(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "explain", "aws.timeout"]) == 0
    out = capsys.readouterr().out
    assert "aws.timeout: a number" in out
    assert "Seconds to wait for one AWS answer" in out
    assert "Value: 3.0 (ecotui.yaml:3)" in out
    assert "Without any settings: 8.0" in out
    assert "ECOTUI_AWS_TIMEOUT" in out


def test_explain_knows_sections_and_the_keys_inside_lists(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "explain", "nodes.groups.pattern", "--json"]) == 0
    assert "matches the names" in json.loads(capsys.readouterr().out)["meaning"]
    assert main(["config", "explain", "aws"]) == 0
    assert "Keys: region, profile" in capsys.readouterr().out


def test_explain_of_an_unknown_key_suggests_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "explain", "region"]) == 2
    assert "did you mean 'aws.region'?" in capsys.readouterr().err


def test_every_setting_has_a_text_that_explains_it() -> None:
    assert [key for path, _ in iter_leaf_fields() if not describe_setting(key := ".".join(path)).meaning] == []


def test_explain_helps_while_the_file_cannot_be_used(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "ecotui.yaml").write_text("aws: {timeout: soon}\n", encoding="utf-8")
    assert main(["config", "explain", "aws.timeout"]) == 0
    printed = capsys.readouterr()
    assert "Seconds to wait" in printed.out
    assert "expected a number" in printed.err


def test_validate_says_what_is_wrong_in_one_line_and_exits_2(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "validate"]) == 0
    assert "can be used" in capsys.readouterr().out
    bad = project / "bad.yaml"
    bad.write_text("aws:\n  regoin: x\n", encoding="utf-8")
    assert main(["config", "validate", "bad.yaml"]) == 2
    printed = capsys.readouterr()
    assert printed.err == "ecotui: bad.yaml:2: aws.regoin: unknown key; did you mean 'region'?\n"
    assert printed.out == ""
    assert main(["config", "validate", "bad.yaml", "--json"]) == 2
    document = json.loads(capsys.readouterr().out)
    assert document["valid"] is False
    assert document["error"].startswith("bad.yaml:2: aws.regoin")


def test_any_command_with_a_bad_file_is_one_line_and_exit_2(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "ecotui.yaml").write_text("", encoding="utf-8")
    assert main(["check", "environment"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert "holds no settings" in printed.err
