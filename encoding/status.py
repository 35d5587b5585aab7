"""Where a linkage stands, seen from one agency: what is done, who is waited for, which command is next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from encoding.client import BrokerClient
from encoding.errors import NotReadyError
from encoding.outbox import read_outbox
from encoding.receipts import ReceiptFolder
from encoding.workspace import Workspace
from schemas.api import ProjectView, ReleaseView, RunFinality, RunView, UploadView
from schemas.upload import Manifest

Stage = Literal[
    "not-in-force",
    "encode",
    "upload",
    "waiting",
    "run",
    "awaiting",
    "running",
    "failed",
    "links",
    "done",
]


@dataclass(frozen=True, slots=True)
class Facts:
    """What broker and workspace say about one agency's part in a project.

    `outbox` is what was encoded last, `upload` the newest committed upload, `run` the newest run that used
    it, `release` the newest link IDs of that run: each null where there is none. `waiting_for` names the
    agencies whose uploads the broker lacks. `unstated` is when the newest destruction ended after which this
    party has not stated yet that its own copies are deleted.
    """

    party: str
    view: ProjectView
    outbox: Manifest | None
    outbox_is_sent: bool
    upload: UploadView | None
    waiting_for: tuple[str, ...]
    run: RunView | None
    release: ReleaseView | None
    release_is_fetched: bool
    unstated: str | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """The stage, said in sentences; `command` is what the analyst does next, null: nothing."""

    stage: Stage
    sentences: tuple[str, ...]
    command: str | None


def gather_facts(
    client: BrokerClient,
    workspace: Workspace,
    receipts: ReceiptFolder,
    view: ProjectView,
    party: str,
) -> Facts:
    """Ask broker and workspace."""
    try:
        outbox = read_outbox(workspace, view.project).manifest
    except NotReadyError:
        outbox = None
    listed = client.uploads(view.project)
    own = (u for u in listed.uploads if u.party == party)
    upload = next((u for u in own if u.state == "committed"), None)
    run = _newest_run(client, view.project, upload)
    release = _release_of(client, view.project, party, run)
    fetched = release is not None and receipts.find(release.release) is not None
    is_sent = outbox is not None and _is_sent(outbox, upload, receipts)
    waiting_for = listed.waiting_for
    unstated = _unstated(client, view.project, party)
    return Facts(party, view, outbox, is_sent, upload, waiting_for, run, release, fetched, unstated)


def describe(facts: Facts) -> Status:
    """Return the status that follows from the facts; the first thing that is missing decides.

    A statement that is owed after a destruction is said last, and comes next where nothing else does.
    """
    found = _describe_linkage(facts)
    if facts.unstated is None:
        return found
    sentence = (
        f"What the broker held was destroyed on {facts.unstated[:10]};"
        " this agency has yet to delete its own copies and to state it."
    )
    waits = found.stage in {"not-in-force", "waiting", "done"}
    command = "blindlink destroy --local" if waits else found.command
    return Status(found.stage, (*found.sentences, sentence), command)


def _describe_linkage(facts: Facts) -> Status:
    terms, run = facts.view.terms, facts.run
    said = [f"The project {terms.project} is in force from {terms.start} to {terms.end}."]
    if not facts.view.in_force:
        said = [
            f"The project {terms.project} is not in force; its dates are {terms.start} to {terms.end}."
        ]
        return Status("not-in-force", tuple(said), None)
    if facts.party in terms.providers:
        if facts.outbox is None and facts.upload is None:
            return Status("encode", (*said, "Nothing has been encoded yet."), "blindlink encode")
        if facts.outbox is not None and not facts.outbox_is_sent:
            said.append("Encodings are ready that have not been sent.")
            return Status("upload", tuple(said), "blindlink upload")
        said.append(_upload_sentence(facts.upload))
    if run is None:
        if facts.waiting_for:
            names = ", ".join(facts.waiting_for)
            said.append(f"No run has linked it yet: the linkage waits for an upload of {names}.")
            return Status("waiting", tuple(said), None)
        said.append("Every agency has sent its encodings; no run has linked them yet.")
        return Status("run", tuple(said), "blindlink run --wait")
    return _describe_run(facts, run, said)


def _describe_run(facts: Facts, run: RunView, said: list[str]) -> Status:
    if run.state == "awaiting":
        said.append("The run waits until it is approved, as the agreement asks.")
        return Status("awaiting", tuple(said), "blindlink approve run")
    if run.state in {"queued", "running"}:
        said.append(f"The run is under way: {_progress(run)}.")
        return Status("running", tuple(said), "blindlink run --wait")
    if run.state != "succeeded":
        reason = f" ({run.failure})" if run.failure else ""
        said.append(f"The newest run has {run.state}{reason}.")
        return Status("failed", tuple(said), "blindlink run --wait")
    terms = facts.view.terms
    said.append(f"The newest run has succeeded at {run.finished}.")
    said.extend(_finality_sentence(run.finality))
    if facts.release is None:
        is_blind = (facts.party, "blind") in ((r.party, r.mode) for r in terms.recipients)
        said.append(_SEALED if is_blind else "The agreement gives this agency no link IDs.")
        return Status("done", tuple(said), None)
    if not facts.release_is_fetched:
        said.append("Link IDs are ready for you.")
        return Status("links", tuple(said), "blindlink links")
    said.append("You have its link IDs. When your file has changed, begin again.")
    return Status("done", tuple(said), "blindlink refresh")


_SEALED: Final = (
    "The agencies hand you link IDs in files that you alone can open, with: blindlink open."
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
    # Where only another party's part was destroyed, the linkage goes on, and its next run replaces the links.
    owing = (
        one.finished
        for one in client.destructions(project).destructions
        if one.finished is not None
        and (one.scope == "project" or one.subject == party)
        and any(owed.party == party for owed in one.outstanding)
    )
    return next(owing, None)


def _is_sent(outbox: Manifest, upload: UploadView | None, receipts: ReceiptFolder) -> bool:
    """Tell whether the outbox is at the broker, by the receipts, since two clocks cannot be compared."""
    if upload is not None and upload.container_sha256 == outbox.container_sha256:
        return True
    sent = (kept.manifest.manifest for kept in receipts.all() if kept.manifest is not None)
    return any(
        (m.container_sha256, m.created) == (outbox.container_sha256, outbox.created) for m in sent
    )


def _upload_sentence(upload: UploadView | None) -> str:
    if upload is None or upload.records is None:
        return "Nothing has been sent yet."
    return f"Your newest upload is of {upload.committed}, with {upload.records:,} records."


def _progress(run: RunView) -> str:
    progress = run.progress
    share = (
        progress.comparisons_done / progress.comparisons_total if progress.comparisons_total else 0
    )
    left = "" if progress.seconds_left is None else f", about {progress.seconds_left} s left"
    return f"{progress.stage}, {share:.0%}{left}"


def _newest_run(client: BrokerClient, project: str, upload: UploadView | None) -> RunView | None:
    """Return the newest run, if it is one that used the upload; a party without uploads sees the newest."""
    for run in client.runs(project).runs:
        if upload is None or any(u.upload == upload.upload for u in run.specification.uploads):
            return run
    return None


def _release_of(
    client: BrokerClient, project: str, party: str, run: RunView | None
) -> ReleaseView | None:
    if run is None or run.state != "succeeded":
        return None
    for release in client.releases(project).releases:
        if release.run == run.run and party in (release.recipient, release.agency):
            return release
    return None
