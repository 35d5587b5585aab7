"""Replacing the ring's key while the broker serves: a new key first, all wrapped anew, the old ones dropped.

The steps are apart, since a process may just have read the old primary key and be about to wrap under it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

from app.errors import ConfigurationError
from app.security.errors import KeyGoneError
from app.security.keyring import KeyRing, add_primary, keep_primary_only
from app.security.keystore import KeyStore

# Between reading the primary key and writing what it wrapped there are milliseconds.
SETTLING_S: Final = 60.0


def count_wrapped(store: KeyStore, ring: KeyRing) -> dict[str, int]:
    """Return, for each key of the ring, the primary one first, how many objects' keys it wraps."""
    counts: Counter[str] = Counter()
    for object_id in store.object_ids():
        try:
            counts[store.wrapped_under(object_id)] += 1
        except KeyGoneError:
            # Destroyed since it was listed.
            continue
    names = ring.names()
    return {name: counts[name] for name in (*names, *sorted(counts.keys() - set(names)))}


def rotate_ring(store: KeyStore, ring_file: Path) -> int:
    """Draw a new primary key and wrap all objects' keys under it; returns how many. The old ones stay.

    Killed anywhere, everything can still be opened, and `rewrap_all` goes on.
    """
    add_primary(ring_file)
    return rewrap_all(store, KeyRing(ring_file))


def rewrap_all(store: KeyStore, ring: KeyRing) -> int:
    """Wrap under the primary key whatever another one wraps; returns how many."""
    primary, done = ring.primary().name, 0
    for object_id in store.object_ids():
        try:
            if store.wrapped_under(object_id) != primary:
                store.rewrap(object_id)
                done += 1
        except KeyGoneError:
            continue
    return done


def retire_old_keys(
    store: KeyStore, ring_file: Path, *, clock_s: Callable[[], float] = time.time
) -> int:
    """Drop all keys of the ring but the primary one, once they wrap nothing; returns how many went.

    Raises:
        ConfigurationError: the primary key is so new that another may just be in use.
    """
    age_s = clock_s() - ring_file.stat().st_mtime
    if age_s < SETTLING_S:
        raise ConfigurationError(
            "the ring's newest key is less than a minute old, and an older one may be in use",
            hint="wait a minute, then repeat the command",
        )
    ring = KeyRing(ring_file)
    rewrap_all(store, ring)
    n_old = len(ring.names()) - 1
    if n_old:
        keep_primary_only(ring_file)
    return n_old
