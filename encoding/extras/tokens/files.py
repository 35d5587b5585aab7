"""Files of exact tokens, as OpenLinkToken writes them: a row a record and rule, told by their columns.

A token of a rule, such as last name, first letter, sex and date of birth, is HMAC-SHA-256 in base64, or SHA-256
in hexadecimal digits (rules of one's own may take SHA-512); zeros or nothing stand where an attribute is
missing. An encrypted token is another one each time, so that two of them can never be compared. Source: the
pages of OpenLinkToken 2 on token rules, match tokens and decryption; ADR 0073.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoding.errors import MissingColumnError, TokensError, TrialFilesError
from encoding.profiles.column_words import loose
from encoding.progress import Progress, silent
from encoding.recipe.shared_numbers import hashes
from encoding.records import Chunk, Table, open_table
from encoding.trial.guess import guess_reading
from encoding.trial.layout import LayoutSection
from encoding.trial.records import MOST_ROWS

Tokens = NDArray[np.int64]
"""What stands for each record's token of each rule, shape (n records, n rules); 0: it has none."""

_COLUMNS: Final = {"recordid": "RecordId", "ruleid": "RuleId", "token": "Token"}
# A file of people may have one of these columns, or two among its many; all three are those of tokens.
_FEWEST_COLUMNS, _MOST_COLUMNS = 2, 4
# As many as one record has bits.
MOST_RULES: Final = 16
_HASHED: Final = re.compile(r"[0-9A-Za-z+/_-]{20,88}={0,2}")
_KEYLESS: Final = re.compile(r"(?:[0-9A-Fa-f]{64}){1,2}")
_ENCRYPTED_START: Final = "olt."
# OpenToken's base64 of a nonce, AES-GCM of a hash in base64 or hexadecimal digits, and a tag.
_ENCRYPTED_LENGTHS: Final = range(96, 157)


@dataclass(frozen=True, slots=True)
class TokenColumns:
    """Where a file of tokens is, how it is read, and its columns of record IDs, rules and tokens."""

    path: Path
    reading: LayoutSection
    names: tuple[str, str, str]

    def open(self) -> Table:
        """Open the file.

        Raises:
            InputError: it cannot be read.
        """
        how = self.reading
        table = open_table(
            self.path, encoding=how.encoding, delimiter=how.delimiter, sheet=how.sheet
        )
        return table.select(self.names)


@dataclass(frozen=True, eq=False, repr=False)
class TokenFile:
    """A file of tokens that was read.

    Attributes:
        name: the file's name.
        ids: its record IDs, in the order in which they first occur.
        rules: its rules, in the order of their names.
        tokens: of each record and rule.
        is_keyless: whether its tokens are SHA-256 without a secret.
    """

    name: str
    ids: list[str]
    rules: tuple[str, ...]
    tokens: Tokens
    is_keyless: bool

    @cached_property
    def shares(self) -> tuple[float, ...]:
        """The part of the records that has each rule's token."""
        return tuple((self.tokens != 0).mean(axis=0).tolist())

    @cached_property
    def n_repeated(self) -> int:
        """How many records have tokens, and all the same as another record."""
        distinct, n_each = np.unique(self.tokens, axis=0, return_counts=True)
        return int((n_each - 1)[distinct.any(axis=1)].sum())

    def of_rules(self, rules: Sequence[str]) -> Tokens:
        """Return the tokens of some of its rules."""
        return self.tokens[:, [self.rules.index(one) for one in rules]]


def find_token_columns(path: Path) -> TokenColumns | None:
    """Tell by its header whether a file holds tokens; None: it does not.

    Raises:
        MissingColumnError: it does, and lacks one of the three columns.
        InputError: it cannot be read.
    """
    how = guess_reading(path)
    header = open_table(path, encoding=how.encoding, delimiter=how.delimiter).columns
    found = {loose(one): one for one in header if loose(one) in _COLUMNS}
    missing = [name for key, name in _COLUMNS.items() if key not in found]
    if len(found) < _FEWEST_COLUMNS or (missing and len(header) > _MOST_COLUMNS):
        return None
    if missing:
        raise MissingColumnError(
            f"{path} looks like a file of tokens and has no column {missing[0]}",
            hint="a file of OpenLinkToken has the columns RuleId, Token and RecordId",
        )
    return TokenColumns(path, how, (found["recordid"], found["ruleid"], found["token"]))


