// This file flips cells in the network at one character of a text: before the closing character that the network
// expects most.

import { usualRange } from "../live/panel_state.js";
import { nextProbabilities, stepNetwork } from "../lstm/forward_pass.js";
import { cellStates, emptyTrace, stateAfter, traceIds } from "../lstm/state_trace.js";
import { idsOfClosers, idsOfText } from "../lstm/text_symbols.js";

/** The shown lines are those around the place, and have at most this many characters before and behind it. */
const CHARACTERS_AROUND = { before: 110, after: 70 };

/**
 * @typedef {{
 *   trace: StateTrace, closers: number[], place: number, free: number, start: number, stop: number,
 * }} LineupReading
 *   What the network did along the text, the ids that end the feature, the place after which one of them comes, how
 *   probable they are there, and where the lines around it begin and end.
 */

/**
 * Read a text of a lineup, along which the feature is known. The place is that where the network expects the
 * closing character most.
 * @type {(network: Network, text: string, feature: Series, closers: string) => Promise<LineupReading>}
 */
export async function readLineup(network, text, feature, closers) {
  const ids = idsOfText(network, text);
  const trace = emptyTrace(network);
  await traceIds(trace, ids);
  const closing = idsOfClosers(network, closers);
  const ends = [...ids.keys()].filter((at) => (feature[at] ?? 0) > 0 && closing.includes(ids[at + 1]));
  const expected = ends.map((at) => chanceOf(nextProbabilities(network, stateAfter(trace, at + 1)), closing));
  const free = Math.max(...expected);
  const place = ends[expected.indexOf(free)];
  return { trace, closers: closing, place, free, ...linesAround(Array.from(text), place) };
}

/** @type {(probabilities: Float64Array, ids: number[]) => number} */
const chanceOf = (probabilities, ids) => ids.reduce((sum, id) => sum + probabilities[id], 0);

/**
 * Return where the line of a place and the lines beside it begin and end.
 * @type {(characters: string[], place: number) => { start: number, stop: number }}
 */
function linesAround(characters, place) {
  const { before, after } = CHARACTERS_AROUND;
  const [from, to] = [Math.max(0, place - before), Math.min(characters.length, place + after)];
  const breaks = [...characters.keys()].filter((at) => at >= from && at < to && characters[at] === "\n");
  const [above, below] = [breaks.filter((at) => at < place), breaks.filter((at) => at > place)];
  const start = above.at(-2) ?? above.at(-1);
  return { start: start === undefined ? from : start + 1, stop: below[1] ?? below[0] ?? to };
}

/**
 * Return how probable a closing character is after the place when a cell is flipped there: of its two levels it then
 * has the other one.
 * @type {(reading: LineupReading, place: CellPlace, levels: { off: number, on: number } | null | undefined) => number}
 */
export function flippedProbability({ trace, closers, place }, cell, levels) {
  const [off, on] = levels ? [levels.off, levels.on] : usualRange(cellStates(trace, cell));
  const { network, ids, c } = trace;
  const now = c[place][cell.layer][cell.cell];
  const value = Math.abs(now - on) < Math.abs(now - off) ? off : on;
  const state = stateAfter(trace, place);
  stepNetwork(network, state, ids[place], [{ ...cell, value }]);
  return chanceOf(nextProbabilities(network, state), closers);
}
