"""Where a linkage stands, seen from one agency: what is done, who is waited for, which command is next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, replace
from typing import Final, Literal

from encoding.broker.client import BrokerClient
from encoding.ledger.values import Turn
from encoding.rounds.api import RoundsApi
from encoding.rounds.words import BEGIN, is_on_request
from encoding.workspace.workspace import Workspace
from schemas.agreement.chapter_limits import listed
from schemas.agreement.negotiation import AgreementState, AgreementSummary, RunApprovals
from schemas.api.projects import ProjectView
from schemas.api.runs import RunFinality, RunView
from schemas.rounds.review import ReviewView
from schemas.rounds.rounds import PairProgress, RoundView

Stage = Literal[
    "not-in-force", "round", "encode", "upload", "waiting", "awaiting", "running", "failed", "links",
    "held", "closing", "done",
]  # fmt: skip

# Where nothing of a round is to be done now.
_IDLE: Final[Set[Stage]] = frozenset({"not-in-force", "waiting", "done"})
_WHY: Final[Mapping[AgreementState, str]] = {
    "signed": "begins on {}",
    "suspended": "is halted: blindlink agreement status says by whom",
    "ended": "has ended",
    "withdrawn": "is over, since a party has left it",
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What broker and workspace say about one agency's part in a project.

    `round` is the newest one, null where there is none; `due` says that another one may begin, `waiting_for`
    who has no nonce for it. `encoded` names the partners for whom containers are kept here, `runs` are those of
    this agency's pairs. `receives` says that it gets matches of its own records, `written` that the links of
    this round were written, `held` of which round they wait until someone accepts how many end, `supplement`
    that those of a supplementary release of it have yet to be written. `reviews` are those in which this agency
    has a part. `unstated` is when the newest destruction ended after which this party has not stated yet that
    its own copies are deleted. `alarms` are sentences about rounds that were not applied here.
    `approvals` are those of runs that wait for them, or have succeeded, `agreements` the project's, the newest
    first.
    """

    party: str
    view: ProjectView
    round: RoundView | None
    due: bool
    waiting_for: tuple[str, ...]
    encoded: frozenset[str]
    runs: tuple[RunView, ...]
    receives: bool
    written: bool
    held: int | None = None
    supplement: bool = False
    reviews: tuple[ReviewView, ...] = ()
    unstated: str | None = None
    alarms: tuple[str, ...] = ()
    approvals: tuple[RunApprovals, ...] = ()
    agreements: tuple[AgreementSummary, ...] = ()


@dataclass(frozen=True, slots=True)
class Status:
    """The stage, said in sentences; `command` is what the analyst does next, null: nothing."""

    stage: Stage
    sentences: tuple[str, ...]
    command: str | None


def gather_facts(
    client: BrokerClient,
    workspace: Workspace,
    view: ProjectView,
    party: str,
    *,
    last_written: Turn | None,
    held: int | None,
    reviews: tuple[ReviewView, ...] = (),
    alarms: tuple[str, ...] = (),
) -> Facts:
    """Ask broker and workspace."""
    listed = RoundsApi(client, view.project).rounds()
    newest = listed.rounds[0] if listed.rounds else None
    number = 0 if newest is None else newest.round
    encoded = {partner for of, partner in workspace.containers(view.project) if of == number}
    runs = tuple(client.run(one.run) for one in _pairs(newest, party) if one.run is not None)
    receives = (party, "linked") in ((one.party, one.mode) for one in view.terms.recipients)
    return Facts(
        party=party,
        view=view,
        round=newest,
        due=listed.due,
        waiting_for=listed.waiting_for,
        encoded=frozenset(encoded),
        runs=runs,
        receives=receives,
        written=last_written is not None and last_written.round >= number,
        held=held,
        supplement=receives and _owes_supplement(newest, party, last_written),
        reviews=reviews,
        unstated=_unstated(client, view.project, party),
        alarms=alarms,
        approvals=tuple(
            client.run_approvals(run.run) for run in runs if run.state in {"awaiting", "succeeded"}
        ),
        agreements=client.agreements(view.project).agreements,
    )


def describe(facts: Facts) -> Status:
    """Return the status that follows from the facts; the first thing that is missing decides.

    A signature that an agreement waits for, what is owed to clerical review, and a statement after a
    destruction are said last, and come next where nothing else does.
    """
    found = _describe_linkage(facts)
    found = replace(found, sentences=(*found.sentences, *facts.alarms))
    for sentence in _owed_to_agreements(facts):
        found = _with(found, sentence, "blindlink agreement sign", _IDLE)
    for sentence, does_it in owed_to_review(facts):
        found = _with(found, sentence, does_it, _IDLE - {"not-in-force"})
    if facts.unstated is None:
        return found
    sentence = (
        f"The broker destroyed what it held on {facts.unstated[:10]};"
        " this agency has yet to delete its own copies, and sign that it did."
    )
    command = "blindlink destroy --local" if found.stage in _IDLE else found.command
    return replace(found, sentences=(*found.sentences, sentence), command=command)