def read_tokens(columns: TokenColumns, progress: Progress = silent) -> TokenFile:
    """Read a file of tokens.

    Raises:
        TokensError: they are encrypted or none at all, or a record has two of one rule.
        TrialFilesError: it has more records than a trial takes.
        InputError: it cannot be read.
    """
    name = columns.path.name
    record_of: dict[str, int] = {}
    rule_of: dict[str, int] = {}
    records, rules, tokens = [], [], []
    is_keyless = False
    for chunk in columns.open().chunks():
        ids, of_rule, cells = (chunk.columns[one] for one in columns.names)
        _refuse_gaps(name, chunk, ids, of_rule)
        is_keyless |= _refuse_what_is_no_hash(name, chunk, cells)
        records += [record_of.setdefault(one, len(record_of)) for one in ids]
        rules += [rule_of.setdefault(one, len(rule_of)) for one in of_rule]
        tokens.append(np.where([not cell.strip("0") for cell in cells], 0, hashes(cells)))
        if len(rule_of) > MOST_RULES:
            raise TokensError(f"{name} has more than {MOST_RULES} rules in column RuleId")
        if len(record_of) > MOST_ROWS:
            raise TrialFilesError(
                f"{name} has more than {MOST_ROWS:,} records, and a trial takes no more"
            )
        progress(f"reading {name}", chunk.share, len(records), "rows")
    names = sorted(rule_of)
    place = np.array([names.index(one) for one in rule_of])
    at = np.array(records), place[rules]
    _refuse_two_of_a_rule(name, at[0] * MOST_RULES + at[1])
    table = np.zeros((len(record_of), len(names)), dtype=np.int64)
    table[at] = np.concatenate(tokens)
    return TokenFile(name, list(record_of), tuple(names), table, is_keyless)


def common_rules(one: TokenFile, other: TokenFile) -> tuple[str, ...]:
    """Return the rules that both files have."""
    rules = tuple(rule for rule in one.rules if rule in other.rules)
    if not rules:
        raise TokensError(
            f"{one.name} has tokens of {', '.join(one.rules)}, and {other.name} of"
            f" {', '.join(other.rules)}: no rule is in both",
            hint="make both files with the same version and settings of OpenLinkToken",
        )
    pairs = zip(one.of_rules(rules).T, other.of_rules(rules).T, strict=True)
    if not any(np.intersect1d(mine, theirs).any() for mine, theirs in pairs):
        raise TokensError(
            f"not one token of {one.name} is in {other.name}",
            hint="make both with the same secret and in the same mode (44 characters with a secret, 64"
            " without); if they are, the files have no person in common",
        )
    return rules


def _refuse_gaps(name: str, chunk: Chunk, ids: Sequence[str], rules: Sequence[str]) -> None:
    for cells, column in ((ids, "RecordId"), (rules, "RuleId")):
        if "" in cells:
            row = chunk.first_row + cells.index("")
            raise TokensError(f"{name}, row {row}: there is no {column}")


def _refuse_what_is_no_hash(name: str, chunk: Chunk, cells: Sequence[str]) -> bool:
    """Refuse other tokens than hashes; returns whether a hash was made without a secret."""
    is_keyless = False
    for row, cell in enumerate(cells, start=chunk.first_row):
        if not cell.strip("0"):
            continue
        if _KEYLESS.fullmatch(cell):
            is_keyless = True
        elif cell.startswith(_ENCRYPTED_START) or len(cell) in _ENCRYPTED_LENGTHS:
            raise TokensError(
                f"{name} holds encrypted tokens (row {row}): no two of them are ever the same, so they"
                " can't be compared",
                hint="ask the person who has the key to decrypt them to hashes: olt decrypt",
            )
        elif not _HASHED.fullmatch(cell):
            raise TokensError(
                f"{name}, row {row}: the token is not a hash",
                hint="write it with olt tokenize, but not with --mode demo, which writes names and dates",
            )
    return is_keyless


def _refuse_two_of_a_rule(name: str, keys: NDArray[np.int64]) -> None:
    first = np.unique(keys, return_index=True)[1]
    if len(first) < len(keys):
        row = int(np.setdiff1d(np.arange(len(keys)), first)[0]) + 1
        raise TokensError(
            f"{name}, row {row}: an earlier row has this record's token of the same rule",
            hint="make the tokens from a file with one row a record",
        )
