// This file runs the network along a text and keeps h and c after each character, so that any cell can be
// shown.

import { emptyState, gatesOfCell, nextProbabilities, paddedLength, stepNetwork } from "./forward_pass.js";
import { drawId, randomNumbers } from "./random_draws.js";
import { forEachInSlices } from "./time_slices.js";

const TRACE_MEMORY_BYTES = 64 * 2 ** 20;
const MOST_CHARACTERS = 20_000;

/**
 * Return the length of the longest trace: h and c of each character take four bytes a cell.
 * @type {(network: Network) => number}
 */
export const longestTraceCharacters = ({ layers, cells }) =>
  Math.min(MOST_CHARACTERS, Math.floor(TRACE_MEMORY_BYTES / (8 * layers * paddedLength(cells))));

/** @type {(network: Network, start?: NetworkState) => StateTrace} */
export const emptyTrace = (network, start = emptyState(network)) => ({
  network,
  start,
  ids: [],
  h: [],
  c: [],
  bits: [],
});

/** @type {(state: NetworkState) => NetworkState} */
export const copyOfState = ({ h, c }) => ({
  h: h.map((values) => values.slice()),
  c: c.map((values) => values.slice()),
});

/**
 * Return a copy of the state after the first `count` characters of a trace.
 * @type {(trace: StateTrace, count: number) => NetworkState}
 */
export const stateAfter = ({ start, h, c }, count) =>
  copyOfState(count ? { h: h[count - 1], c: c[count - 1] } : start);

/** @type {(trace: StateTrace, state: NetworkState, id: number) => void} */
function appendTo(trace, state, id) {
  const { h, c } = copyOfState(state);
  trace.ids.push(id);
  trace.h.push(h);
  trace.c.push(c);
}

/**
 * Return c of one cell along a trace.
 * @type {(trace: StateTrace, place: CellPlace) => number[]}
 */
export const cellStates = ({ c }, { layer, cell }) => c.map((layers) => layers[layer][cell]);

/**
 * Return the four gates of one cell at a character of a trace. They are computed again from h.
 * @type {(trace: StateTrace, place: CellPlace, index: number) => number[]}
 */
export const gatesAt = ({ network, start, ids, h }, place, index) =>
  gatesOfCell(network, place, ids[index], index ? h[index - 1] : start.h, h[index]);

/**
 * Make a trace one of these ids. What it has in common with them from the start is kept. Return whether it is
 * complete: it ends early where `isWanted` no longer holds.
 * @type {(trace: StateTrace, ids: number[], isWanted?: () => boolean) => Promise<boolean>}
 */
export async function traceIds(trace, ids, isWanted) {
  const { network } = trace;
  let common = 0;
  while (common < ids.length && trace.ids[common] === ids[common]) common += 1;
  for (const part of [trace.ids, trace.h, trace.c, trace.bits]) part.length = Math.min(part.length, common);
  const state = stateAfter(trace, common);
  /** @type {(index: number) => void} */
  const readCharacter = (index) => {
    // The bits of a character follow from the prediction before it; the first one has no prediction.
    trace.bits[index] = index ? -Math.log2(nextProbabilities(network, state)[ids[index]]) : 0;
    stepNetwork(network, state, ids[index]);
    appendTo(trace, state, ids[index]);
  };
  return forEachInSlices(common, ids.length, readCharacter, isWanted);
}

/**
 * Read an id from a state, then draw `length` ids and read each. Return the trace of all of them, or
 * undefined where `isWanted` no longer holds. `held` are the held cells; with `once` they are held at the
 * first id alone. The given state stays as it is, since another continuation begins there, too.
 * @type {(
 *   network: Network, start: NetworkState, id: number, settings: ContinuationSettings, isWanted?: () => boolean,
 * ) => Promise<StateTrace | undefined>}
 */
export async function continuedTrace(network, start, id, settings, isWanted) {
  const { held, once, length, temperature, seed } = settings;
  const trace = emptyTrace(network, start);
  const state = copyOfState(start);
  const random = randomNumbers(seed);
  let next = id;
  /** @type {(index: number) => void} */
  const readAndDraw = (index) => {
    stepNetwork(network, state, next, index && once ? [] : held);
    appendTo(trace, state, next);
    next = drawId(nextProbabilities(network, state, temperature), random);
  };
  const isComplete = await forEachInSlices(0, length + 1, readAndDraw, isWanted);
  return isComplete ? trace : undefined;
}