def _with(found: Status, sentence: str, command: str, idle: Set[Stage]) -> Status:
    """Return the status with a sentence more, whose command comes next where nothing else does."""
    is_idle = found.stage in idle and found.command in {None, "blindlink refresh"}
    # A round that is begun by hand would end the review.
    is_idle = is_idle or found.command == BEGIN
    return replace(
        found,
        sentences=(*found.sentences, sentence),
        command=command or found.command if is_idle else found.command,
    )


def _owed_to_agreements(facts: Facts) -> Iterator[str]:
    for one in facts.agreements:
        if one.state == "proposed" and facts.party in one.missing:
            yield f"Agreement {one.number} waits for the signature of a steward of {facts.party}."


def owed_to_review(facts: Facts) -> Iterator[tuple[str, str]]:
    """Yield what this agency owes to clerical review, in a sentence, and the command that does it."""
    if facts.supplement:
        yield (
            "Reviewers have accepted pairs of this round; the agencies have yet to agree on their link IDs.",
            "blindlink refresh",
        )
    for one in facts.reviews:
        left = (one.questions or 0) - (one.decided or 0)
        if (one.asked, one.state) == (facts.party, "asked"):
            yield (
                f"The reviewers of {one.reviewer} wait for cards of your records.",
                "blindlink refresh",
            )
        elif (one.reviewer, one.state) == (facts.party, "answered") and left > 0:
            until = f"{one.deadline[:10]}, or the next round"
            yield (
                f"{left:,} pairs with {one.asked} wait for your reviewers until {until}.",
                "blindlink review",
            )
        elif (one.reviewer, one.state) == (facts.party, "asked"):
            yield (
                f"Pairs were sent to review: {one.asked} has yet to send the cards for your reviewers.",
                "",
            )


def _owes_supplement(newest: RoundView | None, party: str, last: Turn | None) -> bool:
    if newest is None:
        return False
    return any(
        party in (one.larger, one.smaller)
        and (last is None or last < Turn(newest.round, one.release))
        for one in newest.supplements
    )


def _describe_linkage(facts: Facts) -> Status:
    terms, found = facts.view.terms, facts.round
    said = [f"The project {terms.project} is in force from {terms.start} to {terms.end}."]
    if not facts.view.in_force:
        dates = f"its dates are {terms.start} to {terms.end}."
        said = [f"The project {terms.project} is not in force; {dates}"]
        signed = next((one for one in facts.agreements if one.state != "proposed"), None)
        if signed is not None and signed.state in _WHY:
            why = _WHY[signed.state].format(signed.start)
            said.append(f"Agreement {signed.number}, the last one that all have signed, {why}.")
        return Status("not-in-force", tuple(said), None)
    if found is None or found.state != "open":
        return _between_rounds(facts, said)
    said.append(f"Round {found.round} is open until {found.deadline}.")
    if facts.party in terms.providers:
        for pair in _pairs(found, facts.party):
            step = _own_step(facts, pair, said)
            if step is not None:
                return step
    return _describe_runs(facts, said)


def _between_rounds(facts: Facts, said: list[str]) -> Status:
    found = facts.round
    if found is None:
        said.append("No round has been made yet.")
    elif facts.held is not None:
        said.append(
            f"More links would end in round {facts.held} than is agreed: look at changes.csv."
            " Those of the round before are in force until you accept it."
        )
        return Status("held", tuple(said), "blindlink links --accept-change REASON")
    elif found.state == "closed" and facts.receives and not facts.written and facts.runs:
        said.append(f"Round {found.round} is closed, and you have yet to fetch its link IDs.")
        return Status("links", tuple(said), "blindlink links")
    else:
        said.append(f"Round {found.round} is over.")
    if facts.party not in facts.view.terms.providers:
        said.append(_what_it_gets(facts))
        return Status("done", tuple(said), None)
    if facts.waiting_for and not facts.due:
        said.append(f"The next round waits for {', '.join(facts.waiting_for)} to get ready.")
        return Status("waiting", tuple(said), "blindlink refresh")
    if facts.due:
        said.append("The next round may begin.")
        asked = is_on_request(facts.view.terms, found)
        return Status("round", tuple(said), BEGIN if asked else "blindlink refresh")
    said.append("The next round is not due yet.")
    return Status("done", tuple(said), None)


