"""The worker's side of an exchange: the files of an attempt, fetched once, and pairs that are brought back."""

from __future__ import annotations

import http.client
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from app.extras.cluster.place import ClusterUnavailableError
from app.extras.exhaustive.candidates import candidates_to_bytes

if TYPE_CHECKING:
    from fractions import Fraction

    from app.extras.cluster.place import Place
    from app.extras.exhaustive import Block, Candidates, Words

TIMEOUT_S: Final = 30.0
# An attempt's files are forgotten when no block of it has come for so long.
KEEP_S: Final = 60.0
CHUNK_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class BlockTask:
    """A block to compare, and where its files are.

    Attributes:
        host, port: where the process listens that wants it compared.
        reference: names its attempt there, and is worth nothing once that is over.
        shapes: of the files.
        block, threshold, kernel, max_pairs: as `match_block`.
    """

    host: str
    port: int
    reference: str = field(repr=False)
    shapes: tuple[tuple[int, int], ...]
    block: Block
    threshold: Fraction
    kernel: str
    max_pairs: int | None


class Fetched:
    """The files of one attempt at a time, in memory alone."""

    def __init__(self, place: Place) -> None:
        self._context = place.tls(is_server=False)
        self._lock = threading.Lock()
        self._reference = ""
        self._datasets: tuple[Words, ...] = ()
        self._forgetting: threading.Timer | None = None

    def datasets(self, task: BlockTask) -> tuple[Words, ...]:
        """Return the files of the task's attempt."""
        with self._lock:
            if self._reference != task.reference:
                # The old ones go first: two attempts' files may not fit.
                self._reference, self._datasets = "", ()
                self._datasets = tuple(
                    self._fetch(task, number, shape) for number, shape in enumerate(task.shapes)
                )
                self._reference = task.reference
            self._forget_later()
            return self._datasets

    def bring(self, task: BlockTask, pairs: Candidates) -> None:
        """Bring the pairs of a block to whoever asked; raises as `datasets`."""
        self._ask(task, "PUT", task.block.number, candidates_to_bytes(pairs)).close()

    def forget(self) -> None:
        """Drop the files."""
        with self._lock:
            self._reference, self._datasets = "", ()

    def _forget_later(self) -> None:
        if self._forgetting is not None:
            self._forgetting.cancel()
        self._forgetting = threading.Timer(KEEP_S, self.forget)
        self._forgetting.daemon = True
        self._forgetting.start()

    def _fetch(self, task: BlockTask, number: int, shape: tuple[int, int]) -> Words:
        words: Words = np.empty(shape, dtype="<u8")
        left = words.data.cast("B") if words.size else memoryview(b"")
        with self._ask(task, "GET", number) as answer:
            while left:
                # One wait for all would end a large file however well it comes.
                n_read = answer.readinto(left[:CHUNK_BYTES])
                if not n_read:
                    raise ClusterUnavailableError("The attempt ended under way.")
                left = left[n_read:]
        return words

    def _ask(
        self, task: BlockTask, method: str, number: int, body: bytes | None = None
    ) -> http.client.HTTPResponse:
        connection = http.client.HTTPSConnection(
            task.host, task.port, context=self._context, timeout=TIMEOUT_S
        )
        connection.request(method, f"/{task.reference}/{number}", body)
        answer = connection.getresponse()
        if answer.status != http.client.OK:
            answer.close()
            raise ClusterUnavailableError("The attempt is over.")
        return answer
