// This file draws which sets of cells carry a behaviour, and what passes between cells, as a small graph.

import { short } from "../shared/numbers.js";
import { data, symbolOf } from "../shared/page_data.js";
import { createElement, find } from "../shared/page_elements.js";
import { chartText, createPicture, drawAxes, horizontalMark, lineMark, showChart } from "./chart_frame.js";

/** The lines of a chart of sets are told apart by these classes; there are more orders than classes. */
const LINE_CLASSES = ["first", "second", "third"];
/** The columns of the graph and the distance of its nodes. */
const GRAPH = { width: 330, columns: [58, 165, 272], pitch: 34, top: 26 };
const MOST_EDGES = 16;

/**
 * Draw the curves of every behaviour that has some.
 * @type {() => void}
 */
export function showSetCharts() {
  data.circuits.behaviours.forEach(({ feature, curves }, place) => {
    const box = find(`#chart-set-${place}`);
    if (box && curves.length) showChart(box, setChart(feature, curves));
  });
}

/**
 * Return the chart of the share that sets of cells keep, and of what is left without them, by the first order
 * of cells; the numbers have all orders.
 * @type {(feature: string, curves: SetCurve[]) => Chart}
 */
export function setChart(feature, curves) {
  const [first] = curves;
  const lines = [
    { points: first.keep, name: "these cells alone" },
    { points: first.remove, name: "all but these" },
    {
      points: curves.find(({ order }) => order === "random")?.keep ?? [],
      name: "as many random cells alone",
    },
  ]
    .filter(({ points }) => points.length)
    .map((line, place) => ({ ...line, style: LINE_CLASSES[place] }));
  const sizes = lines.flatMap(({ points }) => points.map(({ cells }) => Math.max(1, cells)));
  const shares = lines.flatMap(({ points }) => points.map(({ share }) => share ?? 0));
  return {
    title: feature,
    note: `Cells in the order of ${first.order}, on a logarithmic scale. 1 is the whole prediction.`,
    legend: lines.map(({ style, name }) => [style, name]),
    picture: drawAxes({
      x: [0, Math.log2(Math.max(2, ...sizes))],
      y: [Math.min(0, ...shares), Math.max(1, ...shares)],
      xName: "cells in the set",
      yName: "share",
      label: `What sets of cells keep of the prediction: ${feature}`,
      xTicks: [],
      marks: [
        horizontalMark(0),
        ...lines.map(({ points, style }) =>
          lineMark(
            points.map(({ cells }) => Math.log2(Math.max(1, cells))),
            points.map(({ share }) => share),
            style,
          ),
        ),
        (across, up) =>
          sizeTicks(sizes).map((size) =>
            chartText(short(size), across(Math.log2(size)), up(0) + 17, "middle"),
          ),
      ],
    }),
    numbers: () => ({
      head: ["order and cells", "keep", "low", "high", "left without", "low", "high"],
      rows: curves.flatMap(curveRows),
    }),
  };
}

/**
 * Return the powers of four up to the largest size.
 * @type {(sizes: number[]) => number[]}
 */
function sizeTicks(sizes) {
  const largest = Math.max(2, ...sizes);
  const found = [];
  for (let size = 1; size <= largest; size *= 4) found.push(size);
  return found;
}

/** @type {(curve: SetCurve) => NumberTable["rows"]} */
function curveRows({ order, keep, remove }) {
  const sizes = [...new Set([...keep, ...remove].map(({ cells }) => cells))].sort(
    (one, other) => one - other,
  );
  return sizes.map((size) => {
    const kept = keep.find(({ cells }) => cells === size);
    const left = remove.find(({ cells }) => cells === size);
    const values = [kept?.share, kept?.low, kept?.high, left?.share, left?.low, left?.high];
    return [`${order}, ${size}`, ...values];
  });
}

/**
 * Return the edges of a finding: those of its feature that begin or end at its cell.
 * @type {(row: Row) => Edge[]}
 */
export const edgesOf = ({ cell, feature }) =>
  data.circuits.edges
    .filter((edge) => edge.feature === feature && (edge.from === cell || edge.to === cell))
    .sort((one, other) => Math.abs(other.value.value) - Math.abs(one.value.value))
    .slice(0, MOST_EDGES);

/**
 * Return the graph of the edges into a cell and out of it.
 * @type {(cell: string, edges: Edge[]) => Chart}
 */
export function edgeChart(cell, edges) {
  const sides = [edges.filter(({ to }) => to === cell), edges.filter(({ to }) => to !== cell)];
  const height = GRAPH.top * 2 + GRAPH.pitch * (Math.max(...sides.map(({ length }) => length)) - 1);
  const picture = createPicture(`What passes to cell ${cell} and on from it`, { width: GRAPH.width, height });
  const largest = Math.max(...edges.map(({ value }) => Math.abs(value.value))) || 1;
  const middle = { x: GRAPH.columns[1], y: height / 2 };
  sides.forEach((side, place) => {
    const x = GRAPH.columns[place * 2];
    side.forEach((edge, row) => {
      const y = height / 2 + (row - (side.length - 1) / 2) * GRAPH.pitch;
      picture.append(...edgeMarks(edge, place ? edge.to : edge.from, { x, y }, middle, largest));
    });
  });
  picture.append(...nodeMarks(cell, middle));
  return {
    title: "What passes through it",
    note:
      "Left: what reaches the cell; right: where it goes on to. Thick lines carry more; orange adds, blue and " +
      "dashed takes away.",
    picture,
    numbers: () => ({
      head: ["from and to", "value", "low", "high", "kind"],
      rows: edges.map(({ from, to, kind, value }) => [
        `${symbolOf(from)} to ${symbolOf(to)}`,
        value.value,
        value.low,
        value.high,
        kind,
      ]),
    }),
  };
}

/**
 * @type {(
 *   edge: Edge,
 *   name: string,
 *   at: { x: number, y: number },
 *   middle: { x: number, y: number },
 *   largest: number,
 * ) => HTMLElement[]}
 */
function edgeMarks({ value }, name, at, middle, largest) {
  const half = (at.x + middle.x) / 2;
  const d = `M${at.x} ${at.y}C${half} ${at.y} ${half} ${middle.y} ${middle.x} ${middle.y}`;
  const width = (1 + (5 * Math.abs(value.value)) / largest).toFixed(1);
  const side = value.value < 0 ? "below" : "above";
  return [
    createElement("svg:path", { class: `wire ${side}`, d, "stroke-width": width }),
    ...nodeMarks(name, at),
    chartText(short(value.value), (at.x * 2 + middle.x) / 3, (at.y * 2 + middle.y) / 3 - 6, "middle"),
  ];
}

/** @type {(name: string, at: { x: number, y: number }) => HTMLElement[]} */
function nodeMarks(name, { x, y }) {
  const shown = Array.from(name).map(symbolOf).join("").slice(0, 12);
  const width = Math.max(28, Array.from(shown).length * 8 + 12);
  return [
    createElement("svg:rect", { class: "node", x: x - width / 2, y: y - 11, width, height: 22, rx: 4 }),
    chartText(shown, x, y + 4, "middle", "label"),
  ];
}
