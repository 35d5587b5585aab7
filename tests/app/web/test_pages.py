"""What the pages answer: to whom, in which form, and never more than they may."""

from __future__ import annotations

from typing import Any

import pytest
from rigs.destroying import destroy
from rigs.linkage import AUDITOR, CHILD_WELFARE, PROJECT, SCHOOL, Linkage
from rigs.shown_pages import csv_rows, words
from samples.round_files import random_people

from app.broker import MAX_CHECKS
from app.http.access import COOKIE
from app.matchlog.last_checkpoint import LastCheckpointFile
from app.runs.commits import check_waiting
from app.security.policy import PAGES
from app.web.rendering import CONTENT_SECURITY_POLICY
from app.worker.sweeper import Sweeper
from schemas.api.bodies import UploadList
from schemas.api.projects import ProjectView
from schemas.api.releases import ReleaseView
from schemas.api.runs import RunView
from schemas.matchlog.checkpoint import Checkpoint

STRANGER = "other-auditor"
NOTHING = {
    "project": "no-such-project",
    "upload": "upl-" + "0" * 32,
    "run": "run-" + "0" * 32,
    "release": "rel-" + "0" * 32,
    "seq": "999999",
    "party": "no-such-party",
}
TWINS = ("", ".json", ".csv")


def test_every_page_opens_in_all_three_forms_for_whom_it_is_and_holds_no_handle_or_match_id(
    finished: Any, visitor: Any
) -> None:
    finished.linkage.founded.enrol(STRANGER)
    file = finished.linkage.get(f"/v1/releases/{finished.ids['release']}/file").text
    match_ids = [line.split()[1] for line in file.splitlines()[1:]]
    assert len(match_ids) == 12
    secret = [handle.hex() for handle in finished.rows] + match_ids
    kinds = ("text/html; charset=utf-8", "application/json", "text/csv; charset=utf-8")
    for page in PAGES:
        path = finished.path(page)
        for twin, kind in zip(TWINS, kinds, strict=True):
            for party, role in (("operator", "operator"), (AUDITOR, "auditor")):
                answer = visitor.get(f"{path}{twin}", party, role)
                assert (answer.status_code, answer.headers["content-type"]) == (200, kind), page
                assert not any(value in answer.text for value in secret), page
        answer = visitor.get(path)
        check_policy(answer)
        assert "· Blindlink</title>" in answer.text, page
        assert answer.text.count("<h1>") == 1, page
        assert answer.text.count("<main") == answer.text.count('<header class="site"') == 1, page
        assert f'<a rel="bookmark" href="{path}">' in answer.text, page
        assert f'href="{path}.json"' in answer.text, page
        assert f'href="{path}.csv"' in answer.text, page
    for path in ("/sign-in", "/nowhere"):
        check_policy(visitor.get(path, accept="text/html"))
    # To an auditor of another project a page is as if it were not.
    for page in PAGES:
        if "{" not in page:
            continue
        for twin in TWINS:
            foreign = visitor.get(f"{finished.path(page)}{twin}", STRANGER, "auditor")
            none = visitor.get(f"{finished.path(page, NOTHING)}{twin}", STRANGER, "auditor")
            assert foreign.status_code == none.status_code == 404, page
            assert without_request(foreign) == without_request(none), page
    # An auditor sees only projects that name its party.
    assert visitor.get("/projects.json", STRANGER, "auditor").json() == {
        "projects": [],
        "negotiated": [],
        "overdue": [],
        "needs": [],
    }
    assert (
        "There is no project for you to see." in visitor.get("/projects", STRANGER, "auditor").text
    )
    assert len(visitor.get("/projects.json").json()["projects"]) == 1
    # Entries of the whole broker are for every auditor.
    assert visitor.get("/log/entries/0", STRANGER, "auditor").status_code == 200
    # Agencies have no pages.
    answer = visitor.get("/projects", CHILD_WELFARE, "agency")
    assert answer.status_code == 403
    assert "<h1>This role may not do this</h1>" in answer.text


