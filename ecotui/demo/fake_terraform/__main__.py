"""The stand-in for terraform: `version`, `init`, `validate`, `plan`, `show`, `apply`, `output`, `state list|pull`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ecotui.demo.fake_terraform import VERSION_NOTICE
from ecotui.demo.fake_terraform.state import TERRAFORM_VERSION, FakeState

# Flags that change nothing here: the stand-in never asks, never draws, and works on one thing after the other.
_IGNORED_FLAGS = ("-input", "-no-color", "-lock", "-lock-timeout", "-parallelism", "-refresh", "-compact-warnings")


class UnsupportedUsage(Exception):
    """Not something that the stand-in can do."""


class TerraformArguments:
    """A terraform command line: flags of one dash, and the rest."""

    def __init__(self, argv: Sequence[str]) -> None:
        self.flags: dict[str, list[str]] = {}
        self.positional: list[str] = []
        waiting = ""
        for word in argv:
            if waiting:
                self.flags.setdefault(waiting, []).append(word)
                waiting = ""
            elif word.startswith("-"):
                name, equals, value = word.partition("=")
                name = "-" + name.lstrip("-")
                if not equals and name in ("-var", "-var-file", "-out", "-target"):
                    waiting = name
                else:
                    self.flags.setdefault(name, []).append(value)
            else:
                self.positional.append(word)

    def has_flag(self, name: str) -> bool:
        return name in self.flags and self.flags[name][-1] != "false"

    def reject_unknown_flags(self, *names: str) -> None:
        unknown = [name for name in self.flags if name not in (*names, *_IGNORED_FLAGS)]
        if unknown:
            raise UnsupportedUsage(f"the stand-in for terraform does not know {unknown[0]}")


def main(argv: Sequence[str]) -> int:
    folder = Path.cwd()
    words = list(argv)
    while words and words[0].startswith("-chdir="):
        folder = (folder / words.pop(0).partition("=")[2]).resolve()
    if words[:1] in (["-version"], ["--version"], ["-v"]):
        words[0] = "version"
    if not words:
        sys.stdout.write(f"{VERSION_NOTICE}\n\n{__doc__}\n")
        return 127
    commands: dict[str, Callable[[Path, TerraformArguments], int]] = {
        "version": _version,
        "init": _init,
        "validate": _validate,
        "plan": _plan,
        "show": _show,
        "apply": _apply,
        "output": _output,
        "state": _state,
    }
    try:
        command = commands.get(words[0])
        if command is None:
            raise UnsupportedUsage(f"the stand-in for terraform does not know the command {words[0]}")
        return command(folder, TerraformArguments(words[1:]))
    except (UnsupportedUsage, OSError, ValueError) as error:
        sys.stderr.write(f"\nError: {error}\n")
        return 1


def _version(folder: Path, arguments: TerraformArguments) -> int:
    if arguments.has_flag("-json"):
        answer = {"terraform_version": TERRAFORM_VERSION, "platform": sys.platform, "stand_in": True}
        sys.stdout.write(json.dumps({**answer, "provider_selections": {}}) + "\n")
    else:
        sys.stdout.write(f"Terraform v{TERRAFORM_VERSION}\n{VERSION_NOTICE}\n")
    return 0


def _init(folder: Path, arguments: TerraformArguments) -> int:
    arguments.reject_unknown_flags("-upgrade", "-reconfigure", "-migrate-state", "-backend", "-get")
    if not any(folder.glob("*.tf")):
        sys.stdout.write("Terraform initialized in an empty directory!\n")
        return 0
    (folder / ".terraform").mkdir(exist_ok=True)
    sys.stdout.write(
        "Initializing the backend...\nInitializing provider plugins...\n"
        f"- {VERSION_NOTICE}: no provider is needed\n\nTerraform has been successfully initialized!\n"
    )
    return 0


def _require_init(folder: Path) -> None:
    if not any(folder.glob("*.tf")):
        raise UnsupportedUsage("No configuration files")
    if not (Path(os.environ.get("TF_DATA_DIR") or folder / ".terraform")).is_dir():
        raise UnsupportedUsage(
            "Inconsistent dependency lock file\n\nThe following dependency selections recorded in the lock file are "
            "inconsistent with the current configuration:\n  - provider registry.terraform.io/hashicorp/aws: required "
            "by this configuration but no version is selected\n\nTo make the initial dependency selections that will "
            "initialize the dependency lock file, run:\n  terraform init"
        )


def _validate(folder: Path, arguments: TerraformArguments) -> int:
    arguments.reject_unknown_flags("-json")
    _require_init(folder)
    from ecotui.demo.fake_terraform import plan

    changed = plan.changed_files(folder)
    found = [{"severity": "warning", "summary": _changed_files_warning(changed), "detail": ""}] if changed else []
    if arguments.has_flag("-json"):
        answer = {"format_version": "1.0", "valid": True, "error_count": 0, "warning_count": len(found)}
        sys.stdout.write(json.dumps({**answer, "diagnostics": found}, indent=2) + "\n")
    else:
        sys.stdout.write("Success! The configuration is valid.\n")
    return 0


def _changed_files_warning(changed: Sequence[str]) -> str:
    return (
        f"the stand-in for terraform plans the demo as it was recorded; it does not see changes in {', '.join(changed)}"
    )


def _client_factory() -> Callable[..., Any]:
    """boto3's clients, against the demo's AWS and no other. Raises Usage."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
    if urlsplit(endpoint).hostname not in ("127.0.0.1", "localhost", "::1"):
        raise UnsupportedUsage(
            "the stand-in for terraform works on the demo's AWS only (AWS_ENDPOINT_URL names another, or none)"
        )
    import boto3
    from botocore.config import Config

    session = boto3.Session(region_name=os.environ.get("AWS_REGION") or None)
    made: dict[tuple[str, str | None], Any] = {}

    def client(service: str, region_name: str | None = None) -> Any:
        key = (service, region_name)
        if key not in made:
            made[key] = session.client(
                service,  # type: ignore[call-overload,unused-ignore]
                region_name=region_name,
                endpoint_url=endpoint,
                config=Config(s3={"addressing_style": "path"}),
            )
        return made[key]

    return client


