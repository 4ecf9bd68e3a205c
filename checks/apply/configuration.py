"""What the configuration inside a plan says about its resources: attributes that are set, the provider's region. Pure."""

from __future__ import annotations

import re
from typing import Any

import msgspec

_INDEX = re.compile(r'\[(?:"(?:[^"\\]|\\.)*"|\d+)\]')


class _Expression(msgspec.Struct):
    constant_value: Any = None
    references: list[str] = []


class _Provider(msgspec.Struct):
    expressions: dict[str, Any] = {}


class _Resource(msgspec.Struct):
    address: str
    provider_config_key: str = ""
    expressions: dict[str, msgspec.Raw] = {}


class _Call(msgspec.Struct):
    module: _Module | None = None


class _Module(msgspec.Struct):
    resources: list[_Resource] = []
    module_calls: dict[str, _Call] = {}


class _Root(msgspec.Struct):
    provider_config: dict[str, _Provider] = {}
    root_module: _Module = msgspec.field(default_factory=_Module)


class Configuration:
    """Looked up by the address of a resource instance. A configuration that cannot be read says nothing."""

    def __init__(self, raw: msgspec.Raw, variables: dict[str, Any]) -> None:
        try:
            root = msgspec.json.decode(raw, type=_Root)
        except msgspec.DecodeError:
            root = _Root()
        self._resources: dict[str, _Resource] = {}
        self._walk(root.root_module, "")
        self._regions = {
            key: self._text(provider.expressions.get("region"), variables)
            for key, provider in root.provider_config.items()
        }

    def region(self, address: str) -> str:
        """The region of the resource's provider; empty when the configuration leaves it to the environment."""
        resource = self._resources.get(without_keys(address))
        return self._regions.get(resource.provider_config_key, "") if resource else ""

    def attributes(self, address: str) -> frozenset[str] | None:
        """The attributes that the configuration sets; None for a resource that it does not know."""
        resource = self._resources.get(without_keys(address))
        return frozenset(resource.expressions) if resource else None

    def _walk(self, module: _Module, path: str) -> None:
        for resource in module.resources:
            self._resources[path + resource.address] = resource
        for name, call in module.module_calls.items():
            if call.module:
                self._walk(call.module, f"{path}module.{name}.")

    @staticmethod
    def _text(expression: Any, variables: dict[str, Any]) -> str:
        try:
            found = msgspec.convert(expression, type=_Expression)
        except msgspec.ValidationError:
            return ""
        if isinstance(found.constant_value, str):
            return found.constant_value
        if len(found.references) == 1 and found.references[0].startswith("var."):
            variable = variables.get(found.references[0].removeprefix("var."))
            value = variable.get("value") if isinstance(variable, dict) else None
            return value if isinstance(value, str) else ""
        return ""


def without_keys(address: str) -> str:
    """The address in the configuration: `module.a["x"].aws_b.c[0]` becomes `module.a.aws_b.c`."""
    return _INDEX.sub("", address)
