// This file chooses the excerpt that a cell is shown in: one where it works, or one that the reader wants.

import { counted } from "../shared/numbers.js";
import { data } from "../shared/page_data.js";
import { find, findField } from "../shared/page_elements.js";
import { chosenRow, view } from "./state.js";

/** What the list of excerpts has as the value of the cell's own one. */
const OWN = "own";

/**
 * Return the number of the excerpt for the chosen cell: its own one, unless the reader has chosen another,
 * and else one that has its values.
 * @type {() => number}
 */
export function excerptOfCell() {
  const { cell, excerpt } = chosenRow();
  if (view.wantedExcerpt === undefined && excerpt !== null) return excerpt;
  const wanted = view.wantedExcerpt ?? 0;
  if (isRecorded(data.excerpts[wanted], cell)) return wanted;
  const recorded = data.excerpts.findIndex((candidate) => isRecorded(candidate, cell));
  return recorded < 0 ? wanted : recorded;
}

/** @type {(excerpt: Excerpt, cell: string) => boolean} */
const isRecorded = ({ cells, grid }, cell) => cell in cells || (grid?.cells.includes(cell) ?? false);

/**
 * Return the number of the excerpt for the address, or undefined where the chosen cell tells it.
 * @type {() => number | undefined}
 */
export const addressedExcerpt = () =>
  view.excerptIndex === (chosenRow()?.excerpt ?? 0) ? undefined : view.excerptIndex;

/**
 * Fill the list of excerpts for the chosen cell.
 * @type {() => void}
 */
export function fillExcerptList() {
  const list = find("#excerpt");
  if (!list) return;
  const own = chosenRow().excerpt === null ? [] : [new Option("where this feature goes on and off", OWN)];
  const shared = data.excerpts.flatMap((excerpt, index) =>
    excerpt.own
      ? []
      : [new Option(`${excerpt.split}, from character ${counted(excerpt.start)}`, String(index))],
  );
  list.replaceChildren(...own, ...shared);
  findField("#excerpt").value = data.excerpts[view.excerptIndex].own ? OWN : String(view.excerptIndex);
}

/**
 * Take the choice in the list of excerpts.
 * @type {() => void}
 */
export function takeExcerptChoice() {
  const { value } = findField("#excerpt");
  wantExcerpt(value === OWN ? -1 : Number(value));
}

/**
 * Let the excerpt be the one with a number whatever the cell, where cells share it; or else follow the cell.
 * It is shown when the cell is shown next.
 * @type {(index: number) => void}
 */
export function wantExcerpt(index) {
  view.wantedExcerpt = data.excerpts[index]?.own === false ? index : undefined;
}
