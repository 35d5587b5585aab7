"""Chapter 6, `upload-received` to `run-cancelled` of `entry.md`: files that come, and runs that link them."""

from fractions import Fraction
from types import SimpleNamespace
from typing import Any

from blindlink_verify.agreements import allows
from blindlink_verify.approvals import run_of
from blindlink_verify.basics import digest_of, later, need
from blindlink_verify.persons import signs
from blindlink_verify.rounds import audit_counts, in_time, open_round, pair_of
from blindlink_verify.state import Log, Project


def fits_size(terms: Any, party: str, records: int) -> bool:
    (size,) = [file for file in terms["files"] if file["party"] == party]
    return bool(size["least"] <= records <= size["most"])


def upload_received(log: Log, p: Project, e: Any) -> None:
    b, t = e.body, p.terms
    need(e.party in t["providers"], "upload-by-stranger", "the actor's party is a provider")
    need([b["profile"], b["epoch"]] == [t["profile"], t["epoch"]], "upload-profile", "profile, epoch as agreed")
    need(b["population"] == t["population"], "upload-population", "the population is that of the terms")
    need(fits_size(t, e.party, b["records"]), "upload-size", "`records` is from `least` to `most`")
    age = t["as_of_max_age_days"]
    fits = age is None or b["as_of"] >= later(e.early_day, -age)
    need(fits and b["as_of"] <= later(e.day, 1), "upload-as-of", "`as_of` is as recent as agreed")
    key = p.key_ids.setdefault(b["epoch"], b["key_id"])
    is_one = key == b["key_id"] and [*p.key_ids.values()].count(key) == 1
    need(is_one, "upload-key", "`key_id` is that of the first upload of the epoch, and of no other")
    signs(log, e, b["signature"], "upload-signer")
    round_ = open_round(p, b["round"], "upload-round")
    pair = pair_of(round_, e.party, b["partner"], "upload-round")
    in_time(p, e)
    own, other = (e.party, b["partner"]), (b["partner"], e.party)
    is_new = own not in round_.roots and e.object not in log.uploads
    need(is_new, "upload-twice", "the party has sent none for the partner, nor any of this id")
    need(b["partner_root"] == round_.roots.get(other), "upload-side", "partner_root is the partner's, or null")
    audit_counts(b, "larger" if e.party == pair[0] else "smaller", t["privacy"])
    round_.roots[own] = b["root"]
    up = SimpleNamespace(project=e.project, place=(b["round"], *own), person=e.person, terms=t)
    up.stated = [e.party, b["container_sha256"], b["manifest_sha256"]]
    up.as_of, up.records = b["as_of"], b["records"]
    log.uploads[e.object] = up


def upload_there(log: Log, e: Any, upload: str) -> Any:
    up = log.uploads[upload]
    need(up, "upload-destroyed", "the upload is not destroyed")
    need(up.project == e.project, "upload-unknown", "it was received in this project")
    return up


def upload_destroyed(log: Log, p: Project, e: Any) -> None:
    need(upload_there(log, e, e.object).stated[1] == e.body["container_sha256"], "upload-digest", "it came so")
    log.uploads[e.object] = None


def run_asked(log: Log, p: Project, e: Any) -> None:
    s, t = e.body["specification"], p.terms
    stated = [s["run"], s["asked_by"], e.body["specification_sha256"]]
    fits = stated == [e.object, e.party, digest_of(s)] and s["algorithm"] == "blindlink/matching/2"
    need(fits, "run-specification", "run and asker are the object and the actor's party")
    need([s["project"], s["agreement"]] == [e.project, e.agreement], "run-agreement", "both are the entry's")
    need([s["profile"], s["epoch"]] == [t["profile"], t["epoch"]], "run-profile", "profile, epoch as agreed")
    need(s["floor"] == t["floor"] and allows(t, s["policy"]), "run-policy", "the terms allow the policy")
    need(s["recipients"] == t["recipients"], "run-recipient", "recipients are those of the terms")
    need(s["spaces"] == t["spaces"], "run-space", "spaces are those of the terms")
    pair = tuple(x["party"] for x in s["uploads"])
    need(e.party in pair, "run-by-stranger", "the asker is the party of one of its uploads")
    need(e.object not in log.runs, "run-twice", "no run of this id before")
    sent = [upload_there(log, e, x["upload"]) for x in s["uploads"]]
    for x, up in zip(s["uploads"], sent, strict=True):
        fits = up.stated == [x["party"], x["container_sha256"], x["manifest_sha256"]]
        need(fits, "run-upload", "it is stated with the party and digests that it came with")
        same = all(up.terms[n] == t[n] for n in ("profile", "epoch", "population"))
        need(same and fits_size(t, x["party"], up.records), "run-upload", "the terms let such an upload come")
    round_ = open_round(p, s["round"], "run-pair")
    fits = pair_of(round_, pair[0], pair[1], "run-pair") == pair
    fits = fits and [up.place for up in sent] == [(s["round"], *pair), (s["round"], *pair[::-1])]
    need(fits, "run-pair", "the uploads are of the round, for each other, in the order of the pair")
    before = [log.runs[run] for run in round_.runs.setdefault(pair, [])]
    is_first = all(run.stage in ("failed", "cancelled") for run in before)
    need(is_first, "run-pair", "every run of the pair before has failed or was cancelled")
    in_time(p, e)
    first, last = sorted(up.as_of for up in sent)
    gap = t["as_of_max_gap_days"]
    need(gap is None or first >= later(last, -gap), "run-as-of", "the uploads describe days near enough")
    run = SimpleNamespace(project=e.project, seq=e.seq, stage="asked", attempt=0, pair=pair)
    run.agreement, run.digest = e.agreement, digest_of(s)
    run.round, run.policy, run.recipients = s["round"], s["policy"], s["recipients"]
    run.uploads = [x["upload"] for x in s["uploads"]]
    run.sizes, run.senders = [up.records for up in sent], {up.person for up in sent}
    # Who has approved it by which standing approval, until when; who its release, until when.
    run.day, run.approved, run.until, run.let_go = e.early_day, {}, [], {}
    # Of its end and that of its review: pairs shown and batch by number; for whom releases; roots of records.
    run.matches, run.batches, run.made, run.records = {}, {}, set(), []
    log.runs[e.object] = run
    round_.runs[pair].append(e.object)


