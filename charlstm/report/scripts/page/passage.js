// This file marks a passage of the excerpt and lists the cells that tell the passage from the text around it.

import { bounded, signed } from "../shared/numbers.js";
import { unpackedExcerpts } from "../shared/packed_values.js";
import { data, symbolOf } from "../shared/page_data.js";
import { createElement, find, findAll } from "../shared/page_elements.js";
import { notify, shown, view } from "./state.js";

const LISTED_CELLS = 12;
/**
 * The passage is compared with its own length of text on each side, or with this many characters if it is
 * shorter.
 */
const LEAST_CHARACTERS_AROUND = 20;
const QUOTED_CHARACTERS = 40;

/**
 * @typedef {{ first: number, stop: number, from: number, to: number }} ComparedRange
 *   The passage [first, stop) inside the text [from, to) that it is compared with.
 * @typedef {{
 *   cell: string, agreement: number, side: string, inside: number, outside: number, step: number
 * }} CellAnswer
 */

/**
 * Begin a passage at the cursor, unless one is marked: its other end stays where the cursor was.
 * @type {() => void}
 */
export function beginPassage() {
  view.passageEnd ??= view.cursor;
}

/** @type {() => void} */
export function dropPassage() {
  if (view.passageEnd === undefined) return;
  view.passageEnd = undefined;
  for (const span of findAll("#text .passage")) span.classList.remove("passage");
  find("#query").hidden = true;
}

/**
 * Mark the passage from the cursor to a place.
 * @type {(end: number) => void}
 */
export function markPassage(end) {
  view.passageEnd = bounded(end, 0, shown.spans.length - 1);
  showPassage();
  notify("view");
}

/** @type {() => void} */
export function showPassage() {
  const end = view.passageEnd ?? view.cursor;
  const [first, last] = [Math.min(view.cursor, end), Math.max(view.cursor, end)];
  shown.spans.forEach((span, index) => {
    span.classList.toggle("passage", index >= first && index <= last);
  });
  listCells(first, last + 1);
}

/** @type {(first: number, stop: number) => void} */
function listCells(first, stop) {
  const around = Math.max(LEAST_CHARACTERS_AROUND, stop - first);
  const from = Math.max(0, first - around);
  const to = Math.min(shown.characters.length, stop + around);
  const stored = [...(unpackedExcerpts[view.excerptIndex] ?? [])];
  const answers = stored.map(([cell, values]) => answerOf(cell, values, { first, stop, from, to }));
  answers.sort((one, other) => other.agreement - one.agreement || other.step - one.step);
  find("#query").hidden = false;
  const text = shown.characters.slice(first, stop);
  const ellipsis = text.length > QUOTED_CHARACTERS ? "\u2026" : "";
  find("#query-text").textContent = text.slice(0, QUOTED_CHARACTERS).map(symbolOf).join("") + ellipsis;
  find("#query-note").textContent = noteWords(answers.length, around);
  find("#query tbody").replaceChildren(...answers.slice(0, LISTED_CELLS).map(tableLine));
}

/** @type {(stored: number, around: number) => string} */
const noteWords = (stored, around) =>
  stored
    ? `Compared: ${stored} stored cells, with ${around} characters on each side of the passage. Agreement is the ` +
      "mean of two shares: of the passage in which the cell is on the named side of its threshold, and of the text " +
      "around it in which the cell is on the other side."
    : "The values of all cells are not stored along this text, or are still being unpacked. A text that all cells " +
      "share can be chosen at the head of this section.";

/**
 * Return how well the side of its threshold that a cell is on tells a passage from the text around it. The
 * agreement lies in [0.5, 1]; step is the difference of the means of tanh(c) inside and outside.
 * @type {(cell: string, stored: UnpackedValues, range: ComparedRange) => CellAnswer}
 */
function answerOf(cell, { values, threshold }, { first, stop, from, to }) {
  let [highInside, highOutside, sumInside, sumOutside] = [0, 0, 0, 0];
  for (let index = from; index < to; index += 1) {
    const high = values[index] > threshold ? 1 : 0;
    if (index >= first && index < stop) {
      highInside += high;
      sumInside += values[index];
    } else {
      highOutside += high;
      sumOutside += values[index];
    }
  }
  const length = stop - first;
  const rest = Math.max(1, to - from - length);
  const agreementHigh = (highInside / length + 1 - highOutside / rest) / 2;
  return {
    cell,
    agreement: Math.max(agreementHigh, 1 - agreementHigh),
    side: agreementHigh >= 0.5 ? "high" : "low",
    inside: sumInside / length,
    outside: sumOutside / rest,
    step: Math.abs(sumInside / length - sumOutside / rest),
  };
}

/** @type {(answer: CellAnswer) => HTMLElement} */
function tableLine({ cell, side, agreement, inside, outside }) {
  const row = data.rows.find((candidate) => candidate.cell === cell);
  /** @type {(text: string) => HTMLElement} */
  const number = (text) => createElement("td", { class: "number" }, text);
  return createElement(
    "tr",
    {},
    createElement(
      "th",
      { scope: "row" },
      createElement("button", { type: "button", "data-cell": cell }, cell),
    ),
    createElement("td", {}, side),
    number(agreement.toFixed(2)),
    number(signed(inside)),
    number(signed(outside)),
    createElement("td", {}, row ? row.feature_words : "no finding"),
  );
}
