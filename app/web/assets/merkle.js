// The match log's arithmetic in the browser: RFC 6962 hashes and proofs (verified as RFC 9162 section 2.1
// says), C2SP checkpoints and their Ed25519 signature. Hashes are Uint8Array; sizes and indexes BigInt.
// Every function that checks throws an Error with one sentence where the check fails.

const HASH_BYTES = 32;
const MAX_SIGNATURES = 32;
const LOG_KEY = 1;
const NAME = /^[^\s+]{1,200}$/;
const SIZE = /^(0|[1-9][0-9]{0,15})$/;
const CONTROL = /[\x00-\x09\x0b-\x1f]/;

export async function hashLeaf(entry) {
  return sha256(Uint8Array.of(0), entry);
}

export async function hashNode(left, right) {
  return sha256(Uint8Array.of(1), left, right);
}

export async function verifyInclusion(leaf, index, size, proof, root) {
  require(index >= 0n && index < size, "The index lies outside the log.");
  requireHashes([leaf, root, ...proof]);
  let node = index;
  let last = size - 1n;
  let current = leaf;
  for (const sibling of proof) {
    require(last > 0n, "The proof is too long.");
    if (isOdd(node) || node === last) {
      current = await hashNode(sibling, current);
      while (node > 0n && !isOdd(node)) {
        node >>= 1n;
        last >>= 1n;
      }
    } else {
      current = await hashNode(current, sibling);
    }
    node >>= 1n;
    last >>= 1n;
  }
  require(last === 0n, "The proof is too short.");
  require(isSame(current, root), "The proof does not lead to the checkpoint's root.");
}

export async function verifyConsistency(oldSize, newSize, proof, oldRoot, newRoot) {
  require(oldSize > 0n && oldSize <= newSize, "The older checkpoint is empty or larger than the newer one.");
  requireHashes([oldRoot, newRoot, ...proof]);
  if (oldSize === newSize) {
    require(proof.length === 0 && isSame(oldRoot, newRoot), "Two checkpoints of one size differ.");
    return;
  }
  let node = oldSize - 1n;
  let last = newSize - 1n;
  while (isOdd(node)) {
    node >>= 1n;
    last >>= 1n;
  }
  // Where the older size is a power of two its root begins the path, and the proof leaves it out.
  const path = node === 0n ? [oldRoot, ...proof] : [...proof];
  require(path.length > 0, "The proof is too short.");
  let old = path[0];
  let current = path[0];
  for (const sibling of path.slice(1)) {
    require(last > 0n, "The proof is too long.");
    if (isOdd(node) || node === last) {
      old = await hashNode(sibling, old);
      current = await hashNode(sibling, current);
      while (node > 0n && !isOdd(node)) {
        node >>= 1n;
        last >>= 1n;
      }
    } else {
      current = await hashNode(current, sibling);
    }
    node >>= 1n;
    last >>= 1n;
  }
  require(last === 0n, "The proof is too short.");
  require(isSame(old, oldRoot), "The proof does not lead to the older checkpoint's root.");
  require(isSame(current, newRoot), "The proof does not lead to the newer checkpoint's root.");
}

// Returns {origin, size, root, text, signatures: [{name, bytes}]} of a checkpoint's note; trusts nothing in it.
export function parseCheckpoint(note) {
  const split = note.lastIndexOf("\n\n");
  require(split > 0 && note.endsWith("\n") && !CONTROL.test(note), "This is not a checkpoint.");
  const text = note.slice(0, split + 1);
  const [origin, size, root, ...rest] = text.split("\n");
  require(rest.length === 1 && NAME.test(origin) && SIZE.test(size), "This is not a checkpoint.");
  const lines = note.slice(split + 2, -1).split("\n");
  require(lines.length <= MAX_SIGNATURES && BigInt(size) < 2n ** 53n, "This is not a checkpoint.");
  const checkpoint = {
    origin, size: BigInt(size), root: fromBase64(root), text, signatures: lines.map(parseSignature),
  };
  requireHashes([checkpoint.root]);
  return checkpoint;
}

// Returns the notes in a file of checkpoints, as pins are kept, or the one note that the text is.
export function splitPin(text) {
  const header = "blindlink/checkpoints/1\n";
  const unix = text.replaceAll("\r\n", "\n");
  if (!unix.startsWith(header)) {
    return [`${unix.trim()}\n`];
  }
  const blocks = unix.slice(header.length).trim().split("\n\n");
  require(blocks.length % 2 === 0, "The pin is cut off.");
  const notes = [];
  for (let at = 0; at < blocks.length; at += 2) {
    notes.push(`${blocks[at]}\n\n${blocks[at + 1]}\n`);
  }
  return notes;
}

// Checks the log's own signature. Returns false where this browser cannot compute Ed25519.
export async function verifySignature(checkpoint, keyText) {
  const [name, keyId, ...encoded] = keyText.split("+");
  const key = fromBase64(encoded.join("+"));
  require(name === checkpoint.origin && key.length === 33 && key[0] === LOG_KEY, "The key is not this log's.");
  const mine = checkpoint.signatures.filter(
    (found) => found.name === name && toHex(found.bytes.slice(0, 4)) === keyId,
  );
  require(mine.length > 0, "The checkpoint is not signed by this key.");
  let imported;
  try {
    imported = await crypto.subtle.importKey("raw", key.slice(1), { name: "Ed25519" }, false, ["verify"]);
  } catch {
    return false;
  }
  const text = new TextEncoder().encode(checkpoint.text);
  for (const { bytes } of mine) {
    const holds = await crypto.subtle.verify({ name: "Ed25519" }, imported, bytes.slice(4), text);
    require(holds, "The checkpoint's signature does not verify.");
  }
  return true;
}

export function fromBase64(text) {
  let bytes;
  try {
    bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    throw new Error("A value is not base64.");
  }
  // One spelling only: padding bits that are not zero would give the same bytes another text.
  require(btoa(String.fromCharCode(...bytes)) === text, "A value is not base64.");
  return bytes;
}

export function toHex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function parseSignature(line) {
  const [dash, name, encoded, ...rest] = line.split(" ");
  require(dash === "—" && encoded !== undefined && rest.length === 0, "A signature line is malformed.");
  return { name, bytes: fromBase64(encoded) };
}

async function sha256(...parts) {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return new Uint8Array(await crypto.subtle.digest("SHA-256", joined));
}

function isOdd(number) {
  return (number & 1n) === 1n;
}

function isSame(left, right) {
  return left.length === right.length && left.every((byte, at) => byte === right[at]);
}

function requireHashes(hashes) {
  require(hashes.every((hash) => hash.length === HASH_BYTES), "A hash is not 32 bytes.");
}

function require(holds, sentence) {
  if (!holds) {
    throw new Error(sentence);
  }
}
