// This file draws the training: the loss, and how closely a found cell followed its feature, by step. A line
// in each chart stands at the moment that the reader has chosen.

import {
  chartText,
  drawAxes,
  FRAME,
  horizontalMark,
  lineMark,
  paddedRange,
  showChart,
} from "../charts/chart_frame.js";
import { short } from "../shared/numbers.js";
import { createElement, find, findAll } from "../shared/page_elements.js";

/** @type {(training: OverTime) => void} */
export function showLossChart({ steps, bits }) {
  if (bits.length === steps.length) showChart(find("#chart-loss"), lossChart(steps, bits));
}

/** @type {(steps: number[], cell: CellOverTime) => void} */
export const showAppearanceChart = (steps, cell) =>
  showChart(find("#chart-appears"), appearanceChart(steps, cell));

/**
 * Move the lines of the charts to a step of the training, the last of which is `last`.
 * @type {(step: number, last: number) => void}
 */
export function markStep(step, last) {
  const share = onStepScale(step) / onStepScale(Math.max(1, last));
  const x = FRAME.left + share * (FRAME.width - FRAME.left - FRAME.right);
  const d = `M${x.toFixed(1)} ${FRAME.top}V${FRAME.height - FRAME.bottom}`;
  for (const line of findAll("#over-time .moment-line")) line.setAttribute("d", d);
}

/** @type {(steps: number[], bits: Series) => Chart} */
const lossChart = (steps, bits) => ({
  title: "The whole network",
  note: "Bits per character on held-out text, by training step on a logarithmic scale.",
  picture: stepAxes(steps, {
    y: paddedRange(bits),
    yName: "bits per character",
    label: "Loss by training step",
    lines: [[bits, ""]],
  }),
  numbers: () => ({
    head: ["step", "bits per character"],
    rows: steps.map((step, place) => [short(step), bits[place]]),
  }),
});

/** @type {(steps: number[], cell: CellOverTime) => Chart} */
const appearanceChart = (steps, { cell, score, effect, nats }) => {
  const used = effect.some((share) => share !== null);
  return {
    title: `Cell ${cell}`,
    note: `How closely the cell follows its feature${used ? ", and its effect as a share of the last one" : ""}.`,
    legend: used
      ? [
          ["", "score"],
          ["second", "effect"],
        ]
      : [["", "score"]],
    picture: stepAxes(steps, {
      y: paddedRange([0, 1], score, effect),
      yName: used ? "score and share" : "score",
      label: `Score and effect of cell ${cell} by training step`,
      lines: used
        ? [
            [score, ""],
            [effect, "second"],
          ]
        : [[score, ""]],
    }),
    numbers: () => ({
      head: ["step", "score", "effect in nats"],
      rows: steps.map((step, place) => [short(step), score[place], nats[place]]),
    }),
  };
};

/**
 * Draw lines over the steps of a training, on a logarithmic scale that has a place for step 0.
 * @type {(
 *   steps: number[],
 *   plot: { y: [number, number], yName: string, label: string, lines: [Series, string][] },
 * ) => HTMLElement}
 */
function stepAxes(steps, { y, yName, label, lines }) {
  const last = Math.max(1, ...steps);
  return drawAxes({
    x: [0, onStepScale(last)],
    y,
    xName: "training step",
    yName,
    label,
    xTicks: [],
    marks: [
      ...(y[0] < 0 ? [horizontalMark(0)] : []),
      ...lines.map(([values, style]) => lineMark(steps.map(onStepScale), values, style)),
      () => createElement("svg:path", { class: "moment-line" }),
      (across, up) =>
        stepTicks(last).map((step) =>
          chartText(short(step), across(onStepScale(step)), up(y[0]) + 17, "middle"),
        ),
    ],
  });
}

/** @type {(step: number) => number} */
const onStepScale = (step) => Math.log10(1 + step);

/**
 * Return 0 and the powers of ten up to the last step.
 * @type {(last: number) => number[]}
 */
function stepTicks(last) {
  const found = [0];
  for (let step = 10; step <= last; step *= 10) found.push(step);
  return found;
}
