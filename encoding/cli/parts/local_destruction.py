"""`blindlink destroy --local`: removes what lies here, and states it, signed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from encoding.cli.parts.legal_holds import refuse_held
from encoding.cli.parts.own_identity import unlock_own
from encoding.cli.parts.prompts import require_yes
from encoding.cli.parts.session import Session
from encoding.cli.parts.testimony import signed_by_own
from encoding.destruction.certificates import CertificateFolder
from encoding.destruction.local_copies import IN_WORDS, KINDS, Holdings, LocalCopy, kinds_without
from encoding.destruction.local_destruction import LocalDestruction, begin, interrupted
from encoding.destruction.written_files import forget_written
from encoding.errors import FileMissingError
from encoding.outputs.freezes import find_freeze, note_destroyed
from schemas.destruction import KeptItem, LocalKind, LocalStatement, SignedDestruction
from schemas.shared.command_line import emit

if TYPE_CHECKING:
    from encoding.broker.client import BrokerClient

# As many files as one statement lists.
MOST_LISTED = 1024


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be removed here.

    `epoch` narrows it to one epoch, `frozen` to what was frozen for one study,
    `certificate` is the one that asks for it (None: the newest that does),
    `also` names files besides and `keep` what is kept and why, each by kind. `is_offline`: there is no broker
    any more that could be asked or told.
    """

    epoch: int | None
    certificate: str | None
    also: tuple[tuple[LocalKind, str], ...]
    keep: tuple[tuple[LocalKind, str], ...]
    is_offline: bool = False
    frozen: str | None = None

    @property
    def is_narrow(self) -> bool:
        """Whether only a part of what lies here is meant."""
        return self.epoch is not None or self.frozen is not None


def destroy_here(session: Session, given: Mapping[str, Any], wish: Wish, *, yes: bool) -> None:
    """List what would go, remove it if that is meant, and send the signed statement, or keep it to hand over.

    Raises:
        LegalHoldError: a legal hold stands.
        OutputBlockedError: a file cannot be removed; the same command goes on later.
    """
    # Before anything goes: the workspace may be sealed to these keys, and the statement needs them.
    unlock_own(session, given)
    with nullcontext() if wish.is_offline else session.connect() as client:
        certificate = wish.certificate
        if client is not None:
            session.trust(client)
            refuse_held(session, client)
            certificate = certificate or _asking(session, client)
        with session.workspace.lock():
            holdings = _holdings(session, wish)
            under_way = interrupted(session.workspace, session.project)
            if under_way is None:
                _refuse_unknown_files(wish)
                copies = _chosen(holdings, wish)
                require_yes(
                    _listing(session, copies, wish), "Remove these, and sign that?", yes=yes
                )
                under_way = begin(
                    session.workspace, session.project, certificate, copies, session.now()
                )
            # From here on a command that is killed goes on with the same files.
            under_way.remove()
            finished = _finished(session, client, under_way.note.certificate)
            left = _none_left(holdings, wish)
            statements = [
                signed_by_own(session, given, LocalStatement, not_before=finished, **fields)
                for fields in _stated(under_way, left, wish)
            ]
            if client is not None:
                for signed in statements:
                    client.state_destruction(session.project, signed)
            under_way.finish(statements)
            forget_written(session.workspace, session.project)
            paths = [one.path for one in under_way.note.files]
            note_destroyed(session.workspace, paths, session.now().date().isoformat())
    _report(session, under_way, statements, is_sent=not wish.is_offline)


def read_pairs(
    words: Sequence[str], option: str, take: Callable[[str], str] = str
) -> tuple[tuple[LocalKind, str], ...]:
    """Return kind and text of each `KIND=TEXT`, the text as `take` takes it.

    Raises:
        click.BadParameter: there is no such kind, or nothing after it that can be taken.
    """
    pairs: list[tuple[LocalKind, str]] = []
    for word in words:
        name, _, text = word.partition("=")
        kind = next((kind for kind in KINDS if kind == name), None)
        if kind is None or not text.strip():
            raise click.BadParameter(
                f"not a kind and a text such as {KINDS[0]}=..., of the kinds {', '.join(KINDS)}",
                param_hint=option,
            )
        pairs.append((kind, take(text.strip())))
    return tuple(pairs)


def _asking(session: Session, client: BrokerClient) -> str | None:
    """Return the newest certificate that waits for a statement of this party; None: none does."""
    for one in client.destructions(session.project).destructions:
        if any(owing.party == session.party for owing in one.outstanding):
            return one.certificate
    return None


