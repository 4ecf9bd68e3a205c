"""The configuration inside a plan: attributes that are set, the provider's region, dependencies. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

_INDEX_PATTERN = re.compile(r'\[(?:"(?:[^"\\]|\\.)*"|\d+)\]')


UNKNOWN_SOURCE = "?"
_MAX_DEPTH = 20
"""Variables and outputs that are followed; no real project is deeper."""


class _Expression(msgspec.Struct):
    constant_value: Any = None
    references: list[str] = []


class _Provider(msgspec.Struct):
    expressions: dict[str, Any] = {}


class _Resource(msgspec.Struct):
    address: str
    provider_config_key: str = ""
    expressions: dict[str, msgspec.Raw] = {}
    for_each_expression: msgspec.Raw = msgspec.Raw(b"{}")
    depends_on: list[str] = []


class _ModuleCall(msgspec.Struct):
    module: _Module | None = None
    expressions: dict[str, msgspec.Raw] = {}


class _Output(msgspec.Struct):
    expression: msgspec.Raw = msgspec.Raw(b"{}")


class _Module(msgspec.Struct):
    resources: list[_Resource] = []
    module_calls: dict[str, _ModuleCall] = {}
    outputs: dict[str, _Output] = {}


class _ConfigurationDocument(msgspec.Struct):
    provider_config: dict[str, _Provider] = {}
    root_module: _Module = msgspec.field(default_factory=_Module)


class Configuration:
    """Indexed by the address of a resource instance. A configuration that cannot be read is empty."""

    def __init__(self, raw: msgspec.Raw, variables: dict[str, Any]) -> None:
        try:
            root = msgspec.json.decode(raw, type=_ConfigurationDocument)
        except msgspec.DecodeError:
            root = _ConfigurationDocument()
        self._resources: dict[str, _Resource] = {}
        self._calls: dict[str, _ModuleCall] = {}
        """By the module's address, which ends with a dot."""
        self._index_module(root.root_module, "")
        self._regions = {
            key: self._resolve_text(provider.expressions.get("region"), variables)
            for key, provider in root.provider_config.items()
        }

    def region(self, address: str) -> str:
        """The region of the resource's provider; empty when the configuration leaves it to the environment."""
        resource = self._resources.get(strip_instance_keys(address))
        return self._regions.get(resource.provider_config_key, "") if resource else ""

    def attributes(self, address: str) -> frozenset[str] | None:
        """The attributes that the configuration sets; None for an unknown resource."""
        resource = self._resources.get(strip_instance_keys(address))
        return frozenset(resource.expressions) if resource else None

    def sources(self, address: str, attribute: str) -> frozenset[str]:
        """The addresses of the resources that a value refers to; those of data sources begin with `data.`.

        Variables and outputs of modules are followed. `?` stands for locals, whose value a plan does not have.
        """
        plain = strip_instance_keys(address)
        resource = self._resources.get(plain)
        if resource is None or attribute not in resource.expressions:
            return frozenset()
        path = plain[: len(plain) - len(resource.address)]
        return frozenset(self._resolve_sources(resource.expressions[attribute], path, resource, 0))

    def dependencies(self) -> dict[str, tuple[str, ...]]:
        """The address of each resource to those that it depends on; dependencies through locals are missing."""
        found = {}
        for address, resource in self._resources.items():
            path = address[: len(address) - len(resource.address)]
            needed: set[str] = set()
            for expression in (*resource.expressions.values(), resource.for_each_expression):
                needed.update(self._resolve_sources(expression, path, resource, 0))
            for named in resource.depends_on:
                if named.startswith("module."):
                    needed.update(one for one in self._resources if one.startswith(f"{path}{named}."))
                else:
                    needed.add(path + named)
            if needed := needed & self._resources.keys() - {address}:
                found[address] = tuple(sorted(needed))
        return found

    def _resolve_sources(
        self, expression: msgspec.Raw, path: str, resource: _Resource | None, depth: int
    ) -> Iterator[str]:
        if depth > _MAX_DEPTH:
            yield UNKNOWN_SOURCE
            return
        for reference in _references(msgspec.json.decode(expression)):
            first, _, rest = strip_instance_keys(reference).partition(".")
            if first in ("count", "path", "terraform", "self"):
                continue
            if first == "each":
                if resource is not None:
                    yield from self._resolve_sources(resource.for_each_expression, path, None, depth + 1)
            elif first == "var":
                call = self._calls.get(path)
                given = call.expressions.get(rest.partition(".")[0]) if call else None
                if given is not None:
                    parent = path.rpartition("module.")[0]
                    yield from self._resolve_sources(given, parent, None, depth + 1)
            elif first == "module":
                name, _, output = rest.partition(".")
                inner = self._calls.get(f"{path}module.{name}.")
                found = inner.module.outputs.get(output.partition(".")[0]) if inner and inner.module else None
                if found is not None:
                    yield from self._resolve_sources(found.expression, f"{path}module.{name}.", None, depth + 1)
            elif first == "local":
                yield UNKNOWN_SOURCE
            else:
                words = rest.split(".")
                yield path + ".".join([first, *words[: 2 if first == "data" else 1]])

    def _index_module(self, module: _Module, path: str) -> None:
        for resource in module.resources:
            self._resources[path + resource.address] = resource
        for name, call in module.module_calls.items():
            self._calls[f"{path}module.{name}."] = call
            if call.module:
                self._index_module(call.module, f"{path}module.{name}.")

    @staticmethod
    def _resolve_text(expression: Any, variables: dict[str, Any]) -> str:
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


def _references(expression: Any) -> Iterator[str]:
    """The references of an expression, with those of nested blocks."""
    if isinstance(expression, list):
        for one in expression:
            yield from _references(one)
    elif isinstance(expression, dict):
        named = expression.get("references")
        if isinstance(named, list):
            yield from (one for one in named if isinstance(one, str))
        else:
            for one in expression.values():
                yield from _references(one)


def strip_instance_keys(address: str) -> str:
    """The address in the configuration: `module.a["x"].aws_b.c[0]` becomes `module.a.aws_b.c`."""
    return _INDEX_PATTERN.sub("", address)
