"""An account that answers as a test scripts it, and the forecast of a plan in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from checks.apply.forecast.forecast import make_forecast
from checks.apply.forecast.model import Forecast
from checks.apply.plan.model import ChangeAction, PlannedChange
from checks.aws.errors import explain_aws_error
from checks.context import CheckContext
from config.model import Settings


def planned(type_: str, name: str = "x", **more: Any) -> PlannedChange:
    actions = more.pop("actions", ("create",))
    return PlannedChange(
        address=f"{type_}.{name}",
        type=type_,
        action=ChangeAction.CREATE,
        actions=actions,
        before=more.pop("before", {}),
        after=more.pop("after", {}),
        unknown=more.pop("unknown", {}),
        region=more.pop("region", ""),
        configured_attributes=more.pop("configured", None),
        sources=_sources(more.pop("sources", None)),
    )


def _sources(named: dict[str, set[str]] | None) -> Callable[[str], frozenset[str]] | None:
    return None if named is None else lambda attribute: frozenset(named.get(attribute, ()))


def refusal(code: str, operation: str = "Look", message: str = "no") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


class ScriptedAccount:
    """AWS, as far as a test fills it in. A value that is an exception is raised."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.calls: list[str] = []
        self.region = "ap-northeast-2"

    def client(self, service: str, region: str | None = None) -> Any:
        if isinstance(self.answers.get(service), Exception):
            raise self.answers[service]
        account = self

        class Client:
            def __getattr__(self, operation: str) -> Any:
                return lambda **words: account.answer(operation)

        return Client()

    def answer(self, operation: str) -> Any:
        self.calls.append(operation)
        found = self.answers.get(operation, {})
        if isinstance(found, Exception):
            raise found
        return found

    def paginate(self, service: str, operation: str, key: str, **words: Any) -> Iterator[Any]:
        found: Any = self.answer(operation)
        for part in key.split("."):
            found = found.get(part, {})
        yield from found

    def explain(self, error: BaseException, action: str = "") -> Any:
        return explain_aws_error(error, action)


def forecast_for(account: ScriptedAccount, *resources: PlannedChange, **more: Any) -> Forecast:
    # An AWS that is played by this machine: then nobody's DNS is asked.
    context = CheckContext(settings=Settings(), project=Path(), env={"AWS_ENDPOINT_URL": "http://127.0.0.1:9"})
    context.__dict__["aws"] = account
    return make_forecast(context, resources, **more)


def destroyed(type_: str, *, anew: bool = False, **before: Any) -> PlannedChange:
    return planned(type_, actions=("delete", "create") if anew else ("delete",), before=before)
