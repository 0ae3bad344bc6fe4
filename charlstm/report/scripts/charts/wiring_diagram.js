// This file draws how a cell is wired: its drivers, its gates, the cell itself, and the next characters.

import { signed } from "../shared/numbers.js";
import { GATES, symbolOf } from "../shared/page_data.js";
import { createElement } from "../shared/page_elements.js";
import { chartText } from "./chart_frame.js";

/** The size of the diagram, and the horizontal middles of its four columns. */
const WIRING = { width: 720, height: 292, drivers: 76, gates: 300, cell: 500, out: 650 };
const MIDDLE = WIRING.height / 2 + 8;
const GATE_BOX = { width: 152, height: 32 };
const GATES_LEFT = WIRING.gates - GATE_BOX.width / 2;
const GATES_RIGHT = WIRING.gates + GATE_BOX.width / 2;
const CELL_RADIUS = 30;
const MOST_DRIVERS = 6;
/** Of the characters that the cell makes likelier, and of those that it makes less likely. */
const MOST_OUTPUTS_EACH_WAY = 4;
/** A weight from the cell's own h is drawn from this size on. */
const LEAST_OWN_WEIGHT = 0.5;
/** Where all weights of a driver are smaller, its lines are thinner than the widest. */
const LEAST_WIDEST_DRIVER_WEIGHT = 6;

/** @typedef {{ x: number, y: number }} Point */

/** @type {(cell: string, mechanism: Mechanism) => Chart} */
export function wiringChart(cell, mechanism) {
  const wiring = mechanism.weights ?? {};
  const box = {
    class: "scroller wiring",
    tabindex: 0,
    role: "region",
    "aria-label": "Diagram of the cell's wiring",
  };
  return {
    title: "Wiring",
    note:
      "Lines from a driver: what it adds to each gate, compared with the mean character. In the gates: the gate's " +
      "mean elsewhere \u2192 at drivers. On the right: the characters that the cell makes more likely (orange) and " +
      "less likely (blue) while its c is high. Thicker lines: larger weights.",
    picture: createElement("div", box, wiringPicture(cell, mechanism, wiring)),
    numbers: () => wiringNumbers(mechanism, wiring),
  };
}

/** @type {(cell: string, mechanism: Mechanism, wiring: Wiring) => HTMLElement} */
function wiringPicture(cell, mechanism, wiring) {
  const picture = createElement("svg:svg", {
    viewBox: `0 0 ${WIRING.width} ${WIRING.height}`,
    role: "img",
    "aria-label": `Wiring of cell ${cell}; its numbers are in the table below`,
  });
  picture.append(
    chartText("driver", WIRING.drivers, 14, "middle", "axis-name"),
    chartText("gates", WIRING.gates, 14, "middle", "axis-name"),
    chartText("cell", WIRING.cell, 14, "middle", "axis-name"),
    chartText(wiring.to_cells ? "cells above" : "next character", WIRING.out, 14, "middle", "axis-name"),
  );
  const drivers = Object.entries(wiring.from_driver ?? {}).slice(0, MOST_DRIVERS);
  drivers.forEach(([driver, weights], place) => {
    drawDriver(picture, driver, weights, heightOf(place, drivers.length));
  });
  GATES.forEach((gate, place) => {
    drawGate(picture, gate, mechanism, heightOf(place, GATES.length));
  });
  drawCell(picture, cell, wiring.from_self ?? {});
  const outputs = shownOutputs(wiring);
  const most = Math.max(...outputs.map(([, weight]) => Math.abs(weight)));
  outputs.forEach(([name, weight], place) => {
    drawOutput(picture, { name, weight, most, y: heightOf(place, outputs.length) });
  });
  return picture;
}

/**
 * Return the height of one of `count` nodes that stand above each other around the middle.
 * @type {(place: number, count: number) => number}
 */
const heightOf = (place, count) =>
  MIDDLE + (place - (count - 1) / 2) * Math.min(44, 232 / Math.max(1, count - 1));

/**
 * Return the weights to the next characters or to the cells above: the largest and the smallest ones.
 * @type {(wiring: Wiring) => [string, number][]}
 */
function shownOutputs(wiring) {
  const sorted = Object.entries(wiring.to_logits ?? wiring.to_cells ?? {}).sort(
    ([, one], [, other]) => other - one,
  );
  if (sorted.length <= 2 * MOST_OUTPUTS_EACH_WAY) return sorted;
  return [...sorted.slice(0, MOST_OUTPUTS_EACH_WAY), ...sorted.slice(-MOST_OUTPUTS_EACH_WAY)];
}

/**
 * Draw a curve between two points, wider for a larger weight; `most` is the weight of the widest curve.
 * @type {(from: Point, to: Point, weight: number, most: number) => HTMLElement}
 */
function weightedEdge(from, to, weight, most) {
  const middle = (from.x + to.x) / 2;
  const width = (0.6 + 5 * Math.min(1, Math.abs(weight) / (most || 1))).toFixed(2);
  return createElement("svg:path", {
    class: `wire ${weight < 0 ? "below" : "above"}`,
    "stroke-width": width,
    d: `M${from.x} ${from.y}C${middle} ${from.y} ${middle} ${to.y} ${to.x} ${to.y}`,
  });
}

/** @type {(picture: Element, driver: string, weights: Record<string, number>, y: number) => void} */
function drawDriver(picture, driver, weights, y) {
  const most = Math.max(...Object.values(weights).map(Math.abs), LEAST_WIDEST_DRIVER_WEIGHT);
  GATES.forEach((gate, place) => {
    if (!(gate in weights)) return;
    const to = { x: GATES_LEFT, y: heightOf(place, GATES.length) };
    picture.prepend(weightedEdge({ x: WIRING.drivers + 24, y }, to, weights[gate], most));
  });
  picture.append(nodeWithText({ x: WIRING.drivers, y }, Array.from(driver).map(symbolOf).join("")));
}

