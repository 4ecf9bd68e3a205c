"""`ecotui init`: what it finds, what it writes, and that what it writes can be used."""

import subprocess
from pathlib import Path

import pytest
from support import ROOT

from config.load import load_settings, validate_settings_text
from config.model import Settings
from ecotui.cli import main
from ecotui.cli.init import render_settings

MAIN = """
provider "aws" {
  region = var.region
  default_tags {
    tags = { # one line is not enough
      Project = "Shop"   # ours
      Env     = var.environment
      Who     = data.aws_caller_identity.me.arn
    }
  }
}
provider "aws" {
  alias  = "us_east_1"
  region = "us-east-1"
}
variable "region" { 
  default = "eu-central-1"
}
variable "workers" {
  type    = number
  default = 1
}
variable "environment" {}
/* resource "aws_instance" "commented" {
  instance_type = "m5.large"
} */
resource "aws_instance" "worker" {
  count         = var.workers
  instance_type = "t3.small"
  user_data     = <<-EOF
    resource "aws_instance" "in_a_heredoc" {
      instance_type = "m5.large"
    }
  EOF
  tags = { Name = "shop-worker-${count.index}" }
}
resource "aws_instance" "computed" {
  for_each      = local.nodes
  instance_type = each.value.type
}
module "api_auth" {
  source        = "./modules/ec2"
  instance_name = "shop-api-auth"
  instance_type = "t3.medium"
}
module "api_my" {
  source        = "./modules/ec2"
  instance_name = "shop-api-my"
  instance_type = "t3.medium"
}
resource "aws_key_pair" "nodes" {
  key_name   = "shop-key"
  public_key = file("~/.ssh/shop.pub")
}
"""


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    for name in ("infra/modules/ec2", "scripts/cluster", ".git", "node_modules/x"):
        (folder / name).mkdir(parents=True)
    (folder / "infra" / "main.tf").write_text(MAIN, encoding="utf-8")
    (folder / "infra" / "terraform.tfvars").write_text('workers = 3\nenvironment = "prod"\n', encoding="utf-8")
    (folder / "infra" / "big.tfvars").write_text("", encoding="utf-8")
    for at in range(3):
        (folder / "infra" / "modules" / "ec2" / f"{at}.tf").write_text("", encoding="utf-8")
        (folder / "node_modules" / "x" / f"{at}.tf").write_text("", encoding="utf-8")
    (folder / "scripts" / "cluster" / "rebuild.sh").write_text(
        '#!/bin/sh\n: "${API_TOKEN:?is missing}" "${RELEASE?}" "${OPTIONAL:-x}"\n', encoding="utf-8"
    )
    (folder / ".git" / "config").write_text(
        '[remote "other"]\n\turl = git@github.com:else/where.git\n'
        '[remote "origin"]\n\turl = https://me:ghp_hidden@github.com/acme/shop.git\n',
        encoding="utf-8",
    )
    return folder


def settings(folder: Path) -> Settings:
    return validate_settings_text(render_settings(folder, {}), "ecotui.yaml")


def test_nodes_come_from_resources_and_modules_and_their_variables(project: Path) -> None:
    groups = {group.name: group for group in settings(project).nodes.groups}
    assert set(groups) == {"shop-worker", "shop-api"}
    assert (groups["shop-worker"].count, groups["shop-worker"].instance_type) == (3, "t3.small")
    assert (groups["shop-api"].count, groups["shop-api"].pattern) == (2, "shop-api-*")
    assert "CHECK: the number or the type of aws_instance.computed" in render_settings(project, {})


def test_the_rest_comes_from_terraform_scripts_and_git(project: Path) -> None:
    found = settings(project)
    assert found.project == "shop"
    assert found.aws.region == "eu-central-1"
    assert found.terraform.directory == "infra"
    assert found.terraform.var_files == ("big.tfvars",)
    assert found.cleanup.tags == {"Project": "Shop", "Env": "prod"}
    assert found.cleanup.exact == ("shop-key",)
    assert found.environment.ssh_key == "~/.ssh/shop"
    assert found.environment.files == ("scripts/cluster/rebuild.sh",)
    assert {(one.name, one.secret) for one in found.environment.variables} == {
        ("API_TOKEN", True),
        ("RELEASE", False),
    }
    assert found.github.repository == "acme/shop"


def test_a_token_in_the_remote_is_not_written(project: Path) -> None:
    assert "ghp_hidden" not in render_settings(project, {})


def test_nothing_of_the_reference_project_is_left_in_an_empty_folder(tmp_path: Path) -> None:
    folder = tmp_path / "empty: #folder"
    folder.mkdir()
    found = settings(folder)
    assert found.project == "empty: #folder"
    assert found.aws.region == ""
    assert found.nodes.groups == ()
    assert not found.github.enabled
    assert not any((found.cleanup.names, found.cleanup.exact, found.cleanup.prefixes, found.cleanup.tags))


@pytest.mark.parametrize(
    ("url", "repository"),
    [
        ("git@github.com:acme/shop.git", "acme/shop"),
        ("ssh://git@github.com:22/acme/shop", "acme/shop"),
        ("https://github.com/acme/shop.js/", "acme/shop.js"),
    ],
)
def test_every_usual_form_of_a_remote_is_read(project: Path, url: str, repository: str) -> None:
    (project / ".git" / "config").write_text(f'[remote "origin"]\n\turl = {url}\n', encoding="utf-8")
    assert settings(project).github.repository == repository


def test_init_writes_what_validates_and_never_overwrites_unasked(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", "-C", str(project)]) == 0
    assert load_settings(project, None, (), {}).settings.project == "shop"
    (project / "ecotui.yaml").write_text("project: mine\n", encoding="utf-8")
    assert main(["init", "-C", str(project)]) == 1
    assert "--force overwrites it" in capsys.readouterr().err
    assert load_settings(project, None, (), {}).settings.project == "mine"
    assert main(["init", "-C", str(project), "--force"]) == 0
    assert load_settings(project, None, (), {}).settings.aws.region == "eu-central-1"
    assert not list(project.glob(".ecotui*"))


def test_print_shows_and_writes_nothing(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "--print", "-C", str(project)]) == 0
    assert "region: eu-central-1" in capsys.readouterr().out
    assert not (project / "ecotui.yaml").exists()


def test_text_that_is_no_terraform_does_no_harm(project: Path) -> None:
    before = settings(project)
    (project / "infra" / "odd.tf").write_bytes(b'\xff\x00 resource "aws_instance" "x" { { "unclosed ' * 500)
    assert settings(project) == before


def test_the_demo_project_is_read(tmp_path: Path) -> None:
    source = ROOT / "config" / "demo"
    found = settings(source)
    assert found.aws.region == "ap-northeast-2"
    assert found.cleanup.tags["Project"] == "SeSACTHON"
    assert found.cleanup.exact == ("k8s-cluster-key",)


def test_a_real_git_repository_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "real" / "sub"
    folder.mkdir(parents=True)
    for words in (("init", "-q"), ("remote", "add", "origin", "https://github.com/acme/real.git")):
        subprocess.run(["git", *words], cwd=folder.parent, check=True)
    assert settings(folder).github.repository == "acme/real"
