"""A trial as someone at a terminal takes part in it: what was guessed is shown, and asked about."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from encoding.cli.terminal.prompts import ask_confirmation, is_interactive
from encoding.errors import GuessDeclinedError
from encoding.profiles.catalog import shipped_profile
from encoding.project.session import Session
from encoding.records.csv_table import DELIMITER_NAMES
from encoding.trial.files import (
    LAYOUTS,
    PAGE,
    PAIRS,
    README,
    UNMATCHED,
    layout_text,
    refuse_taken_places,
    write_layouts,
    write_trial,
)
from encoding.trial.guess import RECORD_ID, Guess, guess_file
from encoding.trial.layout import Source, about_file, read_layout
from encoding.trial.page import meaning_words, trial_page
from encoding.trial.trial import (
    Trial,
    is_without_sex,
    profile_for,
    refuse_faults,
    refuse_one_file,
    refuse_other_years,
    run_trial,
)
from schemas.documents.printable import printable

# Below it a column that every record needs is worth a look before anything is linked.
_WELL_READ: Final = 0.9
_NEEDED: Final = frozenset({RECORD_ID, "first_name", "last_name", "birth_date"})


@dataclass(frozen=True, slots=True)
class Asked:
    """What was typed: both files, their layouts (null: guessed), and what becomes of the result."""

    files: tuple[Path, Path]
    layouts: tuple[Path | None, Path | None]
    profile: str
    truth: Path | None
    out: Path
    yes: bool
    force: bool


def try_linkage(session: Session, asked: Asked) -> tuple[Trial, list[Path]]:
    """Guess, ask, link and write; the files come in the order in which one looks at them."""
    # A layout that was given may stand in the folder, edited by its owner: it is never written again.
    layouts = [name for name, given in zip(LAYOUTS, asked.layouts, strict=True) if given is None]
    refuse_one_file(*asked.files)
    guesses = _guesses(session, asked)
    refuse_taken_places(asked.out, [PAGE, PAIRS, *UNMATCHED, README, *layouts], force=asked.force)
    refuse_faults(
        guesses, lambda: _correction(asked, guesses, [bool(one.faults) for one in guesses])
    )
    base = shipped_profile(asked.profile)
    refuse_other_years(
        base, [(path.name, one) for path, one in zip(asked.files, guesses, strict=True)]
    )
    if not asked.yes and None in asked.layouts:
        confirm(lambda: _correction(asked, guesses, (True, True)))
    sources = tuple(
        Source(path, guess.layout) for path, guess in zip(asked.files, guesses, strict=True)
    )
    profile = profile_for(asked.profile, guesses)
    if is_without_sex(profile):
        session.say("the sex is not in both files: records are compared without it")
    with session.progress() as progress:
        found = run_trial(
            profile,
            (sources[0], sources[1]),
            (guesses[0], guesses[1]),
            as_of=session.now().date(),
            truth=asked.truth,
            progress=progress,
        )
    written = {
        name: layout_text(path, guess)
        for name, path, guess in zip(LAYOUTS, asked.files, guesses, strict=True)
        if name in layouts
    }
    return found, write_trial(asked.out, found, trial_page(found), written)


def _guesses(session: Session, asked: Asked) -> list[Guess]:
    profile, today = shipped_profile(asked.profile), session.now().date()
    guesses = []
    for path, written in zip(asked.files, asked.layouts, strict=True):
        given = None if written is None else read_layout(written)
        with about_file(path):
            guess = guess_file(path, profile, today, given)
        for line in () if session.is_quiet else guess_lines(path, guess):
            click.echo(printable(line), err=True)
        guesses.append(guess)
    return guesses


def guess_lines(path: Path, guess: Guess) -> Iterator[str]:
    """Yield how a file is read: columns, what they mean, and the share that could be read; no cell."""
    reading = guess.layout.input
    is_text = path.suffix.lower() not in (".xlsx", ".xlsm", ".parquet", ".pq")
    how = f" ({reading.encoding}, with {_sign(reading.delimiter)})" if is_text else ""
    rows = f"the first {guess.n_rows:,} rows"
    yield f"{path.name}{how}: what its columns mean, and the share of {rows} that was read"
    width = max((len(one.header) for one in guess.meanings), default=0)
    for one in guess.meanings:
        note = f", as {reading.date_format}" if one.name == "birth_date" else ""
        look = "  <- look" if one.name in _NEEDED and one.share < _WELL_READ else ""
        yield f"  {one.header:<{width}}  {meaning_words(one.name) + note:<32} {one.share:>6.1%}{look}"
    if reading.id_column is None:
        yield "  it has no column of record IDs: a record ID is the number of its row, from 1"
    if guess.dates is not None and guess.dates.other is not None:
        yield (
            f"  its dates could be {guess.dates.format} or {guess.dates.other}:"
            f" {guess.dates.format} is assumed"
        )


def _sign(delimiter: str) -> str:
    return DELIMITER_NAMES.get(delimiter, delimiter)


def confirm(correction: Callable[[], str]) -> None:
    """Ask whether what was shown is right."""
    if not is_interactive():
        raise click.UsageError("missing option --yes: there is no terminal to ask you on")
    if not ask_confirmation("Is this right?", default=True):
        raise GuessDeclinedError("nothing was linked", hint=correction())


def _correction(asked: Asked, guesses: Sequence[Guess], wrong: Sequence[bool]) -> str:
    """Write the guessed layouts of the files where they are wrong, and return what to do with them."""
    written = write_layouts(
        asked.out,
        [
            (name, path, guess)
            for name, path, guess, given, is_wrong in zip(
                LAYOUTS, asked.files, guesses, asked.layouts, wrong, strict=True
            )
            if given is None and is_wrong
        ],
    )
    if not written:
        return "correct the layout"
    options = " ".join(f"--{path.stem} {path}" for path in written)
    return (
        f"correct {' and '.join(map(str, written))}, then:"
        f" blindlink trial {asked.files[0]} {asked.files[1]} {options}"
        + (f" --out {asked.out}" if str(asked.out) != "trial" else "")
    )
