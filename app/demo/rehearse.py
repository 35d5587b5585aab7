"""The demo from the first command to the report."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from app.demo import journey
from app.demo.agreement import agree, enrol_persons
from app.demo.commands import Commands
from app.demo.plan import Rehearsal, Sizes, plan_rehearsal
from app.demo.report import Findings, count_rows, report_lines
from app.demo.review import review_pairs


def rehearse(
    root: Path, *, children: int, students: int, seed: int, keep: bool, say: Callable[[str], None]
) -> Iterator[str]:
    """Do the whole job below `root`, telling each step by `say`, and yield the report's lines.

    With `keep`, broker and worker go on when this ends.

    Raises:
        DemoError: a step failed; what it printed is in the message.
    """
    started = time.perf_counter()
    plan = plan_rehearsal(root)
    commands = Commands(root, say)
    sizes = Sizes(children, students)
    journey.write_people(commands, plan, sizes, seed=seed)
    log_key = journey.found_broker(commands, plan)
    broker = plan.state.parent
    with ExitStack() as services:
        for service in ("serve", "work"):
            services.enter_context(
                commands.serving(broker, "blindlink-broker", "--state", "state", service, keep=keep)
            )
        journey.await_broker(plan)
        enrol_persons(commands, plan)
        agree(commands, plan, sizes)
        journey.prepare_agencies(commands, plan, log_key)
        run = journey.link(commands, plan)
        of_run = _evaluate(commands, plan, "measure the links of the run against the truth")
        held = review_pairs(commands, plan)
        journey.exchange(commands, plan)
        verdict = journey.audit(commands, plan, log_key)
        findings = Findings(
            rows_left=count_rows(plan.welfare.file, plan.welfare.text_encoding),
            rows_right=count_rows(plan.schools.file, plan.schools.text_encoding),
            run=json.loads(run.output),
            held=held,
            of_run=of_run,
            released=_evaluate(commands, plan, "measure all links as released"),
            verdict=verdict,
        )
        page = journey.sign_in_page(commands, plan) if keep else None
    seconds = time.perf_counter() - started
    yield from report_lines(plan, findings, commands, seconds, page)


def _evaluate(commands: Commands, plan: Rehearsal, title: str) -> dict[str, Any]:
    measured = commands.run(
        title, plan.root,
        "blindlink", "evaluate", "--left", plan.welfare.folder / "links.csv",
        "--right", plan.schools.folder / "links.csv", "--truth", plan.truth, "--json",
    )  # fmt: skip
    found: dict[str, Any] = json.loads(measured.output)
    return found