def _find_zone_id(client: Callable[..., Any], domain: str) -> str:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        zones = client("route53").list_hosted_zones()["HostedZones"]
    except ClientError as error:
        raise UnsupportedUsage(f"reading Route 53 Hosted Zones: {error.response['Error']['Code']}: {error}") from error
    except BotoCoreError as error:
        raise UnsupportedUsage(f"reading Route 53 Hosted Zones: {error}") from error
    found = [zone["Id"].rpartition("/")[2] for zone in zones if zone["Name"].rstrip(".") == domain]
    if not found:
        raise UnsupportedUsage("no matching Route 53 Hosted Zone found")
    return str(found[0])


def _plan(folder: Path, arguments: TerraformArguments) -> int:
    arguments.reject_unknown_flags("-json", "-out", "-var", "-var-file", "-detailed-exitcode")
    _require_init(folder)
    from ecotui.demo.fake_terraform import plan as planning
    from ecotui.demo.fake_terraform.output import TerraformOutput

    voice = TerraformOutput(folder, as_json=arguments.has_flag("-json"))
    state = FakeState(folder)
    try:
        given = planning.collect_variables(
            folder, os.environ, arguments.flags.get("-var", ()), arguments.flags.get("-var-file", ())
        )
        domain = given.get("domain") or planning.load_recording()["variables"]["domain"]["value"]
        whole = planning.build_plan(folder, state, given, _find_zone_id(_client_factory(), domain))
    except (planning.PlanUnsupported, UnsupportedUsage) as error:
        voice.diagnostic("error", str(error))
        return 1
    if changed := planning.changed_files(folder):
        voice.diagnostic("warning", _changed_files_warning(changed))
    counts = {"create": 0, "update": 0, "import": 0}
    for change in whole["resource_changes"]:
        delta = change["change"]
        action = "import" if "importing" in delta else delta["actions"][0]
        if action in counts and change["mode"] == "managed":
            counts[action] += 1
            voice.planned_change(change["address"], action)
    voice.summary(counts["create"], counts["update"], counts["import"], "plan")
    if out := arguments.flags.get("-out"):
        saved = {"stand_in": 1, "state": planning.state_fingerprint(state), "plan": whole}
        (folder / out[-1]).write_text(json.dumps(saved), encoding="utf-8")
    return 2 if arguments.has_flag("-detailed-exitcode") and any(counts.values()) else 0


