// This file shows the cell of the first screen: a few lines in its colours, and below them c and two gates
// around one character.

import { characterSpan, levelClasses, nameColours, withLineBreaks } from "../shared/coloured_text.js";
import { bounded } from "../shared/numbers.js";
import { data, symbolOf } from "../shared/page_data.js";
import { createElement, find, targetOf } from "../shared/page_elements.js";
import { charactersInLine, createTrackPaths, drawTrack } from "../shared/tracks.js";

/** The tracks below the text: what each is called, the series that it shows, and in which parts of one. */
const FIRST_TRACKS = [
  { name: "c", label: "cell state", series: "c_thousandths", parts: 1000, centred: true },
  { name: "input", label: "input gate", series: "input_hundredths", parts: 100, centred: false },
  { name: "forget", label: "forget gate", series: "forget_hundredths", parts: 100, centred: false },
];

/**
 * The cell of the first screen, its excerpt, and the places in it where the shown text begins and stops;
 * `here` is the place of the pointed character, `chosen` that of the one that was clicked last, -1 before.
 */
export const first = {
  row: /** @type {Row | undefined} */ (undefined),
  excerpt: /** @type {Excerpt | undefined} */ (undefined),
  start: 0,
  stop: 0,
  here: 0,
  chosen: -1,
  spans: /** @type {HTMLSpanElement[]} */ ([]),
};

/** @type {{ paths: TrackPaths, values: number[], scale: number, centred: boolean, here: HTMLElement }[]} */
const firstTracks = [];

/**
 * Return the row of the cell and its excerpt, which are there once the first screen is shown.
 * @type {() => { row: Row, excerpt: Excerpt }}
 */
export function firstCell() {
  const { row, excerpt } = first;
  if (!row || !excerpt) throw new Error("the page has no first cell");
  return { row, excerpt };
}

/**
 * Return the feature of the cell along its excerpt; zeros where it is not known.
 * @type {() => number[]}
 */
export function firstFeature() {
  const { row, excerpt } = firstCell();
  const known = excerpt.features[row.feature] ?? [];
  return Array.from(excerpt.text, (_, place) => known[place] ?? 0);
}

/**
 * Return the excerpt with the values of a row's cell: its own, or the first that has them.
 * @type {(row: Row) => Excerpt | undefined}
 */
export const excerptOfRow = (row) =>
  data.excerpts[row.excerpt ?? data.excerpts.findIndex(({ cells }) => row.cell in cells)];

/**
 * Show the cell of the first screen, where the page has one.
 * @type {() => void}
 */
export function showFirstText() {
  const section = find("#first");
  if (!section) return;
  const row = data.rows[Number(section.dataset.row)];
  const excerpt = excerptOfRow(row);
  if (!excerpt?.cells[row.cell]) return;
  Object.assign(first, { row, excerpt });
  [first.start, first.stop] = [Number(section.dataset.start), Number(section.dataset.stop)];
  colourFirstText();
  buildFirstTracks();
  const feature = firstFeature();
  const goesOn = feature.findIndex(
    (value, place) => place > first.start && place < first.stop && value > 0 && feature[place - 1] <= 0,
  );
  pointTo(goesOn < 0 ? first.start : goesOn);
  listenToPointing(find("#first-text"));
  new ResizeObserver(drawFirstTracks).observe(find("#first-tracks"));
}

/**
 * Let the frame follow the pointer; a click chooses a character, to which the frame comes back.
 * @type {(box: HTMLElement) => void}
 */
function listenToPointing(box) {
  box.addEventListener("pointerover", (event) => {
    const { place } = targetOf(event).dataset;
    if (place !== undefined) pointTo(Number(place));
  });
  box.addEventListener("click", (event) => {
    const { place } = targetOf(event).dataset;
    if (place === undefined) return;
    first.chosen = Number(place);
    pointTo(first.chosen);
    box.dispatchEvent(new Event("chosen"));
  });
  box.addEventListener("pointerleave", () => {
    if (first.chosen >= 0) pointTo(first.chosen);
  });
}

function colourFirstText() {
  const { row, excerpt } = firstCell();
  const values = excerpt.cells[row.cell].tanh_c;
  const characters = Array.from(excerpt.text).slice(first.start, first.stop);
  first.spans = characters.map((character, index) => {
    const place = first.start + index;
    const span = characterSpan(character);
    span.dataset.place = String(place);
    span.className = levelClasses(values[place] ?? 0, row.polarity);
    return span;
  });
  find("#first-text").replaceChildren(...withLineBreaks(first.spans, characters));
  nameColours(find("#first-legend"), row.kind, row.polarity);
}

function buildFirstTracks() {
  const { row, excerpt } = firstCell();
  const recorded = excerpt.cells[row.cell];
  const lines = FIRST_TRACKS.flatMap(({ name, label, series, parts, centred }) => {
    const stored =
      recorded[series] ?? (centred ? recorded.tanh_c.map((value) => (value ?? 0) * parts) : undefined);
    if (!stored) return [];
    const values = stored.map((value) => (value ?? 0) / parts);
    const paths = createTrackPaths();
    const largest = values
      .slice(first.start, first.stop)
      .reduce((most, value) => Math.max(most, Math.abs(value)), 1);
    const here = createElement("b", {});
    firstTracks.push({ paths, values, centred, scale: largest, here });
    const picture = createElement(
      "svg:svg",
      { preserveAspectRatio: "none", "aria-hidden": true },
      ...Object.values(paths),
    );
    return [
      createElement(
        "div",
        { class: `track track-${name}` },
        createElement("span", { class: "track-name" }, `${label} `, here),
        createElement(
          "span",
          { class: "ends", "aria-hidden": true },
          ...(centred ? [] : ["1", "0"]).map((end) => createElement("span", {}, end)),
        ),
        picture,
      ),
    ];
  });
  const box = find("#first-tracks");
  box.classList.toggle("reversed", row.polarity < 0);
  box.replaceChildren(...lines, createElement("div", { class: "live-characters", "aria-hidden": true }));
}

/**
 * Mark a character of the text and draw the tracks around it.
 * @type {(place: number) => void}
 */
export function pointTo(place) {
  first.spans[first.here - first.start]?.removeAttribute("data-here");
  first.here = place;
  first.spans[place - first.start]?.setAttribute("data-here", "");
  drawFirstTracks();
}

/**
 * Scroll the box of the text, and never the page, to the pointed character, where a narrow screen hides it.
 * @type {() => void}
 */
export function scrollFirstText() {
  const box = find("#first-text");
  const span = first.spans[first.here - first.start];
  if (span) box.scrollTop = span.offsetTop - box.clientHeight / 2;
}

function drawFirstTracks() {
  const line = /** @type {HTMLElement} */ (find("#first-tracks").lastElementChild);
  const length = first.stop - first.start;
  const count = Math.min(length, charactersInLine(line));
  const start = bounded(first.here - Math.floor(count / 2), first.start, first.stop - count);
  for (const { paths, values, scale, centred, here } of firstTracks) {
    here.textContent = values[first.here].toFixed(2).replace("-", "\u2212");
    drawTrack(paths, {
      values: values.slice(start, start + count),
      start,
      scale,
      centred,
      cursor: first.here,
    });
  }
  const characters = Array.from(firstCell().excerpt.text).slice(start, start + count);
  line.replaceChildren(
    ...characters.map((character, offset) => {
      const isHere = start + offset === first.here;
      const shown = character === " " ? "\u00a0" : symbolOf(character);
      return createElement("span", { class: isHere ? "here" : undefined }, shown);
    }),
  );
}
