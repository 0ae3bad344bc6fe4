// This file says what clicking, dragging and pointing in the text and its plots do.

import { find, targetOf } from "../shared/page_elements.js";
import { chooseCell, chooseRow, fillValueTable } from "./chosen_cell.js";
import { takeExcerptChoice } from "./excerpt_choice.js";
import { drawAroundCursor } from "./gate_tracks.js";
import { dropPassage } from "./passage.js";
import { notify, shown, view } from "./state.js";
import { moveTo, scrollToCursor, showReadout } from "./text_cursor.js";

/** @type {() => void} */
export function listenToPointer() {
  const box = find("#text");
  box.addEventListener("click", (event) => {
    const place = placeOf(event);
    if (place !== undefined && view.passageEnd === undefined) moveTo(place, { focus: true });
  });
  box.addEventListener("pointerover", (event) => showReadout(placeOf(event) ?? view.cursor));
  box.addEventListener("pointerleave", () => showReadout(view.cursor));
  listenToDragging(box);
  find(".overview svg").addEventListener("click", goToPlaceInOverview);
  find("#tracks").addEventListener("click", goToPlaceInTrack);
  find("#values").addEventListener("toggle", fillValueTable);
  find("#excerpt")?.addEventListener("change", () => {
    takeExcerptChoice();
    chooseRow(view.rowIndex);
  });
  find("#query").addEventListener("click", (event) => {
    const { cell } = targetOf(event).dataset;
    if (cell !== undefined) chooseCell(cell);
  });
  find("#query-close").addEventListener("click", () => {
    dropPassage();
    notify("view");
    shown.spans[view.cursor].focus();
  });
  new ResizeObserver(drawAroundCursor).observe(find("#ticker"));
}

/**
 * Return the place of the character at which an event happened, or undefined outside all characters.
 * @type {(event: Event) => number | undefined}
 */
function placeOf(event) {
  const character = /** @type {HTMLElement | null} */ (targetOf(event).closest?.("[data-at]"));
  return character ? Number(character.dataset.at) : undefined;
}

/**
 * Mark a passage while the pointer is dragged over the text.
 * @type {(box: HTMLElement) => void}
 */
function listenToDragging(box) {
  let isDragging = false;
  box.addEventListener("pointerdown", (event) => {
    const place = placeOf(event);
    // A finger scrolls the text; a mouse or a pen marks a passage.
    isDragging = event.pointerType !== "touch" && event.button === 0 && place !== undefined;
    if (!isDragging || place === undefined) return;
    event.preventDefault();
    moveTo(place, { focus: true, extend: event.shiftKey });
  });
  box.addEventListener("pointermove", (event) => {
    const place = placeOf(event);
    if (isDragging && place !== undefined && place !== view.cursor) {
      moveTo(place, { focus: true, extend: true });
    }
  });
  document.addEventListener("pointerup", () => {
    isDragging = false;
  });
}

/** @type {(event: MouseEvent) => void} */
function goToPlaceInOverview(event) {
  const { left, width } = /** @type {Element} */ (event.currentTarget).getBoundingClientRect();
  moveTo(Math.floor(((event.clientX - left) / width) * shown.characters.length));
  scrollToCursor();
}

/** @type {(event: MouseEvent) => void} */
function goToPlaceInTrack(event) {
  const picture = /** @type {SVGSVGElement | null} */ (targetOf(event).closest("svg"));
  if (!picture) return;
  const { left, width } = picture.getBoundingClientRect();
  const { x, width: count } = picture.viewBox.baseVal;
  moveTo(Math.floor(x + ((event.clientX - left) / width) * count));
  scrollToCursor();
}
