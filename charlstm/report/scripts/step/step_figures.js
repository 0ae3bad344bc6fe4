// This file shows a step of a cell in figures: the four gates, the cell, and what it says of the next character.

import { percent } from "../live/next_characters.js";
import { live } from "../live/panel_state.js";
import { largestReader, logitSum } from "../lstm/step_sums.js";
import { wantsLesson } from "../page/address.js";
import { short, signed } from "../shared/numbers.js";
import { createElement } from "../shared/page_elements.js";
import { shownUpdate } from "./one_step.js";
import { factor, shortSum, shownSum } from "./shown_sum.js";
import { stepFigure, stepLine, sumLines } from "./step_tables.js";
import { explainingGate, GATES_TOLD, gateValue, glyph, mainLine } from "./step_words.js";

/**
 * What the lesson calls a line.
 * @type {Record<string, string>}
 */
const IN_LESSON = wantsLesson ? { bias: "always added (bias)" } : {};

/**
 * Return the figures of the four gates. In the lesson they have fewer lines, and say nothing of the character before.
 * `shown` are the character before and the character.
 * @type {(step: Step, shown: [string, string]) => HTMLElement[]}
 */
export function gateFigures(step, [shownBefore, shown]) {
  const { sums, gates, place } = step;
  const own = `${place.layer}:${place.cell}`;
  const explaining = explainingGate(step);
  const gatesBefore = wantsLesson ? undefined : step.gatesBefore;
  return GATES_TOLD.map(([title, note], gate) => {
    const nameOf = (/** @type {SumLine} */ { kind, name }) =>
      kind === "character"
        ? ["the character"]
        : [name === own ? `${name} itself` : (IN_LESSON[kind] ?? name)];
    const main = gate === explaining && !wantsLesson ? mainLine(step) : undefined;
    const was = gatesBefore && gateValue(gatesBefore[gate], gate);
    const lines = [
      ...sumLines(wantsLesson ? shortSum(sums[gate], own, main) : sums[gate], nameOf, main, ["sum"]),
      stepLine([functionName(gate)], "", [gateValue(gates[gate], gate), was], "total"),
    ];
    const head = [
      ["part"],
      [wantsLesson ? "" : "value × weight"],
      ["at ", glyph(shown)],
      ["at ", glyph(shownBefore)],
    ];
    return stepFigure(
      wantsLesson ? title.slice(0, -2) : title,
      wantsLesson ? [] : [note],
      gatesBefore ? head : head.slice(0, 3),
      lines,
    );
  });
}

/**
 * Return the name of the function that makes a gate of its sum.
 * @type {(gate: number) => string}
 */
function functionName(gate) {
  const header = /** @type {ModelData} */ (live.model).header;
  const low = gate === 2 ? "−1" : "0";
  if (wantsLesson && (gate !== 2 || header.activation === "tanh")) return `squeezed between ${low} and 1`;
  return `${(gate === 2 ? header.activation : header.gate_activation).replace("_", " ")} of the sum`;
}

/**
 * Return the figure of the cell: what is kept and written, and h.
 * @type {(step: Step) => HTMLElement}
 */
export function cellFigure(step) {
  const { gates, cBefore, c: exact, h, trace } = step;
  const { kept, written, limit, c } = shownUpdate(step);
  const activation = /** @type {ModelData} */ (live.model).header.activation;
  const [input, forget, candidate, output] = gates.map(gateValue);
  const shownThousandths = (/** @type {number} */ value) => factor(value / 1000);
  const lines = [
    stepLine(["kept: f × c"], `${forget} × ${factor(cBefore)}`, [shownThousandths(kept)]),
    stepLine(["written: i × g"], `${input} × ${candidate}`, [shownThousandths(written)]),
    ...(limit ? [stepLine([`limit of ±${trace.network.largestState}`], "", [shownThousandths(limit)])] : []),
    stepLine(["cell state c"], "", [shownThousandths(c)], "total"),
    stepLine(
      [`h: o × ${activation}(c)`],
      `${output} × ${factor(trace.network.activation(exact))}`,
      [factor(h)],
      "total",
    ),
  ];
  return stepFigure(
    "The cell",
    ["keeps a part of what it had, adds what is written, and shows a part of it"],
    [["part"], ["product"], ["adds"]],
    lines,
  );
}

/**
 * Return the figure of the logit of the character with an id: the cell's part, those of other cells, and the
 * probability. `probabilities` are those of all characters.
 * @type {(step: Step, id: number, shown: string, probabilities: Float64Array) => HTMLElement}
 */
export function logitFigure({ place, trace, index }, id, shown, probabilities) {
  const name = `${place.layer}:${place.cell}`;
  const all = shownSum(logitSum(trace, index, id), undefined, name);
  const sum = wantsLesson ? shortSum(all, name, undefined) : all;
  const own = sum.lines.find((line) => line.name === name);
  const part = own?.now ?? 0;
  const times = Math.exp(Math.abs(part) / 100);
  const lines = sumLines(sum, (line) => [line.name], own, ["logit of ", glyph(shown)]);
  // The softmax divides e to the logit by the sum of e to all logits, whose logarithm this is.
  const everything = power(sum.now / 100 - Math.log(probabilities[id]));
  const share = ["softmax: ", ...power(sum.now / 100), " ÷ ", ...everything];
  lines.push(stepLine(share, "", [percent(probabilities[id])], "total"));
  const note = [
    `${name} adds ${signed(part / 100)}, which ${part < 0 ? "divides" : "multiplies"} the odds of `,
    glyph(shown),
    ` by ${short(times)}. The softmax divides e to this logit by the sum of e to all ${probabilities.length} logits.`,
  ];
  return stepFigure(
    "The next character",
    note,
    [["part"], [wantsLesson ? "" : "h × weight"], ["adds"]],
    lines,
  );
}

/** @type {(exponent: number) => (Node | string)[]} */
const power = (exponent) => ["e", createElement("sup", {}, signed(exponent))];

/**
 * Return the words for a cell whose h only another layer reads.
 * @type {(step: Step) => HTMLElement}
 */
export function readerWords({ trace, place, index }) {
  const { name, gate, product } = largestReader(trace, place, index);
  return createElement(
    "p",
    {},
    `The cells of layer ${place.layer + 1} read h of this cell, and the next character is expected from the last layer alone. ` +
      `It weighs most in the ${gate} gate of cell ${name}, to whose sum it adds ${signed(product)}.`,
  );
}
