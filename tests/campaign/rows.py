"""The campaign's rows: what is tried, and what must hold. The one list of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One experiment.

    Args:
        tried: what is tried.
        goal: what must hold.
        full: how often it is tried at full size, on each kind of database where there is one; 0 for each way
            that there is, be they as many as they are.
        is_quick: whether the quick campaign, as in CI, has a part of it.
        has_tests: whether tests of the suite are of it; otherwise a target of its own tries it.
    """

    tried: str
    goal: str
    full: int = 0
    is_quick: bool = True
    has_tests: bool = True


ROWS = {
    "kills-broker": Row(
        "SIGKILL of broker or worker at random moments of uploads, runs, reviews and fetches",
        "nothing acknowledged is lost; a run ends as an undisturbed one does; who got a byte is logged first",
        200,
    ),
    "kills-worker": Row(
        "a worker dies before or after each of its writes",
        "the next worker comes to the same matches",
    ),
    "kills-destruction": Row(
        "SIGKILL of the broker while everything is destroyed",
        "one certificate, every key and blob gone",
        200,
    ),
    "kills-backup": Row(
        "SIGKILL of `backup` at random moments, while the broker goes on",
        "what it leaves is a whole backup, or is refused by name, and holds no key and no password",
        200,
    ),
    "kills-log-key": Row(
        "SIGKILL at each step of the replacement of the log's key",
        "the log verifies, and the next command goes on",
    ),
    "kills-agency": Row(
        "an agency's job dies before a write or after an answer: upload, release, claims, ledger, review",
        "links are whole, link IDs stay, the next `refresh` goes on alone",
    ),
    "power-cut": Row(
        "the power fails at every 512 bytes of what a commit writes, or of a file of the broker's or an "
        "agency's, followed by nothing, noise or old bytes",
        "what was committed before is all there, the commit wholly or not at all; the log goes on and "
        "verifies; the round ends as it would have",
        1_000,
    ),
    "lost-database": Row(
        "the PostgreSQL server dies at once while agencies upload and runs are done, and starts again",
        "nothing acknowledged is lost; broker and worker go on by themselves, and the run ends as it should",
        200,
        is_quick=False,
    ),
    "zombies": Row(
        "a worker sleeps through its lease while another does its run",
        "it writes nothing when it wakes",
        50,
    ),
    "resent": Row(
        "the answer to a write is lost, and the write is sent again",
        "one effect, and the same answer",
        500,
    ),
    "two-at-once": Row(
        "two of a kind on one state: workers, requests, commands in one workspace",
        "one at a time, by name; nothing is done twice",
    ),
    "restored": Row(
        "a lost broker or workspace is restored from a backup, of now or of an earlier round",
        "what is older is noticed; rounds go on and link IDs stay",
    ),
    "disk": Row(
        "a disk that is full, fails or turns read-only while something is written",
        "an error with a name, nothing lost, on it goes after relief",
    ),
    "damage": Row(
        "damaged blobs, key files, ledgers, backups and pins",
        "refused by name, never read as something else",
    ),
    "clocks": Row(
        "clocks that jump or differ",
        "the log's times never run back, and nothing ends early for good",
    ),
    "simulator": Row(
        "seeded worlds of two to four agencies over sixty rounds, with absences, restores and wrong matches",
        "recipients never differ, and link IDs change only where they must",
        10_000,
    ),
    "fates": Row(
        "two agencies live through rounds in which a program dies, or a request or an answer is lost, between "
        "any two steps: a write of the database, a file put into its place, a request, an answer",
        "no alarm; both have the same links, and the same as before; the log verifies, and only grew",
        1_000,
    ),
    "forged-rules": Row(
        "a log by an operator with its key that breaks one rule of the verifier",
        "the verifier names rule and entry",
    ),
    "forged-bytes": Row(
        "a log changed by the person who lacks its key: bytes, rows, checkpoints, the tail",
        "the verifier names the entry",
        60_000,
    ),
    "two-verifiers": Row(
        "bundles good and bad, given to the verifier and to a second one written from the specification",
        "one verdict",
        6_000,
    ),
    "split-view": Row(
        "a log shown in two versions, to two auditors or to two agencies",
        "found by the first who compares",
        100,
    ),
    "receipts": Row(
        "forged receipts, proofs and approvals",
        "refused",
    ),
    "undeleted": Row(
        "rows of destroyed uploads are looked for in the live state and in 3 backups, with every living key",
        "none of a thousand comes back",
        1_000,
    ),
    "routes": Row(
        "every route of the OpenAPI document, by every role, on one's own and on others' objects, in every "
        "state of an agreement",
        "what is another's is as if it were not, to the status, the body and the database's work",
    ),
    "malformed": Row(
        "malformed containers, documents, claims, agreements and bundles",
        "refused by name, without an echo, in little time and memory",
        100_000,
    ),
    "openapi": Row(
        "requests generated from the OpenAPI document, which keep to it or break it (schemathesis)",
        "no fault of the server; answers as described",
        100_000,
    ),
    "slow-clients": Row(
        "clients that send slowly, read slowly, or say nothing",
        "cut off in time, and others are served",
    ),
    "crowd": Row(
        "64 clients work for ten minutes, while two machines keep 4,000 lines on which nothing is said, and "
        "700 slow senders",
        "every client is answered, and the memory comes back; how long 99 of 100 answers take is told",
        is_quick=False,
    ),
    "canaries": Row(
        "planted names, numbers, secrets, rows, handles, tokens are looked for in files, logs, answers, memory",
        "none where it does not belong",
    ),
    "vectors": Row(
        "vectors that others published: RFC 6962, C2SP signed notes, RFC 8785, Ed25519 (Wycheproof's, too), "
        "ML-KEM, HPKE",
        "all agree",
    ),
    "fuzz": Row(
        "each parser of what comes from outside is given bytes that a fuzzer leads by the lines they reach "
        "(atheris, `make fuzz`)",
        "refused by name within 2 s, or read, in one spelling alone",
        is_quick=False,
        has_tests=False,
    ),
    "mutants": Row(
        "the source of verifier, matching, rights and sealing is changed, one operator, value or argument at a "
        "time (`make mutants`)",
        "a test notices",
        is_quick=False,
        has_tests=False,
    ),
}
