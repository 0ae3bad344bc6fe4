// This file shows one cell at one moment of the training: a slider goes through the moments, recolours a text
// by what the cell was then, and tells how good the network was and how closely the cell followed its feature.

import { chosenRow, followers, hasChosenRow } from "../page/state.js";
import {
  characterClasses,
  characterSpan,
  isCount,
  nameColours,
  withLineBreaks,
} from "../shared/coloured_text.js";
import { isBinary, short, signed } from "../shared/numbers.js";
import { unpackedRows } from "../shared/packed_values.js";
import { data } from "../shared/page_data.js";
import { createElement, find, findField } from "../shared/page_elements.js";
import { markStep, showAppearanceChart, showLossChart } from "./over_time_charts.js";

/** How long a moment is shown while the training plays. */
const MOMENT_MILLISECONDS = 450;

/** What is shown: the number of a cell and that of a moment, and what is there to show it. */
const shownMoment = {
  cell: 0,
  moment: 0,
  /** The cell that the page had chosen when it was last asked; undefined before that. */
  followed: /** @type {string | undefined} */ (undefined),
  spans: /** @type {HTMLSpanElement[]} */ ([]),
  /** tanh(c) along the text, by cell and then by moment. */
  states: /** @type {Map<string, Float32Array[]>} */ (new Map()),
  timer: 0,
};

/**
 * Show the training, where the page knows of it.
 * @type {() => Promise<void>}
 */
export async function showTraining() {
  const { overTime } = data;
  if (!overTime) return;
  find("#moments").hidden = false;
  showLossChart(overTime);
  fillAppearingCells(overTime);
  await buildMomentText(overTime);
  const slider = findField("#moment");
  slider.max = String(overTime.steps.length - 1);
  slider.addEventListener("input", () => {
    stopPlaying();
    showMoment(slider.valueAsNumber);
  });
  find("#moment-play").addEventListener("click", playOrPause);
  showCellOverTime(overTime.start);
  showMoment(overTime.steps.length - 1);
  followers.cell.push(followChosenCell);
  // A link may name the cell that the page has chosen already.
  window.addEventListener("hashchange", (event) => showCellOfName(addressedCell(event.newURL)));
}

/** @type {() => OverTime} */
const training = () => /** @type {OverTime} */ (data.overTime);

/** @type {(overTime: OverTime) => void} */
function fillAppearingCells({ cells }) {
  const list = findField("#moment-cell");
  list.replaceChildren(
    ...cells.map(({ cell, feature }, place) =>
      createElement("option", { value: place }, `${cell} · ${feature}`),
    ),
  );
  list.addEventListener("change", () => showCellOverTime(Number(list.value)));
}

/** @type {(overTime: OverTime) => Promise<void>} */
async function buildMomentText({ excerpt, steps }) {
  if (!excerpt) return;
  const characters = Array.from(excerpt.text);
  const moments = steps.length;
  const rows = await unpackedRows(excerpt.tanh_c, excerpt.cells.length * moments, characters.length);
  excerpt.cells.forEach((cell, place) => {
    shownMoment.states.set(cell, rows.slice(place * moments, (place + 1) * moments));
  });
  shownMoment.spans = characters.map(characterSpan);
  find("#moment-text").replaceChildren(...withLineBreaks(shownMoment.spans, characters));
}

/**
 * Show another cell at the same moment.
 * @type {(place: number) => void}
 */
function showCellOverTime(place) {
  const { steps, cells } = training();
  const { cell, told } = cells[place];
  shownMoment.cell = place;
  findField("#moment-cell").value = String(place);
  const parts = told.map(([text, isQuotation]) => (isQuotation ? createElement("code", {}, text) : text));
  find("#moment-told").replaceChildren(...parts);
  const { kind, polarity } = rowOfShownCell();
  nameColours(find("#moment-legend"), kind, polarity);
  find("#moment-coloured").hidden = !shownMoment.states.has(cell);
  showAppearanceChart(steps, cells[place]);
  showMoment(shownMoment.moment);
}

/** @type {() => { kind: string, polarity: number }} */
function rowOfShownCell() {
  const { cell, name } = training().cells[shownMoment.cell];
  return data.rows.find((row) => row.cell === cell && row.feature === name) ?? { kind: "", polarity: 1 };
}

/** @type {(moment: number) => void} */
function showMoment(moment) {
  const { steps, bits, cells } = training();
  const { score, nats, since } = cells[shownMoment.cell];
  const [here, last] = [steps[moment], steps[steps.length - 1]];
  shownMoment.moment = moment;
  const step = `step ${short(here)} of ${short(last)}`;
  const loss = `${bits[moment]?.toFixed(2) ?? "unknown"} bits per character`;
  const done = since.filter(([, from]) => from <= here).map(([verb]) => verb);
  const deeds = done.join(", ") || "does not follow its feature yet";
  const slider = findField("#moment");
  slider.value = String(moment);
  slider.setAttribute("aria-valuetext", `${step}, ${loss}, the cell ${deeds}`);
  find("#moment-step").textContent = step;
  find("#moment-bits").textContent = loss;
  find("#moment-score").textContent = signed(score[moment]);
  const effect = nats[moment];
  find("#moment-effect").textContent = effect === null ? "not measured" : `${signed(effect)} nats`;
  find("#moment-deeds").textContent = deeds;
  markStep(here, last);
  colourMomentText();
}

function colourMomentText() {
  const { excerpt, cells } = training();
  const { cell, name } = cells[shownMoment.cell];
  const values = shownMoment.states.get(cell)?.[shownMoment.moment];
  if (!values) return;
  const feature = excerpt?.features[name];
  const { kind, polarity } = rowOfShownCell();
  const isSwitch = isBinary(feature) && !isCount(kind);
  find("#moment-coloured .binary").hidden = !isSwitch;
  shownMoment.spans.forEach((span, place) => {
    span.className = characterClasses(values[place], polarity, isSwitch ? feature[place] : undefined, false);
  });
}

function playOrPause() {
  if (shownMoment.timer) {
    stopPlaying();
    return;
  }
  const last = training().steps.length - 1;
  if (shownMoment.moment === last) showMoment(0);
  find("#moment-play").textContent = "Pause";
  shownMoment.timer = setInterval(() => {
    if (shownMoment.moment < last) showMoment(shownMoment.moment + 1);
    if (shownMoment.moment === last) stopPlaying();
  }, MOMENT_MILLISECONDS);
}

function stopPlaying() {
  clearInterval(shownMoment.timer);
  shownMoment.timer = 0;
  find("#moment-play").textContent = "Play";
}

/**
 * Show the cell that the page has chosen; not the one that it chose by itself when it was opened.
 * @type {() => void}
 */
function followChosenCell() {
  const { cell } = hasChosenRow() ? chosenRow() : { cell: undefined };
  const isFirst = shownMoment.followed === undefined;
  if (cell === shownMoment.followed) return;
  shownMoment.followed = cell;
  if (!isFirst || addressedCell(location.href) !== null) showCellOfName(cell);
}

/** @type {(address: string) => string | null} */
const addressedCell = (address) => new URLSearchParams(new URL(address).hash.slice(1)).get("cell");

/** @type {(name: string | null | undefined) => void} */
function showCellOfName(name) {
  const place = training().cells.findIndex(({ cell }) => cell === name);
  if (place >= 0) showCellOverTime(place);
}
