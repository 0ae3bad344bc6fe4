// This file draws values with their intervals, one below the other, against one scale with its zero.

import { short } from "../shared/numbers.js";
import { createElement } from "../shared/page_elements.js";
import { chartText, createPicture, paddedRange, ticks } from "./chart_frame.js";

/** The plot lies between these two places of the picture; names stand left of it, values right of it. */
const PLOT = { left: 118, right: 268, top: 6, pitch: 23 };
const WIDTH = 330;
/** Room below the lines for the ticks and the name of the axis. */
const FOOT = 40;
const LONGEST_NAME = 20;
const MOST_TICKS = 4;

/**
 * One line: its name, its value, whether it is only a baseline, and what stands in the place of a value that
 * is not known.
 * @typedef {{ name: string, value: Estimate | null, baseline?: boolean, missing?: string }} IntervalLine
 */

/**
 * Draw lines of values with intervals. `band` is a range around 0 that is shaded, `all` a value that has a
 * rule of its own besides 0.
 * @type {(plot: {
 *   lines: IntervalLine[],
 *   axisName: string,
 *   label: string,
 *   band?: number | null,
 *   all?: number,
 * }) => HTMLElement}
 */
export function drawIntervals({ lines, axisName, label, band, all }) {
  const height = PLOT.top + PLOT.pitch * lines.length + FOOT;
  const picture = createPicture(label, { width: WIDTH, height });
  const bounds = band ? [-band, band] : [];
  const known = lines.flatMap(({ value }) => (value ? [value.value, value.low, value.high] : []));
  const range = paddedRange(known, bounds, [0], all === undefined ? [] : [all]);
  /** @type {Scale} */
  const across = (value) =>
    PLOT.left + ((value - range[0]) / (range[1] - range[0])) * (PLOT.right - PLOT.left);
  const bottom = height - FOOT + 4;
  if (band) picture.append(limitBand(across(-band), across(band), bottom));
  for (const value of evenTicks(range)) {
    picture.append(
      createElement("svg:path", { class: "grid", d: `M${across(value)} ${PLOT.top}V${bottom}` }),
      chartText(short(value), across(value), bottom + 14, "middle"),
    );
  }
  for (const value of all === undefined ? [0] : [0, all]) {
    picture.append(
      createElement("svg:path", { class: "rule", d: `M${across(value)} ${PLOT.top}V${bottom}` }),
    );
  }
  lines.forEach((line, place) => {
    picture.append(...lineMarks(line, PLOT.top + PLOT.pitch * (place + 0.5), across));
  });
  picture.append(chartText(axisName, (PLOT.left + PLOT.right) / 2, height - 5, "middle", "axis-name"));
  return picture;
}

/**
 * Return round values in a range that holds 0: four or so, 0 among them.
 * @type {(range: [number, number]) => number[]}
 */
function evenTicks([low, high]) {
  const sizes = ticks(0, Math.max(-low, high));
  const values = [...sizes.slice(1).map((size) => -size), ...sizes].filter(
    (value) => value >= low && value <= high,
  );
  return values.length > MOST_TICKS
    ? values.filter((value) => sizes.indexOf(Math.abs(value)) % 2 === 0)
    : values;
}

/** @type {(left: number, right: number, bottom: number) => HTMLElement} */
const limitBand = (left, right, bottom) =>
  createElement("svg:rect", {
    class: "band second",
    x: left,
    y: PLOT.top,
    width: Math.max(0, right - left),
    height: bottom - PLOT.top,
  });

/** @type {(line: IntervalLine, y: number, across: Scale) => HTMLElement[]} */
function lineMarks({ name, value, baseline = false, missing = "" }, y, across) {
  const shown = name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME - 1)}\u2026` : name;
  const title = createElement("svg:title", {}, name);
  const label = chartText(shown, PLOT.left - 8, y + 4, "end", baseline ? "second" : "label");
  if (shown !== name) label.append(title);
  if (!value) return [label, chartText(missing, PLOT.right + 6, y + 4)];
  const { low, high } = value;
  const marks = [label, chartText(short(value.value), PLOT.right + 6, y + 4)];
  if (low !== null && high !== null) {
    const path = `M${across(low).toFixed(1)} ${y}H${across(high).toFixed(1)}`;
    marks.push(createElement("svg:path", { class: `whisker${baseline ? " second" : ""}`, d: path }));
  }
  const x = across(value.value);
  if (baseline) {
    const diamond = `M${(x - 5).toFixed(1)} ${y}l5 -5l5 5l-5 5z`;
    return [...marks, createElement("svg:path", { class: "largest", d: diamond })];
  }
  return [...marks, createElement("svg:circle", { class: "dot first", cx: x.toFixed(1), cy: y, r: 4 })];
}

/**
 * Return the table of lines: name, value and interval, and what else stands in each.
 * @type {(lines: IntervalLine[], head: string[], more?: (number | string | null)[][]) => NumberTable}
 */
export const intervalNumbers = (lines, head, more = []) => ({
  head: ["what", head[0], "low", "high", ...head.slice(1)],
  rows: lines.map(({ name, value }, place) => [
    name,
    value?.value,
    value?.low,
    value?.high,
    ...(more[place] ?? []),
  ]),
});
