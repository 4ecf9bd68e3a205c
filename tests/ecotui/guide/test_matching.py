"""From an error text to the entries that explain it."""

import io
import json

import pytest
from support.diagnosis import SETS, cases

from ecotui.guide.lint import lint_library
from ecotui.guide.matching.matcher import MAX_EXCERPT_LENGTH, Diagnosis, EntryMatch, diagnose
from ecotui.guide.matching.prefilter import BLOCK_BYTES, build_hints, find_regions, read_blocks, required_words
from ecotui.guide.reading.library import GuideLibrary, Overlay, Signature, load_shipped_library

LEAST = 0.97
CUT = ("-wrap80", "-box80", "-pane")

WRAPPED = (
    "\x1b[31m╷\x1b[0m\n\x1b[31m│\x1b[0m \x1b[1mError: creating EC2 Instance: VcpuLimitExceeded: You have\x1b[0m\n"
    "\x1b[31m│\x1b[0m requested more vCPU capacity than your current vCPU limit\n\x1b[31m╵\x1b[0m\n"
)


@pytest.fixture(scope="module")
def library() -> GuideLibrary:
    return load_shipped_library("en")


def entries(library: GuideLibrary, text: str) -> list[str]:
    return [match.entry for match in diagnose(library, text)]


def streamed(library: GuideLibrary, text: str | bytes) -> tuple[EntryMatch, ...]:
    diagnosis = Diagnosis(library)
    diagnosis.read(io.BytesIO(text if isinstance(text, bytes) else text.encode()))
    return diagnosis.matches


@pytest.mark.parametrize("name", SETS)
def test_known_errors_are_named_first_and_others_left_alone(library, name, capsys):
    known, right, silent, kept, wrong = 0, 0, 0, 0, []
    for case in cases(name):
        found = entries(library, case.text)
        if case.expect:
            known += 1
            right += case.right(found)
        else:
            silent += 1
            kept += case.right(found)
        if not case.right(found):
            wrong.append((case.id, case.expect, found))
    with capsys.disabled():
        print(f"\n{name}: first {right}/{known}, silence {kept}/{silent}")
    assert right / known >= LEAST, wrong
    assert kept / silent >= LEAST, wrong


@pytest.mark.parametrize("case", cases("own.jsonl"), ids=lambda case: f"{case.id}-{case.note[:40]}")
def test_a_wording_of_the_tools_is_known(library, case):
    found = [entry for entry in entries(library, case.text) if entry not in case.accept]
    assert found == case.expect


@pytest.mark.parametrize("name", SETS)
def test_a_stream_gives_what_the_text_gives(library, name):
    for case in cases(name):
        assert streamed(library, case.text) == diagnose(library, case.text), case.id


@pytest.mark.parametrize("name", SETS)
def test_the_prefilter_loses_no_match(library, name, monkeypatch):
    """Only around the words that a rule needs is looked at closely, as it is far down in a long log."""
    # A word that a terminal cut in two is found in what is looked at line by line alone.
    whole = [case for case in cases(name) if not case.id.endswith(CUT)]
    near = [diagnose(library, case.text) for case in whole]
    monkeypatch.setattr("ecotui.guide.matching.matcher.LINE_BY_LINE_BYTES", 0)
    for case, expected in zip(whole, near, strict=True):
        found = streamed(library, case.text)
        assert [one.entry for one in found] == [one.entry for one in expected], case.id


def test_the_guides_own_error_texts_lead_to_their_entries(library):
    for entry in library.entries:
        for error in entry.error_texts:
            assert entries(library, error)[:1] == [entry.id]


def test_a_match_has_its_line_and_excerpt(library):
    (match,) = diagnose(library, "fine\nfine\n" + WRAPPED)
    assert (match.entry, match.score, match.line) == ("3.1", 1.0, 4)
    assert match.title == "VcpuLimitExceeded"
    assert "You have requested more vCPU" in match.excerpt
    assert "\x1b" not in match.excerpt and "│" not in match.excerpt
    assert len(match.excerpt) <= MAX_EXCERPT_LENGTH + 2


def test_each_error_has_the_line_where_it_stands(library):
    text = "fine\nError: EntityAlreadyExists\naws_cloudfront_distribution.a: Still creating... [6m0s elapsed]\nVcpuLimitExceeded\n"
    assert {match.entry: match.line for match in diagnose(library, text)} == {"2.1": 2, "6.1": 3, "3.1": 4}
    assert streamed(library, text) == diagnose(library, text)


def test_progress_never_hides_an_error(library):
    text = "aws_cloudfront_distribution.images: Still creating... [6m0s elapsed]\n" * 3
    text += "Error: creating S3 Bucket (b): BucketAlreadyOwnedByYou\n"
    assert entries(library, text) == ["4.2", "6.1"]


def test_an_error_far_down_has_its_line_number(library):
    text = "aws_instance.a: Still creating...\n" * 40_000 + "Error: VcpuLimitExceeded\n" + "done\n" * 500
    assert [match.line for match in streamed(library, text)] == [40_001]
    assert streamed(library, text) == diagnose(library, text)


