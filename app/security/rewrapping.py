"""Replacing the ring's key while the broker serves: a new key first, all wrapped anew, the old ones dropped.

The steps are apart, since a process may just have read the old primary key and be about to wrap under it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from app.errors import ConfigurationError, KeyGoneError, SealBrokenError
from app.security.keystore import KeyStore

# Between reading the primary key and writing what it wrapped, its keeper is asked. What a security module says
# after 30 seconds (LATE_S), or Vault after 10 (WHOLE_S), is not taken; the rest is for a disk that is slow.
SETTLING_S: Final = 60.0


@contextmanager
def naming(object_id: str) -> Iterator[None]:
    """Say of which object a key is that cannot be opened, so that the operator finds its file."""
    try:
        yield
    except SealBrokenError as exc:
        raise SealBrokenError(
            f"the key of {object_id} cannot be opened",
            hint="docs/operator.md#if-something-is-wrong",
        ) from exc


def count_wrapped(store: KeyStore) -> dict[str, int]:
    """Return, for each key of the ring, the primary one first, how many objects' keys it wraps."""
    counts: Counter[str] = Counter()
    for object_id in store.object_ids():
        try:
            with naming(object_id):
                counts[store.wrapped_under(object_id)] += 1
        except KeyGoneError:
            # Destroyed since it was listed.
            continue
    names = [key.name for key in store.ring.known()]
    return {name: counts[name] for name in (*names, *sorted(counts.keys() - set(names)))}


def rewrap_all(store: KeyStore) -> int:
    """Wrap under the primary key whatever another one wraps; returns how many.

    Killed anywhere, everything can still be opened, and the next call goes on.

    Raises:
        SealBrokenError: a key is damaged; names its object.
        KeyKeeperUnavailableError: a keeper of keys does not answer; what is left is as it was.
    """
    primary, done = store.ring.primary().name, 0
    for object_id in store.object_ids():
        try:
            with naming(object_id):
                if store.wrapped_under(object_id) != primary:
                    store.rewrap(object_id)
                    done += 1
        except KeyGoneError:
            continue
    return done


def retire_old_keys(store: KeyStore, *, clock_s: Callable[[], float] = time.time) -> int:
    """Drop all keys of the ring but the primary one, once they wrap nothing; returns how many went.

    Raises:
        ConfigurationError: the primary key is so new that another may just be in use, or another is it by
            now; the old keys stay.
        SealBrokenError, KeyKeeperUnavailableError: as `rewrap_all`; the old keys stay.
    """
    age_s = clock_s() - store.ring.file.stat().st_mtime
    if age_s < SETTLING_S:
        raise ConfigurationError(
            "the ring's newest key is less than a minute old, and an older one may be in use",
            hint="wait a minute, then repeat the command",
        )
    primary = store.ring.primary().name
    rewrap_all(store)
    n_old = len(store.ring.known()) - 1
    if n_old:
        store.ring.keep_only(primary)
    return n_old
