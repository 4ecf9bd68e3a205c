"""`ecotui config show|explain|validate`: prints the settings and their origins, explains keys, and validates files."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from config.load import LoadedSettings, SettingsError, load_settings
from ecotui import exit_codes
from ecotui.cli import add_common_options
from ecotui.cli.printing import print_document


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    show = actions.add_parser("show", help="the settings in force, and where each value comes from")
    explain = actions.add_parser("explain", help="what a key means, its type, its default and its value")
    explain.add_argument("key", nargs="?", default="", metavar="KEY", help="aws.region, for example; default: all")
    validate = actions.add_parser("validate", help="whether a settings file can be used")
    validate.add_argument("file", nargs="?", metavar="FILE", help="default: the ecotui.yaml that would be used")
    for action in (show, explain, validate):
        action.add_argument("--json", action="store_true", help="print one JSON document")
        add_common_options(action, after_command=True)


def run(args: argparse.Namespace) -> int:
    match args.action:
        case "show":
            return _show(args)
        case "explain":
            return _explain(args)
        case _:
            return _validate(args)


def _load_settings(args: argparse.Namespace, file: str | None = None) -> LoadedSettings:
    return load_settings(project=args.project, file=file or args.config, overrides=args.set, env=os.environ)


def _show(args: argparse.Namespace) -> int:
    import msgspec

    loaded = _load_settings(args)
    settings = msgspec.to_builtins(loaded.settings)
    if args.json:
        body = {
            "project": str(loaded.project),
            "files": [str(path) for path in loaded.files],
            "settings": settings,
            "provenance": loaded.provenance,
        }
        print_document("config-show", body)
        return exit_codes.OK
    print(f"# Project: {loaded.project}")
    print(f"# Files: {', '.join(str(path) for path in loaded.files) or 'none; defaults only'}")
    for line in _yaml_lines(settings, loaded.provenance):
        print(line)
    return exit_codes.OK


def _yaml_lines(values: dict[str, Any], provenance: dict[str, str], section: str = "", indent: str = "") -> list[str]:
    """The settings as YAML, each value with a comment that says where it comes from."""
    lines: list[str] = []
    for name, value in values.items():
        key = f"{section}.{name}" if section else name
        if key not in provenance:
            lines.append(f"{indent}{name}:")
            lines += _yaml_lines(value, provenance, key, f"{indent}  ")
            continue
        comment = f"  # {provenance[key]}"
        if isinstance(value, (list, tuple)) and value and isinstance(value[0], dict):
            lines.append(f"{indent}{name}:{comment}")
            lines += [f"{indent}  - {_inline_yaml(one)}" for one in value]
        else:
            lines.append(f"{indent}{name}: {_inline_yaml(value)}{comment}")
    return lines


def _inline_yaml(value: Any) -> str:
    """A value as YAML in one line."""
    import yaml

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text: str = yaml.dump(
        value, Dumper=dumper, default_flow_style=True, width=100_000, allow_unicode=True, sort_keys=False
    )
    return text.removesuffix("\n").removesuffix("\n...").strip()


def _explain(args: argparse.Namespace) -> int:
    from config.explain import describe_setting
    from config.schema import iter_leaf_fields

    if not args.key:
        everything = [describe_setting(".".join(path)) for path, _ in iter_leaf_fields()]
        if args.json:
            print_document("config-explain", {"settings": [vars(one) for one in everything]})
            return exit_codes.OK
        width = max(len(one.key) for one in everything)
        for one in everything:
            print(f"{one.key:<{width}}  {one.type}{f'. {one.meaning}' if one.meaning else ''}")
        return exit_codes.OK
    found = describe_setting(args.key)
    try:
        loaded = _load_settings(args)
    except SettingsError as error:
        # Whoever asks what a key means may be about to repair the file that cannot be read.
        print(f"ecotui: {error}", file=sys.stderr)
        loaded = None
    value, origin = _current_value(loaded, found.key) if loaded else (None, "")
    if args.json:
        print_document("config-explain", {**vars(found), "value": value, "provenance": origin})
        return exit_codes.OK
    print(f"{found.key}: {found.type}")
    if found.meaning:
        print(f"  {found.meaning}")
    if found.keys:
        print(f"  Keys: {', '.join(found.keys)}")
    if origin:
        print(f"  Value: {_inline_yaml(value)} ({origin})")
    elif found.default is None and found.type != "a section":
        print("  Has no value of its own: it is a key of each item of a list.")
    if found.default is not None and found.type != "a section":
        print(f"  Without any settings: {_inline_yaml(found.default)}")
    if found.variable:
        print(f"  Environment: {found.variable}")
    return exit_codes.OK


def _current_value(loaded: LoadedSettings, key: str) -> tuple[Any, str]:
    """The value in force and where it comes from; nothing for a section or a key inside a list's items."""
    import msgspec

    if key not in loaded.provenance:
        return None, ""
    value: Any = msgspec.to_builtins(loaded.settings)
    for part in key.split("."):
        value = value[part]
    return value, loaded.provenance[key]


def _validate(args: argparse.Namespace) -> int:
    if args.file and args.config:
        print("ecotui config validate: give FILE or --config, not both", file=sys.stderr)
        return exit_codes.USAGE
    try:
        loaded = _load_settings(args, args.file)
    except SettingsError as error:
        if not args.json:
            raise
        print_document("config-validate", {"valid": False, "files": [], "error": str(error)})
        return exit_codes.USAGE
    if args.json:
        files = [str(path) for path in loaded.files]
        print_document("config-validate", {"valid": True, "files": files, "error": ""})
        return exit_codes.OK
    if not loaded.files:
        print(f"There is no ecotui.yaml in {_quote_path(loaded.project)} or above it; the defaults are in force.")
        return exit_codes.OK
    for path in loaded.files:
        print(f"{path}: can be used")
    return exit_codes.OK


def _quote_path(path: Path) -> str:
    return json.dumps(str(path), ensure_ascii=False)
