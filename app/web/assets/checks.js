// Recomputes what the page shows: that its entry, or each of its entries, is in the log, that one checkpoint continues
// another, that a pin of the reader's belongs to this log. What it computes with is the text that came with the page.

import {
  fromBase64, hashLeaf, parseCheckpoint, splitPin, verifyConsistency, verifyInclusion, verifySignature,
} from "./merkle.js";
import { Tiles } from "./tiles.js";

// Says that something kept a check from being made, which is no word about the log.
class UncheckedError extends Error {}

const entryCheck = document.getElementById("entry-check");
const listCheck = document.getElementById("list-check");
const logCheck = document.getElementById("log-check");
const pinForm = document.getElementById("pin-form");

async function checkEntry() {
  const entry = new TextEncoder().encode(textOf("entry-text"));
  const checkpoint = parseCheckpoint(textOf("checkpoint"));
  const proof = proofIn(document.getElementById("proof"));
  const leaf = await hashLeaf(entry);
  await verifyInclusion(leaf, BigInt(entryCheck.dataset.index), checkpoint.size, proof, checkpoint.root);
  const stated = JSON.parse(textOf("entry-text")).seq;
  if (String(stated) !== entryCheck.dataset.index) {
    throw new Error("The entry states another index than its proof.");
  }
  return `This browser computed that entry ${stated} is in the log of ${checkpoint.size} entries below. ${await signed(checkpoint)}`;
}

async function checkList() {
  const checkpoint = parseCheckpoint(textOf("checkpoint"));
  const words = await signed(checkpoint);
  const tiles = new Tiles(checkpoint.size, readTile);
  const entries = Array.from(document.querySelectorAll("template[data-entry]"));
  for (const place of entries) {
    try {
      await checkListed(place, checkpoint, tiles);
    } catch (error) {
      if (error instanceof UncheckedError) {
        throw error;
      }
      place.closest("tr").classList.add("bad");
      throw new Error(`Entry ${place.dataset.entry}: ${error.message}`);
    }
  }
  return `This browser computed from the log's tiles that each of the ${entries.length} entries above is in the log of ${checkpoint.size} entries. ${words}`;
}

async function checkListed(place, checkpoint, tiles) {
  const text = place.content.textContent;
  const { seq, time } = JSON.parse(text);
  if (String(seq) !== place.dataset.entry || time !== place.closest("tr").querySelector("time").dateTime) {
    throw new Error("The line shows another entry than the one that came with it.");
  }
  const index = BigInt(seq);
  const leaf = await hashLeaf(new TextEncoder().encode(text));
  await verifyInclusion(leaf, index, checkpoint.size, await tiles.inclusionProof(index), checkpoint.root);
}

async function readTile(path) {
  const answer = await ask(`/log/tile/${path}`);
  if (!answer.ok) {
    throw new UncheckedError("The broker does not give a tile of the log.");
  }
  return new Uint8Array(await answer.arrayBuffer());
}

async function ask(path) {
  let answer;
  try {
    answer = await fetch(path);
  } catch {
    throw new UncheckedError("The broker does not answer.");
  }
  if (answer.status === 401) {
    throw new UncheckedError("Your session has ended: sign in again.");
  }
  return answer;
}

async function checkLog() {
  const newest = parseCheckpoint(textOf("checkpoint"));
  const older = document.getElementById("old-checkpoint");
  const words = await signed(newest);
  if (older === null) {
    return words;
  }
  const old = parseCheckpoint(older.textContent);
  await verifySignature(old, older.dataset.logKey);
  requireSameLog(old, newest);
  await verifyConsistency(old.size, newest.size, proofIn(document.getElementById("proof")), old.root, newest.root);
  return `This browser computed that the log of ${newest.size} entries continues that of ${old.size}. ${words}`;
}

async function checkPin(text) {
  const pins = readPins(text);
  const { checkpoint, keys } = await logState("/log.json");
  for (const pin of pins) {
    requireSameLog(pin, parseCheckpoint(checkpoint));
    await checkContinued(pin);
    // Last, so that a browser without Ed25519 still finds a log that was rewritten.
    await requireSigned(pin, keyAt(keys, pin.size));
  }
  const sizes = pins.map((pin) => pin.size).join(", ");
  return `This browser computed that the log continues your pin (${sizes} entries), and that the log's key has signed the pin.`;
}

function readPins(text) {
  try {
    return splitPin(text).map(parseCheckpoint);
  } catch (error) {
    throw new UncheckedError(`What was pasted is no pin. ${error.message}`);
  }
}

async function logState(path) {
  const answer = await ask(path);
  if (!answer.ok) {
    throw new UncheckedError("The broker does not give its log's state.");
  }
  return answer.json();
}

async function checkContinued(pin) {
  const path = `/log.json?old=${pin.size}`;
  if ((await ask(path)).status === 404) {
    const { keys } = await logState("/log.json");
    await requireSigned(pin, keyAt(keys, pin.size));
    throw new Error(`The log's key has signed a log of ${pin.size} entries, and the broker has none.`);
  }
  const { checkpoint, proof, log_key: key } = await logState(path);
  const newest = parseCheckpoint(checkpoint);
  await verifySignature(newest, key);
  await verifyConsistency(pin.size, newest.size, proof.map(fromBase64), pin.root, newest.root);
}

async function requireSigned(pin, key) {
  if (!await verifySignature(pin, key)) {
    throw new UncheckedError("This browser cannot check the pin's signature; blindlink-audit can.");
  }
}

// Each key signs checkpoints of more entries than its `after` says, until the next one does.
function keyAt(keys, size) {
  return keys.findLast(({ after }) => BigInt(after) < size)?.key ?? keys[0].key;
}

async function signed(checkpoint) {
  const key = (entryCheck ?? listCheck ?? logCheck).dataset.logKey;
  return await verifySignature(checkpoint, key)
    ? "The checkpoint's signature verifies."
    : "This browser cannot check the checkpoint's signature.";
}

function requireSameLog(one, other) {
  if (one.origin !== other.origin) {
    throw new Error("The two checkpoints are of different logs.");
  }
}

function textOf(id) {
  return document.getElementById(id).textContent;
}

function proofIn(list) {
  return Array.from(list.querySelectorAll("code"), (element) => fromBase64(element.textContent));
}

async function run(place, check) {
  const state = place.querySelector("[role=status]");
  state.textContent = "Computing …";
  place.classList.remove("good", "bad", "unchecked");
  try {
    state.textContent = `✔ ${await check()}`;
    place.classList.add("good");
  } catch (error) {
    const isUnchecked = error instanceof UncheckedError;
    state.textContent = `${isUnchecked ? "◔ It could not be checked." : "✘ It does not hold."} ${error.message}`;
    place.classList.add(isUnchecked ? "unchecked" : "bad");
  }
}

if (entryCheck !== null) {
  run(entryCheck, checkEntry);
}
if (listCheck !== null) {
  run(listCheck, checkList);
}
if (logCheck !== null) {
  run(logCheck, checkLog);
}
if (pinForm !== null) {
  pinForm.addEventListener("submit", (event) => {
    event.preventDefault();
    run(document.getElementById("pin-check"), () => checkPin(pinForm.elements.pin.value));
  });
}
