// This file flips cells in the network at one character of a text, before a closing character: of its two levels a
// flipped cell is held at the other one.

import { probabilitiesOfFlip } from "../live/flip_places.js";
import { usualRange } from "../live/panel_state.js";
import { cellStates, emptyTrace, traceIds } from "../lstm/state_trace.js";
import { idsOfClosers, idsOfText } from "../lstm/text_symbols.js";
import { bounded } from "../shared/numbers.js";

/** The shown lines are those around the place, and have at most this many characters before and behind it. */
const CHARACTERS_AROUND = { before: 110, after: 70 };

/**
 * @typedef {{ off: number, on: number } | null | undefined} CellLevels c of a cell when it is off and on, if known.
 * @typedef {{ cell: CellPlace, levels: CellLevels }} LineupCell A cell with its levels.
 * @typedef {{ trace: StateTrace, closers: number[] }} LineupReading
 *   What the network did along the text, and the ids that end the feature.
 * @typedef {{ place: number, free: number, flipped: number, isOn: boolean }} LineupFlip
 *   The place at which a cell is flipped, how probable the closing characters are then, without and with it, and
 *   whether the cell is on when it is left alone.
 */

/**
 * Read a text of a lineup.
 * @type {(network: Network, text: string, closers: string) => Promise<LineupReading>}
 */
export async function readLineup(network, text, closers) {
  const trace = emptyTrace(network);
  await traceIds(trace, idsOfText(network, text));
  return { trace, closers: idsOfClosers(network, closers) };
}

/**
 * Return the place at which the flip of the used cell shows best what that does, and those of the others do little. It
 * is one of those where the feature is on and a closing character comes next.
 * @type {(reading: LineupReading, feature: Series, used: LineupCell, others: LineupCell[]) => number}
 */
export function placeOfLineup(reading, feature, used, others) {
  const { ids } = reading.trace;
  const ends = [...ids.keys()].filter(
    (place) => (feature[place] ?? 0) > 0 && reading.closers.includes(ids[place + 1]),
  );
  const lost = (/** @type {LineupFlip} */ { free, flipped }) => Math.abs(free - flipped);
  const flips = ends.map((place) => {
    const [own, ...rest] = [used, ...others].map(({ cell, levels }) =>
      lineupFlip(reading, place, cell, levels),
    );
    return { ...own, lead: lost(own) - Math.max(...rest.map(lost)) };
  });
  return flips.reduce((best, one) => (one.lead > best.lead ? one : best)).place;
}

/**
 * Flip a cell at a place.
 * @type {(reading: LineupReading, place: number, cell: CellPlace, levels: CellLevels) => LineupFlip}
 */
export function lineupFlip({ trace, closers }, place, cell, levels) {
  const { off, on } = levels ?? levelsInText(trace, cell);
  const isOn = levelAlong(trace, cell, levels)[place] > 0;
  const { free, flipped } = probabilitiesOfFlip(trace, place, { ...cell, value: isOn ? off : on });
  /** @type {(probabilities: Float64Array) => number} */
  const chance = (probabilities) => closers.reduce((sum, id) => sum + probabilities[id], 0);
  return { place, free: chance(free), flipped: chance(flipped), isOn };
}

/**
 * Return for each character where a cell is between its levels: -1 stands for off and less, 1 for on and more. A cell
 * that never changes has no levels, and is off.
 * @type {(trace: StateTrace, cell: CellPlace, levels: CellLevels) => number[]}
 */
export function levelAlong(trace, cell, levels) {
  const { off, on } = levels ?? levelsInText(trace, cell);
  return cellStates(trace, cell).map((now) =>
    on === off ? -1 : bounded((2 * now - on - off) / (on - off), -1, 1),
  );
}

/** @type {(trace: StateTrace, cell: CellPlace) => { off: number, on: number }} */
function levelsInText(trace, cell) {
  const [off, on] = usualRange(cellStates(trace, cell));
  return { off, on };
}

/**
 * Return where the line of a place and the lines beside it begin and end.
 * @type {(characters: string[], place: number) => [number, number]}
 */
export function linesAround(characters, place) {
  const { before, after } = CHARACTERS_AROUND;
  const [from, to] = [Math.max(0, place - before), Math.min(characters.length, place + after)];
  const breaks = [...characters.keys()].filter((at) => at >= from && at < to && characters[at] === "\n");
  const [above, below] = [breaks.filter((at) => at < place), breaks.filter((at) => at > place)];
  const start = above.at(-2) ?? above.at(-1);
  return [start === undefined ? from : start + 1, below[1] ?? below[0] ?? to];
}

/**
 * Return the places of the characters from one place up to another, without the spaces that begin all of their lines.
 * @type {(characters: string[], start: number, stop: number) => number[]}
 */
export function withoutIndent(characters, start, stop) {
  const lines = characters.slice(start, stop).join("").split("\n");
  const indents = lines.filter((line) => line.trim()).map((line) => line.search(/[^ ]/));
  const indent = indents.length ? Math.min(...indents) : 0;
  const places = [];
  for (let place = start, column = 0; place < stop; place += 1) {
    if (column >= indent || characters[place] === "\n") places.push(place);
    column = characters[place] === "\n" ? 0 : column + 1;
  }
  return places;
}
