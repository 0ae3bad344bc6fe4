// This file asks one question about a step of a cell, and answers it in words from the numbers that are shown.

import { signed } from "../shared/numbers.js";
import { createElement } from "../shared/page_elements.js";
import { shownUpdate } from "./one_step.js";
import { factor } from "./shown_sum.js";

/** A cell that stays as it is holds something where c has at least this size. */
const LEAST_HELD = 0.1;

/** The gates in the order of GATES: the name of each, and what it does. */
export const GATES_TOLD = [
  ["Input gate i", "how much of the candidate is written to the cell"],
  ["Forget gate f", "how much of the cell state is kept"],
  ["Candidate g", "what is written, as far as the input gate lets it"],
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
 * Return the answer: which part of which gate's sum is behind the step, and what the cell does with its value. `shown`
 * are the character before and the character.
 * @type {(step: Step, shown: [string, string]) => (Node | string)[]}
 */
export function stepAnswer(step, [shownBefore, shown]) {
  const gate = explainingGate(step);
  const { kind, now, before } = mainLine(step);
  const { kept, written } = shownUpdate(step);
  const name = GATES_TOLD[gate][0].slice(0, -2).toLowerCase();
  const was =
    step.gatesBefore && !isKept(step) ? `goes from ${gateValue(step.gatesBefore[gate], gate)} to` : "is";
  return [
    "Mostly by ",
    ...subjectWords(mainLine(step), shown),
    ` ${signed(now / 100)} to the sum of the ${name}`,
    ...(before === undefined || kind === "bias"
      ? []
      : [" (one character before, at ", glyph(shownBefore), `, ${signed(before / 100)})`]),
    `. The ${name} ${was} ${gateValue(step.gates[gate], gate)}, and the cell keeps ${factor(kept / 1000)} `,
    `of its ${factor(step.cBefore)} and adds ${factor(written / 1000)}.`,
  ];
}

/** @type {(line: SumLine, shown: string) => (Node | string)[]} */
function subjectWords({ kind, name }, shown) {
  if (kind === "character") return ["the character ", glyph(shown), " itself: it adds"];
  if (kind === "others") return [`the ${name} together: they add`];
  return [`${kind === "cell" ? `cell ${name}` : "the bias"}: it adds`];
}

/**
 * Write the value of a gate: a candidate with its sign.
 * @type {(value: number, gate: number) => string}
 */
export const gateValue = (value, gate) => (gate === 2 ? factor(value) : factor(value).slice(1));