def test_an_error_on_the_edge_of_a_block_is_whole(library):
    (alone,) = diagnose(library, "z\n" + WRAPPED)
    for shift in range(0, len(WRAPPED) + 40, 7):
        start = BLOCK_BYTES - shift
        before = ("x" * 63 + "\n") * (start // 64 - 1) + "y" * (start % 64 + 60) + "\n" * 3 + "z\n"
        (found,) = streamed(library, before + WRAPPED)
        assert found.line == before.count("\n") + 2, shift
        assert found.excerpt.endswith(alone.excerpt[-80:]), shift


def test_a_huge_line_is_matched_in_pieces(library):
    text = b"x" * (3 * BLOCK_BYTES) + b"\nError: VcpuLimitExceeded\n" + b"z" * (2 * BLOCK_BYTES)
    assert [match.entry for match in streamed(library, text)] == ["3.1"]


def test_a_log_of_twenty_megabytes_needs_no_memory_for_itself(library):
    import tracemalloc

    class Log(io.RawIOBase):
        """Lines that are made as they are read."""

        left = 20

        def read(self, size: int = -1) -> bytes:
            self.left -= 1
            if self.left < 0:
                return b""
            line = b"2026-03-02T01:34:46Z module.vpc.aws_subnet.private[0]: Refreshing state... [id=subnet-1]\n"
            return line * (BLOCK_BYTES // len(line))

    diagnosis = Diagnosis(library)
    tracemalloc.start()
    diagnosis.read(Log())  # type: ignore[arg-type]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert diagnosis.matches == ()
    assert peak < 12 * BLOCK_BYTES


@pytest.mark.parametrize(
    "noise",
    [
        b"\x00" * 100,
        b"\xff\xfe" * 50,
        b'{"a":' * 5000,
        b"[" * 5000,
        b"\x1b]0;" * 100,
        b"\r" * 100,
        "가".encode() * 100,
        b"\x1b[",
    ],
)
def test_noise_before_an_error_hides_it_not(library, noise):
    found = streamed(library, noise + b"\nError: creating S3 Bucket (b): BucketAlreadyOwnedByYou\n" + noise)
    assert [match.entry for match in found] == ["4.2"]


def test_line_ends_of_windows_change_nothing(library):
    assert [m.entry for m in streamed(library, WRAPPED.replace("\n", "\r\n"))] == ["3.1"]


def test_an_anchor_without_a_word_means_to_search_everywhere():
    assert build_hints((("ok", "ok"), ("a longer anchor", "anchor"))) is None
    assert list(find_regions(b"a\nb\n", None, 1, 1)) == [(0, b"a\nb\n")]


def test_an_anchor_too_short_to_search_is_found_by_the_words_of_its_pattern(library, monkeypatch):
    monkeypatch.setattr("ecotui.guide.matching.matcher.LINE_BY_LINE_BYTES", 0)
    known = GuideLibrary(
        library.documents,
        {"1.1": Overlay(signatures=(Signature(anchor="is", match="is frobnicated"),))},
        "en",
    )
    text = "fine\n" * 50 + "it is\nfrobnicated\n" + "fine\n" * 50
    assert build_hints((("is", "is frobnicated"),))
    assert [(match.entry, match.line) for match in streamed(known, text)] == [("1.1", 51)]


def test_regions_are_the_lines_around_and_never_twice():
    text = (
        b"".join(b"line %d\n" % n for n in range(100))
        .replace(b"line 50\n", b"some word\n")
        .replace(b"line 52\n", b"a WORD\n")
    )
    ((index, region),) = find_regions(text, build_hints((("word", "word"),)), 2, 3)
    assert index == 48
    assert region.split(b"\n")[0] == b"line 48"
    assert region.split(b"\n")[-2] == b"line 55"


def test_blocks_end_with_their_lines():
    text = (b"x" * 99 + b"\n") * 30_000 + b"rest"
    parts = list(read_blocks(io.BytesIO(text)))
    assert b"".join(parts) == text
    assert all(part.endswith(b"\n") for part in parts[:-1])


def test_a_pattern_that_takes_too_long_is_dropped_and_named():
    slow = Signature(anchor="slowly", match="slowly (x|x)*y")
    quick = Signature(anchor="slowly", match="slowly x+")
    known = load_shipped_library("en")
    held = GuideLibrary(
        known.documents, {"1.1": Overlay(signatures=(slow,)), "1.2": Overlay(signatures=(quick,))}, "en"
    )
    diagnosis = Diagnosis(held)
    diagnosis.read(io.BytesIO(b"slowly " + b"x" * 3000 + b" y\n"))
    assert [match.entry for match in diagnosis.matches] == ["1.2"]
    assert "takes too long" in diagnosis.notes[0]
    assert len(diagnosis.notes) == 1


def test_no_pattern_of_the_shipped_overlay_is_left_out(library):
    assert Diagnosis(library).notes == []


def test_an_entry_is_reported_as_soon_as_it_is_found(library):
    told = []

    class Pipe(io.RawIOBase):
        """Two writes; what was told after the first is kept."""

        def __init__(self) -> None:
            self.parts = [b"Error: VcpuLimitExceeded\n" + b"fine\n" * 20, b"fine\n" * 20]
            self.early: list[str] = []

        def read1(self, size: int = -1) -> bytes:
            if len(self.parts) == 1:
                self.early = list(told)
            return self.parts.pop(0) if self.parts else b""

    pipe = Pipe()
    Diagnosis(library).read(pipe, lambda match: told.append(match.entry))  # type: ignore[arg-type]
    assert pipe.early == ["3.1"]
    assert told == ["3.1"]


@pytest.mark.parametrize("width", [57, 60, 63, 66, 71, 80, 100])
def test_a_word_that_a_terminal_cut_in_two_is_read(library, width):
    text = (
        "Error: deleting CloudFront Origin Access Control (E2ABCDEFGHIJKL): OriginAccessControlInUse: "
        "The CloudFront origin access control is still being used."
    )
    cut = "\n".join(text[at : at + width] for at in range(0, len(text), width))
    assert entries(library, f"$ terraform destroy\n{cut}\n") == ["6.2"]


@pytest.mark.parametrize(
    "prefix",
    [
        "2026-03-02T01:00:0{}.1230000Z ",
        "terraform-1  | ",
        "> > ",
        "Nov 07 10:12:3{} bastion sh[41]: ",
        "[01:0{}] ",
    ],
)
def test_what_a_log_puts_before_each_line_hides_nothing(library, prefix):
    lines = [
        'Because aws_route53_record.a has "for_each" set, its attributes',
        "must be accessed on specific",
        "instances.",
    ]
    assert entries(library, "\n".join(prefix.format(at) + line for at, line in enumerate(lines))) == ["1.4"]


def test_the_log_of_a_container_is_read_whatever_it_holds(library):
    box = {"log": "\x1b[31m│\x1b[0m has not been declared in the\n", "stream": "stderr"}
    told = {
        "@message": "Error: x",
        "diagnostic": {"summary": "importing", "detail": "InvalidKeyPair.Duplicate"},
    }
    for log in (
        [{"log": 'A managed resource "a" "b"', "stream": "stderr"}, box],
        [{"log": json.dumps(told), "stream": "x"}],
    ):
        text = "\n".join(json.dumps(line, ensure_ascii=False) for line in log)
        assert entries(library, text) == (["1.3"] if box in log else ["4.1"])


@pytest.mark.parametrize(
    "text",
    [
        "A managed resource \u201caws_iam_role\u201d \u201cx\u201d has not been declared in the root module.",
        "A managed resource &quot;aws_iam_role&quot; &quot;x&quot; has not been declared in the root module.",
        "A managed\u00a0resource \u00abaws_iam_role\u00bb &#34;x&#34; has not been\u00a0declared",
    ],
)
def test_the_quotes_of_chats_and_pages_are_quotes(library, text):
    assert entries(library, text) == ["1.3"]


def test_a_scope_that_is_no_tokens_is_left_alone(library):
    assert entries(library, 'this function needs the "global" scope\nReferenceError: scope missing') == []


def test_an_error_behind_another_is_not_taken_for_its_continuation(library):
    text = (
        "Error: creating IAM Policy (a): LimitExceeded: no more\n"
        "Error: creating Glue Catalog (a): ResourceAlreadyExistsException: b\n"
    )
    assert entries(library, text) == []


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("VcpuLimitExceeded", ("vcpulimitexceeded",)),
        ("missing (the )?(required )?scopes?\\b", ("missing", "scope")),
        ("(Apply|Plan) requires  configuration", ("requires", "configuration")),
        (r"(?:one)+ two{2,} thre*e [four] \S+five", ("one", "tw", "thr", "e", "five")),
        ("(", ()),
        (".*", ()),
        ("this|that", ()),
        ("((red|green) apple)? tree", ("tree",)),
        (r"a{300} (?P<fruit>pear)(?!s|es)\x41bc", ("pear", "bc")),
        ("(?i)word", ()),
        ("(?P<word>word) (?P=word)", ()),
        ("(word)?(?(1)yes|no)", ()),
    ],
)
def test_the_words_that_a_pattern_requires(pattern, words):
    assert required_words(pattern) == words


def test_every_pattern_of_the_overlay_requires_a_word(library):
    for overlay in library.overlays.values():
        for signature in overlay.signatures:
            assert max(map(len, required_words(signature.match))) > 4, signature
    assert [remark for remark in lint_library(library) if "too long" in remark.text] == []


def test_a_long_text_is_matched_like_a_stream(library):
    text = "aws_subnet.a: Refreshing state... [id=subnet-1]\n" * 30_000 + WRAPPED
    assert diagnose(library, text) == streamed(library, text)
    assert [match.line for match in diagnose(library, text)] == [30_002]
