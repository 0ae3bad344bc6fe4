// This file draws how a cell moves: around events of its feature, by level of the feature, and while it is
// on.

import { counted, range, short } from "../shared/numbers.js";
import { createElement } from "../shared/page_elements.js";
import {
  bandMark,
  chartText,
  createPicture,
  dotMarks,
  drawAxes,
  FRAME,
  lineMark,
  paddedRange,
  verticalMark,
} from "./chart_frame.js";

/** @type {Record<string, string>} */
const EVENT_NAMES = { set: "goes on", reset: "goes off", step: "goes up", unstep: "goes down" };

/**
 * Return the chart of the mean of c before and after the events of the feature.
 * @type {(kind: string, trace: Portrait["trace"]) => Chart}
 */
export function traceChart(kind, { first, events }) {
  const lines = Object.entries(events)
    .filter(([, event]) => event.count)
    .map(([key, event], place) => ({
      ...event,
      name: kind === "counter" && key === "reset" ? "starts again" : (EVENT_NAMES[key] ?? key),
      style: place ? "second" : "first",
    }));
  const xs = range(lines[0].mean.length).map((place) => place + first);
  const picture = drawAxes({
    x: [xs[0], xs[xs.length - 1]],
    y: paddedRange(...lines.flatMap(({ low, high }) => [low, high])),
    xName: "characters from the event",
    yName: "c",
    label: "Mean c around the events of the feature",
    marks: [
      verticalMark(0),
      ...lines.flatMap(({ mean, low, high, style }) => [
        bandMark(xs, low, high, style),
        lineMark(xs, mean, style),
      ]),
    ],
  });
  return {
    title: "Around the driver",
    note: `Mean c with its quartiles, from ${-first} characters before the feature changes.`,
    picture,
    legend: lines.map(({ style, name, count }) => [style, `${name}, ${counted(count)} times`]),
    numbers: () => ({
      head: [
        "characters",
        ...lines.flatMap(({ name }) => [`${name}: mean`, "lower quartile", "upper quartile"]),
      ],
      rows: xs.map((x, place) => [
        x,
        ...lines.flatMap(({ mean, low, high }) => [mean[place], low[place], high[place]]),
      ]),
    }),
  };
}

/** The places of the histograms in their picture. */
const HISTOGRAM = { left: 86, right: 322, top: 14, height: 160, gap: 16 };

/**
 * Return the chart of how often tanh(c) takes each value, with a row for each level of the feature.
 * @type {(featureWords: string, polarity: number, levels: Record<string, number[]>) => Chart}
 */
export function histogramChart(featureWords, polarity, levels) {
  const names = Object.keys(levels);
  const bins = levels[names[0]].length;
  const { left, right, top, height } = HISTOGRAM;
  const picture = createPicture("How often tanh(c) takes each value, by level of the feature");
  names.forEach((name, place) => {
    const floor = top + (height / names.length) * (place + 1);
    picture.append(
      ...histogramBars(levels[name], polarity, floor, height / names.length - HISTOGRAM.gap),
      createElement("svg:path", { class: "grid", d: `M${left} ${floor}H${right}` }),
      chartText(name, left - 6, floor - 4, "end", "label"),
    );
  });
  const middle = (left + right) / 2;
  for (const value of [-1, -0.5, 0, 0.5, 1]) {
    const x = middle + (value * (right - left)) / 2;
    picture.append(chartText(short(value), x, top + height + 15, "middle"));
  }
  const axisName = "tanh(c), in the colours of the text";
  picture.append(chartText(axisName, middle, FRAME.height - 5, "middle", "axis-name"));
  return {
    title: "Values by level",
    note:
      `How often tanh(c) takes each value at each level of ${featureWords || "the feature"}; ` +
      "each row is scaled to its own height.",
    picture,
    numbers: () => ({
      head: ["tanh(c) from", ...names.map((name) => `${name} (${counted(total(levels[name]))})`)],
      rows: range(bins).map((bin) => [(2 * bin) / bins - 1, ...names.map((name) => levels[name][bin])]),
    }),
  };
}

/** @type {(counts: number[]) => number} */
const total = (counts) => counts.reduce((sum, count) => sum + count, 0);

/** @type {(counts: number[], polarity: number, floor: number, height: number) => HTMLElement[]} */
function histogramBars(counts, polarity, floor, height) {
  const most = Math.max(1, ...counts);
  const width = (HISTOGRAM.right - HISTOGRAM.left) / counts.length;
  return counts.flatMap((count, bin) => {
    if (!count) return [];
    const size = (height * count) / most;
    const middle = (2 * bin + 1) / counts.length - 1;
    const place = { x: HISTOGRAM.left + bin * width, y: floor - size, width, height: Math.max(0.8, size) };
    const level = Math.round(middle * 100 * polarity);
    return [createElement("svg:rect", { class: `bin level${level}`, ...place })];
  });
}

/**
 * Return the chart of the mean of c by the value of a counter's or a depth counter's feature.
 * @type {(kind: string, staircase: NonNullable<Portrait["staircase"]>) => Chart}
 */
export function staircaseChart(kind, { count, mean, low, high }) {
  const xs = range(mean.length);
  const isCounter = kind === "counter";
  const radius = xs.length > 30 ? 2 : 3.5;
  return {
    title: "Staircase",
    note: `Mean c with its quartiles, by ${isCounter ? "steps since the reset" : "depth"}.`,
    picture: drawAxes({
      x: [-0.3, xs.length - 0.7],
      y: paddedRange(low, high),
      xName: isCounter ? "steps since the reset" : "depth",
      yName: "c",
      label: "Mean c by value of the feature",
      xTicks: xs.length < 9 ? xs : undefined,
      marks: [
        bandMark(xs, low, high, "first"),
        lineMark(xs, mean, "first"),
        dotMarks(xs, mean, "first", radius),
      ],
    }),
    numbers: () => ({
      head: [isCounter ? "steps" : "depth", "mean c", "lower quartile", "upper quartile", "times"],
      rows: xs.map((x) => [x, mean[x], low[x], high[x], count[x]]),
    }),
  };
}

/**
 * Return the chart of how long a switch stays on while its feature stays on.
 * @type {(shares: number[]) => Chart}
 */
export function survivalChart(shares) {
  const xs = range(shares.length);
  return {
    title: "Survival",
    note: "Share of cases in which the cell is still on, by characters since the feature went on, while it stays on.",
    picture: drawAxes({
      x: [0, xs.length - 1],
      y: [0, 1],
      xName: "characters since the feature went on",
      yName: "share on",
      label: "Share of cases in which the cell is still on",
      marks: [lineMark(xs, shares, "first")],
    }),
    numbers: () => ({ head: ["characters", "share on"], rows: xs.map((x) => [x, shares[x]]) }),
  };
}
