// This file draws which sets of cells carry a behaviour, and what passes between cells, as a small graph.

import { isNumber, short, signed } from "../shared/numbers.js";
import { data, symbolOf } from "../shared/page_data.js";
import { createElement, find } from "../shared/page_elements.js";
import { chartText, createPicture, drawAxes, horizontalMark, lineMark, showChart } from "./chart_frame.js";

/** The lines of a chart of sets are told apart by these classes; there are more orders than classes. */
const LINE_CLASSES = ["first", "second", "third"];
/** The columns of the graph and the distance of its nodes. */
const GRAPH = { width: 330, columns: [58, 165, 272], pitch: 44, top: 28 };
const LONGEST_NODE = 15;
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
function setChart(feature, curves) {
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
  const sizes = lines.flatMap(({ points }) => points.map(({ cells }) => cells));
  const shares = lines.flatMap(({ points }) => points.map(({ share }) => share ?? 0));
  const lowest = Math.min(0, ...shares);
  return {
    title: feature,
    note: `Cells in the order of ${first.order}, on a logarithmic scale. 1 is all that the network knows.`,
    legend: lines.map(({ style, name }) => [style, name]),
    picture: drawAxes({
      x: [0, onScale(Math.max(1, ...sizes))],
      y: [lowest, Math.max(1, ...shares)],
      xName: "cells in the set",
      yName: "share",
      label: `What sets of cells keep of the prediction: ${feature}`,
      xTicks: [],
      marks: [
        horizontalMark(0),
        ...lines.map(({ points, style }) =>
          lineMark(
            points.map(({ cells }) => onScale(cells)),
            points.map(({ share }) => share),
            style,
          ),
        ),
        (across, up) =>
          sizeTicks(sizes).map((size) =>
            chartText(short(size), across(onScale(size)), up(lowest) + 17, "middle"),
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
 * Return the place of a number of cells, from 0 on, on the logarithmic scale.
 * @type {(cells: number) => number}
 */
const onScale = (cells) => Math.log2(1 + cells);

/**
 * Return 0 and the powers of four up to the largest size.
 * @type {(sizes: number[]) => number[]}
 */
function sizeTicks(sizes) {
  const largest = Math.max(1, ...sizes);
  const found = [0];
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
 * What stands for the end of an edge in the graph, by the kind of the edge.
 * @type {Record<string, (edge: Edge) => string>}
 */
const END_NAMES = {
  driver_gate: ({ from, to }) => `${shownText(from)} \u2192 ${to.split(":")[2] ?? to}`,
  cell_logit: ({ to }) => `straight to ${shownText(to)}`,
  cell_cell: ({ to }) => `through ${to}`,
  cell_others: () => "other cells",
  cell_longer: () => "longer ways",
};

/** @type {(text: string) => string} */
const shownText = (text) => Array.from(text).map(symbolOf).join("");

/**
 * Return the cell, `layer:cell`, that an end of an edge belongs to: a gate is `layer:cell:gate`.
 * @type {(end: string) => string}
 */
const cellOf = (end) => /^\d+:\d+(?=$|:)/.exec(end)?.[0] ?? "";

/**
 * Return the edges of a finding: those of its feature that begin or end at its cell.
 * @type {(row: Row) => Edge[]}
 */
export const edgesOf = ({ cell, feature }) =>
  data.circuits.edges
    .filter((edge) => edge.feature === feature && (edge.from === cell || cellOf(edge.to) === cell))
    .slice(0, MOST_EDGES);

/**
 * Return the graph of the edges into a cell and out of it.
 * @type {(cell: string, edges: Edge[]) => Chart}
 */
export function edgeChart(cell, edges) {
  const sides = [edges.filter(({ from }) => from !== cell), edges.filter(({ from }) => from === cell)];
  const height = GRAPH.top * 2 + GRAPH.pitch * (Math.max(...sides.map(({ length }) => length)) - 1);
  const picture = createPicture(`What passes to cell ${cell} and on from it`, { width: GRAPH.width, height });
  const largest = Math.max(...edges.map(({ value }) => Math.abs(value.value))) || 1;
  const middle = { x: GRAPH.columns[1], y: height / 2 };
  sides.forEach((side, place) => {
    const x = GRAPH.columns[place * 2];
    side.forEach((edge, row) => {
      const y = height / 2 + (row - (side.length - 1) / 2) * GRAPH.pitch;
      picture.append(...edgeMarks(edge, endName(edge, cell), { x, y }, middle, largest));
    });
  });
  picture.append(...nodeMarks(cell, middle));
  const whole = edges.find(({ from, of }) => from === cell && of !== null)?.of;
  return {
    title: "By which ways",
    note:
      "What the closing character loses or gains, in nats of log odds, when only one way tells of the other state" +
      `${isNumber(whole) ? `; ${signed(whole)} by the cell as a whole` : ""}. Left: without its driver, through ` +
      "each gate, or from other cells. Right: where the cell passes it on. Blue and dashed: less likely; orange: more likely.",
    picture,
    numbers: () => ({
      head: ["way", "log odds", "low", "high"],
      rows: edges.map((edge) => [endName(edge, cell), edge.value.value, edge.value.low, edge.value.high]),
    }),
  };
}

/**
 * Return what stands for the end of an edge that is not `cell`.
 * @type {(edge: Edge, cell: string) => string}
 */
function endName(edge, cell) {
  if (edge.kind === "cell_cell" && edge.from !== cell) return `from ${edge.from}`;
  return END_NAMES[edge.kind]?.(edge) ?? `${edge.from} \u2192 ${edge.to}`;
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
function edgeMarks(edge, name, at, middle, largest) {
  const { value } = edge.value;
  const half = (at.x + middle.x) / 2;
  const d = `M${at.x} ${at.y}C${half} ${at.y} ${half} ${middle.y} ${middle.x} ${middle.y}`;
  const width = (0.8 + (5 * Math.abs(value)) / largest).toFixed(1);
  return [
    createElement("svg:path", { class: `wire ${value < 0 ? "below" : "above"}`, d, "stroke-width": width }),
    ...nodeMarks(name, at),
    chartText(signed(value), at.x, at.y + 23, "middle"),
  ];
}

/** @type {(name: string, at: { x: number, y: number }) => HTMLElement[]} */
function nodeMarks(name, { x, y }) {
  const letters = Array.from(name);
  const shown = letters.length > LONGEST_NODE ? `${letters.slice(0, LONGEST_NODE - 1).join("")}\u2026` : name;
  const width = Math.max(28, Math.min(letters.length, LONGEST_NODE) * 6.4 + 12);
  return [
    createElement("svg:rect", { class: "node", x: x - width / 2, y: y - 11, width, height: 22, rx: 4 }),
    chartText(shown, x, y + 4, "middle", "label"),
  ];
}
