"""Whether a release is this agency's, agreed, and whole: by its bytes, its receipt, and the log's keys alone.

The keys are those of the pinned log. That the run was as agreed is `encoding.agreement.coverage`.
"""

from __future__ import annotations

from binascii import unhexlify
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoding.errors import ReleaseError
from encoding.log.proofs import verify_release_receipt
from encoding.packing.handles import HandleMap, Handles, RecordKeys
from schemas.api.releases import ReleaseView
from schemas.documents.errors import DocumentError
from schemas.documents.ids import HANDLE_BYTES, MATCH_ID_BYTES
from schemas.matchlog.entry import Entry
from schemas.matchlog.log_keys import LogKeys
from schemas.matchlog.release_kinds import ReleasePrepared
from schemas.rounds.receipt import Receipt
from schemas.rounds.release import MatchLines, ReleaseHeader, parse_release, release_digest

_LOGGED: Final = {"run", "number", "recipient", "mode", "space"}
_ANNOUNCED: Final = _LOGGED | {"release", "round", "project", "partner"}
_LINE: Final = np.dtype(
    [("handle", "S32"), ("s1", "S1"), ("match", "S32"), ("s2", "S1"), ("row", "S12"), ("end", "S1")]
)


@dataclass(frozen=True, slots=True)
class FetchedRelease:
    """A release that was fetched and verified: its header, and the match of each handle."""

    header: ReleaseHeader
    matches: MatchLines

    def handles(self) -> Handles:
        """Return the handles, in increasing order, shape (n, 16)."""
        return self._ids("handle", HANDLE_BYTES)

    def match_ids(self) -> NDArray[np.uint8]:
        """Return the ID of the match of each handle, shape (n, 16)."""
        return self._ids("match", MATCH_ID_BYTES)

    def rows(self) -> NDArray[np.int64]:
        """Return the row in which the record of each handle met its match, shape (n,)."""
        return self._lines()["row"].astype(np.int64)

    def _ids(self, column: str, size: int) -> NDArray[np.uint8]:
        digits = self._lines()[column].tobytes()
        return np.frombuffer(unhexlify(digits), dtype=np.uint8).reshape(-1, size)

    def _lines(self) -> NDArray[np.void]:
        return np.frombuffer(self.matches.text, dtype=_LINE)


def prove_file(
    raw: bytes, receipt: Receipt, release: ReleaseView, party: str, keys: LogKeys
) -> Entry:
    """Return the entry by which the match log vouches that a party is to fetch this file.

    Raises:
        ReleaseError: it is not what the broker announced.
        ReceiptError: the match log does not vouch for it.
    """
    sha256 = release_digest(raw)
    if sha256 != release.sha256:
        raise ReleaseError("the broker sent something different from what it announced")
    return verify_release_receipt(receipt, release.release, party, keys, sha256).entry


def read_release(raw: bytes, release: ReleaseView, entry: Entry) -> FetchedRelease:
    """Return what a file says that was proven, once it agrees with its announcement and with the log.

    Raises:
        ReleaseError: it does not.
    """
    try:
        header, matches = parse_release(raw)
    except DocumentError as exc:
        raise ReleaseError(f"the release breaks its format: {exc}") from exc
    said = header.model_dump(include=_ANNOUNCED)
    if said != release.model_dump(include=_ANNOUNCED):
        raise ReleaseError("the release is not for the party or of the run that was announced")
    logged = entry.body_as(ReleasePrepared).model_dump(include=_LOGGED)
    logged |= {"release": entry.object, "project": entry.project, "agreement": entry.agreement}
    if header.model_dump(include={*logged}) != logged:
        raise ReleaseError("the release is of another run or agreement than the match log says")
    return FetchedRelease(header, matches)


def known_records(handle_map: HandleMap, handles: Handles) -> RecordKeys:
    """Return the record key of each handle."""
    records, known = handle_map.records(handles)
    n_missing = len(known) - int(np.count_nonzero(known))
    if n_missing:
        raise ReleaseError(f"the release names {n_missing:,} handles that this agency has not sent")
    return records
