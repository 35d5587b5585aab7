"""Uploads: CLKs of one party, sealed piece by piece while they arrive, and one use for each token."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, Protocol

from app.errors import RefusedError
from app.extras.anonlink import repository
from app.extras.anonlink.access import new_code, party_by_upload_token
from app.extras.anonlink.clk_json import ClkReader
from app.extras.anonlink.errors import CLKS_REFUSED, TOKEN_USED
from app.extras.anonlink.service import CLKS_PREFIX
from app.extras.exhaustive.words import MAX_ENCODING_BYTES
from app.ids import new_id
from app.sealed.objects import PIECE_BYTES, NewObject
from app.security.tokens import digest_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.extras.anonlink.models import Party, Project
    from app.extras.anonlink.service import Service

CLKS: Final = "clks"
BLOCKS: Final = "blocks"
# A row's number and the number of a block that it is in.
MEMBERSHIP_BYTES: Final = 12
# Where the blocks of binary CLKs are, which name none.
ONLY_BLOCK: Final = "1"
MAX_BLOCKS_OF_ROW: Final = 256


class Body(Protocol):
    """Reads the CLKs of one body."""

    def feed(self, chunk: bytes) -> None:
        """Read on."""

    def close(self) -> None:
        """End the body."""


class Upload:
    """One attempt; nothing of it counts before `commit`, and `drop` leaves nothing."""

    def __init__(self, service: Service, project: str, token: str) -> None:
        """Begin, if the token may still be used."""
        self._service, self._id, self._token = service, project, token
        with service.database.read() as session:
            found, _ = _unused(session, project, token)
            self._block_key = found.block_key
            self.uses_blocking = found.uses_blocking
            self._width = found.clk_bytes
        service.blobs.refuse_when_full()
        self._stored = NewObject(service, new_id(CLKS_PREFIX))
        self._clks, self._blocks = bytearray(), bytearray()
        self._n_pieces = {CLKS: 0, BLOCKS: 0}
        self.n_clks = 0
        self._highest_row = -1
        # The row whose blocks come now, with their names, and a bit for each row whose blocks have come.
        self._row, self._names = -1, set[bytes]()
        self._has_come = bytearray()
        self._may_count = False

    def add_clk(self, clk: bytes) -> None:
        """Take one CLK."""
        if len(clk) != self._width:
            self.expect_width(len(clk))
        self.add_clks(clk, 1)

    def add_clks(self, clks: bytes, n: int) -> None:
        """Take n CLKs of the width that is expected, one after the other; else as `add_clk`."""
        self.n_clks += n
        if self.n_clks > self._service.limits.max_clks:
            raise RefusedError(
                CLKS_REFUSED, f"A party may send at most {self._service.limits.max_clks:,} CLKs."
            )
        self._clks += clks
        self._cut(CLKS, self._clks, PIECE_BYTES)

    def add_block(self, row: int, block: str) -> None:
        """Take a block of a row, which may still have to come; all blocks of a row come one after the other."""
        if not self.uses_blocking:
            raise RefusedError(CLKS_REFUSED, "This project was created without blocking.")
        if row != self._row:
            self._begin_row(row)
        name = hashlib.blake2b(block.encode("utf-8"), key=self._block_key, digest_size=8).digest()
        if name in self._names:
            return
        self._names.add(name)
        if len(self._names) > MAX_BLOCKS_OF_ROW:
            raise RefusedError(CLKS_REFUSED, f"A row may be in at most {MAX_BLOCKS_OF_ROW} blocks.")
        self._blocks += row.to_bytes(4, "little") + name
        self._cut(BLOCKS, self._blocks, PIECE_BYTES // MEMBERSHIP_BYTES * MEMBERSHIP_BYTES)

    def expect_width(self, n_bytes: int) -> None:
        """Say how many bytes a CLK has."""
        if self._width is not None and n_bytes != self._width:
            raise RefusedError(CLKS_REFUSED, "All CLKs of a project must have the same length.")
        if not 1 <= n_bytes <= MAX_ENCODING_BYTES:
            raise RefusedError(CLKS_REFUSED, f"A CLK must have 1 to {MAX_ENCODING_BYTES} bytes.")
        self._width = n_bytes

    def commit(self) -> str:
        """Let the CLKs count, and return the receipt's token, which is shown this once."""
        if not self.n_clks:
            raise RefusedError(CLKS_REFUSED, "There are no CLKs.")
        if self._highest_row >= self.n_clks:
            raise RefusedError(CLKS_REFUSED, 'The "blocks" name a row that is not there.')
        if self.uses_blocking and self._highest_row < 0:
            raise RefusedError(CLKS_REFUSED, "This project needs the blocks of its CLKs.")
        for kind, waiting in ((CLKS, self._clks), (BLOCKS, self._blocks)):
            self._cut(kind, waiting, 1)
        receipt = new_code()
        service = self._service
        with service.database.write() as session:
            project, party = _unused(session, self._id, self._token)
            self.expect_width(project.clk_bytes or self._width or 0)
            project.clk_bytes = self._width
            party.receipt_digest, party.n_clks = digest_of(receipt), self.n_clks
            party.clks = self._stored.id
            self._stored.keep(session)
            session.flush()
            if all(one.clks is not None for one in repository.parties_of(session, project.id)):
                repository.queue_runs(session, project.id)
            service.note(session, "clks-uploaded", project.id, party=party.number, n=self.n_clks)
            self._may_count = True
        service.waking.set()
        return receipt

    def drop(self) -> None:
        """Destroy what was stored: it will not count."""
        # Not where the commit itself failed: it may have reached the database. The next start finds out.
        if not self._may_count:
            self._stored.drop()

    def _begin_row(self, row: int) -> None:
        if row >= self._service.limits.max_clks:
            raise RefusedError(CLKS_REFUSED, "There is no such row.")
        self._highest_row = max(self._highest_row, row)
        place, bit = row >> 3, 1 << (row & 7)
        self._has_come.extend(bytes(max(0, place + 1 - len(self._has_come))))
        if self._has_come[place] & bit:
            raise RefusedError(CLKS_REFUSED, "The blocks of a row must stand together.")
        self._has_come[place] |= bit
        self._row, self._names = row, set()

    def _cut(self, kind: str, waiting: bytearray, least: int) -> None:
        """Seal what waits in pieces of whole rows, once it is enough."""
        while len(waiting) >= least and waiting:
            whole = self._width if kind == CLKS and self._width else MEMBERSHIP_BYTES
            size = min(len(waiting), PIECE_BYTES // whole * whole)
            self._stored.add(kind, self._n_pieces[kind], bytes(waiting[:size]))
            self._n_pieces[kind] += 1
            del waiting[:size]


class BinaryBody:
    """Reads CLKs one after the other, as many and as long as the headers say."""

    def __init__(self, upload: Upload, n_clks: int, n_bytes: int) -> None:
        """Take the two numbers of the headers."""
        upload.expect_width(n_bytes)
        self._upload, self._n_bytes = upload, n_bytes
        self._n_left = n_clks
        self._waiting = b""

    def feed(self, chunk: bytes) -> None:
        """Read on."""
        content = self._waiting + chunk
        n = len(content) // self._n_bytes
        self._waiting = content[n * self._n_bytes :]
        self._n_left -= n
        if self._n_left < 0:
            raise _other_size()
        if self._upload.uses_blocking:
            first = self._upload.n_clks
            for row in range(first, first + n):
                self._upload.add_block(row, ONLY_BLOCK)
        self._upload.add_clks(content[: n * self._n_bytes], n)

    def close(self) -> None:
        """End the body."""
        if self._n_left or self._waiting:
            raise _other_size()


def json_body(upload: Upload) -> Body:
    """Return the reader of CLKs in JSON."""
    return ClkReader(upload)


def _unused(session: Session, project: str, token: str) -> tuple[Project, Party]:
    found, party = party_by_upload_token(session, project, token)
    if party.clks is not None:
        raise RefusedError(TOKEN_USED, "This token has already been used to upload CLKs.")
    return found, party


def _other_size() -> RefusedError:
    return RefusedError(
        CLKS_REFUSED, "The body is not as long as the headers Hash-Count and Hash-Size say."
    )
