// This file asks one question about a step of a cell, and answers it in words from the numbers that are shown.

import { wantsLesson } from "../page/address.js";
import { signed } from "../shared/numbers.js";
import { createElement } from "../shared/page_elements.js";
import { shownUpdate } from "./one_step.js";
import { factor } from "./shown_sum.js";

/** A cell that stays as it is holds something where c has at least this size. */
const LEAST_HELD = 0.1;

/** What a cell takes from a sum matters from this size on, in hundredths. */
const LEAST_AGAINST = 100;

/** The gates in the order of GATES: the name of each, and what it does. */
export const GATES_TOLD = [
  ["Input gate i", "how much of the candidate is written to the cell"],
  ["Forget gate f", "how much of the cell state is kept"],
  ["Candidate g", "the new number, of which the input gate lets a part in"],
  ["Output gate o", "how much of the cell the rest of the network sees"],
];

/** @type {(character: string) => HTMLElement} */
export const glyph = (character) => createElement("code", {}, character);

/**
 * Return the question about a step; `shown` is the character.
 * @type {(step: Step, shown: string) => (Node | string)[]}
 */
export const stepQuestion = ({ place: { layer, cell }, change }, shown) => [
  `Why does cell ${layer}:${cell} ${change} at `,
  glyph(shown),
  "?",
];

/** @type {(step: Step) => boolean} */
const isKept = ({ change }) => change === "stay as it is";

/**
 * Return the gate that explains a step, by its place in GATES. Where c stays, it is the forget gate, or the input gate
 * if there is nothing to keep. Else it is the forget gate where more is lost than written, and of the input gate and
 * the candidate the one that changed the written value more.
 * @type {(step: Step) => number}
 */
export function explainingGate(step) {
  const { gates, gatesBefore, cBefore } = step;
  const [input, forget, candidate] = gates;
  if (isKept(step)) return Math.abs(cBefore) < LEAST_HELD ? 0 : 1;
  if (Math.abs(input * candidate) <= Math.abs((1 - forget) * cBefore)) return 1;
  if (!gatesBefore) return 0;
  const byInput = Math.abs((input - gatesBefore[0]) * candidate);
  return byInput >= Math.abs((candidate - gatesBefore[2]) * input) ? 0 : 2;
}

/**
 * Return the line of the explaining gate's sum that moved it most from the character before; where nothing moved, or
 * nothing was before, the line that is largest in the direction of the sum.
 * @type {(step: Step) => SumLine}
 */
export function mainLine(step) {
  const { lines, now, before = 0 } = step.sums[explainingGate(step)];
  const compared = isKept(step) ? 0 : 1;
  const direction = Math.sign(now - compared * before);
  const pull = (/** @type {SumLine} */ line) => direction * (line.now - compared * (line.before ?? 0));
  return lines.reduce((most, line) => (pull(line) > pull(most) ? line : most));
}

/**
 * Return the answer: what the character adds to the sums of the gates, what the gates do then, and what else decides.
 * The lesson shows what the gates do as an equation. `shown` are the character before and the character.
 * @type {(step: Step, shown: [string, string]) => (Node | string)[]}
 */
export const stepAnswer = (step, shown) => [
  ...characterWords(step, shown[1]),
  ...(wantsLesson ? [] : updateWords(step)),
  ...mainWords(step, shown),
  ...renewedWords(step),
  ...ownWords(step, shown[1]),
];

/** @type {(step: Step, shown: string) => (Node | string)[]} */
function characterWords({ sums }, shown) {
  const [input, forget, candidate] = sums.map(({ lines }) => lines.find(({ kind }) => kind === "character"));
  if (!input || !forget || !candidate) return [];
  return [
    "The character ",
    glyph(shown),
    ` adds ${signed(forget.now / 100)} to the sum of the forget gate, ${signed(input.now / 100)} to that of the input `,
    `gate and ${signed(candidate.now / 100)} to that of the candidate. `,
  ];
}

/** @type {(step: Step) => string[]} */
function updateWords(step) {
  const { kept, written } = shownUpdate(step);
  const [input, forget, candidate] = step.gates.map(gateValue);
  return [
    `The forget gate is ${forget}: the cell keeps ${factor(kept / 1000)} of its ${factor(step.cBefore)}. `,
    `The input gate is ${input} and the candidate ${candidate}: ${factor(written / 1000)} is added. `,
  ];
}

/**
 * Return what moved the explaining gate most, where that is not the character.
 * @type {(step: Step, shown: [string, string]) => (Node | string)[]}
 */
function mainWords(step, [shownBefore]) {
  const { kind, name, now, before } = mainLine(step);
  if (kind === "character") return [];
  const adding =
    kind === "others" ? `the ${name} together add` : `${kind === "cell" ? "cell " : "the "}${name} adds`;
  const gate = GATES_TOLD[explainingGate(step)][0].slice(0, -2).toLowerCase();
  return [
    `Most to the ${gate}: ${adding} ${signed(now / 100)}`,
    ...(before === undefined || kind === "bias"
      ? [". "]
      : [" (before, at ", glyph(shownBefore), `, ${signed(before / 100)}). `]),
  ];
}

/**
 * Return that a number which stays the same was dropped and written anew, where it was.
 * @type {(step: Step) => string[]}
 */
const renewedWords = (step) =>
  isKept(step) && Math.abs(step.cBefore) >= LEAST_HELD && step.gates[1] < 0.5
    ? ["The old number is dropped, and nearly the same is written anew."]
    : [];

/**
 * Return why a character that opens the input gate elsewhere leaves it shut: where the cell goes off, and of the listed
 * cells its own value holds against the character most.
 * @type {(step: Step, shown: string) => (Node | string)[]}
 */
function ownWords({ sums: [{ lines }], gates, change, place }, shown) {
  const cells = lines.filter(({ kind }) => kind === "cell");
  const against = cells.reduce((least, line) => (line.now < least.now ? line : least), cells[0]);
  const character = lines.find(({ kind }) => kind === "character");
  const others = lines
    .filter((line) => line !== against && ["cell", "others"].includes(line.kind))
    .reduce((sum, line) => sum + line.now, 0);
  const isOwn = against?.name === `${place.layer}:${place.cell}` && against.now <= -LEAST_AGAINST;
  if (change !== "switch off" || !isOwn || gates[0] > 0.5 || !character || character.now < LEAST_AGAINST)
    return [];
  return [
    "And why does ",
    glyph(shown),
    " not switch it on here? It pushes the input gate open, but the cell was on, and the cells push that gate shut: ",
    `${against.name} itself adds ${signed(against.now / 100)}, the others ${signed(others / 100)}.`,
  ];
}

/**
 * Write the value of a gate: a candidate with its sign.
 * @type {(value: number, gate: number) => string}
 */
export const gateValue = (value, gate) => (gate === 2 ? factor(value) : factor(value).slice(1));
