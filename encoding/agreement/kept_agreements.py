"""The agreements of a project that this agency keeps, with every signature about them that it has verified.

What a broker says later is held against them (`encoding.agreement.coverage`).
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import Field

from encoding.errors import WorkspaceError
from encoding.files import make_private_folder, write_durably
from schemas.agreement.agreement import Agreement
from schemas.agreement.negotiation import AgreementProposal
from schemas.agreement.statement import Notice, SignedStatement, Statement
from schemas.documents.document import Document, Model
from schemas.documents.errors import FormatError
from schemas.documents.ids import Name, Sha256Hex, UtcTime
from schemas.linkage.profile import EncodingProfile

MAX_KEPT: Final = 1000
_ONE_DAY: Final = timedelta(days=1)
# Of two notices of one second, of which neither names the other: what stops the linkage counts.
_WEIGHT: Final = {"resume": 0, "suspend": 1, "withdraw": 2}


class KeptAgreement(Model):
    """An agreement with its encoding profile, the signed consent of each party, and notices about it."""

    agreement: Agreement
    profile: EncodingProfile
    consents: Annotated[tuple[SignedStatement, ...], Field(max_length=64)] = ()
    notices: tuple[SignedStatement, ...] = ()

    @property
    def digest(self) -> str:
        """The agreement's digest, as everything names it."""
        return self.agreement.digest()

    def proposal(self) -> AgreementProposal:
        """Return the agreement as it is proposed to the other parties."""
        return AgreementProposal(agreement=self.agreement, profile=self.profile)

    def missing(self) -> tuple[str, ...]:
        """Return the parties whose consent it needs and that is not here, in order."""
        consented = {signed.statement.party for signed in self.consents}
        return tuple(name for name in self.agreement.signers if name not in consented)

    def has_begun(self, today: date) -> bool:
        """Tell whether its first day has come."""
        return self.agreement.start <= today.isoformat()

    def is_complete(self) -> bool:
        """Tell whether every party has consented whose consent it needs."""
        return not self.missing()

    def last_word(self, party: str) -> Notice | None:
        """Return a party's newest notice; None if it has given none.

        That is none which another one of its notices names as the one before: two may be of one second, or
        dated by a clock that was ahead. Of several, as where an approval stands between, the latest; of one
        second, one that halts.
        """
        notices = (signed.statement for signed in self.notices)
        own = [n for n in notices if isinstance(n, Notice) and n.party == party]
        passed = {notice.before for notice in own}
        last = (notice for notice in own if notice.digest() not in passed)
        return max(last, key=lambda notice: (notice.at, _WEIGHT[notice.act]), default=None)

    def ended_by(self) -> tuple[str, ...]:
        """Return the parties that have left."""
        return self._who("withdraw")

    def halted_by(self) -> tuple[str, ...]:
        """Return the parties that halt the linkage."""
        return self._who("suspend")

    def _who(self, act: str) -> tuple[str, ...]:
        last = {name: self.last_word(name) for name in self.agreement.names()}
        return tuple(name for name, notice in last.items() if notice and notice.act == act)


class OwnWord(Model):
    """A statement of the own party that the broker took: its digest and time, and the one that it names."""

    sha256: Sha256Hex
    at: UtcTime
    before: Sha256Hex | None

    @classmethod
    def of(cls, stated: Statement) -> Self:
        """Return what is kept of a statement."""
        return cls(sha256=stated.digest(), at=stated.at, before=stated.before)


