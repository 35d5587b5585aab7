"""Canonical JSON against the rfc8785 package, against itself, and against what it must refuse.
Codes as people write them down and type them.
Text of others is shown whole, and a terminal obeys none of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from vectors.file import naming, read_vectors
from vectors.identity import code_of

from schemas.documents.canonical import (
    MAX_DEPTH,
    MAX_INTEGER,
    canonical_bytes,
    canonical_digest,
    parse_canonical,
    parse_canonical_object,
    parse_json,
)
from schemas.documents.errors import CanonicalError, CodeError
from schemas.documents.printable import printable
from schemas.documents.written_code import ALPHABET, read_code, write_code

VECTORS = read_vectors("canonical-json")

scalars = st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | st.text()
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=25,
)


@given(documents)
@pytest.mark.campaign("vectors")
def test_agrees_with_the_rfc8785_package(document: Any) -> None:
    assert canonical_bytes(document) == rfc8785.dumps(document)


@given(documents)
def test_what_is_written_is_read_back(document: Any) -> None:
    assert parse_canonical(canonical_bytes(document)) == document


@given(documents, st.integers(0, 4))
def test_an_indented_spelling_is_read_but_is_not_canonical(document: Any, indent: int) -> None:
    spelled = json.dumps(document, indent=indent).encode()
    assert parse_json(spelled) == document
    if spelled != canonical_bytes(document):
        with pytest.raises(CanonicalError, match="canonical form"):
            parse_canonical(spelled)


ascii_text = st.text(st.characters(max_codepoint=127))


@given(st.dictionaries(ascii_text, ascii_text | st.integers(-9, 9), max_size=5), st.booleans())
def test_ascii_is_canonical_exactly_where_the_package_writes_it(document: Any, bend: bool) -> None:
    spelled = json.dumps(document, separators=(",", ":"), sort_keys=bend).encode()
    try:
        parse_canonical(spelled)
    except CanonicalError:
        assert spelled != rfc8785.dumps(document)
    else:
        assert spelled == rfc8785.dumps(document)


@given(st.dictionaries(st.text(), scalars, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_keys_does_not_matter(document: dict[str, Any], shuffler: Any) -> None:
    items = list(document.items())
    shuffler.shuffle(items)
    assert canonical_bytes(dict(items)) == canonical_bytes(document)


NUMBERS = ("0", "-0", "7", "1.0", "1e3", "01", "+1", "NaN", "Infinity")
LARGE_NUMBERS = (
    "9007199254740991",
    "9007199254740992",
    "-9007199254740992",
    "12345678901234567890",
)
TEXTS = (
    '""',
    '"a"',
    '"é"',
    '"\x7f"',
    r'"\u0061"',
    r'"\n"',
    r'"\u000a"',
    r'"\u001f"',
    r'"\u001F"',
    r'"\/"',
)
SURROGATES = (r'"\ud800"', r'"\ud83d\ude00"')
WORDS = ("true", "null", "tru")
spelled_scalars = st.sampled_from([*NUMBERS, *LARGE_NUMBERS, *TEXTS, *SURROGATES, *WORDS])
spelled_names = st.sampled_from(
    ['"a"', '"b"', '"B"', '"é"', '"\U0001f600"', '"\ufb01"', '""', "1", r'"\u0062"']
)


def spell_object(members: list[tuple[str, str]]) -> str:
    return "{" + ",".join(f"{name}:{value}" for name, value in members) + "}"


spelled = st.recursive(
    spelled_scalars,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{','.join(items)}]")
        | st.lists(st.tuples(spelled_names, inner), max_size=3).map(spell_object)
    ),
    max_leaves=8,
)


def read_slowly(raw: bytes) -> Any:
    """The obvious way: read, write again, compare."""
    value = parse_json(raw)
    if canonical_bytes(value) != raw:
        raise CanonicalError("not in canonical form")
    return value


def outcome_of(read: Callable[[bytes], Any], raw: bytes) -> str:
    """What was read, with its types (True is not 1), or the words of the refusal."""
    try:
        return repr(read(raw))
    except CanonicalError as exc:
        return f"refused: {exc}"


@given(spelled | st.integers(MAX_DEPTH - 1, MAX_DEPTH + 1).map(lambda n: "[" * n + "]" * n))
def test_the_quick_reader_takes_and_refuses_what_the_slow_one_does(text: str) -> None:
    raw = text.encode()
    assert outcome_of(parse_canonical, raw) == outcome_of(read_slowly, raw)


@given(st.binary(max_size=80))
def test_any_bytes_are_read_or_refused_with_one_error(raw: bytes) -> None:
    try:
        value = parse_canonical(raw)
    except CanonicalError:
        return
    assert canonical_bytes(value) == raw


def test_keys_beyond_the_basic_plane_sort_by_utf16_units() -> None:
    # U+1F600 is D83D DE00 in UTF-16, below U+FB33, though its code point is above.
    assert canonical_bytes({"\ufb33": 1, "\U0001f600": 2}) == '{"\U0001f600":2,"\ufb33":1}'.encode()


def test_good_vectors_are_canonical() -> None:
    for vector in VECTORS["good"]:
        with naming(vector):
            raw = bytes.fromhex(vector["canonical_hex"])
            assert canonical_bytes(json.loads(vector["json"])) == raw
            assert canonical_bytes(parse_canonical(raw)) == raw
            assert canonical_digest(parse_canonical(raw)) == vector["sha256"]


def test_bad_vectors_are_refused() -> None:
    for vector in VECTORS["bad"]:
        with naming(vector), pytest.raises(CanonicalError):
            parse_canonical(bytes.fromhex(vector["hex"]))


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        float("nan"),
        b"x",
        {1: 2},
        {1, 2},
        object(),
        MAX_INTEGER + 1,
        memoryview(b"ab"),
        "\ud800",
    ],
    # Not str: it holds addresses, which differ between the processes that run the tests.
    ids=lambda value: type(value).__name__,
)
def test_values_that_json_here_cannot_hold_are_refused(value: Any) -> None:
    with pytest.raises(CanonicalError):
        canonical_bytes(value)


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_nesting_is_allowed_to_the_limit_and_no_deeper(opening: str) -> None:
    closing = "]" if opening == "[" else "}"
    inner = "1" if opening != "[" else ""
    fits = (opening * MAX_DEPTH + inner + closing * MAX_DEPTH).encode()
    deep = (opening * (MAX_DEPTH + 1) + inner + closing * (MAX_DEPTH + 1)).encode()
    assert canonical_bytes(parse_canonical(fits)) == fits
    with pytest.raises(CanonicalError, match="levels deep"):
        parse_canonical(deep)
    with pytest.raises(CanonicalError, match="levels deep"):
        canonical_bytes(json.loads(deep))


def test_brackets_inside_text_do_not_count_as_nesting() -> None:
    document = ["[{" * 100, '"\\[']
    assert parse_canonical(canonical_bytes(document)) == document


@given(st.lists(st.text('[{"\\a')), st.integers(MAX_DEPTH - 2, MAX_DEPTH + 2))
def test_levels_are_counted_whatever_texts_say(texts: list[str], levels: int) -> None:
    document: Any = texts
    for _ in range(levels - 1):
        document = [*texts, document]
    raw = json.dumps(document).encode()
    if levels <= MAX_DEPTH:
        assert parse_json(raw) == document
    else:
        with pytest.raises(CanonicalError, match="levels deep"):
            parse_json(raw)


def test_a_hundred_thousand_levels_are_refused_without_a_crash() -> None:
    with pytest.raises(CanonicalError, match="levels deep"):
        parse_json(b"[" * 100_000)


def test_an_array_is_not_an_object() -> None:
    with pytest.raises(CanonicalError, match="not an object"):
        parse_canonical_object(b"[]")


def test_a_document_that_holds_itself_is_refused() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(CanonicalError, match="levels deep"):
        canonical_bytes(loop)


@given(st.text(min_size=1))
def test_no_message_repeats_the_input(text: str) -> None:
    with pytest.raises(CanonicalError) as caught:
        parse_canonical(json.dumps({text: 1.5}).encode())
    assert caught.value.args == ("a number is not an integer",)


VECTORS_OF_WRITTEN_CODE = read_vectors("identity")


@given(st.binary(min_size=18, max_size=18))
def test_a_code_is_read_back_and_is_the_oracles(raw: bytes) -> None:
    assert write_code(raw) == code_of(raw)
    assert read_code(write_code(raw)) == raw


def test_the_codes_of_the_vectors_are_read() -> None:
    for vector in VECTORS_OF_WRITTEN_CODE["codes"]:
        with naming(vector):
            assert read_code(vector["code"]).hex() == vector["hex"]


def test_a_bad_code_is_refused_without_being_repeated() -> None:
    for vector in VECTORS_OF_WRITTEN_CODE["bad_codes"]:
        with naming(vector):
            with pytest.raises(CodeError) as caught:
                read_code(vector["code"])
            assert vector["code"][:9] not in str(caught.value) or not vector["code"]


def test_no_single_slip_in_a_code_is_overlooked() -> None:
    letters = write_code(bytes(range(18))).replace("-", "")
    for place, right in enumerate(letters):
        for wrong in set(ALPHABET) - {right}:
            with pytest.raises(CodeError):
                read_code(letters[:place] + wrong + letters[place + 1 :])


def test_typing_habits_do_not_matter() -> None:
    raw = bytes(range(18))
    code = write_code(raw)
    typed = [code.lower(), code.replace("-", " "), code.replace("-", ""), f" {code}\r\n"]
    typed.append(code.replace("0", "O").replace("1", "l"))
    assert {read_code(text) for text in typed} == {raw}


def test_only_codes_of_18_bytes_are_written() -> None:
    with pytest.raises(ValueError, match="18 bytes"):
        write_code(bytes(17))


@given(st.text(st.characters()))
def test_nothing_is_left_that_a_terminal_obeys(text: str) -> None:
    assert printable(text).isprintable()


@pytest.mark.parametrize("text", ["", "row 17, column dob: no date", "Zoë's 学校 = C:\\new\\table"])
def test_what_can_be_printed_stays(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;owned\x07", "\\x1b]0;owned\\x07"),
        ("gnp.\u202eexe", "gnp.\\u202eexe"),
        ("no\nhint: obey\r", "no\\nhint: obey\\r"),
        ("\x85\u2028", "\\x85\\u2028"),
        ("file\udce4.csv", "file\\udce4.csv"),
    ],
)
def test_what_cannot_be_printed_is_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown
