// This file says what flipping a cell at a character changes, and how well that shows what the cell does.

import { nextProbabilities, stepNetwork } from "../lstm/forward_pass.js";
import { stateAfter } from "../lstm/state_trace.js";

/** A character is expected from this probability on: to make an unlikely one less likely shows little. */
const EXPECTED_PROBABILITY = 0.25;
const LEAST_FLIPPED_PROBABILITY = 1e-9;

/**
 * Return the probabilities of the next character after a place of a trace, with a cell left alone and held there.
 * @type {(trace: StateTrace, place: number, held: HeldCell) => { free: Float64Array, flipped: Float64Array }}
 */
export function probabilitiesOfFlip(trace, place, held) {
  const { network, ids } = trace;
  const state = stateAfter(trace, place);
  stepNetwork(network, state, ids[place], [held]);
  const free = nextProbabilities(network, stateAfter(trace, place + 1));
  return { free, flipped: nextProbabilities(network, state) };
}

/**
 * Return how well a flip shows what the cell does: by how many times it makes a character less likely that was
 * expected. One that was hardly expected comes after all of these, however much less likely it becomes.
 * @type {(flip: { free: number, flipped: number }) => number}
 */
const worthOfFlip = ({ free, flipped }) =>
  free < EXPECTED_PROBABILITY
    ? free - flipped
    : 1 + Math.log(free / Math.max(flipped, LEAST_FLIPPED_PROBABILITY));

/**
 * Return the flip of some that shows best what the cell does; there is one at least.
 * @template {{ free: number, flipped: number }} Flipped
 * @param {Flipped[]} flips
 * @returns {Flipped}
 */
export const bestOfFlips = (flips) =>
  flips.reduce((most, one) => (worthOfFlip(one) > worthOfFlip(most) ? one : most));
