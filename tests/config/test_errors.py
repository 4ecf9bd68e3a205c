"""Bad settings files: each gives one line with file, line and key, quickly, whatever the file holds."""

import os
import time
from pathlib import Path

import pytest

from config.load import SettingsError, load_settings

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + at)}: &{chr(98 + at)} [{', '.join(['*' + chr(97 + at)] * 9)}]\n" for at in range(9)
)
GROUP = "nodes:\n  groups:\n    - {name: a, count: 1, instance_type: t3a.large, pattern: x}\n"

CASES: dict[str, tuple[str | bytes, str]] = {
    "typo": ("aws:\n  regoin: x\n", ":2: aws.regoin: unknown key; did you mean 'region'?"),
    "wrong section": ("region: x\n", ":1: region: unknown key; did you mean 'aws.region'?"),
    "typo in a list": (
        "nodes:\n  groups:\n    - name: a\n      cuont: 1\n",
        ":4: nodes.groups[0].cuont: unknown key; did you mean 'count'?",
    ),
    "wrong type": ("quota:\n  poll: soon\n", ":2: quota.poll: expected a number, got the text 'soon'"),
    "wrong type in a list": (
        GROUP + "    - name: b\n      count: two\n",
        ":5: nodes.groups[1].count: expected a whole number, got the text 'two'",
    ),
    "number for text": (
        "aws:\n  account: 123456789012\n",
        ':2: aws.account: expected text, got the number 123456789012; write it in quotes: "123456789012"',
    ),
    "text for a list": (
        "github:\n  scopes: repo\n",
        ":2: github.scopes: expected a list of texts, got the text 'repo'; write [repo]",
    ),
    "section for text": ("project: {a: b}\n", ":1: project: expected text, got a section with keys"),
    "text for a section": ("aws: eu\n", ":1: aws: expected a section with keys, got the text 'eu'"),
    "no value": (
        "aws:\n  region:\n",
        ":2: aws.region: expected text, got nothing; leave the key out to keep the default",
    ),
    "missing key": (
        "nodes:\n  groups:\n    - {name: a}\n",
        ":3: nodes.groups[0]: the key 'count' is missing",
    ),
    "empty": ("", ": holds no settings; run `ecotui init --force` to write some, or remove the file"),
    "only comments": ("# x\n", ": holds no settings"),
    "binary": (b"\x7fELF\0\0\1", ": is a binary file, not YAML text"),
    "too large": (b"#" + b"x" * 10_000_000, ": is larger than 256 KiB"),
    "utf-16": ("aws: {}\n".encode("utf-16"), ": is UTF-16 text; save it as UTF-8"),
    "latin-1": (b"aws: {}\nproject: caf\xe9\n", ":2: byte 0xe9 is not UTF-8 text"),
    "aliases that explode": (BOMB, ":5: more than 20000 values"),
    "alias of itself": ("aws: &a [*a]\n", ":1: the alias *a has no anchor before it"),
    "deep": ("[" * 200_000, ":1: nested more than 12 levels deep"),
    "deep by indentation": (
        "".join(f"{' ' * at}a:\n" for at in range(600)),
        "nested more than 12 levels deep",
    ),
    "key twice": (
        "aws: {region: eu-west-1}\n\naws: {}\n",
        ":3: the key 'aws' is given twice, first in line 1",
    ),
    "tab": ("aws:\n\tregion: x\n", ":2: a tab is used for indentation; YAML wants spaces"),
    "list at the top": ("- a\n", ":1: expected a section with keys, got a list"),
    "text at the top": ("hello\n", ":1: expected a section with keys, got the text 'hello'"),
    "two documents": ("aws: {}\n---\naws: {}\n", ":2: a second YAML document starts here"),
    "tag": ("aws: !!python/object/apply:os.system [x]\n", ":1: the tag"),
    "not closed": ("aws: {region: eu-west-1\n", ":2: is not valid YAML"),
    "control character": ("project: \x1b[31m\n", ":1: holds a control character"),
    "complex key": ("aws: {? [a] : b}\n", ":1: a key has to be a plain word"),
    "infinite": ("quota: {poll: .inf}\n", ":1: quota.poll: '.inf' is not a number that can be used"),
    "endless number": ("quota: {poll: " + "9" * 5000 + "}\n", "is not a number that can be used"),
    "negative count": (
        GROUP.replace("count: 1", "count: -3"),
        ":3: nodes.groups[0].count: must be 0 or more",
    ),
    "group twice": (
        GROUP + "    - {name: a, count: 2, instance_type: t3a.large, pattern: y}\n",
        ":4: nodes.groups[1].name: 'a' is given twice, first in nodes.groups[0]",
    ),
    "no poll": ("quota: {poll: 0}\n", ":1: quota.poll: must be more than 0 seconds, is 0"),
    "range turned round": (
        "cloudfront:\n  normal_minutes: [15, 5]\n",
        ":2: cloudfront.normal_minutes: expected",
    ),
    "range of three": (
        "cloudfront: {normal_minutes: [1, 2, 3]}\n",
        "expected a list of 2 whole numbers, got 3",
    ),
    "short account": (
        "aws: {account: '123'}\n",
        ":1: aws.account: '123' is not an account id, which is 12 digits",
    ),
    "no region": ("aws: {region: seoul}\n", ":1: aws.region: 'seoul' is not a region"),
    "empty command": ("terraform: {command: ''}\n", ":1: terraform.command: the command is empty"),
    "selector of everything": ("cleanup: {names: ['*']}\n", "would match every resource of the account"),
    "infinite in a list": (
        "nodes: {groups: .inf}\n",
        ":1: nodes.groups: expected a list of sections, got the number .inf",
    ),
    "number for a tag": (
        "cleanup:\n  tags:\n    a: b\n    c: 5\n",
        ":4: cleanup.tags.c: expected text, got the number 5",
    ),
    "null for a limit": (
        "quota: {limits: [{code: L-1, service: x, title: y, needed: null}]}\n",
        "quota.limits[0].code: 'L-1' is not a quota code",
    ),
    "number below zero": (
        "quota: {limits: [{code: L-12345678, service: x, title: y, needed: -1.5}]}\n",
        ":1: quota.limits[0].needed: must be 0 or more, is -1.5",
    ),
    "no version": (
        "environment: {tools: [{name: a, minimum: v1}]}\n",
        "environment.tools[0].minimum: 'v1' is not a version such as 1.5.0",
    ),
    "no variable": (
        "environment: {variables: [{name: 1x}]}\n",
        "environment.variables[0].name: '1x' is not the name of a variable",
    ),
    "blank file": ("environment:\n  files: [a, ' ']\n", ":2: environment.files[1]: is empty"),
    "no host": ("github: {host: 'a/b'}\n", "github.host: 'a/b' is not a host name such as github.com"),
    "no repository": ("github: {repository: x}\n", "github.repository: 'x' is not OWNER/NAME"),
    "line end after a repository": ('github: {repository: "a/b\\n"}\n', "is not OWNER/NAME"),
    "no folder": (
        "terraform: {directory: ''}\n",
        "terraform.directory: is empty; write . for the project's own folder",
    ),
    "nothing in parallel": ("terraform: {parallelism: 0}\n", "terraform.parallelism: must be 1 or more, is 0"),
    "fraction for a whole number": ("terraform: {parallelism: 1.5}\n", "expected a whole number, got the number 1.5"),
    "blank command": ("kubectl: {command: [' ']}\n", "kubectl.command: the command is empty"),
    "NUL in a command": (
        'kubectl: {command: [x, "a\\0"]}\n',
        "kubectl.command[1]: a NUL byte cannot be part of a command",
    ),
    "command with an open quote": (
        "rebuild: {command: 'a \"b'}\n",
        "rebuild.command: is not a command line: No closing quotation",
    ),
    "no instance type": (
        GROUP.replace("t3a.large", "large"),
        "nodes.groups[0].instance_type: 'large' is not an instance type",
    ),
    "unknown language": ("guide: {language: fr}\n", "guide.language: expected ko or en, got 'fr'"),
    "overlay of the shipped guide": ("guide: {overlay: eco2}\n", "guide.overlay: eco2 has its overlay already"),
    "no bucket": ("sessions: {team: 's3://B'}\n", "sessions.team: 's3://B' is no s3://bucket/prefix"),
    "lease of a second": ("sessions: {lease: 1}\n", "sessions.lease: must be between 2 and 3600 seconds, is 1"),
    "days below zero": ("sessions: {keep_days: -1}\n", "sessions.keep_days: must be 0 or more, is -1"),
    "no regular expression": ("cleanup: {stages: [a, '(']}\n", "cleanup.stages[1]: is no regular expression"),
    "prefix of everything": ("cleanup: {prefixes: ['']}\n", "would match every resource of the account"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_bad_file_is_one_line_with_file_line_and_key(case: str, tmp_path: Path) -> None:
    content, expected = CASES[case]
    file = tmp_path / "ecotui.yaml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    started = time.process_time()
    with pytest.raises(SettingsError) as caught:
        load_settings(tmp_path, None, (), {})
    assert time.process_time() - started < 1
    message = str(caught.value)
    assert message.startswith(str(file))
    assert expected in message
    assert message.isprintable()
    assert len(message) <= 400


def test_nothing_in_a_file_reaches_the_terminal_as_a_control_sequence(tmp_path: Path) -> None:
    (tmp_path / "ecotui.yaml").write_text('aws: {"\\e]52;c;eA==\\a": 1}\n', encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load_settings(tmp_path, None, (), {})
    assert str(caught.value).isprintable()


def test_a_folder_a_pipe_and_an_unreadable_file_are_refused_at_once(tmp_path: Path) -> None:
    folder, pipe = tmp_path / "folder", tmp_path / "pipe"
    folder.mkdir()
    os.mkfifo(pipe)
    with pytest.raises(SettingsError, match="is a folder, not a settings file"):
        load_settings(tmp_path, folder, (), {})
    with pytest.raises(SettingsError, match="is not a regular file"):
        load_settings(tmp_path, pipe, (), {})
    (tmp_path / "ecotui.yaml").symlink_to(tmp_path / "gone")
    with pytest.raises(SettingsError, match="cannot be read: No such file"):
        load_settings(tmp_path, None, (), {})


def test_aliases_that_do_not_explode_are_fine(tmp_path: Path) -> None:
    (tmp_path / "ecotui.yaml").write_text("github:\n  secrets: &names [A, B]\n  variables: *names\n", encoding="utf-8")
    assert load_settings(tmp_path, None, (), {}).settings.github.variables == ("A", "B")


def test_a_byte_order_mark_and_windows_line_ends_are_fine(tmp_path: Path) -> None:
    (tmp_path / "ecotui.yaml").write_bytes(b"\xef\xbb\xbfproject: shop\r\naws:\r\n  profile: x\r\n")
    assert load_settings(tmp_path, None, (), {}).settings.aws.profile == "x"
