"""The browser's arithmetic against the vectors that all checkers share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import schemas
from app.web.assets import asset_path

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


@pytest.fixture
def script(address: str, chromium_page: Page) -> str:
    """The verifier's path, with a page of the broker's open that may load it."""
    chromium_page.goto(f"{address}/sign-in")
    return asset_path("merkle.js")


def vectors(name: str) -> Any:
    return json.loads((VECTORS / f"{name}.json").read_text("utf-8"))


def test_every_proof_vector_holds_or_fails_as_it_should(script: str, chromium_page: Page) -> None:
    proofs = vectors("merkle")
    assert len(proofs["inclusion"]) > 300
    assert chromium_page.evaluate(CHECK_PROOFS, [script, proofs]) == []


def test_signatures_of_good_checkpoints_verify(script: str, chromium_page: Page) -> None:
    given = vectors("checkpoint")
    notes = [one["note"] for one in given["good"]]
    found = chromium_page.evaluate(CHECK_NOTES, [script, given["log_key"], notes])
    assert found == [True] * len(notes)


def test_no_bad_checkpoint_verifies(script: str, chromium_page: Page) -> None:
    given = vectors("checkpoint")
    notes = [one["note"] for one in given["bad"]]
    assert notes
    found = chromium_page.evaluate(CHECK_NOTES, [script, given["log_key"], notes])
    assert [note for note, result in zip(given["bad"], found, strict=True) if result is True] == []
