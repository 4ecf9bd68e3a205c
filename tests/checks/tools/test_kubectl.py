"""What kubectl says, mapped to what is wrong: recorded output of the real one, and the real one itself."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from support import DATA

from checks.context import CheckContext
from checks.tools.kubectl import API_SERVER_DOWN_KINDS, Kubectl, KubectlError, KubectlErrorKind, parse_kubectl_error
from checks.tools.run import CommandNotFound, CommandResult
from config.model import KubectlSettings as KubectlSettings
from config.model import Settings

Recorded = Callable[[str], CommandResult]


@pytest.fixture(params=("kubectl-1.32", "kubectl-1.37"))
def recorded(request: pytest.FixtureRequest) -> Recorded:
    """The recorded results of one version, by their names."""
    return lambda name: read_transcript(DATA / "transcripts" / request.param / f"{name}.txt")


def read_transcript(path: Path) -> CommandResult:
    text = path.read_text()
    _, _, rest = text.partition("----- stdout -----\n")
    stdout, _, rest = rest.partition("----- stderr -----\n")
    stderr, _, code = rest.partition("----- exit code -----\n")
    return CommandResult(("kubectl",), int(code), stdout, stderr, 0.1, data=stdout.encode())


def context_of(folder: Path, **settings: object) -> CheckContext:
    env = {"PATH": f"{folder}:{os.environ['PATH']}", "HOME": str(folder)}
    return CheckContext(settings=Settings(kubectl=KubectlSettings(**settings)), project=folder, env=env)  # type: ignore[arg-type]


def stand_in(folder: Path, text: str) -> None:
    file = folder / "kubectl"
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("down-nodes", KubectlErrorKind.REFUSED),
        ("down-raw", KubectlErrorKind.REFUSED),
        ("down-json", KubectlErrorKind.REFUSED),
        ("kubeconfig-absent-env", KubectlErrorKind.NO_KUBECONFIG),
        ("kubeconfig-empty", KubectlErrorKind.NO_KUBECONFIG),
        ("current-context-unset", KubectlErrorKind.NO_KUBECONFIG),
        ("kubeconfig-absent-flag", KubectlErrorKind.CONFIGURATION),
        ("kubeconfig-broken", KubectlErrorKind.CONFIGURATION),
        ("context-missing", KubectlErrorKind.CONTEXT),
        ("unauthorized", KubectlErrorKind.UNAUTHORIZED),
        ("unauthorized-raw", KubectlErrorKind.UNAUTHORIZED),
        ("unauthorized-no-token", KubectlErrorKind.UNAUTHORIZED),
        ("forbidden-nodes", KubectlErrorKind.FORBIDDEN),
        ("partial-pods-forbidden", KubectlErrorKind.FORBIDDEN),
        ("tls-unknown-ca", KubectlErrorKind.TLS),
        ("hang-request-timeout", KubectlErrorKind.TIMEOUT),
        ("unknown-host", KubectlErrorKind.UNKNOWN_HOST),
        ("connection-dropped", KubectlErrorKind.DROPPED),
        ("http-500", KubectlErrorKind.SERVER),
        ("http-503", KubectlErrorKind.SERVER),
        ("http-503-all", KubectlErrorKind.SERVER),
        ("http-429-always", KubectlErrorKind.SERVER),
    ],
)
def test_each_recorded_error_is_known_and_has_advice(name: str, why: KubectlErrorKind, recorded: Recorded) -> None:
    error = parse_kubectl_error(recorded(name))
    assert error.kind is why
    assert error.advice
    assert "memcache.go" not in error.explain()


@pytest.mark.parametrize(
    ("stderr", "kind"),
    [
        (
            "Unable to connect to the server: getting credentials: exec: executable aws failed with exit code 255",
            KubectlErrorKind.PLUGIN,
        ),
        ("error: You must be logged in to the server (Unauthorized)", KubectlErrorKind.UNAUTHORIZED),
        ("ubuntu@10.0.0.1: Permission denied (publickey).", KubectlErrorKind.SSH),
        ("Host key verification failed.", KubectlErrorKind.SSH),
        ("Unable to connect to the server: dial tcp 10.0.0.1:6443: i/o timeout", KubectlErrorKind.TIMEOUT),
        ("Unable to connect to the server: http: server gave HTTP response to HTTPS client", KubectlErrorKind.TLS),
        ("Unable to connect to the server: x509: certificate has expired or is not yet valid", KubectlErrorKind.TLS),
    ],
)
def test_errors_that_were_not_recorded_are_known_by_their_words(stderr: str, kind: KubectlErrorKind) -> None:
    assert parse_kubectl_error(CommandResult(("kubectl",), 1, "", stderr, 0.1)).kind is kind


def test_what_is_forbidden_names_verb_and_resource(recorded: Recorded) -> None:
    assert parse_kubectl_error(recorded("partial-pods-forbidden")).denied == "list pods"


def test_an_unknown_error_is_shown_as_it_is(recorded: Recorded) -> None:
    error = parse_kubectl_error(recorded("http-to-https"))
    assert error.kind is KubectlErrorKind.OTHER
    assert "rejected our request" in error.explain()


def test_only_a_server_that_may_come_is_waited_for() -> None:
    assert {KubectlErrorKind.REFUSED, KubectlErrorKind.TIMEOUT} <= API_SERVER_DOWN_KINDS
    assert not API_SERVER_DOWN_KINDS & {
        KubectlErrorKind.UNAUTHORIZED,
        KubectlErrorKind.FORBIDDEN,
        KubectlErrorKind.NO_KUBECONFIG,
        KubectlErrorKind.TLS,
    }


def test_lists_are_decoded_and_unknown_parts_skipped(tmp_path: Path) -> None:
    stand_in(
        tmp_path,
        """cat <<'END'
{"kind":"NodeList","items":[{"metadata":{"name":"n1","labels":{"a":"b"}},"spec":{"unschedulable":true,"new":1},
"status":{"conditions":[{"type":"Ready","status":"True"}],"addresses":null}}]}
END""",
    )
    (node,) = Kubectl(context_of(tmp_path)).get_nodes()
    assert (node.metadata.name, node.spec.unschedulable) == ("n1", True)
    assert node.status.conditions and node.status.conditions[0].status == "True"


def test_an_empty_list_may_be_null(tmp_path: Path) -> None:
    stand_in(tmp_path, """echo '{"kind":"PodList","items":null}'""")
    assert Kubectl(context_of(tmp_path)).get_pods() == []


def test_an_answer_that_is_not_json_is_a_clear_error(tmp_path: Path) -> None:
    stand_in(tmp_path, "echo '<html>Log in to the hotel</html>'")
    with pytest.raises(KubectlError, match="not what Kubernetes sends") as error:
        Kubectl(context_of(tmp_path)).get_nodes()
    assert "hotel" in error.value.raw


def test_a_kubectl_that_hangs_is_a_timeout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("checks.tools.kubectl._TIMEOUT_MARGIN", 0.1)
    stand_in(tmp_path, "sleep 30")
    with pytest.raises(KubectlError) as error:
        Kubectl(context_of(tmp_path, timeout=0.2)).get_nodes()
    assert error.value.kind is KubectlErrorKind.TIMEOUT


def test_every_question_has_a_limit_in_time_and_the_context(tmp_path: Path) -> None:
    stand_in(tmp_path, """echo "$@" >&2; exit 1""")
    with pytest.raises(KubectlError) as error:
        Kubectl(context_of(tmp_path, context="prod", timeout=3.0)).get_nodes()
    assert error.value.raw.strip() == "--context prod get --raw /api/v1/nodes --request-timeout=3s"


def test_the_command_takes_values_of_terraform_outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("checks.tools.terraform.read_terraform_outputs", lambda context: {"master_ip": "10.1.2.3"})
    kubectl = Kubectl(context_of(tmp_path, command=("ssh", "ubuntu@{master_ip}", "kubectl")))
    assert kubectl.argv("get") == ("ssh", "ubuntu@10.1.2.3", "kubectl", "get")


def test_an_output_that_is_not_there_says_to_apply_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("checks.tools.terraform.read_terraform_outputs", lambda context: {})
    kubectl = Kubectl(context_of(tmp_path, command=("ssh", "{master_ip}")))
    with pytest.raises(KubectlError, match="master_ip") as error:
        kubectl.get_nodes()
    assert "apply first" in error.value.explain()
    assert kubectl.shell_command("get") == "ssh '{master_ip}' get"


def test_a_missing_kubectl_is_missing(tmp_path: Path) -> None:
    with pytest.raises(CommandNotFound):
        Kubectl(context_of(tmp_path, command=("no-such-kubectl",))).get_nodes()


@pytest.mark.real
@pytest.mark.skipif(not shutil.which("kubectl"), reason="needs kubectl")
def test_the_real_kubectl_without_a_cluster(tmp_path: Path) -> None:
    with pytest.raises(KubectlError) as error:
        Kubectl(context_of(tmp_path)).get_nodes()
    assert error.value.kind is KubectlErrorKind.NO_KUBECONFIG


@pytest.mark.real
@pytest.mark.skipif(not shutil.which("kubectl"), reason="needs kubectl")
def test_the_real_kubectl_with_nobody_listening(tmp_path: Path) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        (tmp_path / ".kube").mkdir()
        (tmp_path / ".kube" / "config").write_text(
            "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
            "contexts: [{name: c, context: {cluster: c, user: u}}]\nusers: [{name: u, user: {token: t}}]\n"
            f"clusters: [{{name: c, cluster: {{server: 'http://127.0.0.1:{port}'}}}}]\n"
        )
        with pytest.raises(KubectlError) as error:
            Kubectl(context_of(tmp_path)).get_nodes()
    assert error.value.kind is KubectlErrorKind.REFUSED