class KeptAgreements(Document):
    """The agreements of one project, in the order of their numbers.

    `words` are the approvals and revocations that were signed for the own party here, the oldest first.
    """

    KIND: ClassVar[str] = "kept agreements"

    version: Literal["blindlink/kept-agreements/1"] = "blindlink/kept-agreements/1"
    project: Name
    agreements: Annotated[tuple[KeptAgreement, ...], Field(max_length=MAX_KEPT)] = ()
    words: Annotated[tuple[OwnWord, ...], Field(max_length=MAX_KEPT)] = ()

    def find(self, digest: str) -> KeptAgreement | None:
        """Return an agreement by its digest; None if it is not kept."""
        return next((kept for kept in self.agreements if kept.digest == digest), None)

    def last_complete(self) -> KeptAgreement | None:
        """Return the newest agreement that is complete; None if there is none."""
        complete = [kept for kept in self.agreements if kept.is_complete()]
        return complete[-1] if complete else None

    def signed(self) -> dict[str, Agreement]:
        """Return the agreements that are complete, by digest."""
        return {kept.digest: kept.agreement for kept in self.agreements if kept.is_complete()}

    def complete_until(self, kept: KeptAgreement) -> tuple[KeptAgreement, ...]:
        """Return an agreement and the complete ones of lower numbers, the newest first."""
        number = kept.agreement.number
        before = [k for k in self.agreements if k.is_complete() and k.agreement.number < number]
        return (kept, *reversed(before))

    def with_words(self, kept: KeptAgreement) -> KeptAgreement:
        """Return an agreement with what was said of those before it, too: who halts one, halts both.

        Who has left one has left what amends it, and no agreement that all sign anew.
        """
        notices = list(kept.notices)
        newer, *earlier = self.complete_until(kept)
        is_amended = True
        for one in earlier:
            is_amended = is_amended and newer.agreement.amends is not None
            notices += (notice for notice in one.notices if is_amended or not _leaves(notice))
            newer = one
        return kept.model_copy(update={"notices": tuple(notices)})

    def binding_on(self, day: str) -> KeptAgreement | None:
        """Return what binds on a day, in or out of its dates; None if nothing that is kept has begun."""
        begun = [k for k in self.agreements if k.is_complete() and k.agreement.start <= day]
        return begun[-1] if begun else None

    def binding_about(self, day: date) -> tuple[KeptAgreement, ...]:
        """Return what may bind on a day: the day before, on it, or after it, since clocks differ."""
        days = [(day + shift).isoformat() for shift in (-_ONE_DAY, timedelta(0), _ONE_DAY)]
        found = [self.binding_on(text) for text in days]
        return tuple({kept.digest: kept for kept in found if kept is not None}.values())

    def with_one(self, kept: KeptAgreement) -> KeptAgreements:
        """Return the list with this agreement in place of what was known of it."""
        others = [one for one in self.agreements if one.digest != kept.digest]
        ordered = sorted([*others, kept], key=lambda one: (one.agreement.number, one.digest))
        return self.model_copy(update={"agreements": tuple(ordered)})

    def with_word(self, stated: Statement) -> KeptAgreements:
        """Return the list with one more statement of the own party, and the newest of those before."""
        kept = (*self.words, OwnWord.of(stated))[-MAX_KEPT:]
        return self.model_copy(update={"words": kept})


def _leaves(signed: SignedStatement) -> bool:
    return isinstance(signed.statement, Notice) and signed.statement.act == "withdraw"


def read_kept(path: Path, project: str) -> KeptAgreements:
    """Return what is kept of a project's agreements; a file that does not exist is an empty list.

    Raises:
        WorkspaceError: the file is damaged, or another project's.
    """
    try:
        kept = _read(path.read_bytes())
    except FileNotFoundError:
        return KeptAgreements(project=project)
    except FormatError as exc:
        raise WorkspaceError(
            "the agreements that this agency keeps are damaged",
            hint=f"restore {path.name} from the backup of the workspace",
        ) from exc
    if kept.project != project:
        raise WorkspaceError("the agreements that this agency keeps are of a different project")
    return kept


def write_kept(path: Path, kept: KeptAgreements) -> None:
    """Replace what is kept of a project's agreements."""
    make_private_folder(path.parent)
    write_durably(path, kept.to_canonical())


@lru_cache(maxsize=4)
def _read(raw: bytes) -> KeptAgreements:
    """Return what a file holds: a command asks for it a dozen times, and its parsing takes a while."""
    return KeptAgreements.from_canonical(raw)
