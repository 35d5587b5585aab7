"""Links between the documents lead somewhere, and their prose reads easily."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from rigs.documents import DOCUMENTS, GUIDES, ROOT, has_example, headings, links_of
from rigs.reading import read, sentences_of, spanish_syllables, syllables, words_of

# By hand, from a dictionary.
SYLLABLES = """
1: file links matched times names once asked sealed used years keys one real field house whole rules
2: broker linked table little release review secret record linkage passphrase people being something measured
2: between business even every settings statement handed needed sizes pages question version simple client
3: agency agreement uploaded encoded privacy auditor clerical encryption encoding telephone everyone
3: area various idea period different possible example decision previous serious obvious
4: identity certificate usually material custodian reality experience society evaluate
5: probability evaluation
"""

# Forms that a reader of American English stumbles over.
STUMBLES = {
    r"\bthe own\b": "your own, their own",
    r"\bas it stands\b|\bas they stand\b": "unchanged, exactly",
    r"\bsuch a one\b|\bsuch an one\b": "the noun",
    r"\bto the letter\b": "exactly",
    r"^Who (?:is|has|was|may|can|signs|uploads|leaves|loses|holds|knows)\b": "a person who, an analyst who",
    r"\b(?:for|of|by|to|with|at) who (?:is|has|was|does|can|may)\b": "for people who",
    r"\bbe they as many\b|\bbe it that\b": "however many",
    r"\b(?:programme|organis|recognis|authoris|colour|synchronis)": "American spelling",
    r"\benrol(?:s|ment)\b": "American spelling",
}


def test_the_readme_says_what_it_does_not_protect_against() -> None:
    limits = (ROOT / "README.md").read_text("utf-8").split("does not protect against")[1]
    for limit in (
        "A broker **together with** anyone who holds the secret can guess every record",
        "hides that from the agencies, not from the broker",
        "A link ID is itself confidential",
    ):
        assert limit in " ".join(limits.split())


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_every_link_of_a_document_leads_to_a_file_and_its_heading() -> None:
    broken = []
    for document in DOCUMENTS:
        for link in links_of(document):
            path, _, heading = link.partition("#")
            place = (document.parent / path).resolve() if path else document
            if not place.exists() or (heading and heading not in headings(place)):
                broken.append((named(document), link))
    assert broken == []


def test_what_is_not_there_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# One\n[a](other.md#x) [b](#one) [c](https://example.org)\n```\n# no [d](e)\n```\n"
    )
    assert links_of(page) == ["other.md#x", "#one"]
    assert headings(page) == {"one"}
    assert has_example(page)


@pytest.mark.parametrize("page", GUIDES, ids=named)
def test_a_page_reads_easily_and_shows_a_picture_or_an_example(page: Path) -> None:
    """At least as easily as plain English, in sentences that fit one breath.

    Decision records, answers to standards and formats are left out: they are for people who look something up.
    """
    text = page.read_text("utf-8")
    found, sentences = read(text), sentences_of(text)
    assert found.ease >= 55
    assert found.words_a_sentence <= 16
    assert [sentence for sentence in sentences if len(words_of(sentence)) > 30] == []
    assert [
        (sentence.strip(), better)
        for sentence in sentences
        for form, better in STUMBLES.items()
        if re.search(form, sentence.strip())
    ] == []
    assert has_example(page)


def test_every_picture_says_in_words_what_it_shows() -> None:
    for page in GUIDES:
        assert re.findall(r"!\[\s*\]", page.read_text("utf-8")) == [], page.name
    for picture in ROOT.glob("docs/**/*.svg"):
        text = picture.read_text("utf-8")
        assert "<title" in text, picture.name
        assert "<desc" in text, picture.name
        assert "prefers-color-scheme: dark" in text, picture.name


def test_hard_prose_is_found_hard_and_easy_prose_easy() -> None:
    easy = read("The file is on your disk. You can open it. No one else can.")
    assert easy.ease > 100
    hard = (
        "Supplementary destructions necessitate countersignature by administrating organizations."
    )
    assert read(hard).ease < 0
    assert (
        read("Read `a.b.c`, then go.\n\n| no | table |\n|---|---|\n\n```\nno code\n```\n").words
        == 4
    )


def test_syllables_are_counted_nearly_as_a_dictionary_does() -> None:
    wrong = []
    for line in SYLLABLES.strip().splitlines():
        number, _, words = line.partition(": ")
        wrong += [
            (word, syllables(word)) for word in words.split() if syllables(word) != int(number)
        ]
    assert len(wrong) <= 4, wrong


def test_spanish_syllables_are_counted_as_a_dictionary_does() -> None:
    divided = """
    que quien ley más fin seis y hoy
    di-ce hi-jo na-die gra-tis cui-dan guar-da a-gua pin-güi-no
    ca-so es-cue-la crian-za re-gis-tros fa-mi-lias a-cuer-do in-fan-til
    com-pu-ta-do-ra coin-ci-den-cias pa-ís o-í-do ra-íz e-du-ca-ción na-ci-mien-to ór-de-nes
    """
    for word in divided.split():
        assert spanish_syllables(word.replace("-", "")) == word.count("-") + 1, word


def quoted_messages() -> list[str]:
    text = (ROOT / "docs" / "troubleshooting.md").read_text("utf-8")
    return re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE)


def texts_of_the_programs() -> list[str]:
    """Return every text in the sources, with an empty place for each value that is put in."""
    texts = []
    for top in ("app", "blindlink", "blindlink_verify", "encoding", "schemas"):
        for source in (ROOT / top).rglob("*.py"):
            for node in ast.walk(ast.parse(source.read_text("utf-8"))):
                if isinstance(node, ast.JoinedStr):
                    pieces = (
                        one.value if isinstance(one, ast.Constant) else "\0" for one in node.values
                    )
                    texts.append("".join(map(str, pieces)).lower())
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    texts.append(node.value.lower())
    return texts


def test_every_message_of_troubleshooting_is_one_that_the_programs_give() -> None:
    texts = texts_of_the_programs()
    assert len(quoted_messages()) >= 25
    unknown = []
    for message in quoted_messages():
        parts = [part.strip() for part in message.lower().split("...") if part.strip(" ,:")]
        if not any(all(part in text for part in parts) for text in texts):
            unknown.append(message)
    assert unknown == []


def named_paths(page: str = "CONTRIBUTING.md") -> list[str]:
    """Return what a page names between backticks that looks like a file or a room of this repository."""
    text = (ROOT / page).read_text("utf-8")
    return re.findall(r"`((?:app|encoding|schemas|tests)/[\w/.]*)`", text)


def test_the_walks_and_the_map_name_what_is_there() -> None:
    assert len(named_paths()) > 60
    named_there = [*named_paths(), *named_paths("docs/architecture.md")]
    assert [name for name in named_there if not (ROOT / name).exists()] == []


def test_every_room_is_on_the_map() -> None:
    rooms = {
        path.parent for top in ("app", "encoding") for path in ROOT.glob(f"{top}/*/__init__.py")
    }
    rooms |= {path.parent for path in ROOT.glob("tests/*/*.py")}
    mirrors = {"tests/app", "tests/encoding", "tests/schemas"}
    names = {f"{room.relative_to(ROOT).as_posix()}" for room in rooms} - mirrors
    assert sorted(names - {name.rstrip("/") for name in named_paths()}) == []
