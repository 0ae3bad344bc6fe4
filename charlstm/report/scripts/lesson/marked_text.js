// This file makes a text on which the reader marks characters: by dragging, with a finger, or with the keys.

import { characterSpan, placeInNextLine, SPOKEN_NAMES, withLineBreaks } from "../shared/coloured_text.js";
import { bounded } from "../shared/numbers.js";
import { targetOf } from "../shared/page_elements.js";

/**
 * @typedef {{ from: number, marks: boolean, before: Set<number> }} MarkedRange
 *   A range that is being drawn: where it began, whether it marks or unmarks, and what was marked before.
 * @typedef {{
 *   box: HTMLElement, spans: HTMLSpanElement[], first: number, here: number, marked: Set<number>,
 *   isOpen: boolean, range: MarkedRange | undefined,
 * }} MarkedText
 *   The spans of the characters; those from `first` on can be marked while the text is open. `here` has the focus.
 */

/**
 * Return a text without characters in a box, and listen to what the reader does there.
 * @type {(box: HTMLElement) => MarkedText}
 */
export function createMarkedText(box) {
  /** @type {MarkedText} */
  const text = { box, spans: [], first: 0, here: 0, marked: new Set(), isOpen: false, range: undefined };
  box.addEventListener("pointerdown", (event) => beginDrag(text, event));
  box.addEventListener("pointermove", (event) => {
    const place = placeUnder(text, event);
    if (text.range && place !== undefined && box.hasPointerCapture(event.pointerId)) extendTo(text, place);
  });
  box.addEventListener("pointerup", () => {
    text.range = undefined;
  });
  // The browser takes a finger that moves up or down for scrolling.
  box.addEventListener("pointercancel", () => {
    if (text.range) text.marked = text.range.before;
    text.range = undefined;
    showMarks(text);
  });
  box.addEventListener("keydown", (event) => {
    if (!text.isOpen || event.ctrlKey || event.metaKey || event.altKey) return;
    text.here = Number(targetOf(event).dataset.mark ?? text.here);
    if (!isMarkingKey(text, event)) return;
    event.preventDefault();
    // The page has a use for the same keys.
    event.stopPropagation();
  });
  return text;
}

/**
 * Show other characters, of which those from a place on can be marked.
 * @type {(text: MarkedText, characters: string[], firstPlace: number) => void}
 */
export function writeMarkedText(text, characters, firstPlace) {
  text.spans = characters.map((character, place) => {
    const span = characterSpan(character);
    if (place < firstPlace) return span;
    span.dataset.mark = String(place);
    span.setAttribute("role", "option");
    span.tabIndex = place === firstPlace ? 0 : -1;
    const spoken = SPOKEN_NAMES.get(character);
    if (spoken) span.setAttribute("aria-label", spoken);
    return span;
  });
  Object.assign(text, { first: firstPlace, here: firstPlace, isOpen: true, range: undefined });
  text.box.replaceChildren(...withLineBreaks(text.spans, characters));
  clearMarks(text);
}

/** @type {(text: MarkedText) => void} */
export function clearMarks(text) {
  text.marked.clear();
  text.range = undefined;
  showMarks(text);
}

/** @type {(text: MarkedText) => void} */
function showMarks({ spans, first, marked }) {
  spans.slice(first).forEach((span, index) => {
    const isMarked = marked.has(first + index);
    span.classList.toggle("marked", isMarked);
    span.setAttribute("aria-selected", String(isMarked));
  });
}

/** @type {(text: MarkedText, event: PointerEvent) => void} */
function beginDrag(text, event) {
  const place = placeUnder(text, event);
  if (!text.isOpen || event.button !== 0 || place === undefined) return;
  event.preventDefault();
  text.box.setPointerCapture(event.pointerId);
  beginRange(text, place, !text.marked.has(place));
  extendTo(text, place);
}

/**
 * Return the place of the character under the pointer that can be marked, if there is one. The event's own target
 * stays where the drag began.
 * @type {(text: MarkedText, event: PointerEvent) => number | undefined}
 */
function placeUnder({ box }, event) {
  const under = document.elementFromPoint(event.clientX, event.clientY) ?? targetOf(event);
  const span = /** @type {HTMLElement | null} */ (under.closest("[data-mark]"));
  return span && box.contains(span) ? Number(span.dataset.mark) : undefined;
}

/** @type {(text: MarkedText, from: number, marks: boolean) => void} */
function beginRange(text, from, marks) {
  text.range = { from, marks, before: new Set(text.marked) };
}

/**
 * Let the range end at a place, which gets the focus.
 * @type {(text: MarkedText, place: number) => void}
 */
function extendTo(text, place) {
  if (!text.range) return;
  const { from, marks, before } = text.range;
  text.marked = new Set(before);
  for (let at = Math.min(from, place); at <= Math.max(from, place); at += 1) {
    if (marks) text.marked.add(at);
    else text.marked.delete(at);
  }
  showMarks(text);
  goTo(text, place);
}

/** @type {(text: MarkedText, place: number) => void} */
function goTo(text, place) {
  text.spans[text.here].tabIndex = -1;
  text.here = place;
  text.spans[place].tabIndex = 0;
  text.spans[place].focus({ preventScroll: true });
  text.spans[place].scrollIntoView({ block: "nearest" });
}

/**
 * Do what a key asks for. Return whether the key has a use here.
 * @type {(text: MarkedText, event: KeyboardEvent) => boolean}
 */
function isMarkingKey(text, { key, shiftKey }) {
  const { here, spans, first } = text;
  if (key === " ") {
    beginRange(text, here, !text.marked.has(here));
    extendTo(text, here);
    text.range = undefined;
    return true;
  }
  /** @type {Record<string, number>} */
  const places = { ArrowLeft: here - 1, ArrowRight: here + 1, Home: first, End: spans.length - 1 };
  if (key === "ArrowUp") places[key] = placeInNextLine(spans, here, -1);
  if (key === "ArrowDown") places[key] = placeInNextLine(spans, here, 1);
  if (places[key] === undefined) return false;
  const place = bounded(places[key], first, spans.length - 1);
  if (!shiftKey) text.range = undefined;
  else if (!text.range) beginRange(text, here, true);
  if (shiftKey) extendTo(text, place);
  else goTo(text, place);
  return true;
}
