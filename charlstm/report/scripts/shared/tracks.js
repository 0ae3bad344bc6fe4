// This file draws series of values as stepped curves, one step for each character.

import { createElement } from "./page_elements.js";

/** The least width of a character in the line of characters below the plots, in pixels and in sizes of its font. */
const LEAST_CHARACTER = { pixels: 11, ems: 0.65 };
const LEAST_PLOTTED_CHARACTERS = 16;

/**
 * Return how many characters the line below a plot has room for.
 * @type {(line: HTMLElement) => number}
 */
export function charactersInLine(line) {
  const fontPixels = Number.parseFloat(getComputedStyle(line).fontSize);
  const { pixels, ems } = LEAST_CHARACTER;
  return Math.max(
    LEAST_PLOTTED_CHARACTERS,
    Math.floor(line.clientWidth / Math.max(pixels, ems * fontPixels)),
  );
}

/**
 * Return the path of a series: a horizontal line of length 1 for each value, from the horizontal place
 * `start` on. A value is drawn upwards, divided by `scale`.
 * @type {(series: ArrayLike<number | null>, start: number, scale: number) => string}
 */
export function stepPath(series, start, scale) {
  return Array.from(
    series,
    (value, index) =>
      `${index ? "V" : `M${start} `}${Math.round((-1000 * (value ?? 0)) / scale) / 1000}H${start + index + 1}`,
  ).join("");
}

/**
 * Return the path of the area below a series of values from 0 up, which fills the heights from 1.08 to -1.08.
 * @type {(series: Series) => string}
 */
export function areaPath(series) {
  const top = Math.max(1, ...series.map((value) => value ?? 0));
  const steps = series.map((value) => 1.08 - (2.16 * (value ?? 0)) / top);
  return `M0 1.08${steps.map((y, index) => `V${Math.round(1000 * y) / 1000}H${index + 1}`).join("")}V1.08Z`;
}

/**
 * Create the elements of an empty track: the position of the cursor, the areas above and below 0, and the
 * curve.
 * @type {() => TrackPaths}
 */
export const createTrackPaths = () => ({
  cursor: createElement("svg:rect", { class: "cursor", y: -1.1, height: 2.2, width: 1 }),
  above: createElement("svg:path", { class: "above" }),
  below: createElement("svg:path", { class: "below" }),
  curve: createElement("svg:path", { class: "curve" }),
});

/**
 * Draw a part of a series into the elements of a track. The part begins at the horizontal place `start`;
 * `centred` says whether the track shows values below 0, and `scale` is the value at its upper edge.
 * @type {(
 *   paths: TrackPaths,
 *   part: { values: (number | null)[], start: number, scale: number, centred: boolean, cursor: number },
 * ) => void}
 */
export function drawTrack(paths, { values, start, scale, centred, cursor }) {
  /** @type {(side: 1 | -1) => string} */
  const area = (side) => {
    const oneSided = values.map((value) => side * Math.max(0, side * (value ?? 0)));
    return `${stepPath(oneSided, start, scale)}V0H${start}Z`;
  };
  paths.cursor.setAttribute("x", String(cursor));
  paths.above.setAttribute("d", values.length ? area(1) : "");
  paths.below.setAttribute("d", values.length && centred ? area(-1) : "");
  paths.curve.setAttribute("d", stepPath(values, start, scale));
  paths.cursor.parentElement?.setAttribute(
    "viewBox",
    `${start} -1.1 ${Math.max(1, values.length)} ${centred ? 2.2 : 1.1}`,
  );
}
