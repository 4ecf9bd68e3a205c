"""The paths of api.github.com and github.com that gh asks for, and what they answer."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from ecotui.demo.github.account import CODE_LIFETIME_SECONDS, ActionsEntry, GitHubAccount
from ecotui.demo.http_server import HttpRequest, HttpResponse, json_response

API_HOST = "api.github.com"
WEB_HOST = "github.com"

_DOCUMENTATION_URL = "https://docs.github.com/rest"
# A scope includes these others (GitHub's documentation, "Scopes for OAuth apps").
_IMPLIED_SCOPES: Mapping[str, tuple[str, ...]] = {
    "admin:org": ("write:org",),
    "write:org": ("read:org",),
    "write:packages": ("read:packages",),
    "user": ("read:user", "user:email"),
}


def expand_scopes(scopes: frozenset[str]) -> frozenset[str]:
    """The scopes with everything that they include."""
    known = set(scopes)
    waiting = list(scopes)
    while waiting:
        for implied in _IMPLIED_SCOPES.get(waiting.pop(), ()):
            if implied not in known:
                known.add(implied)
                waiting.append(implied)
    return frozenset(known)


def _timestamp() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _error_response(status: int, message: str, headers: Mapping[str, str] | None = None) -> HttpResponse:
    return json_response({"message": message, "documentation_url": _DOCUMENTATION_URL}, status, headers)


class GitHubApi:
    """Answers for both hosts."""

    def __init__(self, account: GitHubAccount) -> None:
        self._account = account
        repository = re.escape(account.repository)
        self._secrets_path = re.compile(rf"/repos/{repository}/actions/secrets(?:/([^/]+))?", re.IGNORECASE)
        self._variables_path = re.compile(rf"/repos/{repository}/actions/variables(?:/([^/]+))?", re.IGNORECASE)
        self._repository_path = re.compile(rf"/repos/{repository}", re.IGNORECASE)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        self._account.request_log.append(f"{request.method} {request.host}{request.path}")
        return self._handle_web(request) if request.host == WEB_HOST else self._handle_api(request)

    def _handle_web(self, request: HttpRequest) -> HttpResponse:
        form = request.json()
        if request.path == "/login/device/code":
            device, user = self._account.start_device_login(re.split(r"[ ,]+", str(form.get("scope", "")).strip()))
            return _form_response(
                device_code=device,
                user_code=user,
                verification_uri="https://github.com/login/device",
                expires_in=str(CODE_LIFETIME_SECONDS),
                interval="1",
            )
        if request.path == "/login/oauth/access_token":
            outcome = self._account.redeem_device_code(str(form.get("device_code", "")))
            if isinstance(outcome, str):
                return _form_response(error=outcome)
            token, scopes = outcome
            return _form_response(access_token=token, token_type="bearer", scope=",".join(sorted(scopes)))
        return HttpResponse(404, b"Not Found", {"Content-Type": "text/plain"})

    def _handle_api(self, request: HttpRequest) -> HttpResponse:
        word, _, token = request.headers.get("authorization", "").partition(" ")
        if word.lower() not in ("token", "bearer"):
            if request.path == "/meta":
                return json_response({"verifiable_password_authentication": False})
            return _error_response(401, "Requires authentication")
        scopes = self._account.token_scopes(token.strip())
        if scopes is None:
            return _error_response(401, "Bad credentials")
        response = self._handle_authorized(request, expand_scopes(scopes))
        return HttpResponse(
            response.status,
            response.body,
            {
                **response.headers,
                "Server": "github.com",
                "X-OAuth-Scopes": ", ".join(sorted(scopes)),
                "X-Accepted-OAuth-Scopes": response.headers.get("X-Accepted-OAuth-Scopes", ""),
                "X-GitHub-Media-Type": "github.v3; format=json",
                "X-RateLimit-Limit": "5000",
                "X-RateLimit-Remaining": str(max(0, 5000 - len(self._account.request_log))),
                "X-RateLimit-Reset": str(int(time.time()) // 3600 * 3600 + 3600),
                "Cache-Control": "private, max-age=0",
            },
        )

    def _handle_authorized(self, request: HttpRequest, scopes: frozenset[str]) -> HttpResponse:
        account, path = self._account, request.path.rstrip("/") or "/"
        if path == "/":
            return json_response({"current_user_url": f"https://{API_HOST}/user"})
        if path == "/user":
            return json_response(self._user_body())
        if path == "/graphql":
            return self._handle_graphql(request.json())
        if path == "/rate_limit":
            return json_response({"rate": {"limit": 5000, "remaining": 4990, "used": 10}})
        if path in ("/user/orgs", "/user/memberships/orgs"):
            if "read:org" not in scopes:
                return _error_response(403, "You need at least read:org scope to list your organizations.")
            return json_response([{"login": account.repository.partition("/")[0], "id": 2000001}])
        if "repo" not in scopes:
            # GitHub hides what a token may not see.
            return _error_response(404, "Not Found", {"X-Accepted-OAuth-Scopes": "repo"})
        if self._repository_path.fullmatch(path):
            return json_response(self._repository_body())
        if found := self._secrets_path.fullmatch(path):
            return self._handle_secret(request, found[1])
        if found := self._variables_path.fullmatch(path):
            return self._handle_variable(request, found[1])
        return _error_response(404, "Not Found")

    def _user_body(self) -> dict[str, Any]:
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

    def _handle_graphql(self, body: Mapping[str, Any]) -> HttpResponse:
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
        data = {kind: _select_fields(asked, value) for kind, value in known.items() if kind in asked}
        if not data:
            return json_response({"errors": [{"message": "the demo's GitHub does not know this query"}]})
        return json_response({"data": data})

    def _handle_secret(self, request: HttpRequest, name: str | None) -> HttpResponse:
        stored = self._account.secrets
        if name is None:
            return _list_response("secrets", [_entry_body(secret) for secret in stored.values()])
        if name == "public-key":
            return json_response({"key_id": "1", "key": self._account.public_key})
        name = name.upper()
        match request.method:
            case "PUT":
                if refusal := _name_error(name, "Secret"):
                    return refusal
                created = name not in stored
                # The value arrives sealed for a key that nobody holds; it is not even kept.
                stored[name] = ActionsEntry(
                    name, "", stored[name].created_at if not created else _timestamp(), _timestamp()
                )
                return HttpResponse(201 if created else 204, b"{}" if created else b"")
            case "DELETE" if name in stored:
                del stored[name]
                return HttpResponse(204)
            case "GET" if name in stored:
                return json_response(_entry_body(stored[name]))
        return _error_response(404, "Not Found")

    def _handle_variable(self, request: HttpRequest, name: str | None) -> HttpResponse:
        stored, body = self._account.variables, request.json()
        if name is None and request.method == "POST":
            name = str(body.get("name", "")).upper()
            if refusal := _name_error(name, "Variable"):
                return refusal
            if name in stored:
                return _error_response(409, "Already exists - Variable already exists")
            stored[name] = ActionsEntry(name, str(body.get("value", "")), _timestamp(), _timestamp())
            return HttpResponse(201, b"{}")
        if name is None:
            return _list_response("variables", [_entry_body_with_value(variable) for variable in stored.values()])
        name = name.upper()
        if name not in stored:
            return _error_response(404, "Not Found")
        match request.method:
            case "PATCH":
                stored[name].value, stored[name].updated_at = str(body.get("value", "")), _timestamp()
                return HttpResponse(204)
            case "DELETE":
                del stored[name]
                return HttpResponse(204)
        return json_response(_entry_body_with_value(stored[name]))


def _select_fields(fields: set[str], value: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _select_fields(fields, inner) if isinstance(inner, dict) else inner
        for key, inner in value.items()
        if key in fields
    }


def _form_response(**values: str) -> HttpResponse:
    """github.com/login answers in the encoding of forms."""
    return HttpResponse(
        200, urlencode(values).encode(), {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    )


def _list_response(kind: str, items: list[dict[str, str]]) -> HttpResponse:
    return json_response({"total_count": len(items), kind: items})


def _entry_body(item: ActionsEntry) -> dict[str, str]:
    return {"name": item.name, "created_at": item.created_at, "updated_at": item.updated_at}


def _entry_body_with_value(item: ActionsEntry) -> dict[str, str]:
    return {**_entry_body(item), "value": item.value}


def _name_error(name: str, entry_kind: str) -> HttpResponse | None:
    """GitHub's rule for names of secrets and variables, in its own words."""
    if not re.fullmatch(r"[A-Z_][A-Z0-9_]*", name):
        return _error_response(
            422,
            f"{entry_kind} names can only contain alphanumeric characters ([a-z], [A-Z], [0-9]) or underscores (_). "
            "Spaces are not allowed. Must start with a letter ([a-z], [A-Z]) or underscores (_).",
        )
    if name.startswith("GITHUB_"):
        return _error_response(422, f"{entry_kind} names must not start with GITHUB_.")
    return None
