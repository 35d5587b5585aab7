"""`blindlink destroy --local`: removes what lies here, and states it, signed."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import click

from encoding.broker.client import BrokerClient
from encoding.destruction.certificates import CertificateFolder
from encoding.destruction.freezes import find_freeze, note_destroyed, read_freezes
from encoding.destruction.local_copies import IN_WORDS, KINDS, Holdings, LocalCopy, kinds_without
from encoding.destruction.local_destruction import (
    LocalDestruction,
    NamedFile,
    Wish,
    begin,
    interrupted,
)
from encoding.errors import FileMissingError, NotAuthorisedError, NotReadyError
from encoding.files import is_same_file
from encoding.project.destroying.certificates import refuse_held, signed_by_own
from encoding.project.noted_files import own_file
from encoding.project.own_keys import unlock_own
from encoding.project.session import Session
from encoding.workspace.written_files import forget_written
from schemas.rounds.destruction import KeptItem, LocalKind, LocalStatement, SignedDestruction
from schemas.shared.command_line import emit, one_line

# As many files as one statement lists.
MOST_LISTED = 1024

Confirm: TypeAlias = Callable[[Iterable[str], str], None]
"""Shows what will happen, asks a question, and raises unless the answer is yes."""


@dataclass(frozen=True, slots=True)
class Order:
    """What was typed: what is to be removed, and which certificate asks for it (None: the newest that does).

    `is_offline`: there is no broker any more that could be asked or told.
    """

    wish: Wish
    certificate: str | None
    is_offline: bool


def destroy_here(session: Session, order: Order, confirm: Confirm) -> None:
    """List what would go, remove it if that is meant, and send the signed statement, or keep it to hand over.

    What was broken off goes on, whether the same is typed again or nothing but --local.
    """
    # Before anything goes: the workspace may be sealed to these keys, and the statement needs them.
    unlock_own(session)
    is_alone = order.is_offline or order.wish.is_handed_over
    with nullcontext() if is_alone else session.connect() as client:
        certificate = order.certificate
        if client is not None:
            with _saying_how_without_keys():
                session.trust(client)
            refuse_held(session, client)
            certificate = certificate or _asking(session, client)
        with session.workspace.lock():
            under_way = _under_way(session, order)
            if under_way is None:
                _refuse_unfit_files(session, order.wish)
                under_way = begin(
                    session.workspace, session.project, certificate, order.wish, session.now()
                )
            certificate, wish = under_way.note.certificate or certificate, under_way.note.wish
            holdings = _holdings(session, wish)
            copies = _chosen(holdings, under_way)
            confirm(
                _listing(session, copies, holdings.shown(), under_way, is_offline=order.is_offline),
                "Remove these?" if wish.is_handed_over else "Remove these, and sign that?",
            )
            under_way.remove(copies, session.now)
            statements = []
            if not wish.is_handed_over:
                finished = _finished(session, client, certificate)
                left = _none_left(holdings, wish)
                statements = [
                    signed_by_own(session, LocalStatement, not_before=finished, **fields)
                    for fields in _stated(under_way, left, certificate)
                ]
            if client is not None:
                for signed in statements:
                    client.state_destruction(session.project, signed)
            forget_written(session.workspace, session.project)
            days = _days(session, under_way)
            note_destroyed(session.workspace, session.project, days, wish.frozen)
            under_way.finish(statements)
    if wish.is_handed_over:
        document = {"removed": len(under_way.removed), "statements": []}
        emit(
            document, remarks=[f"{len(under_way.removed):,} files are removed; nothing was stated"]
        )
        return
    _report(session, statements, len(under_way.removed), certificate, is_sent=not order.is_offline)
    if wish != order.wish:
        session.say("to remove what else lies here, give the same command again")


def wish_of(
    epoch: int | None,
    frozen: str | None,
    also: Sequence[str],
    keep: Sequence[str],
    *,
    is_handed_over: bool,
) -> Wish:
    """Return what the options say, in one order, so that the same is known again."""
    named = {(kind, str(Path(name).absolute())) for kind, name in _pairs(also, "--also")}
    kept = set(_pairs(keep, "--keep", one_line))
    return Wish(
        epoch=epoch,
        frozen=frozen,
        also=tuple(NamedFile(what=kind, path=path) for kind, path in sorted(named)),
        keep=tuple(KeptItem(what=kind, why=why) for kind, why in sorted(kept)),
        is_handed_over=is_handed_over,
    )


@contextmanager
def _saying_how_without_keys() -> Iterator[None]:
    try:
        yield
    except NotAuthorisedError as exc:
        exc.hint = (
            f"{exc.hint}. If your keys have ended: --handed-over where a colleague has the workspace now,"
            " --offline where nobody has"
        )
        raise


def _pairs(
    words: Sequence[str], option: str, take: Callable[[str], str] = str
) -> Iterator[tuple[LocalKind, str]]:
    """Yield kind and text of each `KIND=TEXT`, the text as `take` takes it."""
    for word in words:
        name, _, text = word.partition("=")
        kind = next((kind for kind in KINDS if kind == name), None)
        if kind is None or not text.strip():
            raise click.BadParameter(
                f"not a kind and a text such as {KINDS[0]}=..., of the kinds {', '.join(KINDS)}",
                param_hint=option,
            )
        yield kind, take(text.strip())


def _asking(session: Session, client: BrokerClient) -> str | None:
    """Return the newest certificate that waits for a statement of this party; None: none does."""
    for one in client.destructions(session.project).destructions:
        if any(owing.party == session.party for owing in one.outstanding):
            return one.certificate
    return None


def _under_way(session: Session, order: Order) -> LocalDestruction | None:
    """Return what was broken off, if that is what is to go on; None: nothing was."""
    found = interrupted(session.workspace, session.project)
    if found is None:
        return None
    is_same = order.wish in (found.note.wish, Wish()) and (
        order.certificate is None or order.certificate == found.note.certificate
    )
    if not is_same:
        raise NotReadyError(
            f"a destruction that was begun on {_begun(found)} was broken off, and this is a different one",
            hint="go on with it first: blindlink destroy --local",
        )
    return found


def _begun(under_way: LocalDestruction) -> str:
    """Return when a destruction was begun, and by which words."""
    note = under_way.note
    narrow = {"--epoch": note.wish.epoch, "--frozen": note.wish.frozen}
    words = [f"{option}={value}" for option, value in narrow.items() if value is not None]
    words += [f"--also={one.what}={one.path}" for one in note.wish.also]
    words += [f"--keep={one.what}={one.why}" for one in note.wish.keep]
    words += ["--handed-over"] if note.wish.is_handed_over else []
    return f"{note.at} (blindlink {shlex.join(['destroy', '--local', *words])})"


def _refuse_unfit_files(session: Session, wish: Wish) -> None:
    own = own_file(session)
    for one in wish.also:
        if not Path(one.path).is_file():
            raise FileMissingError(f"there is no file {one.path}")
        if own is not None and is_same_file(Path(one.path), own):
            raise click.BadParameter(f"{one.path} is your own file of people", param_hint="--also")


def _holdings(session: Session, wish: Wish) -> Holdings:
    settings = session.config.sections
    return Holdings(
        workspace=session.workspace,
        project=session.project,
        links=session.config.resolve(settings.output.links),
        secret_file=session.config.resolve(settings.project.secret_file),
        own_file=own_file(session),
        named=tuple(LocalCopy(one.what, Path(one.path)) for one in wish.also),
    )


def _chosen(holdings: Holdings, under_way: LocalDestruction) -> list[LocalCopy]:
    wish = under_way.note.wish
    if wish.frozen is not None:
        return _frozen(holdings, wish.frozen, is_removed=bool(under_way.removed))
    found = holdings.all() if wish.epoch is None else holdings.of_epoch(wish.epoch)
    kept = {one.what for one in wish.keep}
    return [copy for copy in found if copy.what not in kept]


def _frozen(holdings: Holdings, study: str, *, is_removed: bool) -> list[LocalCopy]:
    """Return the file that was frozen for a study; none where it was removed before."""
    frozen = find_freeze(holdings.workspace, holdings.project, study)
    if frozen.destroyed is not None and not is_removed:
        raise NotReadyError(f"what was frozen for {study} was destroyed on {frozen.destroyed}")
    path, hint = Path(frozen.path), "put it back there, so that you can sign its destruction"
    if path.is_file():
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() == frozen.sha256:
                return [LocalCopy("link-table", path)]
        raise FileMissingError(
            f"what is at {path} is not what was frozen for {study}: its SHA-256 is another",
            hint=hint,
        )
    if not is_removed:
        raise FileMissingError(f"what was frozen for {study} is not at {path} any more", hint=hint)
    return []


def _days(session: Session, under_way: LocalDestruction) -> dict[str, str]:
    """Return on which day each file went; where nothing is left, frozen ones that were lost went, too."""
    wish, days = under_way.note.wish, dict[str, str]()
    if not wish.is_narrow and all(one.what != "link-table" for one in wish.keep):
        frozen = read_freezes(session.workspace, session.project)
        days = {one.path: session.now().date().isoformat() for one in frozen}
    return days | {one.path: one.at.partition("T")[0] for one in under_way.removed}


def _listing(
    session: Session,
    copies: Sequence[LocalCopy],
    shown: Sequence[LocalCopy],
    under_way: LocalDestruction,
    *,
    is_offline: bool,
) -> Iterator[str]:
    wish, removed = under_way.note.wish, len(under_way.removed)
    if removed:
        yield (
            f"A destruction that was begun on {_begun(under_way)} goes on; files removed already: {removed:,}"
        )
    left = session.workspace.left_in_scratch()
    yield "This will be removed for good:" if copies or left else "There is nothing to remove here."
    for copy in copies:
        yield f"  {IN_WORDS[copy.what]}: {copy.path}"
    for path in left:
        yield f"  left behind by a command that was killed: {path}"
    if any(copy.what == "handle-map" for copy in copies):
        yield (
            "Without the handle map, `blindlink disclosures` and `blindlink links` can't answer for any"
            " record any more. First write the answers that you must keep."
        )
    if shown:
        yield (
            "These stay, because they have changed since a command wrote them, or a backup brought their names."
            " Delete those that are yours, or name them:"
        )
    for copy in shown:
        yield f"  {IN_WORDS[copy.what]}: {copy.path} (--also {copy.what}={shlex.quote(str(copy.path))})"
    for one in wish.keep:
        yield f"This is kept: {IN_WORDS[one.what]}. {one.why}"
    if wish.is_handed_over:
        yield "This is right only once your colleague has restored the workspace that you handed over."
        return
    if is_offline:
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
    there = [*holdings.all(), *holdings.shown()]
    return kinds_without(there, {one.what for one in wish.keep})


def _stated(
    under_way: LocalDestruction, none_left: tuple[LocalKind, ...], certificate: str | None
) -> Iterator[dict[str, Any]]:
    """Yield what one statement says, or several where one cannot list all that was removed.

    The last one says of what none is left, and what is kept.
    """
    deleted = under_way.deleted()
    pieces = [deleted[at : at + MOST_LISTED] for at in range(0, len(deleted), MOST_LISTED)] or [()]
    for piece in pieces[:-1]:
        yield {"certificate": certificate, "deleted": piece, "none_left": (), "kept": ()}
    yield {
        "certificate": certificate,
        "deleted": pieces[-1],
        "none_left": none_left,
        "kept": under_way.note.wish.keep,
    }


def _report(
    session: Session,
    statements: Sequence[SignedDestruction],
    removed: int,
    certificate: str | None,
    *,
    is_sent: bool,
) -> None:
    said = statements[-1].said
    none_left = said.none_left if isinstance(said, LocalStatement) else ()
    document = {
        "removed": removed,
        "certificate": certificate,
        "none_left": list(none_left),
        "statements": [signed.digest() for signed in statements],
    }
    what = (
        "and sent" if is_sent else f"and kept, for you to hand over: {session.workspace.statements}"
    )
    remarks = [
        f"{removed:,} files are removed, and the statement is signed {what}",
        f"nothing is left of these: {', '.join(IN_WORDS[kind] for kind in none_left) or 'nothing named'}",
    ]
    emit(document, remarks=remarks)
