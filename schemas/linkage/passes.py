"""Passes of an encoding profile: which records are brought together, and how many at most.

A pass gives every record the same number of blocking keys, so that their number shows nothing.
Spec page: `schemas/spec/encoding-profile.md`.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from schemas.documents.document import Model
from schemas.documents.ids import Code
from schemas.linkage.fields import Column

Part = Annotated[tuple[Column, ...], Field(min_length=1, max_length=4)]
"""One part of a key: the value of a column, or the values of several in sorted order."""

KeyForm = Annotated[tuple[Part, ...], Field(min_length=1, max_length=8)]
"""How one blocking key is made; a record that lacks one of its values has no such key."""


class Pass(Model):
    """One pass: as many keys a record as it has forms. Equal keys of one record are numbered apart."""

    name: Code
    keys: Annotated[tuple[KeyForm, ...], Field(min_length=1, max_length=8)]

    @property
    def columns(self) -> frozenset[str]:
        """The columns that its keys are made of."""
        return frozenset(column for key in self.keys for part in key for column in part)


class AliasKeys(Model):
    """How many more keys a record has for its aliases, in the larger and in the smaller file of a pair."""

    larger: Annotated[int, Field(ge=0, le=32)]
    smaller: Annotated[int, Field(ge=0, le=32)]


class Either(Model):
    """A column of keys: a record without a value in it has keys with each of these."""

    column: Column
    values: Annotated[
        tuple[Annotated[str, Field(pattern=r"^[A-Z]{1,20}$")], ...],
        Field(min_length=2, max_length=4),
    ]


Exchange = tuple[Column, Column, Column]
"""Of a record whose last two columns are equal, the first one changes places with both."""
