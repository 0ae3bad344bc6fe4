// This file prepares the first part of the lesson: it underlines where the cell is on, and tells what its gates do where
// it goes on, while it is on, and where it goes off.

import { first } from "../first/first_text.js";
import { isCount } from "../shared/coloured_text.js";
import { data } from "../shared/page_data.js";
import { createElement, find } from "../shared/page_elements.js";

/** A gate is open from the one value on, shut up to the other. */
const OPEN = 0.8;
const SHUT = 0.2;
/** What an open, a half open and a shut gate do. */
const KEPT = ["nearly all", "a part", "hardly anything"];
const LET_IN = ["a new number comes in", "a part of a new number comes in", "hardly anything comes in"];

/**
 * Return for each shown character whether the cell is on: beyond the threshold of its exercise, where it has one.
 * @type {() => boolean[]}
 */
function isOnAlong() {
  const { row, excerpt, start, spans } = first;
  if (!row || !excerpt) return [];
  const threshold = data.lesson.rounds.find((round) => data.rows[round.row] === row)?.threshold ?? 0;
  const { tanh_c } = excerpt.cells[row.cell];
  return spans.map((_, index) => ((tanh_c[start + index] ?? 0) - threshold) * row.polarity > 0);
}

/**
 * Underline where the cell of the first part is on.
 * @type {() => void}
 */
export function underlineOn() {
  const on = isOnAlong();
  first.spans.forEach((span, index) => {
    span.classList.remove("weak");
    span.classList.toggle("strong", on[index]);
  });
}

/**
 * Write what the gates do, where the excerpt holds them: their means over the shown characters.
 * @type {() => void}
 */
export function tellGates() {
  const { row, excerpt, start } = first;
  const box = find("#first-gates");
  if (!row || !excerpt || !box) return;
  const { input_hundredths: input, forget_hundredths: forget } = excerpt.cells[row.cell];
  const on = isOnAlong();
  const [goes, is, leaves] = isCount(row.kind)
    ? ["becomes high", "is high", "becomes low"]
    : ["goes on", "is on", "goes off"];
  /** @type {[string, (index: number) => boolean][]} */
  const phases = [
    [`Where it ${goes}`, (index) => on[index] && on[index - 1] === false],
    [`While it ${is}`, (index) => on[index] && on[index - 1]],
    [`Where it ${leaves}`, (index) => !on[index] && on[index - 1]],
  ];
  const told = phases.map(([name, isIn]) => {
    const places = [...on.keys()].filter(isIn).map((index) => start + index);
    return input && forget && places.length ? phase(name, mean(forget, places), mean(input, places)) : "";
  });
  if (told.every(Boolean)) find("#first-gates summary").after(createElement("ul", {}, ...told));
  else box.hidden = true;
  box.addEventListener("toggle", () => box.scrollIntoView({ block: "nearest" }));
}

/** @type {(hundredths: Series, places: number[]) => number} */
const mean = (hundredths, places) =>
  places.reduce((sum, place) => sum + (hundredths[place] ?? 0), 0) / places.length / 100;

/** @type {(name: string, forget: number, input: number) => HTMLElement} */
const phase = (name, forget, input) =>
  createElement(
    "li",
    {},
    createElement("b", {}, name),
    `: forget gate ${forget.toFixed(2)}, ${word(forget, KEPT)} of the old number is kept; `,
    `input gate ${input.toFixed(2)}, ${word(input, LET_IN)}.`,
  );

/** @type {(gate: number, words: string[]) => string} */
const word = (gate, [open, between, shut]) => (gate >= OPEN ? open : gate <= SHUT ? shut : between);