def _load_saved_plan(folder: Path, name: str) -> dict[str, Any]:
    try:
        saved = json.loads((folder / name).read_text(encoding="utf-8"))
        saved["plan"]["resource_changes"]
    except (OSError, ValueError, KeyError, TypeError):
        raise UnsupportedUsage(
            f'Failed to load "{name}" as a plan file\n\n{name}: not a plan of the stand-in'
        ) from None
    loaded: dict[str, Any] = saved
    return loaded


def _show(folder: Path, arguments: TerraformArguments) -> int:
    arguments.reject_unknown_flags("-json")
    if arguments.positional:
        shown = _load_saved_plan(folder, arguments.positional[0])["plan"]
    else:
        state = FakeState(folder)
        resources = []
        from ecotui.demo.fake_terraform.state import split_address

        for address, values in sorted(state.resources.items()):
            kind, name, _ = split_address(address)
            resources.append({"address": address, "mode": "managed", "type": kind, "name": name, "values": values})
        values = {"outputs": state.outputs, "root_module": {"resources": resources}}
        shown = {"format_version": "1.0", "terraform_version": TERRAFORM_VERSION, "values": values}
    if arguments.has_flag("-json"):
        sys.stdout.write(json.dumps(shown, separators=(",", ":")) + "\n")
    else:
        for change in shown.get("resource_changes", ()):
            sys.stdout.write(f"# {change['address']}: {', '.join(change['change']['actions'])}\n")
    return 0


def _apply(folder: Path, arguments: TerraformArguments) -> int:
    arguments.reject_unknown_flags("-json", "-auto-approve")
    if not arguments.positional:
        raise UnsupportedUsage(
            "the stand-in for terraform applies saved plans only: terraform plan -out=FILE, then apply FILE"
        )
    saved = _load_saved_plan(folder, arguments.positional[0])
    from ecotui.demo.fake_terraform import apply, plan
    from ecotui.demo.fake_terraform.output import TerraformOutput

    voice = TerraformOutput(folder, as_json=arguments.has_flag("-json"))
    state = FakeState(folder)
    if saved["state"] != plan.state_fingerprint(state):
        voice.diagnostic(
            "error",
            "Saved plan is stale",
            "The given plan file can no longer be applied because the state was changed by another operation after "
            "the plan was created.",
        )
        return 1
    return apply.apply_plan(saved["plan"], state, _client_factory(), voice)


def _output(folder: Path, arguments: TerraformArguments) -> int:
    arguments.reject_unknown_flags("-json", "-raw")
    outputs = FakeState(folder).outputs
    if arguments.positional:
        if arguments.positional[0] not in outputs:
            raise UnsupportedUsage(f'Output "{arguments.positional[0]}" not found')
        value = outputs[arguments.positional[0]]["value"]
        sys.stdout.write(str(value) if arguments.has_flag("-raw") else json.dumps(value) + "\n")
    elif arguments.has_flag("-json"):
        sys.stdout.write(json.dumps(outputs, indent=2) + "\n")
    else:
        for name, output in outputs.items():
            sys.stdout.write(f"{name} = {json.dumps(output['value'])}\n")
    return 0


def _state(folder: Path, arguments: TerraformArguments) -> int:
    state = FakeState(folder)
    if arguments.positional[:1] == ["list"]:
        if not state.text:
            raise UnsupportedUsage("No state file was found!")
        sys.stdout.write("".join(f"{address}\n" for address in sorted(state.resources)))
    elif arguments.positional[:1] == ["pull"]:
        sys.stdout.write(state.text)
    else:
        raise UnsupportedUsage("the stand-in for terraform knows state list and state pull only")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
