"""The files of a trial: pairs and unmatched records by record ID, a page, and how the files were read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from encoding.errors import OutputBlockedError
from encoding.files import make_private_folder, put_csv, reason_of, refuse_to_overwrite, replacing
from encoding.sharing.unmatched_records import UNMATCHED_HEADER, Unmatched, unmatched_row
from encoding.trial.guess import Guess
from encoding.trial.layout import render_layout
from encoding.trial.outcome import NOT_OF_DATA, TRIAL_SENTENCES, TrialPair
from encoding.trial.trial import Trial
from encoding.trial.words import UNPROTECTED
from schemas.documents.printable import inert

PAIRS_HEADER: Final = ("record_id_a", "record_id_b", "match_probability", "band", "match_weight")
README, PAIRS, PAGE = "README.txt", "pairs.csv", "trial.html"
UNMATCHED: Final = ("unmatched-a.csv", "unmatched-b.csv")
LAYOUTS: Final = ("layout-a.toml", "layout-b.toml")


def refuse_taken_places(folder: Path, names: Sequence[str], *, force: bool) -> None:
    """Refuse to write into a folder that has files of these names.

    Raises:
        OutputExistsError: it has one, and nobody said that it may be overwritten.
        OutputBlockedError: the folder is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise OutputBlockedError(f"{folder} is a file, not a folder")
    for name in names:
        refuse_to_overwrite(folder / name, own_start=b"", force=force)


def write_trial(folder: Path, found: Trial, page: str, layouts: Mapping[str, bytes]) -> list[Path]:
    """Write all files of a trial, or none, for the eyes of their owner alone.

    Args:
        folder: made if it is missing.
        found: what was found.
        page: the page that tells it.
        layouts: how files were read, by the name of the layout, where that was guessed.
    Returns:
        What was written, in the order in which one looks at it.
    Raises:
        OutputBlockedError: they cannot be written.
    """
    made = _folder(folder)
    outcome = found.outcome
    with ExitStack() as stack:
        places = {
            name: stack.enter_context(replacing(made / name))
            for name in (PAGE, PAIRS, *UNMATCHED, README, *layouts)
        }
        places[PAGE].write(page.encode())
        put_csv(places[PAIRS], PAIRS_HEADER, map(_pair_row, outcome.pairs))
        put_csv(places[UNMATCHED[0]], UNMATCHED_HEADER, _rows(outcome.unmatched("a")))
        put_csv(places[UNMATCHED[1]], UNMATCHED_HEADER, _rows(outcome.unmatched("b")))
        places[README].write(_readme(found, has_layouts=bool(layouts)).encode())
        for name, text in layouts.items():
            places[name].write(text)
    return [made / name for name in places]


def write_layouts(folder: Path, guesses: Sequence[tuple[str, Path, Guess]]) -> list[Path]:
    """Write how files were read, by the name of the layout, for their owner to put it right."""
    made = _folder(folder)
    with ExitStack() as stack:
        for name, path, guess in guesses:
            stack.enter_context(replacing(made / name)).write(layout_text(path, guess))
    return [made / name for name, *_ in guesses]


def layout_text(path: Path, guess: Guess) -> bytes:
    """Return how a file is read, to be edited."""
    return render_layout(path, guess.layout, guess.missing, guess.unused)


def _folder(folder: Path) -> Path:
    try:
        make_private_folder(folder)
    except OSError as exc:
        raise OutputBlockedError(f"{folder} cannot be made: {reason_of(exc)}") from exc
    return folder


def _pair_row(one: TrialPair) -> tuple[str, ...]:
    return (
        inert(one.id_a),
        inert(one.id_b),
        f"{one.chance:.6f}",
        one.band,
        f"{one.weight:.3f}",
    )


def _rows(found: Sequence[Unmatched]) -> Iterator[tuple[str, ...]]:
    """Yield the lines of records, those with a fault of their data first."""

    def order(one: Unmatched) -> tuple[bool, int]:
        return NOT_OF_DATA.issuperset(one.reasons), one.n_compared

    return (unmatched_row(one, TRIAL_SENTENCES) for one in sorted(found, key=order))


def _readme(found: Trial, *, has_layouts: bool) -> str:
    a, b = found.names
    read = (f"{LAYOUTS[0]}, {LAYOUTS[1]}     how the files were read, where that was guessed",)
    return "\n".join(
        (
            UNPROTECTED,
            "",
            "All files here hold record IDs, counts and names of columns; no name, date or other cell",
            "of a person.",
            "Record IDs are confidential, too: remove this folder when you have seen enough.",
            "",
            f"{PAGE}          what was found, to read first",
            f"{PAIRS}           pairs of records that are likely one person: linked, or for review",
            f"{UNMATCHED[0]}     records of {a} that are not linked, and why",
            f"{UNMATCHED[1]}     records of {b} that are not linked, and why",
            *(read if has_layouts else ()),
            "",
        )
    )
