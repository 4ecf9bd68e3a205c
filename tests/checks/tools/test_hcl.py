"""The reader of HCL: blocks, attributes, values and lines, also of broken and Korean text."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.cleanup.known_resources import find_state_storage
from checks.tools.hcl import HclExpression, parse_hcl, read_files

TEXT = """# 주석
resource "aws_instance" "노드" {
  count = 3 // how many
  name  = "k8s-${count.index + 1}-가"
  tags  = { Name = "한글 이름", "a b" = var.y, (local.z) = 1 }
  key   = file(pathexpand("~/.ssh/x.pub"))
  each  = toset(["a", "b"])
  text  = <<-END
    resource "in" "heredoc" { count = 9 }
    END
  nested { count = 7 }
}
terraform { backend "s3" { bucket = "b" } }
"""


def value(expression: str) -> HclExpression:
    return parse_hcl(f"x = {expression}\n").attributes["x"]


def test_blocks_have_their_labels_attributes_and_lines_behind_korean_text() -> None:
    body = parse_hcl(TEXT)
    (block,) = body.find_blocks("resource", "aws_instance")
    assert (block.labels, block.line) == (("aws_instance", "노드"), 2)
    assert list(block.attributes) == ["count", "name", "tags", "key", "each", "text"]
    assert block.body.attribute_lines["text"] == 8
    assert [one.attributes["count"].literal for one in block.body.blocks] == ["7"]
    assert body.blocks[1].line == 13
    assert block.source.endswith("nested { count = 7 }\n}")
    assert not body.is_broken


@pytest.mark.parametrize(
    ("expression", "literal"),
    [
        ('"x"', "x"),
        ('""', ""),
        ("3", "3"),
        ("true", "true"),
        (r'"a\"b\n\\c\u00e9"', 'a"b\n\\cé'),
        ('"$${x} %%{y} $$"', "${x} %{y} $$"),
        ('"a-${b}"', None),
        ("var.x", None),
        ("[1]", None),
        ("null", "null"),
        ("1 + 2", None),
    ],
)
def test_a_literal_is_its_text_and_what_is_computed_is_none(expression: str, literal: str | None) -> None:
    assert value(expression).literal == literal


def test_values_are_taken_apart() -> None:
    assert value('"${var.region}"').reference == value("var.region").reference == "var.region"
    assert value('"a${var.x}"').reference == value("file(var.x)").reference == value("x[0]").reference == ""
    assert value('"k8s-$${x}-${count.index}"').prefix == "k8s-${x}-"
    assert value('"${a}-b"').prefix == value("a.b").prefix == ""
    items = parse_hcl(TEXT).blocks[0].attributes["tags"].items
    assert [(key, one.source) for key, one in items.items()] == [
        ("Name", '"한글 이름"'),
        ("a b", "var.y"),
        ("local.z", "1"),
    ]
    name, arguments = value('toset(["a", x.y])').call
    assert (name, [one.source for one in arguments[0].elements]) == ("toset", ['"a"', "x.y"])
    assert value("(var.x)").call == ("", [])


def test_names_are_found_at_any_depth_in_the_order_of_the_text() -> None:
    body = parse_hcl(TEXT)
    assert [one.source for one in body.find_values("count", "bucket")] == ["3", "7", '"b"']
    assert [one.literal for one in body.find_values("Name")] == ["한글 이름"]


def test_broken_text_is_read_as_far_as_it_goes() -> None:
    body = parse_hcl('resource "a" "b" {\n  x = \n}\n\nresource "c" "d" {\n  y = "1"\n}\n')
    assert body.is_broken
    assert [(one.labels, one.line) for one in body.blocks] == [(("a", "b"), 1), (("c", "d"), 5)]
    assert body.blocks[1].attributes["y"].literal == "1"
    assert parse_hcl('resource "a" "b" {\n  x = "1"').blocks[0].attributes["x"].literal == "1"


def test_an_error_spoils_only_its_own_block() -> None:
    blocks = "".join(f'resource "a" "가{n}" {{\n  x = "{n}"\n}}\n\n' for n in range(20))
    broken = blocks.replace('x = "7"', 'x = "7').replace('x = "12"', "x = {{")
    body = parse_hcl(broken)
    assert body.is_broken
    good = [(one.labels[1], one.line, one.attributes["x"].literal) for one in body.blocks if "x" in one.attributes]
    assert good == [(f"가{n}", 4 * n + 1, str(n)) for n in range(20) if n not in (7, 12)]


def test_an_attribute_whose_value_is_broken_is_left_out() -> None:
    # The parser takes the value of `y` for that of `x`.
    assert "x" not in parse_hcl('a {\n  x = \n  y = "1"\n}\n').blocks[0].attributes


def test_only_the_files_that_terraform_reads_are_read(tmp_path: Path) -> None:
    for name in ("b.tf", "a.tf", ".hidden.tf", "c.txt"):
        (tmp_path / name).write_text('x = "1"\n')
    (tmp_path / "folder.tf").mkdir()
    (tmp_path / "large.tf").write_text("# " + "x" * 2_000_000)
    (tmp_path / "bytes.tf").write_bytes(b'\xff\xfe x = "\x80"')
    assert [path.name for path, _ in read_files(tmp_path)] == ["a.tf", "b.tf", "bytes.tf"]
    assert list(read_files(tmp_path / "gone")) == []


def test_the_storage_of_the_state_is_found_also_in_a_broken_file(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text(
        'terraform {\n  backend "s3" {\n    bucket = "state"\n    dynamodb_table = "lock"\n  }\n}\n'
        'data "terraform_remote_state" "n" {\n  config = { bucket = "remote", key = "x" }\n}\n'
        'resource "aws_s3_bucket" "b" {\n  bucket = "ordinary"\n}\n'
    )
    (tmp_path / "prod.tfbackend").write_text('bucket = "prod-state"\n')
    assert find_state_storage(tmp_path) == {"state", "lock", "remote", "prod-state"}
    (tmp_path / "broken.tf").write_text('terraform { {\n  backend "s3" {\n    bucket = "lost"\n  }\n')
    assert "lost" in find_state_storage(tmp_path)


def test_the_storage_of_the_state_is_found_in_a_configuration_written_as_json(tmp_path: Path) -> None:
    (tmp_path / "backend.tf.json").write_text(
        '{"terraform": [{"backend": {"s3": {"bucket": "state", "dynamodb_table": "lock", "key": "x"}}}],'
        ' "resource": {"aws_s3_bucket": {"b": {"bucket": "ordinary"}}},'
        ' "data": {"terraform_remote_state": {"n": {"config": {"bucket": "remote"}}}}}'
    )
    (tmp_path / "broken.tf.json").write_text("[" * 100_000)
    assert find_state_storage(tmp_path) == {"state", "lock", "remote"}


PIECES = st.sampled_from(["a", "=", '"', "${", "}", "{", "[", "]", "\n", "<<E", "(", ")", "가", "\\", "#", '"x"', ","])


@settings(max_examples=150, deadline=None, database=None, derandomize=True)
@given(st.one_of(st.lists(PIECES, max_size=40).map("".join), st.text(max_size=40)))
def test_any_text_can_be_read(text: str) -> None:
    body = parse_hcl(text)
    for one in [*body.attributes.values(), *body.find_values("a", "x")]:
        assert one.source
        assert isinstance((one.literal, one.reference, one.prefix, one.items, one.elements, one.call), tuple)
    assert all(one.line >= 1 for one in body.blocks)


def test_deep_nesting_is_read() -> None:
    assert parse_hcl("a {\n" * 3_000 + "x = 1\n" + "}\n" * 3_000).find_values("x")[0].literal == "1"
