"""The Merkle tree against its slow twin, RFC 6962 read word by word, and against shared vectors.
What a broker shows is held against what was kept, along the log's keys.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pytest
from breaks.false_log import Log
from hypothesis import given
from hypothesis import strategies as st
from twins import merkle as oracle
from vectors.file import naming, read_vectors

from schemas.api.bodies import LogCheckpoint
from schemas.api.log_extension import follow_keys, require_extension
from schemas.documents.errors import CheckpointError, DocumentError, ProofError
from schemas.documents.merkle import (
    EMPTY_ROOT,
    Frontier,
    Node,
    consistency_proof,
    hash_leaf,
    inclusion_proof,
    root_at,
    verify_consistency,
    verify_inclusion,
)
from schemas.matchlog.checkpoint import Checkpoint, parse_checkpoint
from schemas.matchlog.log_keys import LogKeys
from schemas.signing.note import VerifierKey

VECTORS = read_vectors("merkle")
ENTRIES = [hashlib.sha256(f"{number}".encode()).digest()[: number % 40] for number in range(600)]
LEAVES = [hash_leaf(entry) for entry in ENTRIES]

sizes = st.integers(1, 300)


class StoredTree:
    """All full nodes of a tree, as a database would hold them; counts how often it is asked."""

    def __init__(self, leaf_hashes: Sequence[bytes]) -> None:
        self.nodes: dict[Node, bytes] = {}
        self.reads = 0
        frontier = Frontier()
        for index, leaf_hash in enumerate(leaf_hashes):
            self.nodes[0, index] = leaf_hash
            self.nodes.update(frontier.append(leaf_hash))

    def __call__(self, wanted: Sequence[Node]) -> dict[Node, bytes]:
        self.reads += 1
        return {node: self.nodes[node] for node in wanted}


TREE = StoredTree(LEAVES)


@pytest.mark.campaign("vectors")
def test_roots_of_every_size_below_130_and_of_some_up_to_600_agree_with_the_definition() -> None:
    frontier = Frontier()
    for size, leaf_hash in enumerate(LEAVES[:600]):
        if size < 130 or size % 37 == 0:
            assert frontier.root() == oracle.tree_hash(ENTRIES[:size])
        frontier.append(leaf_hash)
    assert frontier.root() == oracle.tree_hash(ENTRIES[:600]) == root_at(TREE, 600)


def test_the_root_of_nothing_is_the_hash_of_nothing() -> None:
    assert Frontier().root() == root_at(TREE, 0) == EMPTY_ROOT == hashlib.sha256(b"").digest()


@given(sizes, st.data())
def test_inclusion_proofs_are_those_of_the_definition(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    found = inclusion_proof(TREE, index, size)
    assert found == oracle.path(index, ENTRIES[:size])
    verify_inclusion(LEAVES[index], index, size, found, root_at(TREE, size))


@given(sizes, st.data())
def test_consistency_proofs_are_those_of_the_definition(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, size))
    found = consistency_proof(TREE, old, size)
    assert found == oracle.proof(old, ENTRIES[:size])
    verify_consistency(old, size, found, root_at(TREE, old), root_at(TREE, size))


def test_every_proof_in_small_trees_verifies() -> None:
    for size in range(1, 34):
        root = root_at(TREE, size)
        for index in range(size):
            proof = inclusion_proof(TREE, index, size)
            verify_inclusion(LEAVES[index], index, size, proof, root)
            old = index + 1
            proof = consistency_proof(TREE, old, size)
            verify_consistency(old, size, proof, root_at(TREE, old), root)


hashes_nearby = st.one_of(
    st.sampled_from(LEAVES[:8]),
    st.sampled_from(sorted(TREE.nodes.values())[:50]),
    st.just(b""),
    st.just(bytes(31)),
)


@given(st.integers(-1, 40), st.integers(0, 40), st.lists(hashes_nearby, max_size=8), st.data())
def test_inclusion_is_accepted_exactly_where_the_slow_twin_accepts(
    index: int, size: int, bent: list[bytes], data: st.DataObject
) -> None:
    true_size = data.draw(st.integers(1, 40))
    true_index = data.draw(st.integers(0, true_size - 1))
    proof = data.draw(st.sampled_from([oracle.path(true_index, ENTRIES[:true_size]), bent]))
    root = oracle.tree_hash(ENTRIES[:true_size])
    leaf = LEAVES[true_index]
    is_true = (
        0 <= index < size
        and all(len(value) == 32 for value in proof)
        and oracle.root_from_path(index, size, leaf, proof) == root
    )
    try:
        verify_inclusion(leaf, index, size, proof, root)
    except ProofError:
        assert not is_true
    else:
        assert is_true


@given(st.integers(0, 40), st.integers(0, 40), st.data())
def test_consistency_is_accepted_exactly_where_the_slow_twin_accepts(
    old: int, new: int, data: st.DataObject
) -> None:
    true_new = data.draw(st.integers(1, 40))
    true_old = data.draw(st.integers(1, true_new))
    proof = oracle.proof(true_old, ENTRIES[:true_new])
    if data.draw(st.booleans()):
        proof = data.draw(st.permutations(proof))[: data.draw(st.integers(0, len(proof)))]
    old_root, new_root = oracle.tree_hash(ENTRIES[:true_old]), oracle.tree_hash(ENTRIES[:true_new])
    is_true = oracle.roots_from_proof(old, new, old_root, proof) == (old_root, new_root)
    try:
        verify_consistency(old, new, proof, old_root, new_root)
    except ProofError:
        assert not is_true
    else:
        assert is_true


def test_inclusion_vectors() -> None:
    for vector in VECTORS["inclusion"]:
        with naming(vector):
            leaf, root = bytes.fromhex(vector["leaf"]), bytes.fromhex(vector["root"])
            proof = [bytes.fromhex(value) for value in vector["proof"]]
            if vector["holds"]:
                verify_inclusion(leaf, vector["index"], vector["size"], proof, root)
            else:
                with pytest.raises(ProofError):
                    verify_inclusion(leaf, vector["index"], vector["size"], proof, root)


def test_consistency_vectors() -> None:
    for vector in VECTORS["consistency"]:
        with naming(vector):
            roots = bytes.fromhex(vector["old_root"]), bytes.fromhex(vector["new_root"])
            proof = [bytes.fromhex(value) for value in vector["proof"]]
            if vector["holds"]:
                verify_consistency(vector["old"], vector["new"], proof, *roots)
            else:
                with pytest.raises(ProofError):
                    verify_consistency(vector["old"], vector["new"], proof, *roots)


def test_root_vectors() -> None:
    frontier = Frontier()
    roots = [frontier.root().hex()]
    for entry in VECTORS["entries_hex"]:
        frontier.append(hash_leaf(bytes.fromhex(entry)))
        roots.append(frontier.root().hex())
    assert roots == VECTORS["roots"]


@given(st.integers(0, 300), st.integers(1, 20))
def test_a_stored_frontier_goes_on_as_if_it_had_never_stopped(size: int, more: int) -> None:
    frontier = Frontier()
    for leaf_hash in LEAVES[:size]:
        frontier.append(leaf_hash)
    resumed = Frontier.from_bytes(size, frontier.to_bytes())
    for leaf_hash in LEAVES[size : size + more]:
        resumed.append(leaf_hash)
    assert resumed.root() == root_at(TREE, size + more)


@pytest.mark.parametrize(
    ("size", "raw"),
    [(0, bytes(32)), (1, b""), (1, bytes(31)), (2, bytes(64)), (3, bytes(32)), (-1, b"")],
)
def test_a_frontier_that_does_not_fit_its_size_is_refused(size: int, raw: bytes) -> None:
    with pytest.raises(ProofError):
        Frontier.from_bytes(size, raw)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 4), (5, 3)])
def test_no_inclusion_proof_is_made_outside_the_tree(index: int, size: int) -> None:
    with pytest.raises(ProofError):
        inclusion_proof(TREE, index, size)


@pytest.mark.parametrize(("old", "new"), [(0, 0), (0, 3), (4, 3), (-1, 3)])
def test_no_consistency_proof_is_made_between_impossible_sizes(old: int, new: int) -> None:
    with pytest.raises(ProofError):
        consistency_proof(TREE, old, new)


def test_a_proof_reads_its_nodes_in_one_go() -> None:
    tree = StoredTree(LEAVES)
    inclusion_proof(tree, 77, 599)
    consistency_proof(tree, 300, 599)
    assert tree.reads == 2


def checkpoint_of(answer: LogCheckpoint) -> Checkpoint:
    return parse_checkpoint(answer.checkpoint.encode())[0]


def keys_of(answer: LogCheckpoint) -> LogKeys:
    return LogKeys.only(VerifierKey.from_text(answer.log_key))


def grown(log: Log, n: int) -> LogCheckpoint:
    """Let the log grow, and return what it shows to the person who knows its state before."""
    old = len(log.entries)
    log.entries += [b"entry %d" % number for number in range(n)]
    return log.show(old)


def test_what_grew_extends_what_was_kept() -> None:
    log = Log()
    old = checkpoint_of(grown(log, 5))
    answer = grown(log, 7)
    require_extension(answer, old, checkpoint_of(answer))


def test_any_log_extends_the_empty_one() -> None:
    log = Log()
    empty = checkpoint_of(log.show(0))
    answer = grown(log, 3)
    require_extension(answer, empty, checkpoint_of(answer))


def test_another_past_is_no_extension() -> None:
    log = Log()
    old = checkpoint_of(grown(log, 5))
    log.entries[2] = b"another past"
    answer = grown(log, 7)
    with pytest.raises(ProofError):
        require_extension(answer, old, checkpoint_of(answer))


def test_a_hash_that_is_none_proves_nothing() -> None:
    log = Log()
    old = checkpoint_of(grown(log, 5))
    answer = grown(log, 7)
    spoilt = answer.model_copy(update={"proof": ("!" * 44, *answer.proof[1:])})
    with pytest.raises(ProofError):
        require_extension(spoilt, old, checkpoint_of(answer))


def test_a_proof_about_another_checkpoint_is_an_answer_to_another_question() -> None:
    log = Log()
    old = checkpoint_of(grown(log, 5))
    grown(log, 7)
    answer = log.show(4)
    with pytest.raises(DocumentError):
        require_extension(answer, old, checkpoint_of(answer))


def test_the_key_that_is_known_is_followed_nowhere() -> None:
    answer = grown(Log(), 5)
    assert follow_keys(answer, keys_of(answer)) == (keys_of(answer), ())


def test_keys_are_followed_along_their_hand_overs_and_what_each_signed_last_is_seen() -> None:
    log = Log()
    known = keys_of(grown(log, 5))
    for _ in range(2):
        log.hand_over()
    handed_over = [log.checkpoint(size).encode() for size in (6, 7)]
    answer = grown(log, 3)
    answer = answer.model_copy(update={"hand_overs": log.hand_overs(5)})
    followed, seen = follow_keys(answer, known)
    assert followed.text == answer.log_key
    assert [*seen] == handed_over
    assert follow_keys(answer, followed) == (followed, ())


def test_another_key_that_nothing_hands_over_to_is_refused() -> None:
    answer = grown(Log(), 5)
    with pytest.raises(CheckpointError, match="nothing hands over"):
        follow_keys(answer, keys_of(grown(Log(), 5)))
