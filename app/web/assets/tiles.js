// The match log's tree as C2SP tlog-tiles cut it into files of 256 hashes: proofs that the reader makes, not the
// broker. Sizes, indexes and levels are BigInt; a hash is a Uint8Array.

import { hashNode } from "./merkle.js";

const WIDTH = 256n;
// Each level of tiles stands for eight levels of nodes.
const HEIGHT = 8n;
const HASH_BYTES = 32;

export class Tiles {
  // `read` takes a tile's path, such as `0/x001/234.p/17`, and returns its bytes; each tile is read once.
  constructor(size, read) {
    this.size = size;
    this.read = read;
    this.kept = new Map();
  }

  // Returns the hashes that lead from a leaf to the root of the whole tree (RFC 6962, section 2.1.1).
  async inclusionProof(index) {
    if (index < 0n || index >= this.size) {
      throw new Error("The index lies outside the log.");
    }
    return this.pathBetween(index, 0n, this.size);
  }

  async pathBetween(index, start, end) {
    if (end - start === 1n) {
      return [];
    }
    const middle = start + largestPowerBelow(end - start);
    return index < middle
      ? [...await this.pathBetween(index, start, middle), await this.rootOf(middle, end)]
      : [...await this.pathBetween(index, middle, end), await this.rootOf(start, middle)];
  }

  async rootOf(start, end) {
    const count = end - start;
    const power = largestPowerBelow(count + 1n);
    if (power === count) {
      const level = BigInt(count.toString(2).length - 1);
      return this.node(level, start / count);
    }
    return hashNode(await this.rootOf(start, start + power), await this.rootOf(start + power, end));
  }

  async node(level, index) {
    const first = index << (level % HEIGHT);
    const tile = await this.tile(level / HEIGHT, first / WIDTH);
    const from = Number(first % WIDTH);
    let hashes = tile.slice(from, from + Number(1n << (level % HEIGHT)));
    while (hashes.length > 1) {
      hashes = await Promise.all(pairs(hashes).map(([left, right]) => hashNode(left, right)));
    }
    return hashes[0];
  }

  async tile(level, number) {
    const left = (this.size >> (HEIGHT * level)) - number * WIDTH;
    const width = left < WIDTH ? left : WIDTH;
    const path = tilePath(level, number, width);
    if (!this.kept.has(path)) {
      this.kept.set(path, this.read(path).then((bytes) => cut(bytes, Number(width))));
    }
    return this.kept.get(path);
  }
}

export function tilePath(level, number, width) {
  let name = String(number % 1000n).padStart(3, "0");
  for (let rest = number / 1000n; rest > 0n; rest /= 1000n) {
    name = `x${String(rest % 1000n).padStart(3, "0")}/${name}`;
  }
  return `${level}/${name}${width < WIDTH ? `.p/${width}` : ""}`;
}

function largestPowerBelow(count) {
  let power = 1n;
  while (power * 2n < count) {
    power *= 2n;
  }
  return power;
}

function pairs(hashes) {
  return hashes.filter((_, at) => at % 2 === 0).map((hash, at) => [hash, hashes[2 * at + 1]]);
}

function cut(bytes, width) {
  if (bytes.length !== width * HASH_BYTES) {
    throw new Error("A tile is not as long as its name says.");
  }
  return Array.from({ length: width }, (_, at) => bytes.slice(at * HASH_BYTES, (at + 1) * HASH_BYTES));
}
