// This file holds what the reader has chosen on the report page, and what the page knows about it.

import { isCount } from "../shared/coloured_text.js";
import { isBinary } from "../shared/numbers.js";
import { unpackedExcerpts } from "../shared/packed_values.js";
import { data } from "../shared/page_data.js";

/**
 * What is chosen: the row of the table (-1 where the chosen cell has no finding), the excerpt, the place of
 * the cursor in it, and the other end of a passage that is marked.
 */
export const view = {
  rowIndex: -1,
  rowWithoutFinding: /** @type {Row | undefined} */ (undefined),
  excerptIndex: 0,
  cursor: 0,
  passageEnd: /** @type {number | undefined} */ (undefined),
  /** The excerpt that the reader wants whatever the cell; undefined stands for the one where it works. */
  wantedExcerpt: /** @type {number | undefined} */ (undefined),
};

/**
 * The excerpt as it stands on the page: its characters, their spans, and the places of the chosen cell's
 * drivers.
 */
export const shown = {
  characters: /** @type {string[]} */ ([]),
  spans: /** @type {HTMLSpanElement[]} */ ([]),
  drivers: /** @type {number[]} */ ([]),
};

/** Whether the page has the section that shows a cell along the text. */
export const hasReadingSection = document.getElementById("reading") !== null;

/**
 * The functions that are called after a change: of the cell that is chosen, and of anything that the address
 * records. Parts of the page add themselves here, so that this file imports none of them.
 */
export const followers = {
  cell: /** @type {(() => void)[]} */ ([]),
  view: /** @type {(() => void)[]} */ ([]),
};

/**
 * Call all followers of a kind of change.
 * @type {(change: "cell" | "view") => void}
 */
export function notify(change) {
  for (const follow of followers[change]) follow();
}

/**
 * Return what stands for a row where a cell has no finding.
 * @type {(cell: string) => Row}
 */
export const rowWithoutFinding = (cell) => ({
  cell,
  kind: "",
  feature: "",
  feature_words: "",
  polarity: 1,
  drivers: [],
  numbers: [],
  survival: null,
  portrait: null,
  proof: null,
  evidence: null,
  mechanism: null,
  excerpt: null,
  lines: [],
});

/**
 * Return the row of the chosen cell. The type leaves out undefined: `hasChosenRow` tells whether there is
 * one.
 * @type {() => Row}
 */
export const chosenRow = () => data.rows[view.rowIndex] ?? view.rowWithoutFinding;

/** @type {() => boolean} */
export const hasChosenRow = () => chosenRow() !== undefined;

/** @type {() => Excerpt} */
export const chosenExcerpt = () => data.excerpts[view.excerptIndex];

/**
 * Return the series of the chosen cell that are stored unpacked in the excerpt, with its gates where they are
 * known.
 * @type {() => RecordedCell | undefined}
 */
export const recordedCell = () => chosenExcerpt().cells[chosenRow().cell];

/**
 * Return tanh(c) of the chosen cell along the excerpt, or undefined where it is not recorded or still packed.
 * @type {() => Series | Float32Array | undefined}
 */
export const cellValues = () =>
  recordedCell()?.tanh_c ?? unpackedExcerpts[view.excerptIndex]?.get(chosenRow().cell)?.values;

/**
 * Return the feature of the chosen row along the excerpt.
 * @type {() => Series | undefined}
 */
export const featureValues = () => chosenExcerpt().features[chosenRow().feature];

/**
 * Return the feature of the chosen row along the excerpt where it is a switch, which is on or off; undefined
 * for a count, though it may not go beyond 1 there.
 * @type {() => number[] | undefined}
 */
export function switchValues() {
  const values = featureValues();
  return isBinary(values) && !isCount(chosenRow().kind) ? values : undefined;
}