/**
 * Return the mean of a gate where no driver stands, and its mean at the drivers.
 * @type {(mechanism: Mechanism, gate: string) => { elsewhere?: number, atDrivers?: number }}
 */
const gateMeans = (mechanism, gate) => ({
  elsewhere: finiteNumber(mechanism[`${gate}_gate`]),
  atDrivers: finiteNumber(mechanism[`${gate}_gate_at_drivers`]),
});

/** @type {(value: unknown) => number | undefined} */
const finiteNumber = (value) => (typeof value === "number" && Number.isFinite(value) ? value : undefined);

/** @type {(picture: Element, gate: string, mechanism: Mechanism, y: number) => void} */
function drawGate(picture, gate, mechanism, y) {
  const { elsewhere, atDrivers } = gateMeans(mechanism, gate);
  const cellLeft = WIRING.cell - CELL_RADIUS;
  const curve = `C${WIRING.cell - 50} ${y} ${WIRING.cell - 60} ${MIDDLE} ${cellLeft} ${MIDDLE}`;
  picture.prepend(createElement("svg:path", { class: "wire plain", d: `M${GATES_RIGHT} ${y}${curve}` }));
  const top = y - GATE_BOX.height / 2;
  picture.append(createElement("svg:rect", { class: "node", x: GATES_LEFT, y: top, ...GATE_BOX, rx: 5 }));
  const openness = atDrivers ?? elsewhere;
  if (openness !== undefined) {
    const bar = { x: GATES_LEFT, y: y + 13, width: GATE_BOX.width * openness, height: 3 };
    picture.append(createElement("svg:rect", { class: "fill", ...bar }));
  }
  const means = [elsewhere, atDrivers].filter((mean) => mean !== undefined);
  picture.append(
    chartText(gate, GATES_LEFT + 10, y + 4, "start", "label"),
    chartText(means.map((mean) => mean.toFixed(2)).join(" \u2192 "), GATES_RIGHT - 10, y + 4, "end", "tick"),
  );
}

/** @type {(picture: Element, cell: string, ownWeights: Record<string, number>) => void} */
function drawCell(picture, cell, ownWeights) {
  const x = WIRING.cell;
  picture.append(
    createElement("svg:circle", { class: "node", cx: x, cy: MIDDLE, r: CELL_RADIUS }),
    chartText(cell, x, MIDDLE + 5, "middle", "label"),
  );
  const large = GATES.filter((gate) => Math.abs(ownWeights[gate] ?? 0) >= LEAST_OWN_WEIGHT);
  if (!large.length) return;
  const curve = `C${x - 30} ${MIDDLE + 74} ${x + 30} ${MIDDLE + 74} ${x + 16} ${MIDDLE + 26}`;
  picture.append(
    createElement("svg:path", { class: "wire plain", d: `M${x - 16} ${MIDDLE + 26}${curve}` }),
    ...large.map((gate, place) => {
      const text = `own h: ${gate} ${signed(ownWeights[gate])}`;
      return chartText(text, x, MIDDLE + 78 + 15 * place, "middle", "tick");
    }),
  );
}

/** @type {(picture: Element, output: { name: string, weight: number, most: number, y: number }) => void} */
function drawOutput(picture, { name, weight, most, y }) {
  const from = { x: WIRING.cell + CELL_RADIUS, y: MIDDLE };
  picture.prepend(weightedEdge(from, { x: WIRING.out - 24, y }, weight, most));
  picture.append(
    nodeWithText({ x: WIRING.out, y }, symbolOf(name)),
    chartText(signed(weight), WIRING.out + 28, y + 4, "start", "tick"),
  );
}

/** @type {(place: Point, text: string) => HTMLElement} */
function nodeWithText({ x, y }, text) {
  const width = Math.max(40, Array.from(text).length * 9 + 12);
  return createElement(
    "svg:g",
    {},
    createElement("svg:rect", { class: "node", x: x - width / 2, y: y - 12, width, height: 24, rx: 4 }),
    chartText(text, x, y + 5, "middle", "code"),
  );
}

/** @type {(mechanism: Mechanism, wiring: Wiring) => NumberTable} */
function wiringNumbers(mechanism, wiring) {
  const { from_driver: fromDriver = {}, from_self: fromSelf, from_cells: fromCells = {} } = wiring;
  const gates = GATES.map((gate) => ({ gate, ...gateMeans(mechanism, gate) }))
    .filter(({ elsewhere }) => elsewhere !== undefined)
    .map(({ gate, elsewhere, atDrivers }) => [
      `${gate} gate, mean elsewhere and at drivers`,
      elsewhere,
      atDrivers,
    ]);
  const drivers = Object.entries(fromDriver).flatMap(([driver, weights]) =>
    GATES.map((gate) => [`${symbolOf(driver)} adds to ${gate}`, weights[gate], ""]),
  );
  const own = GATES.map((gate) => [`its own h, to ${gate}`, fromSelf?.[gate], ""]);
  const cells = Object.entries(fromCells).flatMap(([gate, weights]) =>
    Object.entries(weights).map(([cell, weight]) => [`h of ${cell}, to ${gate}`, weight, ""]),
  );
  const outputs = Object.entries(wiring.to_logits ?? wiring.to_cells ?? {}).map(([name, weight]) => [
    `to ${symbolOf(name)}`,
    weight,
    "",
  ]);
  return {
    head: ["what", "weight or mean", "at drivers"],
    rows: [...gates, ...drivers, ...own, ...cells, ...outputs],
  };
}
