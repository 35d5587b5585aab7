"""The demo from the first command to the report."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Final

from app.demo import journey
from app.demo.agreement import agree, enrol_persons
from app.demo.commands import Commands
from app.demo.plan import Rehearsal, Sizes, plan_rehearsal
from app.demo.report import Findings, commands_text, count_rows, report_lines
from app.demo.review import review_pairs, seal_cards
from app.durable import write_durably

COMMANDS_FILE: Final = "commands.txt"
PARTS: Final = (
    "set up a broker, and invent two agencies' files of people",
    "make everyone's keys, and compare their fingerprints",
    "draft and sign the agreement",
    "make the secret that the broker never has",
    "test, encode and upload both files",
    "compare the encodings, and agree on link IDs",
    "decide the pairs that were held back",
    "join school columns, and verify the match log",
)


def rehearse(
    root: Path,
    *,
    sizes: Sizes,
    seed: int,
    keep: bool,
    begin: Callable[[str], None],
    say: Callable[[str], None],
) -> Iterator[str]:
    """Do the whole job below `root`, and yield the report's lines; its commands are written to a file there.

    Args:
        root: the folder; see `plan_rehearsal`.
        sizes: how many people there are.
        seed: the same seed gives the same people.
        keep: broker and worker go on when this ends.
        begin: hears of each of `PARTS` as it begins.
        say: hears of each command as it begins.
    Raises:
        DemoError: a step failed; what it printed is in the message.
    """
    started = time.perf_counter()
    plan = plan_rehearsal(root)
    commands = Commands(root, say)
    try:
        findings, links = _do(commands, plan, sizes, seed=seed, keep=keep, begin=begin)
    finally:
        text = "\n".join(commands_text(commands.steps))
        write_durably(root / COMMANDS_FILE, f"{text}\n".encode())
    seconds = time.perf_counter() - started
    yield from report_lines(plan, findings, seconds, root / COMMANDS_FILE)
    yield from _pages(links, commands.left_running)


def _do(
    commands: Commands,
    plan: Rehearsal,
    sizes: Sizes,
    *,
    seed: int,
    keep: bool,
    begin: Callable[[str], None],
) -> tuple[Findings, dict[str, str]]:
    parts = iter(PARTS)
    begin(next(parts))
    log_key = journey.found(commands, plan, sizes, seed=seed)
    with ExitStack() as services:
        for service in ("serve", "work"):
            services.enter_context(
                commands.serving(
                    plan.broker, "blindlink-broker", "--state", "state", service, keep=keep
                )
            )
        journey.await_broker(plan)
        begin(next(parts))
        enrol_persons(commands, plan)
        begin(next(parts))
        agree(commands, plan, sizes)
        journey.write_settings(commands, plan)
        begin(next(parts))
        journey.share_secret(commands, plan)
        begin(next(parts))
        journey.encode(commands, plan)
        begin(next(parts))
        run = journey.link(commands, plan)
        begin(next(parts))
        measured: list[dict[str, Any]] = []
        of_run = partial(
            _evaluate, plan, "measure the links of the run against the truth", measured
        )
        commands.at_once(of_run, partial(seal_cards, plan=plan))
        held = review_pairs(commands, plan)
        begin(next(parts))
        released = partial(_evaluate, plan, "measure all links as released", measured)
        signing_in = partial(journey.sign_auditor_in, plan=plan)
        commands.at_once(partial(journey.exchange, plan=plan), released, signing_in)
        verdict = journey.audit(commands, plan, log_key)
        findings = Findings(
            rows_left=count_rows(plan.welfare.file, plan.welfare.text_encoding),
            rows_right=count_rows(plan.schools.file, plan.schools.text_encoding),
            run=json.loads(run.output),
            held=held,
            of_run=measured[0],
            released=measured[1],
            verdict=verdict,
        )
        return findings, journey.page_links(commands, plan) if keep else {}


def _pages(links: dict[str, str], left_running: list[int]) -> Iterator[str]:
    if not links:
        return
    for who, link in links.items():
        yield f"  pages, as the {who:<9} {link}"
    yield "  A link works once, within 60 s; the last two commands of the file make new ones. Open the second"
    yield "  in a private window. Your browser warns you: the certificate is for this rehearsal alone."
    yield f"  end the broker    kill {' '.join(map(str, left_running))}"


def _evaluate(plan: Rehearsal, title: str, into: list[dict[str, Any]], lane: Commands) -> None:
    measured = lane.run(
        title, plan.root,
        "blindlink", "evaluate", "--left", plan.welfare.folder / "links.csv",
        "--right", plan.schools.folder / "links.csv", "--truth", plan.truth, "--json",
    )  # fmt: skip
    into.append(json.loads(measured.output))
