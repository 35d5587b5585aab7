"""Verifies a bundle from front to back: every entry, every checkpoint, every tile, the pins, the rules.

Trusts nothing but the log's first key, if the auditor gave it, and the pins. Stops at the first fault.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager

from app.auditor.checkpoints import CheckpointBook
from app.auditor.errors import (
    AgreementNotThereError,
    CheckpointMissingError,
    KeyChainError,
    LeafChangedError,
    MalformedError,
    OutOfPlaceError,
    RuleBrokenError,
    TileChangedError,
    WithheldError,
)
from app.auditor.keys import KeyChain
from app.auditor.pins import Pin, PinBook
from app.auditor.verdict import (
    FEW_COSIGNERS,
    HOLD,
    NO_LOG_KEY,
    NO_PIN,
    OPEN_END,
    TIMES,
    UNLISTED_COSIGNERS,
    WHO_TYPED,
    WITHHELD,
    Binding,
    Caveat,
    Verdict,
    counts_not_shown,
    destroyed_early,
    destroyed_late,
    held_late,
    new_stewards,
    no_heads,
    unverified,
)
from schemas.documents.errors import BundleError, FormatError
from schemas.documents.merkle import Frontier, hash_leaf
from schemas.matchlog.archive import Source
from schemas.matchlog.bundle import MAX_COSIGNERS, BundleManifest, BundleReader, Chunk
from schemas.matchlog.entry import Entry, parse_entry
from schemas.matchlog.kinds import KINDS
from schemas.matchlog.log_kinds import LogKeyRotated, LogStarted
from schemas.matchlog.tiles import UpperTiles
from schemas.rules import finality, replay, replay_end
from schemas.rules.breach import BreachError
from schemas.rules.log_state import LogState
from schemas.shared.memory import collector_paused
from schemas.signing.identity import PublicIdentity
from schemas.signing.note import VerifierKey

OnEntry = Callable[[Entry], None]
OnProgress = Callable[[int, int], None]


def verify_bundle(
    source: Source,
    *,
    pins: Sequence[Pin] = (),
    log_key: VerifierKey | None = None,
    agreements: Collection[str] = (),
    on_entry: OnEntry | None = None,
    on_progress: OnProgress | None = None,
) -> Verdict:
    """Verify a bundle and return what it shows."""
    with _malformed(None):
        reader = BundleReader(source)
    if log_key is not None and log_key.text != reader.manifest.log_keys[0]:
        raise KeyChainError("the log's first key is not the one that was given")
    walk = _Walk(reader.manifest, PinBook(pins, reader.manifest.origin), on_entry)
    chunks = reader.chunks()
    # Nothing here refers to itself, and what is known of a million entries is much to look through.
    with collector_paused():
        while True:
            with _malformed(walk.size):
                chunk = next(chunks, None)
            if chunk is None:
                break
            walk.take_chunk(chunk)
            if on_progress is not None:
                on_progress(walk.size, reader.manifest.size)
    with _malformed(None):
        walk.end(reader)
    verdict = walk.verdict(has_log_key=log_key is not None, given=agreements)
    missing = set(agreements) - {one.sha256 for one in verdict.agreements}
    if missing:
        raise AgreementNotThereError(
            "an agreement whose fingerprint was given did not come into force in this log",
            evidence={"agreement": min(missing)},
        )
    return verdict


class _Walk:
    """The state of one verification; `take_chunk` for each 256 entries, then `end`, then `verdict`."""

    def __init__(self, manifest: BundleManifest, pins: PinBook, on_entry: OnEntry | None) -> None:
        self._manifest = manifest
        self._pins = pins
        self._on_entry = on_entry
        self._scope = {None, manifest.project}
        self._keys = KeyChain(VerifierKey.from_text(manifest.log_keys[0]))
        cosigners = [VerifierKey.from_text(text) for text in manifest.cosigner_keys]
        self._checkpoints = CheckpointBook(self._keys, cosigners)
        self._frontier, self._upper = Frontier(), UpperTiles()
        self._log_state = LogState()
        self._shown = 0
        self._first_time = ""
        self._last_shown: Entry | None = None

    @property
    def size(self) -> int:
        """How many entries are verified so far."""
        return self._frontier.size

    def take_chunk(self, chunk: Chunk) -> None:
        """Verify the next entries and the checkpoints among them."""
        checkpoints = iter(chunk.checkpoints)
        due = next(checkpoints, None)
        for leaf_hash, raw in zip(chunk.leaf_hashes, chunk.entries, strict=True):
            self._take_leaf(leaf_hash, raw)
            self._upper.add(self._frontier.append(leaf_hash))
            if due is not None and due[0].size == self.size:
                self._checkpoints.take(*due, self._frontier.root())
                due = next(checkpoints, None)
            if self._pins.is_due(self.size):
                self._pins.take(self.size, self._frontier.root(), self._checkpoints)
        if due is not None:
            raise CheckpointMissingError(
                "a checkpoint is repeated, or stands out of order",
                index=self._checkpoints.covered,
                evidence={"checkpoint_size": due[0].size},
            )

    def end(self, reader: BundleReader) -> None:
        """Verify what follows the last entry."""
        self._checkpoints.require_end(self.size)
        derived = self._upper.tiles(self.size)
        for (tile, found), (_, hashes) in zip(reader.upper_tiles(), derived, strict=True):
            if found != hashes:
                raise TileChangedError(
                    f"the file {tile.path} does not follow from the entries",
                    evidence={"tile_level": tile.level, "tile_index": tile.index},
                )
        if reader.finish() != self._checkpoints.newest:
            raise CheckpointMissingError("the newest checkpoint is not the last one of the bundle")
        if tuple(self._keys.signed_with) != self._manifest.log_keys:
            raise KeyChainError("the bundle lists other log keys than those that signed it")
        self._pins.end(self.size, self._checkpoints)
        with _as_broken():
            replay_end(self._log_state)
            cosigned = self._cosigned_by(self._enrolled())
            if not _is_full(cosigned):
                finality.all_cosigned(self._log_state, cosigned)

    def verdict(self, *, has_log_key: bool, given: Collection[str]) -> Verdict:
        """Return what was found; call after `end`."""
        return Verdict(
            origin=self._manifest.origin,
            project=self._manifest.project,
            size=self.size,
            root=self._frontier.root(),
            entries_shown=self._shown,
            checkpoints=self._checkpoints.batches,
            log_keys=tuple(self._keys.signed_with),
            keys_after=tuple(self._keys.after),
            pins=self._pins.count,
            cosigned=self._checkpoints.cosigned,
            vouched=self._vouched(),
            first_time=self._first_time,
            last_time=self._log_state.time,
            caveats=tuple(self._caveats(has_log_key)),
            newest=self._checkpoints.newest,
            late=tuple(self._log_state.late),
            held_late=tuple(self._log_state.held_late),
            early=tuple(self._log_state.early),
            holds=tuple(self._log_state.holds),
            agreements=tuple(self._agreements(given)),
            log=self._log_state,
        )

    def _agreements(self, given: Collection[str]) -> Iterator[Binding]:
        for name, project in sorted(self._log_state.projects.items()):
            for state in project.bindings:
                is_given = state.digest in given
                if is_given or state is project.last_complete():
                    yield Binding(name, state.agreement.number, state.digest, is_given)

    def _vouched(self) -> frozenset[str]:
        """Return the witnesses all of whose keys are of persons whom a binding agreement lists.

        The broker says which keys a bundle's witnesses have; what all parties signed says whose they are.
        """
        listed, used = self._listed(), self._checkpoints.cosigned_by
        return frozenset(
            name for name, keys in used.items() if keys.keys() <= listed.get(name, set())
        )

    def _listed(self) -> dict[str, set[str]]:
        """Return each party's keys: those of persons whom a binding agreement lists."""
        listed: dict[str, set[str]] = {}
        for project in self._log_state.projects.values():
            for state in project.agreements.values():
                for party in state.agreement.parties if state.days else ():
                    for person in party.persons:
                        listed.setdefault(party.name, set()).update(self._keys_of(person))
        return listed

    def _enrolled(self) -> dict[str, set[str]]:
        """Return each party's keys: those of all persons who were enrolled for it."""
        enrolled: dict[str, set[str]] = {}
        for person in self._log_state.persons.values():
            enrolled.setdefault(person.party, set()).update(person.history)
        return enrolled

    def _cosigned_by(self, keys: Mapping[str, set[str]]) -> dict[str, int]:
        """Return how many entries each party has cosigned with these keys of its persons."""
        used = self._checkpoints.cosigned_by
        return {
            party: max((size for key, size in used.get(party, {}).items() if key in own), default=0)
            for party, own in keys.items()
        }

    def _keys_of(self, person: PublicIdentity) -> set[str]:
        """Return the key that an agreement lists, and those by which it was replaced."""
        first, known = person.key_sha256(), self._log_state.persons.get(person.person)
        return {first} if known is None or first not in known.history else {first, *known.history}

    def _take_leaf(self, leaf_hash: bytes, raw: bytes | None) -> None:
        index = self.size
        if raw is None:
            # The first entry names the log and its key, so that everyone may see it.
            if self._manifest.project is None or index == 0:
                raise WithheldError("an entry is withheld that its reader may see", index=index)
            return
        if hash_leaf(raw) != leaf_hash:
            raise LeafChangedError(
                f"entry {index} is not the one whose hash is in the tree",
                index=index,
                evidence={"leaf_hash": leaf_hash.hex(), "found": hash_leaf(raw).hex()},
            )
        try:
            entry = parse_entry(raw, KINDS)
        except FormatError as exc:
            raise MalformedError(f"entry {index}: {exc}", index=index) from exc
        self._take_entry(entry, leaf_hash)

    def _take_entry(self, entry: Entry, leaf: bytes) -> None:
        index = self.size
        if entry.seq != index:
            raise OutOfPlaceError(
                f"the entry at index {index} was written as number {entry.seq}",
                index=index,
                evidence={"seq": entry.seq},
            )
        self._checkpoints.require_batch(entry.batch, index)
        if self._manifest.project is not None and entry.project not in self._scope:
            raise WithheldError("an entry of another project is shown", index=index)
        self._take_keys(entry, index)
        with _as_broken():
            replay(self._log_state, entry, leaf)
        self._shown += 1
        self._first_time = self._first_time or entry.time
        self._last_shown = entry
        if self._on_entry is not None:
            self._on_entry(entry)

    def _take_keys(self, entry: Entry, index: int) -> None:
        body = entry.body
        if isinstance(body, LogKeyRotated):
            self._keys.hand_over(body, index)
        elif isinstance(body, LogStarted):
            begun = (self._manifest.origin, self._manifest.log_keys[0])
            if (body.origin, body.key) != begun:
                raise KeyChainError("the log began under another name or key", index=index)

    def _caveats(self, has_log_key: bool) -> Iterator[Caveat]:
        if self._log_state.late:
            yield destroyed_late(self._log_state.late)
        if self._log_state.held_late:
            yield held_late(self._log_state.held_late)
        if self._log_state.early:
            yield destroyed_early(self._log_state.early)
        for hold in self._log_state.holds:
            yield Caveat(HOLD, hold.text, HOLD)
        yield from self._untold()
        if not self._pins.count:
            yield NO_PIN
        if not has_log_key:
            yield NO_LOG_KEY
        if any(finality.lacking_cosigners(self._log_state, self._cosigned_by(self._listed()))):
            is_full = _is_full(self._cosigned_by(self._enrolled()))
            yield FEW_COSIGNERS if is_full else UNLISTED_COSIGNERS
        if self._shown != self.size:
            yield WITHHELD
        if self._manifest.project is not None and not self._ends_with_export():
            yield OPEN_END
        for name, project in sorted(self._log_state.projects.items()):
            for state in project.bindings:
                for party in sorted(state.newcomers):
                    yield new_stewards(name, state.agreement.number, party)
        yield TIMES
        yield WHO_TYPED

    def _untold(self) -> Iterator[Caveat]:
        """Yield what the log leaves for the parties to say."""
        ended = [run.linked[0] for run in self._log_state.runs.values() if run.linked]
        hidden = sum(one.pairs is None for one in ended)
        if hidden:
            yield counts_not_shown(hidden, len(ended))
        if self._log_state.headless:
            yield no_heads(self._log_state.headless)
        releases = self._log_state.releases.values()
        count = sum(one.is_fetched and not one.is_verified for one in releases)
        if count:
            yield unverified(count)

    def _ends_with_export(self) -> bool:
        last = self._last_shown
        return (
            last is not None
            and last.seq == self.size - 1
            and (last.kind, last.project) == ("exported", self._manifest.project)
        )


def _is_full(cosigned: Mapping[str, int]) -> bool:
    """Tell whether other parties may have cosigned for which a bundle has no room.

    It has the newest key of each party first, and one that signed nothing, or that is nobody's, takes no room.
    """
    return sum(size > 0 for size in cosigned.values()) >= MAX_COSIGNERS


@contextmanager
def _malformed(index: int | None) -> Iterator[None]:
    # The texts of format errors hold nothing of the input, so they may be shown.
    try:
        yield
    except BundleError as exc:
        raise MalformedError(str(exc), index=index) from exc


@contextmanager
def _as_broken() -> Iterator[None]:
    """Tell a breach of the rules as what it is to an auditor: a log that is broken."""
    try:
        yield
    except BreachError as exc:
        raise RuleBrokenError(
            exc.code, exc.message, index=exc.index, evidence=exc.evidence
        ) from exc