def check_policy(answer: Any) -> None:
    """Check that a page comes with the strict policy, and keeps to it."""
    assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert answer.headers["cache-control"] == "no-store"
    assert " style=" not in answer.text
    assert "<style" not in answer.text
    assert " on" + "click=" not in answer.text


def without_request(answer: Any) -> str:
    text: str = answer.text
    return text.replace(answer.headers["x-request-id"], "")


def test_a_refusal_leads_to_where_whoever_is_signed_in_may_go(finished: Any, visitor: Any) -> None:
    page = visitor.get(f"/runs/{NOTHING['run']}")
    assert page.status_code == 404
    assert '<a href="/projects">Back to your projects</a>' in page.text
    assert PROJECT not in page.text
    # A refusal keeps the menus of the person who is signed in.
    nowhere = visitor.get("/nowhere-at-all", accept="text/html")
    not_theirs = visitor.get(finished.path("/runs/{run}/match-record"), "operator", "operator")
    assert (nowhere.status_code, not_theirs.status_code) == (404, 403)
    for page in (nowhere, not_theirs):
        assert '<a href="/log">Match log</a>' in page.text
        assert "data-sign-out" in page.text
    assert f'aria-label="Project {PROJECT}"' in not_theirs.text
    # Anyone who has no pages, and anyone who is not signed in, is not led to any.
    agency = visitor.get("/nowhere-at-all", CHILD_WELFARE, "agency", accept="text/html")
    stranger = finished.linkage.client.get("/nowhere-at-all", headers={"accept": "text/html"})
    forged = {"accept": "text/html", "cookie": f"{COOKIE}=none-of-ours"}
    forger = finished.linkage.client.get("/nowhere-at-all", headers=forged)
    for page in (agency, stranger, forger):
        assert page.status_code == 404
        assert "Match log" not in page.text
    # A refusal leads back to the project where that may be seen.
    back = f'<a href="/projects/{PROJECT}">Back to the project {PROJECT}</a>'
    malformed = visitor.get(f"/projects/{PROJECT}/timeline?before=-4711")
    assert back in malformed.text
    assert f'<a href="/projects/{PROJECT}/timeline">Open the page without a filter</a>' in (
        malformed.text
    )
    destroy(finished.linkage)
    gone = visitor.get(finished.path("/runs/{run}/match-record"))
    assert gone.status_code == 410
    assert back in gone.text
    for page in (malformed, gone):
        assert f'aria-label="Project {PROJECT}"' in page.text
        assert "data-sign-out" in page.text
        assert f"of {AUDITOR} (auditor)" in page.text


