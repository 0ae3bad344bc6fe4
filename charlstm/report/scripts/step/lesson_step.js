// This file shows a step as the lesson does: the update of the cell as one equation, the sums behind its three factors,
// and all else when it is asked for.

import { createElement, find } from "../shared/page_elements.js";
import { shownUpdate } from "./one_step.js";
import { factor } from "./shown_sum.js";
import { gateValue } from "./step_words.js";

/** The gates that decide what the cell becomes, in the order of the equation, by their places in GATES. */
const FACTORS = [1, 0, 2];

/**
 * Fill the box of a step with an equation, the figures of its factors, and the other ones below a heading to open.
 * @type {(step: Step, gates: HTMLElement[], others: HTMLElement[]) => void}
 */
export function drawLessonStep(step, gates, others) {
  const rest = [...others, ...gates.filter((_, gate) => !FACTORS.includes(gate))];
  find("#step-figures").replaceChildren(equation(step), ...FACTORS.map((gate) => gates[gate]));
  find("#step-rest").replaceChildren(...rest);
}

/**
 * Return what is kept and what is written as one line of numbers, each with its name below it.
 * @type {(step: Step) => HTMLElement}
 */
function equation(step) {
  const { gates, cBefore, trace } = step;
  const [input, forget, candidate] = gates.map(gateValue);
  const { c, limit } = shownUpdate(step);
  const parts = [
    [forget, "forget gate"],
    ["×", ""],
    [factor(cBefore), "old number"],
    ["+", ""],
    [input, "input gate"],
    ["×", ""],
    [candidate, "candidate"],
    ["=", ""],
    [factor(c / 1000), limit ? `new number, cut at ±${trace.network.largestState}` : "new number"],
  ];
  return createElement(
    "div",
    { class: "equation", role: "group", "aria-label": "What the cell becomes" },
    ...parts.map(([number, name]) =>
      createElement("span", {}, createElement("b", {}, number), createElement("span", {}, name)),
    ),
  );
}
