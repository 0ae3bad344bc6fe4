// This file draws the charts about all cells: how close the gates are to switches, and how far the gradient
// reaches.

import { bounded, range } from "../shared/numbers.js";
import { data } from "../shared/page_data.js";
import { createElement, find } from "../shared/page_elements.js";
import { dotMarks, drawAxes, lineMark, paddedRange, showChart } from "./chart_frame.js";

/**
 * Fill the figures of the report page about the gates and the gradient.
 * @type {() => void}
 */
export function showNetworkCharts() {
  for (const layer of data.network.layers) {
    for (const gate of Object.keys(layer.gates)) {
      const box = find(`#saturation-${layer.layer}-${gate}`);
      if (box) showChart(box, saturationChart(layer, gate));
    }
  }
  const box = find("#chart-reach");
  if (box && data.network.reach.cells.length) showChart(box, reachChart(data.network.reach));
}

/**
 * Return the chart of a gate of one layer, with a dot for each cell.
 * @type {(layer: LayerGates, gate: string) => Chart}
 */
export function saturationChart({ layer, gates, untrained }, gate) {
  const { low, high } = gates[gate];
  const untrainedShares = untrained[gate];
  /** @type {Mark} */
  const diagonal = (across, up) =>
    createElement("svg:path", { class: "rule", d: `M${across(0)} ${up(1)}L${across(1)} ${up(0)}` });
  return {
    title: `${gate[0].toUpperCase()}${gate.slice(1)} gate`,
    note: "",
    picture: drawAxes({
      x: [0, 1],
      y: [0, 1],
      xName: "share of positions shut (below 0.1)",
      yName: "share open (above 0.9)",
      label: `${gate} gate of layer ${layer}: for every cell the share of positions shut and open`,
      frame: { height: 316 },
      marks: [
        diagonal,
        ...(untrainedShares ? [dotMarks(untrainedShares.low, untrainedShares.high, "fresh", 2.5)] : []),
        dotMarks(low, high, "cell-dot", 3),
      ],
    }),
    numbers: () => ({
      head: ["cell", "shut", "open"],
      rows: low.map((share, cell) => [`${layer}:${cell}`, share, high[cell]]),
    }),
  };
}

/** @type {(reach: NetworkData["reach"]) => Chart} */
function reachChart({ cells, controls, untrained }) {
  const lines = [
    { name: "these cells", values: cells, style: "first" },
    { name: "matched cells", values: controls, style: "second" },
    { name: "untrained", values: untrained, style: "third" },
  ].filter(({ values }) => values.some((value) => value !== null));
  const lastPlaces = lines.map(({ values }) => values.findLastIndex((value) => value !== null));
  const xs = range(Math.max(...lastPlaces) + 1);
  const shown = lines.map((line) => ({ ...line, values: line.values.slice(0, xs.length) }));
  // The chart is as wide as the page, so that its text keeps its size.
  const width = bounded(find("#gradients").clientWidth - 34, 320, 760);
  const [, top] = paddedRange([0], ...shown.map(({ values }) => values));
  return {
    title: "Gradient by distance",
    note:
      "Size of the gradient at c, divided by its size at the closing character. Medians over closing characters " +
      "that are at least this far from their opening character, then over cells.",
    picture: drawAxes({
      x: [0, xs.length - 1],
      y: [0, top],
      xName: "characters before the closing character",
      yName: "gradient, 1 at the closing character",
      label: "Gradient by distance from the closing character",
      frame: { width, height: 280 },
      marks: shown.map(({ values, style }) => lineMark(xs, values, style)),
    }),
    legend: shown.map(({ name, style }) => [style, name]),
    numbers: () => ({
      head: ["characters before", ...shown.map(({ name }) => name)],
      rows: xs.map((x) => [x, ...shown.map(({ values }) => values[x])]),
    }),
  };
}
