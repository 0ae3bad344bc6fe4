// This file moves the cursor through the text of the excerpt and shows the values at its place.

import { bounded, counted, signed } from "../shared/numbers.js";
import { symbolOf } from "../shared/page_data.js";
import { find } from "../shared/page_elements.js";
import { drawAroundCursor, showTrackValues } from "./gate_tracks.js";
import { beginPassage, dropPassage, showPassage } from "./passage.js";
import { cellValues, chosenRow, featureValues, notify, shown, switchValues, view } from "./state.js";

/**
 * Move the cursor to a place of the excerpt, or to the nearest one that exists. `focus` gives the character
 * the focus; `extend` marks the passage from where the cursor was when the passage began.
 * @type {(place: number, how?: { focus?: boolean, extend?: boolean }) => void}
 */
export function moveTo(place, { focus = false, extend = false } = {}) {
  const before = shown.spans[view.cursor];
  before?.removeAttribute("aria-selected");
  if (before) before.tabIndex = -1;
  if (extend) beginPassage();
  else dropPassage();
  view.cursor = bounded(place, 0, shown.spans.length - 1);
  const span = shown.spans[view.cursor];
  span.tabIndex = 0;
  span.setAttribute("aria-selected", "true");
  span.setAttribute("aria-label", Object.values(description(view.cursor)).join(", "));
  if (focus) {
    span.focus({ preventScroll: true });
    span.scrollIntoView({ block: "nearest" });
  }
  drawAroundCursor();
  showReadout(view.cursor);
  if (extend) showPassage();
  notify("view");
}

/**
 * Move the cursor to the next driver of the chosen cell (direction 1) or to the one before (direction -1).
 * @type {(direction: 1 | -1) => void}
 */
export function moveToDriver(direction) {
  const ahead = shown.drivers.filter((place) => (place - view.cursor) * direction > 0);
  if (ahead.length) moveTo(direction > 0 ? ahead[0] : ahead[ahead.length - 1], { focus: true });
}

/**
 * Show the character at a place and the values there above the plots.
 * @type {(place: number) => void}
 */
export function showReadout(place) {
  for (const [name, text] of Object.entries(description(place))) {
    find(`#readout .${name}`).textContent = text;
  }
  find("#readout .glyph").style.background = getComputedStyle(shown.spans[place]).backgroundColor;
  showTrackValues(place);
}

/** @type {(place: number) => { glyph: string, value: string, truth: string, where: string }} */
function description(place) {
  const feature = featureValues();
  const value = feature?.[place];
  const words = switchValues() ? (value ? "on" : "off") : value;
  return {
    glyph: symbolOf(shown.characters[place]),
    value: `tanh(c) ${signed(cellValues()?.[place])}`,
    truth: value === undefined ? "" : `${chosenRow().feature_words}: ${words}`,
    where: `character ${counted(place + 1)} of ${counted(shown.characters.length)}`,
  };
}

/**
 * Scroll the box of the text, and never the page, to the cursor where that is out of sight.
 * @type {() => void}
 */
export function scrollToCursor() {
  const box = find("#text");
  const span = shown.spans[view.cursor];
  const hidden = span.offsetTop < box.scrollTop || span.offsetTop > box.scrollTop + box.clientHeight - 40;
  if (hidden) box.scrollTop = span.offsetTop - box.clientHeight / 2;
}
