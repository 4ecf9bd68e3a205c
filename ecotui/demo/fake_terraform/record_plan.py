"""Record the plan of the demo project: `python -m ecotui.demo.fake_terraform.record_plan`.

Needs the real terraform and the AWS provider. Run it after every change of config/demo/terraform; a test compares.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ZONE_PLACEHOLDER = "ZONE-OF-THE-DEMO"
"""Stands in the recording for the id of the hosted zone, which is another one in every demo."""
PUBLIC_KEY_PLACEHOLDER = "PUBLIC-KEY-OF-THE-DEMO"
"""Likewise for the SSH key of the nodes."""
RECORDING_PATH = Path(__file__).with_name("plan.json")

_RECORDED_KEYS = (
    "format_version",
    "terraform_version",
    "variables",
    "planned_values",
    "resource_changes",
    "output_changes",
    "prior_state",
    "configuration",
)


def record_plan(env: Mapping[str, str], project: Path) -> dict[str, Any]:
    """Plan with the real terraform and make the plan independent of this one world. Raises CalledProcessError."""
    folder = project / "terraform"

    def terraform(*words: str) -> bytes:
        argv = ["terraform", f"-chdir={folder}", *words]
        return subprocess.run(argv, env=dict(env), stdin=subprocess.DEVNULL, capture_output=True, check=True).stdout

    terraform("init", "-input=false", "-no-color")
    out = project / "recording.tfplan"
    terraform("plan", "-input=false", "-no-color", f"-out={out}")
    whole = json.loads(terraform("show", "-json", str(out)))
    plan = {key: whole[key] for key in _RECORDED_KEYS if key in whole}
    key = (folder / "k8s-cluster-key.pub").read_text(encoding="utf-8")
    zone = next(
        resource["values"]["zone_id"]
        for resource in plan["prior_state"]["values"]["root_module"]["resources"]
        if resource["type"] == "aws_route53_zone"
    )
    replaced: dict[str, Any] = replace_texts(
        plan, {key: PUBLIC_KEY_PLACEHOLDER, key.strip(): PUBLIC_KEY_PLACEHOLDER, zone: ZONE_PLACEHOLDER}
    )
    return {**replaced, "files": {path.name: file_digest(path) for path in sorted(folder.glob("*.tf"))}}


def file_digest(path: Path) -> str:
    """Of a file of the configuration, to see whether the recording still fits it."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def replace_texts(value: Any, texts: Mapping[str, str]) -> Any:
    """The same JSON with every occurrence of the texts exchanged."""
    if isinstance(value, dict):
        return {key: replace_texts(inner, texts) for key, inner in value.items()}
    if isinstance(value, list):
        return [replace_texts(inner, texts) for inner in value]
    if isinstance(value, str):
        for old, new in texts.items():
            value = value.replace(old, new)
    return value


def main() -> int:
    from ecotui.demo import server as demo_server
    from ecotui.demo.speed import DemoTimings

    servers: list[demo_server.Stoppable] = []
    root = Path(tempfile.mkdtemp(prefix="ecotui-record-"))
    try:
        ready = demo_server.start_servers(root / "home", DemoTimings(), servers)
        plan = record_plan(ready["env"], Path(ready["project"]))
    finally:
        for server in reversed(servers):
            server.stop()
        shutil.rmtree(root, ignore_errors=True)
    RECORDING_PATH.write_text(json.dumps(plan, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    sys.stdout.write(f"{len(plan['resource_changes'])} changes recorded in {RECORDING_PATH.name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
