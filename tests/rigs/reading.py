"""How easily the prose of a page reads, by Flesch's formula for American English.

    python tests/rigs/reading.py docs/*.md

prints a line for each page: words, words a sentence, syllables a word, reading ease.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

_PARSER = MarkdownIt("commonmark").enable("table")
_WORD = re.compile(r"[^\W_][\w'’.,]*\w|[^\W_]")
_END = re.compile(r"[.!?]+[\"'”)*]*(?=\s|$)")
# Two vowels that are heard apart, as in "area", "various", "idea", "quiet".
_TWO = re.compile(
    r"[drv]ia[^n]?|[td]eri|eria|r[ie]ous|v[ie]ous|ea$|deal|eali|crea(?!m)|quie|[^t]ien[tc]e?|eo(?!pl)|io[^nu]|ryo|bei|yin|uou"
    r"|[dg]ian|i[uo]m|[^gq]ua[lt]"
)
# An e that is not heard, as in "file", "linked", "changes"; those of "table", "started", "sizes" are.
_SILENT = re.compile(
    r"(?<=[^aeiouyl])e$|(?<=[aeiouyrl]l)e$|(?<=[aeiouy])e$|(?<=[^aeioutdy])ed$|(?<=[^aeiouylcgszhx])es$"
    r"|(?<=[aeiouy][lrnm])es$|(?<=[^aeiouy][^aeiouy])ely$|(?<=m)e(?=one|thing|times|body)|(?<=s)e(?=hold)"
    r"|(?<=[^cglu])e(?=ly$|ment|less|ful)|(?<=ev)e(?=ry)|(?<=s)i(?=ness)"
)


@dataclass(frozen=True, slots=True)
class Reading:
    """Counts of a page's prose."""

    words: int
    sentences: int
    syllables: int

    @property
    def words_a_sentence(self) -> float:
        """How long a sentence is."""
        return self.words / self.sentences

    @property
    def syllables_a_word(self) -> float:
        """How long a word is."""
        return self.syllables / self.words

    @property
    def ease(self) -> float:
        """Flesch (1948), "A new readability yardstick": 60 to 70 is plain English, below 50 hard."""
        return 206.835 - 1.015 * self.words_a_sentence - 84.6 * self.syllables_a_word

    @property
    def inflesz(self) -> float:
        """Szigriszt Pazos (1993) for Spanish, by INFLESZ (Barrio 2008): quite easy from 65, hard below 55."""
        return 206.835 - self.words_a_sentence - 62.3 * self.syllables_a_word


def read(page: str) -> Reading:
    """Measure what stands in a page's paragraphs and lists, once there is any."""
    return _measured(page, syllables)


def read_spanish(page: str) -> Reading:
    """Measure a page in Spanish; its `inflesz` says how easily it reads."""
    return _measured(page, spanish_syllables)


def _measured(page: str, count: Callable[[str], int]) -> Reading:
    sentences = sentences_of(page)
    words = [word for sentence in sentences for word in words_of(sentence)]
    return Reading(len(words), len(sentences), sum(map(count, words)))


def sentences_of(page: str) -> list[str]:
    """Return the sentences of paragraphs and lists: no code, tables, headings, pictures or link targets.

    A name between backticks counts as one short word, since it is read at a glance.
    """
    sentences = []
    tokens = _PARSER.parse(page)
    for before, token in pairwise(tokens):
        if before.type == "paragraph_open":
            sentences += [part for part in _END.split(_text(token)) if _WORD.search(part)]
    return sentences


def words_of(sentence: str) -> list[str]:
    """Return the words and numbers of a sentence."""
    return _WORD.findall(sentence)


def _text(paragraph: Token) -> str:
    texts = {"text": None, "code_inline": "name", "softbreak": " ", "hardbreak": " "}
    kept = [child for child in paragraph.children or [] if child.type in texts]
    return "".join(texts[child.type] or child.content for child in kept)


def syllables(word: str) -> int:
    """Estimate the syllables of an English word by its letters; a number counts as one."""
    letters = re.sub(r"[^a-z]", "", word.lower())
    heard = _SILENT.sub("", letters)
    return max(1, len(re.findall(r"[aeiouy]+", heard)) + len(_TWO.findall(heard)))


def spanish_syllables(word: str) -> int:
    """Count the syllables of a Spanish word by its letters; a number counts as one.

    A strong vowel, or a weak one that bears an accent, is a syllable of its own; weak vowels beside it are not.
    """
    letters = re.sub(r"[^a-záéíóúüñ]", "", word.lower())
    # Not heard: the u of que, qui, gue, gui. A final y is a vowel.
    heard = re.sub(r"y$", "i", re.sub(r"(?<=[qg])u(?=[eiéí])", "", letters))
    strong, weak = "aeoáéóíú", "iuü"
    return max(1, len(re.findall(f"[{weak}]*[{strong}][{weak}]*|[{weak}]+", heard)))


if __name__ == "__main__":
    for name in sys.argv[1:]:
        page = read(Path(name).read_text("utf-8"))
        print(
            f"{name:36}{page.words:7}{page.words_a_sentence:7.1f}{page.syllables_a_word:7.2f}{page.ease:7.1f}"
        )
