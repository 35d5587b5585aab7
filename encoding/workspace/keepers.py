"""Who can open a workspace: anyone who works in it, custodians of the same agency, and a recovery code.

The list is kept sealed under the workspace key, so that nobody adds himself to it. Spec page:
`schemas/spec/workspace-backup.md`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import Field, model_validator

from encoding.errors import NotReadyError, WorkspaceError, WorkspaceKeyError
from encoding.people.identity import Identity
from encoding.people.recovery import new_recovery_code, recovery_keys
from encoding.workspace.key import is_sealed, write_sealed_key
from encoding.workspace.sealed_record import SealedRecord
from encoding.workspace.workspace import Workspace
from schemas.documents.document import Document
from schemas.documents.ids import utc_text
from schemas.signing.identity import PublicIdentity

MAX_CUSTODIANS: Final = 8


class Keepers(Document):
    """The persons to whom workspace key and backups are sealed, all of one party.

    `recovery` is the public part of the keys that the recovery code stands for.
    """

    KIND: ClassVar[str] = "list of keepers"

    version: Literal["blindlink/keepers/1"] = "blindlink/keepers/1"
    owner: PublicIdentity
    custodians: Annotated[tuple[PublicIdentity, ...], Field(max_length=MAX_CUSTODIANS)] = ()
    recovery: PublicIdentity

    @model_validator(mode="after")
    def _keepers_are_of_one_party(self) -> Self:
        persons = [keeper.person for keeper in self.everyone()]
        if len(set(persons)) != len(persons):
            raise ValueError("a keeper is listed once")
        if {keeper.party for keeper in self.everyone()} != {self.owner.party}:
            raise ValueError("keepers must be of one party")
        return self

    def everyone(self) -> tuple[PublicIdentity, ...]:
        """Return all of them, the recovery code's keys last."""
        return (self.owner, *self.custodians, self.recovery)

    def with_custodian(self, person: PublicIdentity) -> Keepers:
        """Return this with one custodian more, or with other keys of the same one.

        Raises:
            WorkspaceError: of another party, the owner, or there are too many.
        """
        if person.party != self.owner.party:
            raise WorkspaceError("a custodian is a person of your own agency")
        if person.person == self.owner.person:
            raise WorkspaceError(
                "the workspace is yours already; a custodian must be a different person"
            )
        others = [one for one in self.custodians if one.person != person.person]
        if len(others) >= MAX_CUSTODIANS:
            raise WorkspaceError(f"a workspace has at most {MAX_CUSTODIANS} custodians")
        in_order = sorted([*others, person], key=lambda one: one.person)
        return self.model_copy(update={"custodians": tuple(in_order)})

    def without_custodian(self, person: str) -> Keepers:
        """Return this without one custodian.

        Raises:
            WorkspaceError: there is no such custodian.
        """
        self.custodian(person)
        left = tuple(one for one in self.custodians if one.person != person)
        return self.model_copy(update={"custodians": left})

    def custodian(self, person: str) -> PublicIdentity:
        """Return a custodian by person id.

        Raises:
            WorkspaceError: there is no such custodian.
        """
        for one in self.custodians:
            if one.person == person:
                return one
        raise WorkspaceError(
            "there is no custodian with this ID",
            hint="list them: blindlink workspace custodians",
        )

    def owned_by(self, person: PublicIdentity) -> Keepers:
        """Return this with another owner, who is no custodian any more; the former one is left out."""
        custodians = tuple(one for one in self.custodians if one.person != person.person)
        return self.model_copy(update={"owner": person, "custodians": custodians})


@dataclass(frozen=True, slots=True)
class Protected:
    """A workspace that has just been protected; `code` is the recovery code, shown once."""

    keepers: Keepers
    code: str


def protect(workspace: Workspace, own: Identity, now: datetime) -> Protected:
    """Seal the workspace key to its owner and to a new recovery code; custodians stay, if their list does.

    Call it under the lock. A former recovery code no longer opens the workspace, though backups made
    before still open with it.

    Raises:
        WorkspaceKeyError: the key cannot be opened.
    """
    key = workspace.key()
    code = new_recovery_code()
    recovery = recovery_keys(code, own.public.party, now).public
    if is_sealed(workspace.key_file) and workspace.keepers.exists():
        known = read_keepers(workspace).owned_by(own.public)
        keepers = known.model_copy(update={"recovery": recovery})
    else:
        keepers = Keepers(owner=own.public, recovery=recovery)
    keep(workspace, keepers, key, now)
    return Protected(keepers, code)


def recover(workspace: Workspace, own: Identity, typed: str, now: datetime) -> Protected:
    """Make a workspace that a recovery code opens that of `own`, and draw a new code.

    Raises:
        BackupError: the code has a slip of the pen.
        WorkspaceKeyError: it is not the code of this workspace.
    """
    code = recovery_keys(typed, own.public.party, now)
    return protect(workspace.opened_by(lambda: code), own, now)


def follow_keys(workspace: Workspace, old: Identity, new: Identity, now: datetime) -> None:
    """Seal the workspace key to the owner's new keys; safe to repeat. Call it under the lock.

    Raises:
        WorkspaceKeyError: neither the old nor the new keys open the workspace.
    """
    if not is_sealed(workspace.key_file) or _opens(workspace, new):
        return
    opened = workspace.opened_by(lambda: old)
    keep(opened, read_keepers(opened).owned_by(new.public), opened.key(), now)


def keep(workspace: Workspace, keepers: Keepers, key: bytes, now: datetime) -> None:
    """Write who can open the workspace, then seal its key to them."""
    _record(workspace, key).write(keepers.to_canonical())
    created = utc_text(now)
    write_sealed_key(workspace.key_file, key, keepers.owner.party, keepers.everyone(), created)


def read_keepers(workspace: Workspace) -> Keepers:
    """Return who can open the workspace.

    Raises:
        NotReadyError: it is not protected yet.
        WorkspaceError: the list is damaged, or sealed under another key.
    """
    # Its key is asked for only then: the first call of `key` makes one.
    is_there = workspace.keepers.exists()
    found = _record(workspace, workspace.key()).read_as(Keepers) if is_there else None
    if found is None:
        raise NotReadyError(
            "the workspace is not protected yet", hint="first type: blindlink workspace protect"
        )
    return found


def _opens(workspace: Workspace, person: Identity) -> bool:
    try:
        workspace.opened_by(lambda: person).key()
    except WorkspaceKeyError:
        return False
    return True


def _record(workspace: Workspace, key: bytes) -> SealedRecord:
    return SealedRecord(workspace.keepers, "keepers", key)