def test_without_a_session_a_page_says_how_to_sign_in(linkage: Linkage) -> None:
    answer = linkage.client.get("/projects")
    assert answer.status_code == 401
    assert answer.headers["content-type"].startswith("text/html")
    assert 'href="/sign-in"' in answer.text
    assert "www-authenticate" not in answer.headers
    twin = linkage.client.get("/projects.json")
    assert (twin.status_code, twin.headers["content-type"]) == (401, "application/problem+json")
    # A bearer token opens no page.
    headers = linkage.as_party(AUDITOR, "auditor")
    assert linkage.client.get("/projects", headers=headers).status_code == 401
    # The root leads to the projects.
    answer = linkage.client.get("/", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/projects")
    # A path that is not there is a page for a browser and a problem for a program.
    browser = linkage.client.get("/<b>nowhere", headers={"accept": "text/html,*/*"})
    program = linkage.client.get("/nowhere")
    assert (browser.status_code, program.status_code) == (404, 404)
    assert "<h1>Not found</h1>" in browser.text
    assert "nowhere" not in browser.text
    assert program.headers["content-type"] == "application/problem+json"
    # An asset is kept for good under its digest and not there under another.
    from app.web.assets import all_assets, asset_path

    for name in all_assets():
        answer = linkage.client.get(asset_path(name))
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
    assert linkage.client.get("/assets/0123456789abcdef/pages.css").status_code == 404
    assert linkage.client.get(f"{asset_path('pages.css')}x").status_code == 404


def test_twins_are_the_documents_of_the_api_and_say_what_the_page_says(
    finished: Any, visitor: Any
) -> None:
    ids = finished.ids
    UploadList.from_json(visitor.get(f"/projects/{PROJECT}/uploads.json").json())
    assert ProjectView.from_json(visitor.get(f"/projects/{PROJECT}.json").json()).in_force
    twin = visitor.get(f"/runs/{ids['run']}.json").json()
    assert twin.pop("histogram")
    weights, not_linked = twin.pop("weights"), twin.pop("not_linked")
    assert (twin.pop("run_before"), not_linked["pairs"]) == (None, None)
    assert weights[0]["field"] == "start"
    assert {"first-name", "birth-date"} <= {one["field"] for one in weights}
    run = RunView.from_json(twin)
    release = ReleaseView.from_json(visitor.get(f"/releases/{ids['release']}.json").json())
    assert run.run == release.run == ids["run"]
    # A csv twin says what the json twin says.
    uploads = visitor.get(f"/projects/{PROJECT}/uploads.json").json()["uploads"]
    answer = visitor.get(f"/projects/{PROJECT}/uploads.csv")
    rows = csv_rows(answer)
    assert [row["upload"] for row in rows] == [upload["upload"] for upload in uploads]
    assert {row["party"] for row in rows} == {CHILD_WELFARE, SCHOOL}
    disposition = answer.headers["content-disposition"]
    assert disposition == f'attachment; filename="projects-{PROJECT}-uploads.csv"'
    # The csv twin of a project has a row for each clause.
    clauses = {
        row["clause"]: row["value"] for row in csv_rows(visitor.get(f"/projects/{PROJECT}.csv"))
    }
    assert clauses["digest"] == finished.linkage.agreement.digest()
    assert clauses["keep_encodings_days"] == "30"
    assert clauses["providers"] == f'["{CHILD_WELFARE}","{SCHOOL}"]'
    # The log page compares with an older checkpoint.
    page = visitor.get("/log?old=3")
    assert 'id="old-checkpoint"' in page.text
    assert 'href="/log?old=3"' in page.text
    assert visitor.get("/log.json?old=3").json()["old_size"] == 3
    assert visitor.get("/log?old=99999").status_code == 404
    assert visitor.get("/log?old=x").status_code == 422
    # A page may read tiles of hashes and no entries.
    visitor.cookie(AUDITOR, "auditor")
    size = len(finished.linkage.log_entries())
    tile = f"0/000.p/{size}"
    hashes = visitor.get(f"/log/tile/{tile}")
    api = finished.linkage.get(f"/v1/log/tile/{tile}", AUDITOR, "auditor")
    assert hashes.content == api.content
    assert len(hashes.content) == 32 * size
    for path in (f"entries/000.p/{size}", "0/001", f"0/000.p/{size + 1}", "0/000.p/0", "x"):
        assert visitor.get(f"/log/tile/{path}").status_code == 404, path
    assert finished.linkage.client.get(f"/log/tile/{tile}").status_code == 401
    assert visitor.get(f"/log/tile/{tile}", CHILD_WELFARE, "agency").status_code == 403


def test_a_run_page_hides_counts_below_the_floor(make_linkage: Any, visit_as_auditor: Any) -> None:
    linkage = make_linkage(floor=13)
    linkage.upload_both(20, 12)
    run = linkage.ask().json()["run"]
    linkage.work()
    hidden = visit_as_auditor(linkage, f"/runs/{run}").text
    assert '<td class="number">not shown</td>' in hidden
    assert '<td class="number">12</td>' not in hidden


def test_a_pending_run_asks_for_itself_again_and_says_how_far_it_is(
    uploaded: Linkage, visitor: Any
) -> None:
    linkage, run = uploaded, uploaded.run_id()
    from sqlalchemy import text

    with linkage.broker.database.write() as session:
        session.execute(
            text(
                "UPDATE run SET state = 'running', stage = 'comparing', rows_total = 4000000,"
                " rows_done = 1000000, rate = 25000"
            )
        )
    page = visitor.get(f"/runs/{run}").text
    assert 'max="4000000" value="1000000"' in page
    assert "1,000,000 of 4,000,000" in page
    assert "<dd>2 min</dd>" in page
    with linkage.broker.database.write() as session:
        session.execute(text("UPDATE run SET state = 'queued', stage = 'waiting'"))
    # A pending run asks for itself again and a finished one does not.
    assert f'hx-get="/runs/{run}"' in visitor.get(f"/runs/{run}").text
    linkage.work()
    assert "hx-get" not in visitor.get(f"/runs/{run}").text


def test_a_cancelled_run_says_so(uploaded: Linkage, visitor: Any) -> None:
    run = uploaded.ask().json()["run"]
    headers = uploaded.as_party(CHILD_WELFARE)
    uploaded.client.post(f"/v1/runs/{run}/cancel", headers=headers)
    assert "It was stopped before it had a result." in visitor.get(f"/runs/{run}").text


def test_titles_of_parties_are_escaped(linkage: Linkage, visitor: Any) -> None:
    from sqlalchemy import text

    with linkage.broker.database.write() as session:
        session.execute(
            text("UPDATE party SET title = :title WHERE name = :name"),
            {"title": "<script>alert(1)</script>", "name": SCHOOL},
        )
    page = visitor.get(f"/hubs/{SCHOOL}").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_the_log_page_shows_when_the_log_is_not_in_order(linkage: Linkage, visitor: Any) -> None:
    assert "The database continues the last checkpoint" in visitor.get("/log").text
    linkage.is_log_spoilt = True
    linkage.broker.settings.last_checkpoint_file.unlink()
    page = visitor.get("/log").text
    assert "not in order" in page
    assert "is gone." in page


@pytest.mark.parametrize("path", ["/log", "/projects"])
def test_what_is_signed_while_a_page_is_made_is_no_fault_of_the_log(
    linkage: Linkage, visitor: Any, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    visitor.cookie(AUDITOR, "auditor")
    read, newcomers = LastCheckpointFile.read, ["newcomer"]

    def read_a_moment_later(file: LastCheckpointFile) -> Checkpoint:
        if newcomers:
            linkage.founded.enrol(newcomers.pop())
        return read(file)

    monkeypatch.setattr(LastCheckpointFile, "read", read_a_moment_later)
    assert "not in order" not in visitor.get(path).text
    assert not newcomers


def test_the_log_says_how_it_stands(finished: Any, visitor: Any) -> None:
    visitor.cookie(AUDITOR, "auditor")
    finished.linkage.founded.clock.move(minutes=5)
    assert "5 min ago" in visitor.get("/log").text
    twin = visitor.get("/log.json").json()
    assert (twin["is_in_order"], twin["fault"], twin["newest_entry_age_s"]) == (True, None, 300)
    newest = finished.linkage.log_entries()[-1]
    assert (twin["entries"], twin["newest_entry"]) == (newest["seq"] + 1, newest["time"])
    assert twin["keys"] == [{"after": 0, "key": finished.linkage.broker.log.key.text}]


def test_an_upload_that_is_over_is_not_said_to_be_one_that_can_be_committed(
    linkage: Linkage, visitor: Any
) -> None:
    linkage.open_round()
    made = linkage.container(random_people(linkage.rng, 5), CHILD_WELFARE)
    upload = linkage.send(made, CHILD_WELFARE)
    for _ in range(MAX_CHECKS):
        linkage.broker.checks.acquire()
    linkage.ask_commit(upload, linkage.manifest(made, CHILD_WELFARE), CHILD_WELFARE)
    linkage.broker.checks.release(MAX_CHECKS)
    linkage.founded.clock.move(hours=49)
    check_waiting(linkage.broker)
    shown = words(visitor.get(f"/uploads/{upload}"))
    assert "It was checked and refused: " in shown
    assert "can mend that and commit it again" in shown
    linkage.founded.clock.move(hours=25)
    visitor.cookies.clear()
    Sweeper(linkage.broker).sweep()
    shown = words(visitor.get(f"/uploads/{upload}"))
    assert "never finished" in shown
    assert "It was checked and refused: " in shown
    assert "commit it again" not in shown
