"""The demo's temporary home: everything that its tools read and write, and nothing of the user's."""

from __future__ import annotations

import os
import shutil
import stat
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

AWS_PROFILE_NAME = "eco2-demo"


@dataclass(frozen=True)
class DemoHome:
    """Where things lie in a demo's home."""

    root: Path

    @property
    def project(self) -> Path:
        return self.root / "project"

    @property
    def tools(self) -> Path:
        return self.root / "bin"

    @property
    def kubeconfig(self) -> Path:
        return self.root / ".kube" / "config"

    @property
    def terraform_config(self) -> Path:
        return self.root / ".terraformrc"

    @property
    def aws_config(self) -> Path:
        return self.root / ".aws" / "config"

    @property
    def aws_credentials(self) -> Path:
        return self.root / ".aws" / "credentials"

    @property
    def ssh_key(self) -> Path:
        return self.root / ".ssh" / "k8s-cluster-key"

    @property
    def sessions(self) -> Path:
        """The state folder's part of ecotui: where the demo's sessions are kept."""
        return self.root / ".local" / "state" / "ecotui"

    @property
    def aws_data(self) -> Path:
        return self.root / ".world"


def create_home(root: Path) -> DemoHome:
    """Make the folders (0700) and copy the demo project into them. Raises OSError, FileExistsError when it is used."""
    home = DemoHome(root)
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    if any(root.iterdir()):
        raise FileExistsError(f"{root} is not empty")
    root.chmod(0o700)
    for folder in (
        home.tools,
        home.kubeconfig.parent,
        home.aws_config.parent,
        home.ssh_key.parent,
        home.aws_data,
        root / ".config",
        root / ".cache",
        root / ".local" / "share",
        root / ".local" / "state",
        root / "tmp",
    ):
        folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    with resources.as_file(resources.files("config") / "demo") as source:
        shutil.copytree(source, home.project, ignore=shutil.ignore_patterns("__pycache__", ".terraform*"))
    # Installed packages can be read-only; the project is to be worked on.
    for path in (home.project, *home.project.rglob("*")):
        path.chmod(path.stat().st_mode | stat.S_IWUSR)
    _create_key_pair(home)
    return home


def write_aws_profile(home: DemoHome, endpoint: str, region: str, key_id: str, secret: str) -> None:
    """An ordinary profile with keys that mean something to the demo's AWS only."""
    home.aws_config.write_text(
        f"[profile {AWS_PROFILE_NAME}]\nregion = {region}\noutput = json\nendpoint_url = {endpoint}\n",
        encoding="utf-8",
    )
    _write_secret(
        home.aws_credentials,
        f"[{AWS_PROFILE_NAME}]\naws_access_key_id = {key_id}\naws_secret_access_key = {secret}\n".encode(),
    )


def _create_key_pair(home: DemoHome) -> None:
    """A new SSH key pair: the public half goes into the terraform project."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    _write_secret(
        home.ssh_key,
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
        ),
    )
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    (home.project / "terraform" / "k8s-cluster-key.pub").write_bytes(public + b" ecotui demo\n")


def _write_secret(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
