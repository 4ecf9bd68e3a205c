"""Secrets are masked in whatever form they come; what an operator needs to read stays."""

from __future__ import annotations

import base64
import itertools
import json
import random
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecotui.redact.redactor import RedactingStream, Redactor

SALT = bytes(range(32))
FILLER = "Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MA"
PRIVATE_KEY = "\n".join(["-----BEGIN OPENSSH PRIVATE KEY-----", *[FILLER * 2] * 8, "-----END OPENSSH PRIVATE KEY-----"])
JWT = f"eyJhbGciOiJSUzI1NiJ9.eyJ{FILLER}.{FILLER}"

SHAPES = {
    "classic token": ("ghp_" + "a1B2" * 9, "ghp_" + "a1B2" * 9),
    "oauth token": ("remote: gho_" + "a1B2" * 9, "gho_" + "a1B2" * 9),
    "user token": ("ghu_" + "a1B2" * 9, "ghu_" + "a1B2" * 9),
    "server token": ("ghs_" + "a1B2" * 9, "ghs_" + "a1B2" * 9),
    "refresh token": ("ghr_" + "a1B2" * 9, "ghr_" + "a1B2" * 9),
    "fine-grained token": ("github_pat_11AAAA_" + "a1B2" * 9, "github_pat_11AAAA_" + "a1B2" * 9),
    "access key id": ("key AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
    "secret key in the environment": (
        "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    ),
    "secret key in JSON": (
        '"SecretAccessKey": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"',
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    ),
    "secret key in a credentials file": (
        "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    ),
    "session token": (f"token IQoJb3JpZ2luX2VjE{FILLER}", f"IQoJb3JpZ2luX2VjE{FILLER}"),
    "signed URL": ("https://b.s3.amazonaws.com/k?X-Amz-Signature=0a1b2c3d4e5f&x=1", "0a1b2c3d4e5f"),
    "password in a URL": ("postgres://app:hunter2@db.internal:5432/x", "hunter2"),
    "bearer header": ("Authorization: Bearer abcdef123456", "abcdef123456"),
    "basic header": ("authorization: basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
    "token header": ("> Authorization: token 0123456789abcdef", "0123456789abcdef"),
    "JSON web token": (f"token: {JWT}", JWT),
    "kubeconfig key": (f"    client-key-data: {FILLER}", FILLER),
    "kubeconfig token": ("    token: abc123def456ghi789", "abc123def456ghi789"),
    "docker login": ('{"auths": {"ghcr.io": {"auth": "dXNlcjpnaHBfeHh4eA=="}}}', "dXNlcjpnaHBfeHh4eA=="),
    "kubeadm join": ("kubeadm join 10.0.0.1:6443 --token abcdef.0123456789abcdef", "abcdef.0123456789abcdef"),
    "password flag": ("docker login -u me --password hunter22 ghcr.io", "hunter22"),
    "password assignment": ("db_password = correct-horse", "correct-horse"),
    "password in JSON": ('{"password": "s3cret!"}', "s3cret!"),
    "private key": (PRIVATE_KEY, FILLER),
    "private key in JSON": (json.dumps({"key": PRIVATE_KEY}), FILLER),
}


@pytest.mark.parametrize("name", SHAPES)
def test_a_known_shape_is_masked(name: str) -> None:
    text, secret = SHAPES[name]
    masked = Redactor(SALT).redact(f"before\n{text}\nafter\n")
    assert secret not in masked
    assert "«secret:" in masked
    assert masked.startswith("before\n")
    assert masked.endswith("\nafter\n")


READABLE = [
    "arn:aws:iam::123456789012:role/alb-controller",
    "secret: arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:db-AbCdEf",
    "i-0abc1234def567890 vpc-0123456789abcdef0 subnet-0f1e2d3c eipalloc-0a1b2c3d",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "commit 0a1b2c3d4e5f60718293a4b5c6d7e8f901234567",
    "~/.ssh/sesacthon.pem /home/ubuntu/.kube/config",
    "aws_key_pair.k8s_cluster_key: Creating... KeyName = k8s-cluster-key",
    "missing required scope 'read:org'; token scopes: 'repo', 'write:packages'",
    "kubernetes_secret.ghcr: imagePullSecrets: ghcr-secret",
    "NextToken: null, token: invalid, password: authentication failed",
    "The bearer of bad news uses basic authentication",
    "D111111ABCDEF8.cloudfront.net ENABLED https://example.com:8443/path?a=b",
    "AIDAIOSFODNN7EXAMPLE AROAIOSFODNN7EXAMPLE",
    "user_data_base64 = (sensitive value)",
    "random_password.db: Creation complete after 0s [id=none]",
    "-----BEGIN CERTIFICATE-----",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ operator@host",
]


@pytest.mark.parametrize("text", READABLE)
def test_what_an_operator_needs_stays_readable(text: str) -> None:
    assert Redactor(SALT).redact(text) == text


def test_the_same_secret_is_the_same_token_and_another_session_has_another() -> None:
    text = "ghp_" + "a1B2" * 9
    here = Redactor(SALT)
    assert here.redact(text) == here.redact(text) == Redactor(SALT).redact(text)
    assert here.redact(text) != Redactor(bytes(32)).redact(text)


def test_masking_twice_changes_nothing_more() -> None:
    redactor = Redactor(SALT)
    for text, _ in SHAPES.values():
        once = redactor.redact(text)
        assert redactor.redact(once) == once


ENV = {"DEPLOY_TOKEN": "pa55+w/rd=ü?", "HARMLESS": "visible-value", "NAMED": "tiny5"}


@pytest.mark.parametrize(
    "encoded",
    [
        ENV["DEPLOY_TOKEN"],
        base64.b64encode(ENV["DEPLOY_TOKEN"].encode()).decode(),
        base64.urlsafe_b64encode(ENV["DEPLOY_TOKEN"].encode()).decode(),
        quote(ENV["DEPLOY_TOKEN"], safe=""),
        json.dumps(ENV["DEPLOY_TOKEN"]),
    ],
)
def test_the_value_of_a_secret_variable_is_masked_in_every_encoding(encoded: str) -> None:
    masked = Redactor(SALT, env=ENV).redact(f"x {encoded} y visible-value tiny5")
    assert encoded.strip('"') not in masked
    assert "visible-value tiny5" in masked


def test_a_value_inside_an_encoded_pair_is_masked() -> None:
    pair = base64.b64encode(f"operator:{ENV['DEPLOY_TOKEN']}".encode()).decode()
    masked = Redactor(SALT, env=ENV).redact(f"auth {pair}")
    assert pair not in masked
    # What is left cannot be decoded to the value.
    left = masked.split(" ")[1].split("«")[0]
    assert "pa55" not in base64.b64decode(left + "=" * (-len(left) % 4), validate=False).decode("latin-1")


def test_a_named_variable_is_secret_whatever_its_name() -> None:
    assert "tiny5" not in Redactor(SALT, env=ENV, secrets=["NAMED"]).redact("it is tiny5")


def test_lines_of_a_secret_with_several_lines_are_masked_one_by_one() -> None:
    value = "first-line-of-it\nsecond-line-of-it"
    assert "second-line" not in Redactor(SALT, env={"MY_SECRET": value}).redact("> second-line-of-it")


SAMPLE = (
    "plain line\n"
    + "\x1b[31mred\x1b[0m ghp_"
    + "a1B2" * 9
    + "\n"
    + PRIVATE_KEY
    + "\n한글 줄\nvalue=visible-value token pa55+w/rd=ü? end\n"
    + "last line without an end ghs_"
    + "a1B2" * 9
).encode()


def _streamed(chunks: list[bytes], env: dict[str, str] | None = None) -> str:
    stream = RedactingStream(Redactor(SALT, env=env))
    return "".join([stream.feed(chunk) for chunk in chunks]) + stream.close()


@given(st.lists(st.integers(min_value=0, max_value=len(SAMPLE)), max_size=12))
@settings(max_examples=150, deadline=None)
def test_it_makes_no_difference_where_the_writes_are_cut(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(SAMPLE)]
    chunks = [SAMPLE[start:end] for start, end in itertools.pairwise(edges)]
    assert _streamed(chunks, ENV) == _streamed([SAMPLE], ENV)


def test_the_stream_masks_what_it_is_given_byte_by_byte() -> None:
    told = _streamed([bytes([byte]) for byte in SAMPLE], ENV)
    assert "a1B2" not in told
    assert FILLER not in told
    assert "pa55" not in told
    assert "\x1b" not in told
    assert "한글 줄\nvalue=visible-value" in told
    assert told.endswith("\n")


@pytest.mark.parametrize("offset", range(-60, 61, 5))
def test_a_secret_where_a_long_line_is_cut_is_caught(offset: int) -> None:
    secret = "ghp_" + "a1B2" * 9
    for edge in (RedactingStream.MAX_PIECE_BYTES, RedactingStream.MAX_PIECE_BYTES - Redactor(SALT).max_secret_chars):
        line = (
            ("x " * RedactingStream.MAX_PIECE_BYTES)[: edge + offset] + secret + " y" * RedactingStream.MAX_PIECE_BYTES
        )
        told = _streamed([line[start : start + 65_536].encode() for start in range(0, len(line), 65_536)])
        assert "a1B2" not in told
        assert len(told) == len(line) - len(secret) + len("«secret:0000»") + 1


def test_a_long_line_without_an_end_is_given_out_as_it_comes() -> None:
    stream = RedactingStream(Redactor(SALT))
    held, out = 0, 0
    for _ in range(160):
        out += len(stream.feed(b"x" * 65_536))
        held = max(held, (_ + 1) * 65_536 - out)
    assert held <= RedactingStream.MAX_PIECE_BYTES + Redactor(SALT).max_secret_chars + 65_536


def test_a_key_that_never_ends_hides_no_more_than_a_key() -> None:
    told = _streamed([b"-----BEGIN RSA PRIVATE KEY-----\n", *[b"line of output\n"] * 5_000, b"the end\n"])
    assert told.endswith("the end\n")
    assert told.count("line of output") > 3_000


def test_wide_characters_survive_the_cut_of_a_long_line() -> None:
    line = "가나다" * 300_000
    data = line.encode()
    assert _streamed([data[start : start + 65_521] for start in range(0, len(data), 65_521)]) == line + "\n"


def test_random_binary_never_breaks_the_stream() -> None:
    source = random.Random(7)
    for _ in range(20):
        data = source.randbytes(50_000)
        told = _streamed([data[start : start + 7_001] for start in range(0, len(data), 7_001)])
        assert "\x1b" not in told
        told.encode()


def test_an_output_that_terraform_calls_sensitive_is_masked_over_two_writes() -> None:
    told = _streamed([b'"db": {\n  "sensitive": true,\n  "type": "string",\n', b'  "value": "plain words"\n}\n'])
    assert "plain words" not in told
    assert '"type": "string"' in told


def test_an_arn_of_a_secret_stays_readable() -> None:
    arn = "arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:eco/db-a1b2c3"
    assert Redactor(SALT).redact(arn) == arn
    assert "a1b2c3d4e5f6" not in Redactor(SALT).redact("secret: a1b2c3d4e5f6")


def test_nothing_of_what_tools_print_leaks_and_little_else_is_masked() -> None:
    from bench.redaction import leaks, overmasked

    tried, left = leaks(3)
    assert tried > 500
    assert left == {}
    words, gone = overmasked(3_000)
    assert len(gone) / words < 0.001, sorted(set(gone))


def test_a_secret_split_over_two_writes_at_any_byte_is_masked_all_the_same() -> None:
    from bench.redaction import split_leaks

    tried, wrong = split_leaks()
    assert tried > 5_000
    assert wrong == 0


def test_an_empty_value_that_is_called_sensitive_is_no_secret() -> None:
    text = '"a": {"sensitive": true, "type": "string", "value": ""}'
    assert Redactor(SALT).redact(text) == text


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("토큰: ACCESS_Token\u3000=\u3000a1B2c3D4e5F6g7", "a1B2c3D4e5F6g7"),
        ("연결 postgres://사용자:s3cret-비밀@db/eco2 실패", "s3cret-비밀"),
        ("예시 Password\u2003=\u2003pa55가나다", "pa55가나다"),
        ("→ xoxoxp-1-a1B2c3D4e5F6", "xoxp-1-a1B2c3D4e5F6"),
    ],
)
def test_signs_beyond_latin_around_a_secret_and_in_it_hide_nothing(text: str, secret: str) -> None:
    told = Redactor(SALT).redact(text)
    assert secret not in told
    assert "«secret:" in told


def test_a_question_mark_in_a_known_value_stands_for_nothing_else() -> None:
    redactor = Redactor(SALT, env={"DB_PASSWORD": "what?ever?1"})
    assert redactor.redact("what한ever한1 what?ever?1").startswith("what한ever한1 «secret:")