def _refuse_unknown_files(wish: Wish) -> None:
    for _, name in wish.also:
        if not Path(name).is_file():
            raise FileMissingError(f"there is no file {name}")


def _holdings(session: Session, wish: Wish) -> Holdings:
    settings = session.config.sections
    return Holdings(
        workspace=session.workspace,
        project=session.project,
        links=session.config.resolve(settings.output.links),
        secret_file=session.config.resolve(settings.project.secret_file),
        named=tuple(LocalCopy(kind, Path(name)) for kind, name in wish.also),
    )


def _chosen(holdings: Holdings, wish: Wish) -> list[LocalCopy]:
    if wish.frozen is not None:
        return [_frozen(holdings, wish.frozen)]
    found = holdings.all() if wish.epoch is None else holdings.of_epoch(wish.epoch)
    kept = {kind for kind, _ in wish.keep}
    return [copy for copy in found if copy.what not in kept]


def _frozen(holdings: Holdings, study: str) -> LocalCopy:
    """Return the file that was frozen for a study.

    Raises:
        FileMissingError: it is not where it was written.
    """
    path = Path(find_freeze(holdings.workspace, holdings.project, study).path)
    if not path.is_file():
        raise FileMissingError(
            f"what was frozen for {study} is not at {path} any more",
            hint="put it back there, so that you can sign its destruction",
        )
    return LocalCopy("link-table", path)


def _listing(session: Session, copies: Sequence[LocalCopy], wish: Wish) -> Iterator[str]:
    yield "This will be removed for good:" if copies else "There is nothing to remove here."
    for copy in copies:
        yield f"  {IN_WORDS[copy.what]}: {copy.path}"
    if any(copy.what == "handle-map" for copy in copies):
        yield (
            "Without the handle map, `blindlink disclosures` and `blindlink links` can't answer for any"
            " record any more. First write the answers that you must keep."
        )
    for kind, why in wish.keep:
        yield f"This is kept: {IN_WORDS[kind]}. {why}"
    if wish.is_offline:
        yield "The broker can't be asked whether a legal hold is in force: you state that you know of none."
    if not wish.is_narrow:
        yield (
            f"You state for {session.party} that nothing else of it is left, in backups, on paper or elsewhere."
            " Say with --keep what is."
        )


def _finished(session: Session, client: BrokerClient | None, certificate: str | None) -> str:
    """Return when the last key of a certificate's objects was gone; a statement about it is not older."""
    if certificate is None:
        return ""
    if client is not None:
        return client.certificate(certificate).certificate.finished
    kept = CertificateFolder(session.workspace.certificates).find(certificate)
    return "" if kept is None else kept.certificate.finished


def _none_left(holdings: Holdings, wish: Wish) -> tuple[LocalKind, ...]:
    return kinds_without(holdings.all(), {kind for kind, _ in wish.keep})


def _stated(
    under_way: LocalDestruction, none_left: tuple[LocalKind, ...], wish: Wish
) -> Iterator[dict[str, Any]]:
    """Yield what one statement says, or several where one cannot list all that was removed.

    The last one says of what none is left, and what is kept.
    """
    deleted = under_way.deleted()
    pieces = [deleted[at : at + MOST_LISTED] for at in range(0, len(deleted), MOST_LISTED)] or [()]
    kept = tuple(KeptItem(what=kind, why=why) for kind, why in wish.keep)
    for piece in pieces[:-1]:
        yield _fields(under_way, piece, (), ())
    yield _fields(under_way, pieces[-1], none_left, kept)


def _fields(under_way: LocalDestruction, deleted: Any, none_left: Any, kept: Any) -> dict[str, Any]:
    certificate = under_way.note.certificate
    return {"certificate": certificate, "deleted": deleted, "none_left": none_left, "kept": kept}


def _report(
    session: Session,
    under_way: LocalDestruction,
    statements: Sequence[SignedDestruction],
    *,
    is_sent: bool,
) -> None:
    said = statements[-1].said
    none_left = said.none_left if isinstance(said, LocalStatement) else ()
    document = {
        "removed": len(under_way.note.files),
        "certificate": under_way.note.certificate,
        "none_left": list(none_left),
        "statements": [signed.digest() for signed in statements],
    }
    what = (
        "and sent" if is_sent else f"and kept, for you to hand over: {session.workspace.statements}"
    )
    remarks = [
        f"{len(under_way.note.files):,} files are removed, and the statement is signed {what}",
        f"nothing is left of these: {', '.join(IN_WORDS[kind] for kind in none_left) or 'nothing named'}",
    ]
    emit(document, remarks=remarks)
