"""What an entry of each kind must look like: kinds register here with their feature.

Bodies hold ids, digests, counts at or above the floor, and the documents that were agreed or asked for:
never an encoding, a handle or a pair. Spec page: `schemas/spec/entry.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints

from schemas.documents.canonical import MAX_INTEGER
from schemas.documents.document import Model
from schemas.signing.identity import Duty

Outcome = Literal["done", "refused", "failed"]

Count = Annotated[int, Field(ge=0, le=MAX_INTEGER)]
Ordinal = Annotated[int, Field(ge=1, le=MAX_INTEGER)]
KeyText = Annotated[str, StringConstraints(pattern=r"^[!-~]+$", max_length=300)]

DONE_OR_REFUSED: Final = frozenset[Outcome]({"done", "refused"})
# A document of many parties, or a statement with sixteen changes of keys, is embedded whole, so that the
# auditor replays what was really asked for.
DOCUMENT_BYTES: Final = 48 * 1024
# C2SP tlog-tiles give an entry at most 65,535 bytes.
AGREEMENT_BYTES: Final = 60 * 1024
MAX_ENTRY_BYTES: Final = AGREEMENT_BYTES

# Anyone who has a part in the linkage; not who watches it or runs the broker.
AGENTS: Final = ("analyst", "approver", "recipient", "reviewer", "steward")
ANALYSTS: Final = ("analyst",)
RECIPIENTS: Final = ("recipient",)
# What is sealed for another party tells its carrier nothing, so that analysts may carry it.
CARRIERS: Final = ("analyst", "recipient")

# Names that later versions give a body; a reader of this version refuses them by name.
RESERVED: Final = frozenset({"log-succeeded"})


@dataclass(frozen=True, slots=True)
class Kind:
    """What an entry of one kind must look like.

    `object_prefix` is that of the id in `object`, or null where the kind has no object. `in_project` is
    null where entries of the kind occur both inside a project and outside any. `object_optional` is for
    what can be refused before it has an id, `is_unbound` for what happens in a project before an agreement
    binds it. `duties` are those of which a person needs one to do it, by a signed request that the entry holds;
    null where the body holds all that is signed, or where the broker acts. `by` is who alone writes it: the
    broker itself, or the operator by its own commands; null where others do, or persons too.
    """

    body: type[Model]
    in_project: bool | None = True
    object_prefix: str | None = None
    object_optional: bool = False
    is_unbound: bool = False
    outcomes: frozenset[Outcome] = frozenset({"done"})
    max_bytes: int = 4096
    duties: tuple[Duty, ...] | None = None
    by: Literal["broker", "operator"] | None = None


Kinds = Mapping[str, Kind]

REGISTERED: Final[dict[str, Kind]] = {}
KIND_OF_BODY: Final[dict[type[Model], str]] = {}


def register(kinds: Kinds) -> Kinds:
    """Let entries be of these kinds, and return them."""
    REGISTERED.update(kinds)
    KIND_OF_BODY.update({kind.body: name for name, kind in kinds.items()})
    return kinds
