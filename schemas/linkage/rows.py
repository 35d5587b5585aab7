"""One row of a container: token, number of the record, sealed lanes. Spec page: `schemas/spec/container.md`."""

from __future__ import annotations

from typing import Final

from schemas.linkage.profile import ROW_BYTES, TOKEN_BYTES

RECORD_NUMBER_BYTES: Final = 4
STORED_ROW_BYTES: Final = TOKEN_BYTES + RECORD_NUMBER_BYTES + ROW_BYTES
MAX_RECORDS: Final = 2**32 - 1
