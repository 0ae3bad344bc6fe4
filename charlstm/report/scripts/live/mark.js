// This file moves the mark in the written text and draws everything that depends on it.

import { notify } from "../page/state.js";
import { SPOKEN_NAMES } from "../shared/coloured_text.js";
import { signed } from "../shared/numbers.js";
import { find, findAll, findField } from "../shared/page_elements.js";
import { continueTextSoon } from "./continuations.js";
import { drawLiveTracks } from "./live_tracks.js";
import { drawNextCharacters } from "./next_characters.js";
import { holdChoice, live, onOffLevels, unpackedModel, watchedFinding } from "./panel_state.js";
import { mostSteps, stepsWords } from "./steps.js";
import { nameForScreenReader } from "./written_text.js";

/**
 * Move the mark to a place of the written text, or to the nearest one that exists.
 * @type {(place: number, how?: { focus?: boolean }) => void}
 */
export function moveMark(place, { focus = false } = {}) {
  if (!live.network || live.isReading) return;
  const before = live.spans[live.mark];
  if (before) {
    before.removeAttribute("aria-selected");
    before.tabIndex = -1;
    nameForScreenReader(before, live.symbols[live.mark]);
  }
  live.mark = Math.min(live.spans.length - 1, Math.max(place, live.spans.length ? 0 : -1));
  const span = live.spans[live.mark];
  if (span) {
    const { text, shown } = live.symbols[live.mark];
    span.tabIndex = 0;
    span.setAttribute("aria-selected", "true");
    const value = signed(Math.tanh(watchedStateAtMark()));
    span.setAttribute("aria-label", `${SPOKEN_NAMES.get(text) ?? shown}, tanh(c) ${value}`);
    if (focus) span.focus({ preventScroll: true });
    scrollBoxTo(find("#live"), span);
  }
  showHoldSettings();
  drawLiveTracks();
  drawNextCharacters();
  continueTextSoon();
  notify("view");
}

/**
 * Return c of the watched cell after the marked character.
 * @type {() => number}
 */
const watchedStateAtMark = () =>
  unpackedModel().trace.c[live.mark][live.watchedCell.layer][live.watchedCell.cell];

/**
 * Scroll a box, and never the page, to a span inside.
 * @type {(box: HTMLElement, span: HTMLElement) => void}
 */
function scrollBoxTo(box, span) {
  const below = span.offsetTop + span.offsetHeight + 8 - box.scrollTop - box.clientHeight;
  if (below > 0) box.scrollTop += below;
  if (span.offsetTop < box.scrollTop) box.scrollTop = span.offsetTop - 8;
}

/**
 * Show at which values the watched cell can be held.
 * @type {() => void}
 */
export function showHoldSettings() {
  const { off, on, isKnown } = onOffLevels();
  const [offLevel, onLevel] = findAll("#live-hold .level");
  offLevel.textContent = `at c = ${signed(off)}`;
  onLevel.textContent = `at c = ${signed(on)}`;
  find("#live-source").textContent = isKnown
    ? "On and off are the two levels that the inspection measured."
    : "No levels are known for this cell: off and on are the 5th and the 95th percentile of c in your text.";
  const limit = Math.max(2, Math.ceil(1.5 * Math.max(Math.abs(off), Math.abs(on))));
  const slider = findField("#live-range");
  slider.min = String(-limit);
  slider.max = String(limit);
  find("#live-value").textContent = signed(Number(slider.value));
  showStepsDial();
  find("#live-heat").textContent = Number(findField("#live-temperature").value).toFixed(2);
}

/**
 * Show the slider that counts the watched cell on or back, where it is a counter or a depth counter.
 * @type {() => void}
 */
function showStepsDial() {
  const finding = watchedFinding();
  const most = finding?.stairs ? mostSteps(finding) : 0;
  find("#live-count").hidden = find("#live-steps-choice").hidden = most === 0;
  if (!most && holdChoice() === "steps") findField('#live-hold [value="free"]').checked = true;
  const slider = findField("#live-steps");
  [slider.min, slider.max] = [String(-most), String(most)];
  find("#live-steps-value").textContent = stepsWords(finding?.kind ?? "", Number(slider.value));
}

/** @type {(choice: import("./panel_state.js").HoldChoice) => void} */
export function chooseHold(choice) {
  findField(`#live-hold [value="${choice}"]`).checked = true;
  settingsChanged();
}

/** @type {() => void} */
export function settingsChanged() {
  showHoldSettings();
  if (live.network) moveMark(live.mark);
}
