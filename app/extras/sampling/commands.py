"""`blindlink-audit sample`: take links from the agreement to the records, with worksheets for the visit."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.auditor.errors import FileUnreadableError, MalformedError, UnwritableError
from app.auditor.files import why_unreadable, write_bytes
from app.auditor.match_records import MatchRecordBook
from app.auditor.options import (
    EXIT_CODES,
    OUTPUT,
    LogOptions,
    failures,
    log_options,
    verified,
)
from app.auditor.packs import (
    Openings,
    PackHeld,
    log_manifest,
    openings_of,
    read_openings,
    split_pack,
)
from app.auditor.pins import Pin
from app.auditor.run_book import RunBook
from app.extras.sampling.page import sample_page, standings, worksheet_page
from app.extras.sampling.sample import WORKSHEET, DrawnSample, draw, open_links, worksheet_rows
from schemas.matchlog.checkpoint import parse_checkpoint
from schemas.shared.command_line import INPUT_FILE, emit

if TYPE_CHECKING:
    from app.auditor.verdict import Verdict
    from schemas.matchlog.entry import Entry


@click.command(epilog=EXIT_CODES)
@click.argument("n", metavar="N", type=click.IntRange(1, 1000))
@click.argument("record", metavar="RECORD", type=INPUT_FILE)
@click.option(
    "--seed", required=True, help="Your own word, chosen now; the draw follows from it and the run."
)
@click.option("--log", "bundle", metavar="BUNDLE", help="The log; the first pack's if left out.")
@click.option("-o", "--output", type=OUTPUT, help="Write the sample, to be sent to the agencies.")
@click.option(
    "--pack",
    "pack_files",
    type=INPUT_FILE,
    multiple=True,
    help="Pack of an agency; may be repeated.",
)
@click.option(
    "--openings",
    "opening_files",
    type=INPUT_FILE,
    multiple=True,
    help="File of openings, such as a blind run's recipient has; may be repeated.",
)
@click.option(
    "--worksheets",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for a worksheet for each agency, as CSV and as a page to print.",
)
@click.option("--html", "html_file", type=OUTPUT, help="Write what was drawn and opened as a page.")
def sample(
    *,
    n: int,
    record: Path,
    seed: str,
    bundle: str | None,
    output: Path | None,
    pack_files: tuple[Path, ...],
    opening_files: tuple[Path, ...],
    worksheets: Path | None,
    html_file: Path | None,
) -> None:
    """Draw N links of a run's match record, and open them with what the agencies hand over.

    First draw, and send the sample to the agencies: each answers with a pack (blindlink audit-pack
    --sample). Then do the same again with their packs: each link is held to the log, opened, and written on
    the worksheets for your visit, since only at the agencies can you see whether a link is right.

    Example: blindlink-audit sample 20 run.record --seed 2026-11-20 --log log.bundle -o sample.json

    Example: blindlink-audit sample 20 run.record --seed 2026-11-20 --pack county.pack --pack schools.pack
    --worksheets visit --html sample.html
    """
    if bundle is None and not pack_files:
        raise click.UsageError("give the log with --log, or the pack of an agency with --pack")
    given = log_options(bundle=bundle or "")
    with failures():
        read = [record, *pack_files, *opening_files]
        given.require_free([output, html_file], *read)
        drawn = _drawn(record, n, seed)
        given.require_free(_worksheets(worksheets, drawn), *read)
        location = _longest([*([bundle] if bundle else []), *map(str, pack_files)])
        packs = [_read_pack(path) for path in pack_files if str(path) != location]
        seen = [] if bundle in (None, location) else [_end_of(given)]
        book = MatchRecordBook()
        run_book = RunBook(drawn.sample.run, drawn.record.header.release)

        def take(entry: Entry) -> None:
            book.take(entry)
            run_book.take(entry)

        verdict = verified(replace(given, bundle=location), take, packs=packs, seen=seen)
        book.compare(drawn.record)
        open_links(drawn, _openings(pack_files, opening_files))
        if output is not None:
            _write(output, drawn.sample.to_canonical() + b"\n")
        if worksheets is not None:
            _write_worksheets(worksheets, drawn)
        if html_file is not None:
            _write(html_file, sample_page(drawn, run_book, verdict).encode())
    emit(_document(drawn, run_book, verdict), _lines(drawn))
    for caveat in verdict.caveats:
        click.echo(f"{caveat.label}: {caveat.text}", err=True)


def _longest(locations: list[str]) -> str:
    """Return the log that the others must be part of: agencies fetched theirs at different times."""
    sizes: dict[str, int] = {}
    for location in locations:
        try:
            with Path(location).open("rb") as file:
                sizes[location] = log_manifest(file, Path(location).name).size
        except OSError as exc:
            raise FileUnreadableError(why_unreadable(Path(location), exc)) from exc
    return max(locations, key=lambda location: sizes[location])


def _end_of(given: LogOptions) -> Pin:
    """Return the newest checkpoint of a log, once all of it verified."""
    return Pin(*parse_checkpoint(verified(given).newest))


def _drawn(record: Path, n: int, seed: str) -> DrawnSample:
    if not seed.isascii() or not seed.isprintable() or not 1 <= len(seed) <= 64 or " " in seed:
        raise click.BadParameter("it has 1 to 64 characters without spaces", param_hint="--seed")
    try:
        with record.open("rb") as file:
            return draw(file, n, seed)
    except OSError as exc:
        raise FileUnreadableError(why_unreadable(record, exc)) from exc


def _document(drawn: DrawnSample, run_book: RunBook, verdict: Verdict) -> dict[str, Any]:
    return {
        **drawn.sample.to_json(),
        "steps": [{"entry": s.entry, "time": s.time, "what": s.what} for s in run_book.steps],
        "links": [link.to_json() for link in drawn.links],
        "log": verdict.to_json(),
    }


def _lines(drawn: DrawnSample) -> Iterator[str]:
    yield f"run          {drawn.sample.run}"
    yield f"drawn        {len(drawn.links)} links with the seed {drawn.sample.seed}"
    for _, sentence in standings(drawn):
        yield f"opened       {sentence}"
    for link in drawn.links:
        opened = ", ".join(sorted(link.handles)) or "nobody"
        probability = link.decision.probability
        yield f"link {link.link:<4} row {link.number:<8} probability {probability:<5}  opened by {opened}"


def _write_worksheets(folder: Path, drawn: DrawnSample) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise UnwritableError("the folder of worksheets cannot be made") from exc
    for party in _parties(drawn):
        lines = io.StringIO()
        csv.writer(lines, lineterminator="\r\n").writerows(
            [WORKSHEET, *worksheet_rows(drawn.links, party)]
        )
        _write(folder / f"worksheet-{party}.csv", lines.getvalue().encode())
        _write(folder / f"worksheet-{party}.html", worksheet_page(drawn, party).encode())


def _worksheets(folder: Path | None, drawn: DrawnSample) -> list[Path]:
    """Return the files in which the visit may have left its findings by now."""
    if folder is None:
        return []
    endings = ("csv", "html")
    return [folder / f"worksheet-{p}.{ending}" for p in _parties(drawn) for ending in endings]


def _parties(drawn: DrawnSample) -> list[str]:
    return sorted({party for link in drawn.links for party in link.parties})


def _openings(packs: tuple[Path, ...], files: tuple[Path, ...]) -> Iterator[Openings]:
    for path in packs:
        yield from openings_of(_read_pack(path).pack)
    for path in files:
        try:
            yield read_openings(path.read_bytes())
        except OSError as exc:
            raise FileUnreadableError(why_unreadable(path, exc)) from exc


def _read_pack(path: Path) -> PackHeld:
    try:
        with path.open("rb") as file:
            pack, _ = split_pack(file)
    except OSError as exc:
        raise FileUnreadableError(why_unreadable(path, exc)) from exc
    if pack is None:
        raise MalformedError(f"the file {path.name} is not a pack of an agency")
    return pack


def _write(path: Path, content: bytes) -> None:
    write_bytes(path, content)
