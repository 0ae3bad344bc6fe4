// This file unpacks tanh(c) of many cells along each excerpt, which `charlstm inspect` packs into
// findings.json.

import { inflated } from "./inflated.js";
import { range } from "./numbers.js";
import { data } from "./page_data.js";

/**
 * For each excerpt, the unpacked cells by name; an excerpt is missing until it is unpacked.
 * @type {(Map<string, UnpackedValues> | undefined)[]}
 */
export const unpackedExcerpts = [];

/**
 * Return `count` rows of values along a text of `length` characters. A byte of the stream is the step of 127
 * times the value from one character to the next, modulo 256.
 * @type {(base64: string, count: number, length: number) => Promise<Float32Array[]>}
 */
export async function unpackedRows(base64, count, length) {
  const steps = await inflated(base64);
  return range(count).map((row) => {
    const values = new Float32Array(length);
    let sum = 0;
    for (let index = 0; index < length; index += 1) {
      // The two shifts keep the lowest eight bits as a number from -128 to 127.
      sum = ((sum + steps[row * length + index]) << 24) >> 24;
      values[index] = sum / 127;
    }
    return values;
  });
}

/**
 * Return tanh(c) of every packed cell along a text of `length` characters.
 * @type {(packed: PackedValues, length: number) => Promise<Map<string, UnpackedValues>>}
 */
export async function unpackedValues({ cells, thresholds, tanh_c }, length) {
  const rows = await unpackedRows(tanh_c, cells.length, length);
  return new Map(cells.map((cell, place) => [cell, { values: rows[place], threshold: thresholds[place] }]));
}

/** @type {() => Promise<void>} */
export async function unpackExcerpts() {
  for (const [index, excerpt] of data.excerpts.entries()) {
    if (excerpt.grid) {
      unpackedExcerpts[index] = await unpackedValues(excerpt.grid, Array.from(excerpt.text).length);
    }
  }
}