def _own_step(facts: Facts, pair: PairProgress, said: list[str]) -> Status | None:
    """Return what this agency owes for a pair; None where it has sent its container."""
    own, other = pair.root_larger, pair.root_smaller
    partner = pair.smaller
    if facts.party == pair.smaller:
        own, other, partner = other, own, pair.larger
    if own is None and partner not in facts.encoded:
        said.append(f"Nothing has been encoded for {partner} in this round yet.")
        return Status("encode", tuple(said), "blindlink encode")
    if own is None:
        said.append(f"What was encoded for {partner} has not been sent yet.")
        return Status("upload", tuple(said), "blindlink upload")
    if other is None:
        said.append(f"You have uploaded; the round waits for the upload of {partner}.")
        return Status("waiting", tuple(said), None)
    return None


def _describe_runs(facts: Facts, said: list[str]) -> Status:
    step = _approval_step(facts, said)
    if step is not None:
        return step
    for run in facts.runs:
        if run.state in {"awaiting", "queued", "running"}:
            said.append(f"The run is under way: {_progress(run)}.")
            return Status("running", tuple(said), "blindlink round --wait")
        if run.state != "succeeded":
            reason = f" ({run.failure})" if run.failure else ""
            said.append(f"The run has {run.state}{reason}.")
            return Status("failed", tuple(said), "blindlink round --again --wait")
        said.append(f"The run has succeeded at {run.finished}.")
        said.extend(_finality_sentence(run.finality))
    if not facts.runs:
        said.append("No run has been made in this round yet.")
        return Status("waiting", tuple(said), None)
    if facts.receives:
        said.append(
            "Matches are ready for you; link IDs are agreed on once both sides have fetched them."
        )
        return Status("links", tuple(said), "blindlink links")
    said.append(_what_it_gets(facts))
    return Status("done", tuple(said), None)


def _approval_step(facts: Facts, said: list[str]) -> Status | None:
    """Return whose approval of a run, or of what all runs found, is missing; None: nobody's is."""
    states = {run.run: run.state for run in facts.runs}
    missing = {
        party for one in facts.approvals if states[one.run] == "awaiting" for party in one.missing
    }
    sentence, command = "The run waits until it is approved by {}", "blindlink approve"
    if not missing and {*states.values()} == {"succeeded"}:
        missing = {party for one in facts.approvals for party in one.missing_for_release or ()}
        sentence = "What the run found is handed out once it is approved by {}"
        command = "blindlink approve --release"
    if not missing:
        return None
    said.append(f"{sentence.format(listed(sorted(missing)))}, as the agreement asks.")
    return Status("awaiting", tuple(said), command if facts.party in missing else None)


def _what_it_gets(facts: Facts) -> str:
    """Return what a party that gets no matches of its own records gets."""
    is_blind = (facts.party, "blind") in (
        (one.party, one.mode) for one in facts.view.terms.recipients
    )
    return _SEALED if is_blind else "The agreement gives this agency no matches."


_SEALED: Final = (
    "The agencies hand you columns beside match IDs that you alone can open: blindlink attach fetches what they"
    " deliver by the broker, and blindlink open reads what they carry."
)


def _finality_sentence(finality: RunFinality | None) -> Iterator[str]:
    if finality is None or not finality.needed:
        return
    cosigned = f"{len(finality.cosigned_by)} of {finality.needed} parties have cosigned"
    who = ", ".join(finality.cosigned_by) or "nobody"
    if finality.is_final:
        yield f"It is final: {who} cosigned the match log that has it."
    else:
        yield f"It is not final yet: {cosigned} the match log that has it ({who})."


def _unstated(client: BrokerClient, project: str, party: str) -> str | None:
    # Where only another party's part was destroyed, the linkage goes on, and its next round replaces the links.
    owing = (
        one.finished
        for one in client.destructions(project).destructions
        if one.finished is not None
        and (one.scope == "project" or one.subject == party)
        and any(owed.party == party for owed in one.outstanding)
    )
    return next(owing, None)


def _pairs(found: RoundView | None, party: str) -> tuple[PairProgress, ...]:
    if found is None:
        return ()
    return tuple(pair for pair in found.progress if party in (pair.larger, pair.smaller))


def _progress(run: RunView) -> str:
    progress = run.progress
    share = progress.rows_done / progress.rows_total if progress.rows_total else 0
    left = "" if progress.seconds_left is None else f", about {progress.seconds_left} s left"
    return f"{progress.stage}, {share:.0%}{left}"
