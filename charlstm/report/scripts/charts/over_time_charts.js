// This file draws the training: the loss, and how closely each found cell followed its feature, by step.

import { short } from "../shared/numbers.js";
import { data } from "../shared/page_data.js";
import { find } from "../shared/page_elements.js";
import { chartText, drawAxes, horizontalMark, lineMark, paddedRange, showChart } from "./chart_frame.js";

/**
 * Draw the loss and every cell that has values over time.
 * @type {() => void}
 */
export function showTrainingCharts() {
  const { overTime } = data;
  if (!overTime) return;
  const { steps, bits, cells } = overTime;
  const lossBox = find("#chart-loss");
  if (lossBox && bits.length === steps.length) showChart(lossBox, lossChart(steps, bits));
  cells.forEach((cell, place) => {
    const box = find(`#chart-appears-${place}`);
    if (box) showChart(box, appearanceChart(steps, cell));
  });
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
const appearanceChart = (steps, { cell, feature, score, effect }) => {
  const used = effect.some((share) => share !== null);
  return {
    title: `${cell}, ${feature}`,
    note: `How closely the cell follows its feature${used ? ", and its effect as a share of the last one" : ""}.`,
    legend: used
      ? [
          ["", "score"],
          ["second", "effect"],
        ]
      : [["", "score"]],
    picture: stepAxes(steps, {
      y: paddedRange([0, 1], score, effect),
      yName: "score and share",
      label: `Score and effect of cell ${cell} by training step`,
      lines: used
        ? [
            [score, ""],
            [effect, "second"],
          ]
        : [[score, ""]],
    }),
    numbers: () => ({
      head: ["step", "score", "effect"],
      rows: steps.map((step, place) => [short(step), score[place], effect[place]]),
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
