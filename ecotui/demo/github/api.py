"""The paths of api.github.com and github.com that gh asks for, and what they answer."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from ecotui.demo.github.account import CODE_LIFE, Account, Named
from ecotui.demo.http_server import Request, Response, json_response

API = "api.github.com"
WEB = "github.com"

_DOCUMENTATION = "https://docs.github.com/rest"
# A scope includes these others (GitHub's documentation, "Scopes for OAuth apps").
_IMPLIES: Mapping[str, tuple[str, ...]] = {
    "admin:org": ("write:org",),
    "write:org": ("read:org",),
    "write:packages": ("read:packages",),
    "user": ("read:user", "user:email"),
}


def with_implied(scopes: frozenset[str]) -> frozenset[str]:
    """The scopes with everything that they include."""
    known = set(scopes)
    waiting = list(scopes)
    while waiting:
        for implied in _IMPLIES.get(waiting.pop(), ()):
            if implied not in known:
                known.add(implied)
                waiting.append(implied)
    return frozenset(known)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _problem(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    return json_response({"message": message, "documentation_url": _DOCUMENTATION}, status, headers)


class Site:
    """Answers for both hosts."""

    def __init__(self, account: Account) -> None:
        self._account = account
        repository = re.escape(account.repository)
        self._secrets = re.compile(rf"/repos/{repository}/actions/secrets(?:/([^/]+))?", re.IGNORECASE)
        self._variables = re.compile(rf"/repos/{repository}/actions/variables(?:/([^/]+))?", re.IGNORECASE)
        self._repository = re.compile(rf"/repos/{repository}", re.IGNORECASE)

    def __call__(self, request: Request) -> Response:
        self._account.requests.append(f"{request.method} {request.host}{request.path}")
        return self._web(request) if request.host == WEB else self._api(request)

    def _web(self, request: Request) -> Response:
        form = request.json()
        if request.path == "/login/device/code":
            device, user = self._account.ask(re.split(r"[ ,]+", str(form.get("scope", "")).strip()))
            return _form(
                device_code=device,
                user_code=user,
                verification_uri="https://github.com/login/device",
                expires_in=str(CODE_LIFE),
                interval="1",
            )
        if request.path == "/login/oauth/access_token":
            outcome = self._account.redeem(str(form.get("device_code", "")))
            if isinstance(outcome, str):
                return _form(error=outcome)
            token, scopes = outcome
            return _form(access_token=token, token_type="bearer", scope=",".join(sorted(scopes)))
        return Response(404, b"Not Found", {"Content-Type": "text/plain"})

    def _api(self, request: Request) -> Response:
        word, _, token = request.headers.get("authorization", "").partition(" ")
        if word.lower() not in ("token", "bearer"):
            if request.path == "/meta":
                return json_response({"verifiable_password_authentication": False})
            return _problem(401, "Requires authentication")
        scopes = self._account.scopes(token.strip())
        if scopes is None:
            return _problem(401, "Bad credentials")
        response = self._authorised(request, with_implied(scopes))
        return Response(
            response.status,
            response.body,
            {
                **response.headers,
                "Server": "github.com",
                "X-OAuth-Scopes": ", ".join(sorted(scopes)),
                "X-Accepted-OAuth-Scopes": response.headers.get("X-Accepted-OAuth-Scopes", ""),
                "X-GitHub-Media-Type": "github.v3; format=json",
                "X-RateLimit-Limit": "5000",
                "X-RateLimit-Remaining": str(max(0, 5000 - len(self._account.requests))),
                "X-RateLimit-Reset": str(int(time.time()) // 3600 * 3600 + 3600),
                "Cache-Control": "private, max-age=0",
            },
        )

    def _authorised(self, request: Request, scopes: frozenset[str]) -> Response:
        account, path = self._account, request.path.rstrip("/") or "/"
        if path == "/":
            return json_response({"current_user_url": f"https://{API}/user"})
        if path == "/user":
            return json_response(self._user())
        if path == "/graphql":
            return self._graphql(request.json())
        if path == "/rate_limit":
            return json_response({"rate": {"limit": 5000, "remaining": 4990, "used": 10}})
        if path in ("/user/orgs", "/user/memberships/orgs"):
            if "read:org" not in scopes:
                return _problem(403, "You need at least read:org scope to list your organizations.")
            return json_response([{"login": account.repository.partition("/")[0], "id": 2000001}])
        if "repo" not in scopes:
            # GitHub hides what a token may not see.
            return _problem(404, "Not Found", {"X-Accepted-OAuth-Scopes": "repo"})
        if self._repository.fullmatch(path):
            return json_response(self._repository_body())
        if found := self._secrets.fullmatch(path):
            return self._secret(request, found[1])
        if found := self._variables.fullmatch(path):
            return self._variable(request, found[1])
        return _problem(404, "Not Found")

    def _user(self) -> dict[str, Any]:
        login = self._account.login
        return {
            "login": login,
            "id": 1000001,
            "node_id": "U_demo",
            "type": "User",
            "site_admin": False,
            "name": "Eco Operator",
            "email": None,
            "html_url": f"https://github.com/{login}",
            "created_at": "2025-11-01T00:00:00Z",
            "updated_at": "2025-11-01T00:00:00Z",
        }

    def _repository_body(self) -> dict[str, Any]:
        owner, _, name = self._account.repository.partition("/")
        return {
            "id": 3000001,
            "node_id": "R_demo",
            "name": name,
            "full_name": self._account.repository,
            "private": True,
            "owner": {"login": owner, "id": 2000001, "type": "Organization"},
            "html_url": f"https://github.com/{self._account.repository}",
            "default_branch": "main",
            "permissions": {"admin": True, "push": True, "pull": True},
        }

    def _graphql(self, body: Mapping[str, Any]) -> Response:
        asked = set(re.findall(r"\w+", str(body.get("query", ""))))
        owner, _, name = self._account.repository.partition("/")
        known: dict[str, dict[str, Any]] = {
            "viewer": {"login": self._account.login, "id": "U_demo", "name": "Eco Operator"},
            "repository": {
                "id": "R_demo",
                "name": name,
                "owner": {"id": "O_demo", "login": owner},
                "nameWithOwner": self._account.repository,
                "viewerPermission": "ADMIN",
                "hasIssuesEnabled": True,
                "description": "",
                "defaultBranchRef": {"name": "main"},
                "isPrivate": True,
            },
        }
        # gh refuses an answer that holds a field it did not ask for.
        data = {kind: _only(asked, value) for kind, value in known.items() if kind in asked}
        if not data:
            return json_response({"errors": [{"message": "the demo's GitHub does not know this query"}]})
        return json_response({"data": data})

    def _secret(self, request: Request, name: str | None) -> Response:
        stored = self._account.secrets
        if name is None:
            return _listing("secrets", [_without_value(secret) for secret in stored.values()])
        if name == "public-key":
            return json_response({"key_id": "1", "key": self._account.public_key})
        name = name.upper()
        match request.method:
            case "PUT":
                if refusal := _refused(name, "Secret"):
                    return refusal
                created = name not in stored
                # The value arrives sealed for a key that nobody holds; it is not even kept.
                stored[name] = Named(name, "", stored[name].created if not created else _now(), _now())
                return Response(201 if created else 204, b"{}" if created else b"")
            case "DELETE" if name in stored:
                del stored[name]
                return Response(204)
            case "GET" if name in stored:
                return json_response(_without_value(stored[name]))
        return _problem(404, "Not Found")

    def _variable(self, request: Request, name: str | None) -> Response:
        stored, body = self._account.variables, request.json()
        if name is None and request.method == "POST":
            name = str(body.get("name", "")).upper()
            if refusal := _refused(name, "Variable"):
                return refusal
            if name in stored:
                return _problem(409, "Already exists - Variable already exists")
            stored[name] = Named(name, str(body.get("value", "")), _now(), _now())
            return Response(201, b"{}")
        if name is None:
            return _listing("variables", [_with_value(variable) for variable in stored.values()])
        name = name.upper()
        if name not in stored:
            return _problem(404, "Not Found")
        match request.method:
            case "PATCH":
                stored[name].value, stored[name].updated = str(body.get("value", "")), _now()
                return Response(204)
            case "DELETE":
                del stored[name]
                return Response(204)
        return json_response(_with_value(stored[name]))


def _only(asked: set[str], value: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _only(asked, inner) if isinstance(inner, dict) else inner
        for key, inner in value.items()
        if key in asked
    }


def _form(**values: str) -> Response:
    """github.com/login answers in the encoding of forms."""
    return Response(
        200, urlencode(values).encode(), {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    )


def _listing(kind: str, items: list[dict[str, str]]) -> Response:
    return json_response({"total_count": len(items), kind: items})


def _without_value(item: Named) -> dict[str, str]:
    return {"name": item.name, "created_at": item.created, "updated_at": item.updated}


def _with_value(item: Named) -> dict[str, str]:
    return {**_without_value(item), "value": item.value}


def _refused(name: str, kind: str) -> Response | None:
    """GitHub's rule for names of secrets and variables, in its own words."""
    if not re.fullmatch(r"[A-Z_][A-Z0-9_]*", name):
        return _problem(
            422,
            f"{kind} names can only contain alphanumeric characters ([a-z], [A-Z], [0-9]) or underscores (_). "
            "Spaces are not allowed. Must start with a letter ([a-z], [A-Z]) or underscores (_).",
        )
    if name.startswith("GITHUB_"):
        return _problem(422, f"{kind} names must not start with GITHUB_.")
    return None
