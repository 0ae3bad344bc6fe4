// This file says which text, which character of it and which cell the arithmetic of a step is about: the cursor in the
// text of the chosen cell, or the mark in the text that was written for the model inside.

import { moveMark } from "../live/mark.js";
import { live, watchedPolarity } from "../live/panel_state.js";
import { emptyTrace, traceIds } from "../lstm/state_trace.js";
import { characterSymbol } from "../lstm/text_symbols.js";
import { cellValues, chosenRow, hasChosenRow, hasReadingSection, shown, view } from "../page/state.js";
import { moveTo } from "../page/text_cursor.js";
import { findField } from "../shared/page_elements.js";

/**
 * The trace of the excerpt: the network reads it from its first character on.
 * @type {StateTrace | undefined}
 */
let excerptTrace;

/** @type {() => boolean} */
export const readsWrittenText = () =>
  !hasReadingSection || !hasChosenRow() || findField("#step-source").value === "written";

/** @type {(name: string) => CellPlace} */
function cellPlace(name) {
  const [layer, cell] = name.split(":").map(Number);
  return { layer, cell };
}

/**
 * Return the cell, the symbols of the text, the place in it, tanh(c) as far as it is known, and the sign of the cell.
 * @type {(network: Network) => {
 *   cell: CellPlace, symbols: TextSymbol[], index: number, values: (place: number) => number, polarity: number,
 * }}
 */
export function stepSource(network) {
  if (readsWrittenText()) {
    const { watchedCell: cell, symbols, mark, trace } = live;
    const values = (/** @type {number} */ place) => Math.tanh(trace?.c[place]?.[cell.layer][cell.cell] ?? 0);
    return { cell, symbols, index: mark, values, polarity: watchedPolarity() };
  }
  const values = cellValues();
  return {
    cell: cellPlace(chosenRow().cell),
    symbols: shown.characters.map((character) => characterSymbol(network, character)),
    index: view.cursor,
    values: (place) => values?.[place] ?? 0,
    polarity: chosenRow().polarity,
  };
}

/**
 * Return the trace of the text up to a place at least; undefined where `isWanted` no longer holds, or where the written
 * text is still being read.
 * @type {(
 *   network: Network, symbols: TextSymbol[], index: number, isWanted: () => boolean,
 * ) => Promise<StateTrace | undefined>}
 */
export async function stepTrace(network, symbols, index, isWanted) {
  if (readsWrittenText()) return live.isReading || index < 0 ? undefined : live.trace;
  excerptTrace ??= emptyTrace(network);
  const count = Math.max(index + 1, excerptTrace.ids.length);
  const ids = symbols.slice(0, count).map(({ id }) => id);
  return (await traceIds(excerptTrace, ids, isWanted)) ? excerptTrace : undefined;
}

/** @type {(place: number) => void} */
export const moveStepTo = (place) => (readsWrittenText() ? moveMark(place) : moveTo(place));
