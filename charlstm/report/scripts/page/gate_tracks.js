// This file plots c, the four gates and the feature around the cursor, and tanh(c) of the whole excerpt.

import { bounded, isBinary, short, signed } from "../shared/numbers.js";
import { symbolOf } from "../shared/page_data.js";
import { createElement, find } from "../shared/page_elements.js";
import { areaPath, charactersInLine, createTrackPaths, drawTrack, stepPath } from "../shared/tracks.js";
import { cellValues, chosenRow, featureValues, recordedCell, shown, view } from "./state.js";

/** @type {Track[]} */
const tracks = [];

/**
 * Create the elements of all tracks.
 * @type {() => void}
 */
export function buildTracks() {
  tracks.push(
    createTrack("c", () => storedSeries("c_thousandths", 1000) ?? cellValues(), {
      centred: true,
      label: () => (recordedCell()?.c_thousandths ? "c" : "tanh(c)"),
    }),
    createTrack("input", () => storedSeries("input_hundredths", 100), { top: 1 }),
    createTrack("forget", () => storedSeries("forget_hundredths", 100), { top: 1 }),
    createTrack("candidate", () => storedSeries("candidate_hundredths", 100), { centred: true }),
    createTrack("output", () => storedSeries("output_hundredths", 100), { top: 1 }),
    createTrack("feature", featureValues, { label: () => chosenRow().feature_words }),
  );
  find("#tracks").replaceChildren(...tracks.map((track) => track.line));
}

/** @type {(name: string, series: Track["series"], how: Partial<Track>) => Track} */
function createTrack(name, series, { centred = false, label = () => name, top }) {
  const labelBox = createElement("span", { class: "track-name" });
  const valueBox = createElement("span", { class: "track-value" });
  const paths = createTrackPaths();
  const picture = createElement(
    "svg:svg",
    { preserveAspectRatio: "none", "aria-hidden": "true" },
    ...Object.values(paths),
  );
  const line = createElement("div", { class: `track track-${name}` }, labelBox, picture, valueBox);
  return { name, series, label, centred, top, scale: 1, line, labelBox, valueBox, paths };
}

/**
 * Return a series that is stored in whole parts of one, as fractions.
 * @type {(name: string, parts: number) => Series | undefined}
 */
const storedSeries = (name, parts) =>
  recordedCell()?.[name]?.map((value) => (value === null ? null : value / parts));

/**
 * Return the value at the upper edge of a track: the largest size in the series, and at least 1.
 * @type {(series: Series | Float32Array) => number}
 */
const largestSize = (series) =>
  Array.from(series).reduce((/** @type {number} */ most, value) => Math.max(most, Math.abs(value ?? 0)), 1);

/**
 * Take the series of the chosen cell into the tracks, and draw the plot of the whole excerpt.
 * @type {() => void}
 */
export function plotChosenCell() {
  for (const track of tracks) {
    track.drawn = track.series();
    track.line.hidden = track.drawn === undefined;
    if (track.drawn === undefined) continue;
    track.scale = track.top ?? largestSize(track.drawn);
    track.line.classList.toggle("reversed", chosenRow().polarity < 0);
    track.labelBox.textContent = track.label();
  }
  const values = cellValues();
  const feature = featureValues();
  find(".overview .curve").setAttribute("d", values ? stepPath(values, 0, 1) : "");
  find(".overview .truth").setAttribute("d", feature ? areaPath(feature) : "");
  find(".overview svg").setAttribute("viewBox", `0 -1.08 ${shown.characters.length} 2.16`);
  find("#feature-name").textContent = feature ? featureWords(feature) : "";
}

/**
 * Return the words of the caption for a feature; one with more than two levels has its range.
 * @type {(feature: Series) => string}
 */
function featureWords(feature) {
  const extent = isBinary(feature) ? "" : ` (0 to ${Math.max(...feature.map((value) => value ?? 0))})`;
  return `, and in grey the feature “${chosenRow().feature_words}”${extent}`;
}

/**
 * Draw all tracks around the cursor, as many characters as the page is wide.
 * @type {() => void}
 */
export function drawAroundCursor() {
  const count = Math.min(shown.characters.length, charactersInLine(find("#ticker")));
  const start = bounded(view.cursor - Math.floor(count / 2), 0, shown.characters.length - count);
  for (const { drawn, paths, scale, centred } of tracks) {
    if (drawn === undefined) continue;
    const values = Array.from(drawn.slice(start, start + count));
    drawTrack(paths, { values, start, scale, centred, cursor: view.cursor });
  }
  find(".overview .cursor").setAttribute("d", `M${view.cursor + 0.5} -1.08V1.08`);
  find(".frame").setAttribute("x", String(start));
  find(".frame").setAttribute("width", String(count));
  drawCharacterLine(start, count);
}

/**
 * Write the characters below the plots, each under its own step.
 * @type {(start: number, count: number) => void}
 */
function drawCharacterLine(start, count) {
  const line = find("#ticker");
  while (line.childElementCount > count) line.lastElementChild?.remove();
  while (line.childElementCount < count) line.append(document.createElement("span"));
  [...line.children].forEach((span, offset) => {
    const character = shown.characters[start + offset];
    span.textContent = character === " " ? "\u00a0" : symbolOf(character);
    span.className = shown.spans[start + offset].classList.contains("driver") ? "driver" : "";
    span.classList.toggle("here", start + offset === view.cursor);
  });
}

/**
 * Write the value of every track at a place of the excerpt.
 * @type {(place: number) => void}
 */
export function showTrackValues(place) {
  for (const { name, drawn, centred, valueBox } of tracks) {
    if (drawn === undefined) continue;
    const value = drawn[place];
    if (name === "feature") valueBox.textContent = short(value);
    else valueBox.textContent = centred ? signed(value) : signed(value).replace("+", "");
  }
}

/**
 * Return the tracks of the chosen cell as columns: their labels and their series.
 * @type {() => { label: string, series: Series | Float32Array }[]}
 */
export const trackColumns = () =>
  tracks.flatMap(({ label, drawn }) => (drawn === undefined ? [] : [{ label: label(), series: drawn }]));
