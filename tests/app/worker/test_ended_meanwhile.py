"""What a run waits for may end before it starts, or finishes: then it fails, and nothing of it shows."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from rigs.linkage import CHILD_WELFARE, PROJECT, Linkage

from app.destruction.service import Found, Wanted, end_all
from app.uploads.ending import live_uploads
from app.worker import run
from app.worker.loop import Worker


def destroy_uploads(linkage: Linkage) -> None:
    """Destroy what came, as when its keeping time is over."""
    with linkage.broker.database.write() as session:
        found = Found(uploads=list(live_uploads(session, PROJECT)))
        end_all(session, linkage.broker, Wanted(PROJECT, "expired", reason="asked"), found)


def pass_the_deadline(linkage: Linkage) -> None:
    """Let the round's time be over, and no sweeper close it."""
    linkage.founded.clock.move(days=linkage.terms.round_days)


ENDS = pytest.mark.parametrize(
    ("end", "code"), [(destroy_uploads, "key-gone"), (pass_the_deadline, "round-closed")]
)


@ENDS
def test_a_run_that_waits_does_not_start(
    linkage: Linkage, queued: str, end: Callable[[Linkage], None], code: str
) -> None:
    end(linkage)
    assert Worker(linkage.broker).work_once()
    shown = linkage.get(f"/v1/runs/{queued}").json()
    assert (shown["state"], shown["failure"]) == ("failed", code)
    assert "run-started" not in linkage.log_kinds()
    linkage.check_log()


@ENDS
def test_a_run_under_way_does_not_finish(
    linkage: Linkage,
    queued: str,
    end: Callable[[Linkage], None],
    code: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = run.prepare_releases

    def made_then_ended(*args: object) -> object:
        prepared = made(*args)  # type: ignore[arg-type]
        end(linkage)
        return prepared

    monkeypatch.setattr(run, "prepare_releases", made_then_ended)
    assert Worker(linkage.broker).work_once()
    shown = linkage.get(f"/v1/runs/{queued}").json()
    assert (shown["state"], shown["failure"]) == ("failed", code)
    assert not {"run-finished", "release-prepared"} & set(linkage.log_kinds())
    assert linkage.get(f"/v1/projects/{PROJECT}/releases", CHILD_WELFARE).json()["releases"] == []
    linkage.check_log()


def test_nothing_is_uploaded_or_asked_for_after_the_deadline(linkage: Linkage) -> None:
    made, _ = linkage.upload_both()
    pass_the_deadline(linkage)
    for answer in (linkage.open(made, CHILD_WELFARE), linkage.ask()):
        assert answer.status_code == 409
        assert answer.json()["type"].endswith(":round-closed")
    linkage.check_log()
