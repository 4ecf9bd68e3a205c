"""Settings: where they are found, which source wins, and the origin that each value names."""

from pathlib import Path

import pytest

from config.load import SettingsError, load_settings
from config.overrides import setting_variables
from config.schema import iter_leaf_fields


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def env(home: Path) -> dict[str, str]:
    return {"HOME": str(home), "XDG_CONFIG_HOME": str(home / "config")}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "deep" / "er").mkdir(parents=True)
    return folder


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_the_defaults_describe_the_thirteen_nodes_of_the_reference_project(project: Path, env: dict[str, str]) -> None:
    settings = load_settings(project, None, (), env).settings
    assert sum(group.count for group in settings.nodes.groups) == 13
    assert settings.aws.region == "ap-northeast-2"
    assert settings.cloudfront.normal_minutes == (5, 15)
    assert settings.github.scopes == ("repo", "read:org", "write:packages")
    vcpu = next(limit for limit in settings.quota.limits if limit.code == "L-1216C47A")
    assert vcpu.desired == 32


def test_the_file_is_found_upward_and_its_folder_is_the_project(
    project: Path, env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(project / "ecotui.yaml", "project: shop\n")
    monkeypatch.chdir(project / "deep" / "er")
    loaded = load_settings(None, None, (), env)
    assert loaded.settings.project == "shop"
    assert loaded.project == project
    assert loaded.files == (file,)


def test_a_folder_that_is_named_stays_the_project_though_the_file_lies_above(
    project: Path, env: dict[str, str]
) -> None:
    write(project / "ecotui.yaml", "project: shop\n")
    loaded = load_settings(project / "deep", None, (), env)
    assert loaded.settings.project == "shop"
    assert loaded.project == project / "deep"


def test_each_source_lies_over_the_one_before(project: Path, env: dict[str, str]) -> None:
    write(
        Path(env["XDG_CONFIG_HOME"]) / "ecotui" / "ecotui.yaml",
        "aws: {region: us-east-1, profile: mine, timeout: 3, account_name: user}\n",
    )
    write(project / "ecotui.yaml", "aws: {region: us-east-2, profile: ours, timeout: 4}\n")
    env |= {"ECOTUI_AWS_REGION": "eu-west-1", "ECOTUI_AWS_PROFILE": "env"}
    loaded = load_settings(project, None, ("aws.region=eu-west-3",), env)
    assert (loaded.settings.aws.region, loaded.settings.aws.profile) == ("eu-west-3", "env")
    assert (loaded.settings.aws.timeout, loaded.settings.aws.account_name) == (4, "user")
    assert loaded.provenance["aws.region"] == "--set"
    assert loaded.provenance["aws.profile"] == "ECOTUI_AWS_PROFILE"
    assert loaded.provenance["aws.timeout"].endswith("project/ecotui.yaml:1")
    assert loaded.provenance["quota.poll"] == "default"


def test_the_users_file_is_found_under_home_without_xdg(project: Path, home: Path) -> None:
    write(home / ".config" / "ecotui" / "ecotui.yaml", "aws: {profile: mine}\n")
    assert load_settings(project, None, (), {"HOME": str(home)}).settings.aws.profile == "mine"


def test_sections_are_merged_and_lists_and_tags_are_replaced_whole(project: Path, env: dict[str, str]) -> None:
    write(project / "ecotui.yaml", "cleanup:\n  names: [mine-*]\n  tags: {Owner: me}\n")
    cleanup = load_settings(project, None, (), env).settings.cleanup
    assert cleanup.names == ("mine-*",)
    assert cleanup.tags == {"Owner": "me"}
    assert cleanup.exact == ("k8s-cluster-key",)


def test_a_section_whose_keys_are_all_commented_out_changes_nothing(project: Path, env: dict[str, str]) -> None:
    write(project / "ecotui.yaml", "aws:\n  # region: x\nproject: shop\n")
    assert load_settings(project, None, (), env).settings.aws.region == "ap-northeast-2"


@pytest.mark.parametrize(("written", "words"), [("tofu", ("tofu",)), ("ssh 'a b' kubectl", ("ssh", "a b", "kubectl"))])
def test_a_command_may_be_one_plain_text(
    project: Path, env: dict[str, str], written: str, words: tuple[str, ...]
) -> None:
    write(project / "ecotui.yaml", f"terraform:\n  command: {written}\n")
    assert load_settings(project, None, (), env).settings.terraform.command == words


def test_config_names_the_file_and_its_folder_is_the_project(
    project: Path, env: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(project / "ecotui.yaml", "project: not-me\n")
    other = write(tmp_path / "other" / "prod.yaml", "project: me\n")
    monkeypatch.chdir(project)
    for loaded in (
        load_settings(None, other, (), env),
        load_settings(None, None, (), env | {"ECOTUI_CONFIG": str(other)}),
    ):
        assert loaded.settings.project == "me"
        assert loaded.project == other.parent


def test_one_item_of_a_list_can_be_overridden_by_its_index(project: Path, env: dict[str, str]) -> None:
    for key in ("nodes.groups[1].count", "nodes.groups.1.count"):
        loaded = load_settings(project, None, (f"{key}=2",), env)
        assert [group.count for group in loaded.settings.nodes.groups] == [1, 2, 2, 4]
        assert loaded.provenance["nodes.groups"] == "default, changed by --set"


def test_on_the_command_line_a_number_is_text_where_text_is_wanted(project: Path, env: dict[str, str]) -> None:
    loaded = load_settings(project, None, ("aws.account=012345670123", "aws.region=", "project=on"), env)
    assert loaded.settings.aws.account == "012345670123"
    assert loaded.settings.aws.region == ""
    assert loaded.settings.project == "on"


def test_values_of_variables_are_yaml_and_two_underscores_are_taken_too(project: Path, env: dict[str, str]) -> None:
    env |= {"ECOTUI_GITHUB__SCOPES": "[repo, read:org]", "ECOTUI_QUOTA_POLL": "7", "ECOTUI_AWS_PROFILE": ""}
    settings = load_settings(project, None, (), env).settings
    assert settings.github.scopes == ("repo", "read:org")
    assert settings.quota.poll == 7


def test_variables_of_the_program_itself_are_no_settings(project: Path, env: dict[str, str]) -> None:
    plain = load_settings(project, None, (), env)
    env |= {"ECOTUI_STATE_DIR": "/x", "ECOTUI_SESSION": "1", "ECOTUI_DEBUG": "1", "ECOTUI_OF_TOMORROW": "1"}
    assert load_settings(project, None, (), env) == plain


def test_every_setting_has_a_variable_of_its_own() -> None:
    keys = [".".join(path) for path, _ in iter_leaf_fields()]
    assert sorted(setting_variables().values()) == sorted(keys)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("aws.regon=x", "--set: aws.regon: unknown key; did you mean 'region'?"),
        ("aws.region.x=1", "--set: aws.region.x: unknown key; 'aws.region' has no keys of its own"),
        ("nodes.groups[9].count=1", "--set: nodes.groups[9]: the list has 4 items, counted from 0"),
        ("nodes.groups[0].count=-1", "--set: nodes.groups[0].count: must be 0 or more, is -1"),
        ("quota.poll=soon", "--set: quota.poll: expected a number, got the text 'soon'"),
        ("aws.region", "--set: expected KEY=VALUE, got 'aws.region'"),
        (".=1", "--set: '.' names no setting"),
    ],
)
def test_a_wrong_override_names_itself(project: Path, env: dict[str, str], override: str, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(project, None, (override,), env)
    assert str(caught.value) == message


def test_a_misspelt_variable_names_the_one_that_was_meant(project: Path, env: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=r"ECOTUI_AWS_REGOIN: .* did you mean ECOTUI_AWS_REGION"):
        load_settings(project, None, (), env | {"ECOTUI_AWS_REGOIN": "eu-west-1"})


def test_a_missing_file_or_folder_is_one_line(project: Path, env: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=r"nothing\.yaml: cannot be read: No such file"):
        load_settings(project, project / "nothing.yaml", (), env)
    with pytest.raises(SettingsError, match="there is no such folder"):
        load_settings(project / "nowhere", None, (), env)
