// This file unpacks tanh(c) of many cells along each excerpt, which `charlstm inspect` packs into
// findings.json.

import { inflated } from "./inflated.js";
import { data } from "./page_data.js";

/**
 * For each excerpt, the unpacked cells by name; an excerpt is missing until it is unpacked.
 * @type {(Map<string, UnpackedValues> | undefined)[]}
 */
export const unpackedExcerpts = [];

/**
 * Return the values of every packed cell along a text of `length` characters. A byte of the stream is the
 * step of 127 tanh(c) from one character to the next, modulo 256.
 * @type {(packed: PackedValues, length: number) => Promise<Map<string, UnpackedValues>>}
 */
export async function unpackedValues(packed, length) {
  const steps = await inflated(packed.tanh_c);
  return new Map(
    packed.cells.map((cell, place) => {
      const values = new Float32Array(length);
      let sum = 0;
      for (let index = 0; index < length; index += 1) {
        // The two shifts keep the lowest eight bits as a number from -128 to 127.
        sum = ((sum + steps[place * length + index]) << 24) >> 24;
        values[index] = sum / 127;
      }
      return [cell, { values, threshold: packed.thresholds[place] }];
    }),
  );
}

/** @type {() => Promise<void>} */
export async function unpackExcerpts() {
  for (const [index, excerpt] of data.excerpts.entries()) {
    if (excerpt.grid) {
      unpackedExcerpts[index] = await unpackedValues(excerpt.grid, Array.from(excerpt.text).length);
    }
  }
}
