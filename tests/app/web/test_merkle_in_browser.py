"""The browser's arithmetic against the vectors that all checkers share."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import schemas
from app.web.assets import asset_path
from schemas.documents.merkle import Frontier, hash_leaf
from schemas.matchlog.tiles import UpperTiles, tiles_of

if TYPE_CHECKING:
    from playwright.sync_api import Page

VECTORS = Path(schemas.__file__).parent / "vectors"

CHECK_PROOFS = """async ([path, vectors]) => {
  const merkle = await import(path);
  const hex = (text) => Uint8Array.from(text.match(/../g) ?? [], (byte) => parseInt(byte, 16));
  const holds = async (check) => { try { await check(); return true; } catch { return false; } };
  const wrong = [];
  for (const v of vectors.inclusion) {
    const found = await holds(() => merkle.verifyInclusion(
      hex(v.leaf), BigInt(v.index), BigInt(v.size), v.proof.map(hex), hex(v.root)));
    if (found !== v.holds) wrong.push(`inclusion ${v.name}`);
  }
  for (const v of vectors.consistency) {
    const found = await holds(() => merkle.verifyConsistency(
      BigInt(v.old), BigInt(v.new), v.proof.map(hex), hex(v.old_root), hex(v.new_root)));
    if (found !== v.holds) wrong.push(`consistency ${v.name}`);
  }
  for (const [at, entry] of vectors.entries_hex.entries()) {
    const leaf = await merkle.hashLeaf(hex(entry));
    if (at === 0 && merkle.toHex(leaf) !== vectors.roots[1]) wrong.push("leaf");
  }
  return wrong;
}"""

CHECK_NOTES = """async ([path, key, notes]) => {
  const merkle = await import(path);
  const found = [];
  for (const note of notes) {
    try {
      found.push(await merkle.verifySignature(merkle.parseCheckpoint(note), key));
    } catch (error) {
      found.push(error.message);
    }
  }
  return found;
}"""


CHECK_TILES = """async ([merklePath, tilesPath, size, tiles, leaves, root]) => {
  const merkle = await import(merklePath);
  const { Tiles } = await import(tilesPath);
  const hex = (text) => Uint8Array.from(text.match(/../g) ?? [], (byte) => parseInt(byte, 16));
  const asked = [];
  const read = async (path) => { asked.push(path); return hex(tiles[path]); };
  const tree = new Tiles(BigInt(size), read);
  const wrong = [];
  for (const [index, leaf] of leaves) {
    try {
      const proof = await tree.inclusionProof(BigInt(index));
      await merkle.verifyInclusion(hex(leaf), BigInt(index), BigInt(size), proof, hex(root));
    } catch (error) {
      wrong.push(`${index}: ${error.message}`);
    }
  }
  return [wrong, asked.length === new Set(asked).size];
}"""

# About each place where a tile, or a level of tiles, begins.
SIZES = (1, 2, 3, 7, 8, 255, 256, 257, 300, 511, 512, 513, 1000, 65_535, 65_536, 65_537, 66_000)


@dataclass
class Tree:
    """A log's tree of so many leaves, its tiles by their path, and its root."""

    size: int
    tiles: dict[str, str]
    root: str

    @staticmethod
    def leaf(index: int) -> bytes:
        return hash_leaf(str(index).encode())

    def some_leaves(self) -> list[tuple[int, str]]:
        """The first and last leaves, and those where tiles meet."""
        near = {0, 1, 2, 254, 255, 256, 257, self.size // 2, self.size - 2, self.size - 1}
        return [(at, self.leaf(at).hex()) for at in sorted(near) if 0 <= at < self.size]


def tree_of(size: int) -> Tree:
    frontier, upper = Frontier(), UpperTiles()
    leaves = [Tree.leaf(index) for index in range(size)]
    for leaf in leaves:
        upper.add(frontier.append(leaf))
    tiles = {
        tile.path.removeprefix("tile/"): b"".join(
            leaves[tile.index * 256 : tile.index * 256 + tile.width]
        ).hex()
        for tile in tiles_of(size, 0)
    }
    for tile, hashes in upper.tiles(size):
        if tile.level:
            tiles[tile.path.removeprefix("tile/")] = b"".join(hashes).hex()
    return Tree(size, tiles, frontier.root().hex())


@pytest.fixture
def script(address: str, chromium_page: Page) -> str:
    """The verifier's path, with a page of the broker's open that may load it."""
    chromium_page.goto(f"{address}/sign-in")
    return asset_path("merkle.js")


def check_tiles(page: Page, script: str, tree: Tree) -> list[str]:
    given = [script, asset_path("tiles.js"), tree.size, tree.tiles, tree.some_leaves(), tree.root]
    wrong, is_read_once = page.evaluate(CHECK_TILES, given)
    assert is_read_once
    return list(wrong)


@pytest.mark.long
def test_proofs_from_tiles_lead_to_the_root_at_every_size(script: str, chromium_page: Page) -> None:
    for size in SIZES:
        assert check_tiles(chromium_page, script, tree_of(size)) == [], size


def test_a_tile_that_was_changed_proves_nothing(script: str, chromium_page: Page) -> None:
    tree = tree_of(700)
    last = tree.tiles["0/002.p/188"]
    for path, changed in (
        ("0/000", "00" + tree.tiles["0/000"][2:]),
        ("1/000.p/2", tree.tiles["1/000.p/2"][64:] + tree.tiles["1/000.p/2"][:64]),
        ("0/002.p/188", last[:-1] + ("0" if last[-1] == "f" else "f")),
        ("0/002.p/188", last[:-64]),
    ):
        spoilt = Tree(tree.size, {**tree.tiles, path: changed}, tree.root)
        assert check_tiles(chromium_page, script, spoilt) != [], path


def vectors(name: str) -> Any:
    return json.loads((VECTORS / f"{name}.json").read_text("utf-8"))


def test_every_proof_and_checkpoint_of_the_vectors_holds_or_fails_as_it_should(
    script: str, chromium_page: Page
) -> None:
    proofs = vectors("merkle")
    assert len(proofs["inclusion"]) > 300
    assert chromium_page.evaluate(CHECK_PROOFS, [script, proofs]) == []
    # Signatures of good checkpoints verify.
    given = vectors("checkpoint")
    notes = [one["note"] for one in given["good"]]
    found = chromium_page.evaluate(CHECK_NOTES, [script, given["log_key"], notes])
    assert found == [True] * len(notes)
    # No bad checkpoint verifies.
    given = vectors("checkpoint")
    notes = [one["note"] for one in given["bad"]]
    assert notes
    found = chromium_page.evaluate(CHECK_NOTES, [script, given["log_key"], notes])
    assert [note for note, result in zip(given["bad"], found, strict=True) if result is True] == []
