"""The reader of shell text: statements, commands, words, and what only a shell can work out."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.tools.shell import ShellFeature, ShellVariable, parse_commands, parse_shell

HOLES = re.compile(r"(?<!<)<([A-Za-z\uac00-\ud7a3][\w.-]*(?: [\w.-]+){0,4})>")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("aws s3 ls", ("aws", "s3", "ls")),
        (
            "aws iam list \\\n    --query 'A[?B==`C` || D].Arn'",
            ("aws", "iam", "list", "--query", "A[?B==`C` || D].Arn"),
        ),
        ('gh secret set "A B" --body=""', ("gh", "secret", "set", "A B", "--body=")),
        (r"echo a\ b", ("echo", "a b")),
        ('echo "say \\"hi\\" for 5\\$"', ("echo", 'say "hi" for 5$')),
        ('echo "two\n  lines "', ("echo", "two\n  lines ")),
        ("terraform plan # only reads", ("terraform", "plan")),
        ("A=1 aws s3 ls", ("aws", "s3", "ls")),
        ("echo 삭제 $A'b'${C}", ("echo", "삭제", "$Ab${C}")),
    ],
)
def test_a_command_is_split_as_bash_splits_it(line: str, words: tuple[str, ...]) -> None:
    (statement,) = parse_shell(line)
    assert statement.commands[0].texts == words
    assert statement.needs is None


@pytest.mark.parametrize(
    ("line", "feature"),
    [
        ("aws s3 ls | wc -l", ShellFeature.PIPE),
        ("terraform init && terraform plan", ShellFeature.LIST),
        ("terraform init; terraform plan", ShellFeature.LIST),
        ("sleep 5 &", ShellFeature.LIST),
        ("aws iam list > out.json", ShellFeature.REDIRECTION),
        ("wc < in.txt", ShellFeature.REDIRECTION),
        ("cat <<< x", ShellFeature.REDIRECTION),
        ("X=$(aws iam list)", ShellFeature.SUBSTITUTION),
        ('aws s3 rm "s3://$(cat name)"', ShellFeature.SUBSTITUTION),
        ("for x in a b; do echo $x; done", ShellFeature.COMPOUND),
        ("[ -f x ]", ShellFeature.COMPOUND),
        ("(cd x; ls)", ShellFeature.SUBSHELL),
        ("rm *.tf", ShellFeature.WILDCARD),
        ("rm a[0-9]", ShellFeature.WILDCARD),
        ("rm {a,b}", ShellFeature.WILDCARD),
        ("echo ${A:-b}", ShellFeature.COMPUTED_VARIABLE),
        ("echo $1", ShellFeature.SPECIAL_VARIABLE),
        ("echo 'open", ShellFeature.SYNTAX),
        ('echo "open', ShellFeature.SYNTAX),
        ("cat <<EOF\nx\nEOF", ShellFeature.HEREDOC),
    ],
)
def test_what_only_a_shell_can_do_is_named(line: str, feature: ShellFeature) -> None:
    (statement,) = parse_shell(line)
    assert statement.needs is feature


def test_quoted_signs_need_no_shell() -> None:
    (statement,) = parse_shell("aws s3 ls 'a*' \"b?|;\" c\\* --x={}")
    assert statement.needs is None
    assert statement.commands[0].texts == ("aws", "s3", "ls", "a*", "b?|;", "c*", "--x={}")


def test_holes_of_a_document_are_variables_also_in_quotes_and_korean() -> None:
    (statement,) = parse_shell('aws s3 rm "s3://<버킷 이름>/x" <id> > out', holes=HOLES)
    assert statement.commands[0].words[3].parts == ("s3://", ShellVariable("버킷 이름", "<버킷 이름>"), "/x")
    assert statement.commands[0].words[4].parts == (ShellVariable("id", "<id>"),)
    assert statement.needs is ShellFeature.REDIRECTION


def test_statements_have_their_lines_and_comments() -> None:
    text = "# 첫째\naws a \\\n  b  # behind\n\nfor b in $X; do\n  aws rm $b\ndone\nls; pwd\n"
    assert [(one.line, one.end_line, one.source.split("\n")[0], one.comment) for one in parse_shell(text)] == [
        (1, 1, "", "첫째"),
        (2, 3, "aws a \\", "behind"),
        (5, 7, "for b in $X; do", ""),
        (8, 8, "ls; pwd", ""),
    ]


def test_commands_are_found_at_every_depth_with_their_lines() -> None:
    text = "f() {\n  if x; then\n    y=$(aws ls)\n  fi\n}\ncat <<EOF | sh\nrm $(date)\nEOF\n"
    assert [(one.name, one.line) for one in parse_commands(text, first_line=11)] == [
        ("x", 12),
        ("", 13),
        ("aws", 13),
        ("cat", 16),
        ("sh", 16),
        ("date", 17),
    ]


def test_what_feeds_a_command_is_known() -> None:
    fed = {one.name: (one.has_input, one.is_piped_on) for one in parse_commands("yes | a\nb < f\nc\nd <<E\nx\nE\n")}
    assert fed == {
        "yes": (False, True),
        "a": (True, False),
        "b": (True, False),
        "c": (False, False),
        "d": (True, False),
    }
    assert [one.heredoc for one in parse_commands("ssh h <<E\nrm x\nE\n")] == ["rm x\n"]


def test_assignments_are_no_words() -> None:
    parsed = [
        (one.texts, [(name, word.text) for name, word in one.assignments])
        for one in parse_commands("A=1 B= x\nexport C=2 D\nE='3 4'")
    ]
    assert parsed == [(("x",), [("A", "1"), ("B", "")]), (("export", "D"), [("C", "2")]), ((), [("E", "3 4")])]


PIECES = st.sampled_from(
    [
        "a",
        "'",
        '"',
        "$(",
        ")",
        "`",
        "\n",
        "\\",
        "<x>",
        "<<E",
        "{",
        "}",
        "for",
        "do",
        "|",
        "&&",
        "삭",
        " ",
        "#",
        "${",
        "A=",
    ]
)


@settings(max_examples=150, deadline=None, database=None, derandomize=True)
@given(st.one_of(st.lists(PIECES, max_size=30).map("".join), st.text(max_size=30)))
def test_any_text_is_read_and_no_word_of_it_is_lost(text: str) -> None:
    read = parse_shell(text, holes=HOLES)
    assert set(re.findall(r"\w+", text)) <= set(
        re.findall(r"\w+", "\n".join(f"{one.source}\n{one.comment}" for one in read))
    )


def test_a_deeply_nested_script_is_read() -> None:
    assert len(parse_commands("$(" * 3_000 + "ls" + ")" * 3_000)) >= 1