def may_go_on(log: Log, p: Project, e: Any, run: Any) -> None:
    """A run *may go on* while all this holds."""
    for upload in run.uploads:
        upload_there(log, e, upload)
    open_round(p, run.round, "run-pair")
    in_time(p, e)
    fits = all(p.withdrawn[party] < run.seq for party in run.pair)
    need(fits, "record-withdrawn", "no party of the pair has withdrawn a record since it was asked")


def run_started(log: Log, p: Project, e: Any) -> None:
    run = run_of(log, e)
    fits = run.stage in ("asked", "started") and e.body["attempt"] > run.attempt
    need(fits, "run-order", "it has not ended, and the attempt is above those before")
    may_go_on(log, p, e, run)
    for party in p.terms["approvals"]["parties"]:
        fits = party in run.approved and run.approved[party] in (None, *p.standing)
        need(fits, "run-unapproved", "each party has approved the run, or a standing approval is used")
    run.stage, run.attempt = "started", e.body["attempt"]


def run_finished(log: Log, p: Project, e: Any) -> None:
    b, run, floor = e.body, run_of(log, e), p.terms["floor"]
    need(run.stage == "started", "run-order", "it was started, and has not ended")
    need(run.digest == b["specification_sha256"], "run-specification", "the digest is its specification's")
    may_go_on(log, p, e, run)
    auto, smaller = b["auto_pairs"], run.sizes[1]
    need(auto is None or auto >= floor, "below-floor", "`auto_pairs` is not below the floor")
    check_counts(b, auto, floor)
    is_blind = any(one["mode"] == "blind" for one in run.recipients)
    need(auto is None or not is_blind, "blind-count", "under `blind`, all counts are null")
    check_openings(b, run)
    least, most = (Fraction(run.policy["link_rate"][n]) for n in ("least", "most"))
    fits = auto is None or (auto <= min(run.sizes) and least * smaller <= auto <= most * smaller)
    need(fits, "run-counts", "`auto_pairs` is within the link rate, and at most either's records")
    run.matches, run.batches, run.records = {1: auto}, {1: e.batch}, [b["match_record_root"]]
    run.stage, run.finished_at = "finished", e.seq
    log.unreleased.append(run)


def check_counts(b: Any, auto: Any, floor: int) -> None:
    """What is told of the links is told of no fewer than the floor."""
    code, agreeing = "links-untold", b["concordance"] or []
    told = [b["expected_false"] is not None, b["concordance"] is not None]
    need(told == [auto is not None] * 2, code, "they are null exactly where `auto_pairs` is")
    need(auto is None or b["expected_false"] <= 100 * auto, code, "it is at most 100 times `auto_pairs`")
    need(len({one["field"] for one in agreeing}) == len(agreeing), code, "no field stands there twice")
    for one in agreeing:
        shown = {n: one[n] for n in ("apart", "other", "missing") if one[n] is not None}
        apart, missing = shown.get("apart", 0), shown.get("missing", 0)
        parts = [*shown.values()]
        parts += [auto - apart - missing] if {"apart", "missing"} & {*shown} else []
        parts += [apart - shown["other"]] if {"apart", "other"} <= {*shown} else []
        need(all(part >= floor for part in parts), "below-floor", "no count is below it, nor what it leaves")


def of_mode(run: Any, mode: str) -> set[str]:
    """Its recipients of a mode; of the linked ones those of the pair."""
    found = {one["party"] for one in run.recipients if one["mode"] == mode}
    return found & set(run.pair) if mode == "linked" else found


def check_openings(b: Any, run: Any) -> None:
    may, found = of_mode(run, "blind") | of_mode(run, "linked"), {one["party"] for one in b["openings"]}
    need(found <= may, "openings-to-stranger", "the parties of `openings` may open the record")
    need(found == may, "openings-missing", "`openings` are of all who may open the record")


def all_released(log: Log, batch: int | None) -> None:
    """In the batch in which a run finished, a release is prepared for each of these."""
    for run in log.unreleased:
        owed = {(party, None, 1) for party in of_mode(run, "linked") | of_mode(run, "count")}
        owed |= {(party, of, 1) for party in of_mode(run, "blind") for of in run.pair}
        fits = run.batches[1] == batch or owed <= run.made
        need(fits, "release-missing", "each recipient's release is prepared", run.finished_at)
    log.unreleased = [run for run in log.unreleased if run.batches[1] == batch]


def run_failed(log: Log, p: Project, e: Any) -> None:
    run, attempt = run_of(log, e, at_any_time=True), e.body.get("attempt")
    fits = run.stage in ("asked", "started") and (attempt is None or attempt >= run.attempt)
    need(fits, "run-order", "it has not ended, and an attempt that failed is none before the last")
    run.stage = "failed" if e.kind == "run-failed" else "cancelled"
    for one in p.standing.values():
        one["used"].discard(e.object)


def match_record_destroyed(log: Log, p: Project, e: Any) -> None:
    run = run_of(log, e, at_any_time=True)
    need(e.body["root"] in run.records, "match-record-unknown", "a match record of this root is there")
    run.records.remove(e.body["root"])
