"""Where the demo's terraform finds its AWS provider."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecotui.demo import provider_mirror


def mirror(at: Path) -> Path:
    (at / "registry.terraform.io" / "hashicorp" / "aws" / "5.100.0" / "linux_amd64").mkdir(parents=True)
    return at


@pytest.fixture(autouse=True)
def nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider_mirror, "_CONVENTIONAL_ROOTS", ())


def test_the_variable_goes_before_everything(tmp_path: Path) -> None:
    chosen, other = mirror(tmp_path / "chosen"), mirror(tmp_path / ".terraform.d" / "plugins")
    env = {provider_mirror.MIRROR_VARIABLE: str(chosen), "HOME": str(tmp_path)}
    assert provider_mirror.find_mirror(env) == chosen
    assert provider_mirror.find_mirror({"HOME": str(tmp_path)}) == other


def test_a_variable_that_names_no_mirror_is_not_passed_over_in_silence(tmp_path: Path) -> None:
    mirror(tmp_path / ".terraform.d" / "plugins")
    env = {provider_mirror.MIRROR_VARIABLE: str(tmp_path / "none"), "HOME": str(tmp_path)}
    assert provider_mirror.find_mirror(env) is None


def test_a_mirror_block_of_the_cli_configuration_is_found(tmp_path: Path) -> None:
    there = mirror(tmp_path / 'with "quotes"')
    config = tmp_path / "cli.tfrc"
    provider_mirror.write_cli_config(config, there)
    assert provider_mirror.find_mirror({"TF_CLI_CONFIG_FILE": str(config), "HOME": str(tmp_path)}) == there


def test_the_implied_folders_of_terraform_are_looked_at(tmp_path: Path) -> None:
    data = mirror(tmp_path / "data" / "terraform" / "plugins")
    assert provider_mirror.find_mirror({"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "data")}) == data
    shared = {"HOME": str(tmp_path), "XDG_DATA_DIRS": f"{tmp_path}/none:{tmp_path}/data"}
    assert provider_mirror.find_mirror(shared) == data


def test_a_conventional_place_is_searched_but_not_deeply(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider_mirror, "_CONVENTIONAL_ROOTS", (str(tmp_path),))
    deep = mirror(tmp_path / "a" / "b" / "c" / "d")
    assert provider_mirror.find_mirror({"HOME": str(tmp_path / "home")}) is None
    near = mirror(tmp_path / "vendor" / "terraform")
    assert provider_mirror.find_mirror({"HOME": str(tmp_path / "home")}) == near
    assert deep.exists()


def test_an_empty_provider_folder_is_no_mirror(tmp_path: Path) -> None:
    (tmp_path / "registry.terraform.io" / "hashicorp" / "aws").mkdir(parents=True)
    assert provider_mirror.find_mirror({provider_mirror.MIRROR_VARIABLE: str(tmp_path), "HOME": "/none"}) is None


def test_without_a_mirror_the_configuration_leaves_terraform_its_default(tmp_path: Path) -> None:
    config = tmp_path / "cli.tfrc"
    provider_mirror.write_cli_config(config, None)
    assert "provider_installation" not in config.read_text()
