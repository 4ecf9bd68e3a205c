"""Fixes of the GitHub step, each with its exact command."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from urllib.parse import urlencode

from checks.finding import CopyText, Fix, PasteSecret, Risk, RunInTerminal, SetVariable, UnsetVariable


def refresh_login_fix(host: str, missing_scopes: Iterable[str]) -> Fix:
    """Widen the stored login; gh shows a one-time code and waits for the browser."""
    scopes = ",".join(missing_scopes)
    return Fix(
        id="github.refresh",
        title=f"Add {scopes} to the login, in the browser",
        action=RunInTerminal(argv=("gh", "auth", "refresh", "-h", host, "-s", scopes)),
        changes=f"the login of gh for {host} gets the scopes {scopes}; what it had stays",
        risk=Risk.CHANGES,
        recommended=True,
    )


def login_fix(host: str, scopes: Iterable[str], *, recommended: bool = True) -> Fix:
    """Log in anew; gh asks on the terminal and waits for the browser."""
    wanted = ",".join(scopes)
    flags = ("-s", wanted) if wanted else ()
    return Fix(
        id="github.login",
        title="Log in to GitHub, in the browser",
        action=RunInTerminal(argv=("gh", "auth", "login", "-h", host, *flags)),
        changes=f"gh stores a login for {host}, in the place of the one it has",
        risk=Risk.CHANGES,
        recommended=recommended,
    )


def paste_token_fix(host: str, scopes: Iterable[str]) -> Fix:
    """Give gh a classic token over its standard input."""
    return Fix(
        id="github.paste-token",
        title="Paste a token",
        action=PasteSecret(
            argv=("gh", "auth", "login", "-h", host, "--with-token"),
            prompt=f"A classic token with {', '.join(scopes) or 'repo and read:org'}",
        ),
        changes=f"gh stores this token as the login for {host}; ecotui keeps it nowhere",
        risk=Risk.CHANGES,
    )


def create_token_fix(host: str, scopes: Iterable[str]) -> Fix:
    """The page that makes a classic token, with the scopes ticked already."""
    query = urlencode({"scopes": ",".join(scopes), "description": "cluster rebuild"}, safe=":,")
    return Fix(
        id="github.new-token",
        title="Make a classic token on GitHub",
        action=CopyText(text=f"https://{host}/settings/tokens/new?{query}"),
        changes="nothing yet: open the page in a browser, then paste the token",
    )


def unset_token_variable_fix(variable: str, *, stored_login: str, used_by_scripts: bool, recommended: bool) -> Fix:
    """Stop a variable from hiding the stored login."""
    then = f"gh uses its stored login ({stored_login})" if stored_login else "gh uses its stored login, if it has one"
    scripts = f"; the project's scripts read {variable} too, and go without it" if used_by_scripts else ""
    return Fix(
        id=f"github.unset-{variable}",
        title=f"Leave {variable} out, for this session",
        action=UnsetVariable(name=variable),
        changes=f"{then}{scripts}",
        risk=Risk.CHANGES,
        recommended=recommended,
    )


def replace_token_fix(variable: str, scopes: Iterable[str]) -> Fix:
    """Another token in the same variable."""
    wanted = ", ".join(scopes)
    return Fix(
        id=f"github.set-{variable}",
        title=f"Give {variable} another token, for this session",
        action=SetVariable(name=variable, secret=True, purpose=f"a classic token with {wanted}"),
        changes=f"what this session starts uses the token that you type into {variable}",
        risk=Risk.CHANGES,
    )


def missing_scopes_fixes(
    host: str,
    missing_scopes: tuple[str, ...],
    required_scopes: tuple[str, ...],
    token_variables: tuple[str, ...],
    *,
    stored_login: str,
    stored_login_has_scopes: bool,
    script_variables: Collection[str],
) -> tuple[Fix, ...]:
    """Fixes for missing scopes. While a variable hides the login, gh refuses to refresh or to log in."""
    if not token_variables:
        return (
            refresh_login_fix(host, missing_scopes),
            login_fix(host, required_scopes, recommended=False),
            create_token_fix(host, required_scopes),
            paste_token_fix(host, required_scopes),
        )
    return (
        *(
            unset_token_variable_fix(
                name,
                stored_login=stored_login,
                used_by_scripts=name in script_variables,
                recommended=stored_login_has_scopes or bool(stored_login),
            )
            for name in token_variables
        ),
        replace_token_fix(token_variables[0], required_scopes),
        create_token_fix(host, required_scopes),
    )


def set_secret_fix(host: str, repository: str, name: str) -> Fix:
    """Give the repository a secret; its value goes over gh's standard input."""
    return Fix(
        id=f"github.set-secret-{name}",
        title=f"Set the secret {name}",
        action=PasteSecret(
            argv=("gh", "secret", "set", name, "-R", _repository_argument(host, repository)),
            prompt=f"The value of {name}",
        ),
        changes=f"{repository} gets the secret {name}; nobody can read it back",
        risk=Risk.CHANGES,
        recommended=True,
    )


def set_repository_variable_fix(host: str, repository: str, name: str) -> Fix:
    """Give the repository a variable. By the API: older versions of gh have no `gh variable`."""
    argv = ("gh", "api", "--hostname", host, "-X", "POST", f"repos/{repository}/actions/variables")
    return Fix(
        id=f"github.set-variable-{name}",
        title=f"Set the variable {name}",
        action=PasteSecret(argv=(*argv, "-f", f"name={name}", "-F", "value=@-"), prompt=f"The value of {name}"),
        changes=f"{repository} gets the variable {name}",
        risk=Risk.CHANGES,
        recommended=True,
    )


def _repository_argument(host: str, repository: str) -> str:
    return repository if host == "github.com" else f"{host}/{repository}"
