// This file says what the keys of the report page do.

import { placeInNextLine } from "../shared/coloured_text.js";
import { data } from "../shared/page_data.js";
import { find, findField, targetOf } from "../shared/page_elements.js";
import { stepThroughTable } from "./cell_table.js";
import { dropPassage } from "./passage.js";
import { hasChosenRow, hasReadingSection, notify, shown, view } from "./state.js";
import { moveTo, moveToDriver } from "./text_cursor.js";

/** @typedef {() => void} Action */

/** @type {Record<string, Action>} */
const LETTER_KEYS = {
  j: () => stepThroughTable(1),
  k: () => stepThroughTable(-1),
  n: () => moveToDriver(1),
  p: () => moveToDriver(-1),
  "/": () => find("#filter").focus(),
  "?": showHelp,
};
/** @type {Record<string, () => number>} */
const ARROW_KEYS = {
  ArrowLeft: () => view.cursor - 1,
  ArrowRight: () => view.cursor + 1,
};
/** @type {Record<string, () => number>} */
const TEXT_KEYS = {
  ArrowUp: () => placeInNextLine(shown.spans, view.cursor, -1),
  ArrowDown: () => placeInNextLine(shown.spans, view.cursor, 1),
  Home: () => 0,
  End: () => shown.spans.length - 1,
};

const helpDialog = /** @type {HTMLDialogElement} */ (find("#help"));

/** @type {() => void} */
export function listenToKeys() {
  document.addEventListener("keydown", onKey);
  find("#help-open").addEventListener("click", showHelp);
  find("#help button").addEventListener("click", () => helpDialog.close());
}

/**
 * Open the help. Its button gets the focus here and not by the attribute autofocus, which a page that is
 * still loading obeys as well.
 * @type {() => void}
 */
function showHelp() {
  helpDialog.showModal();
  find("#help button").focus();
}

/** @type {(event: KeyboardEvent) => void} */
function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || helpDialog.open) return;
  if (targetOf(event).closest("input, select, textarea, [contenteditable]")) return;
  const action = actionOf(event);
  if (!action) return;
  event.preventDefault();
  action();
}

/** @type {(event: KeyboardEvent) => Action | undefined} */
function actionOf(event) {
  const { key } = event;
  const letterAction = findField("#letters").checked ? LETTER_KEYS[key] : undefined;
  if (key === "?") return letterAction;
  if (letterAction) return isLetterOfUse(key) ? letterAction : undefined;
  if (!hasReadingSection || !hasChosenRow()) return undefined;
  if (key === "Escape" && view.passageEnd !== undefined) {
    return () => {
      dropPassage();
      notify("view");
    };
  }
  return movementOf(event);
}

/**
 * Return whether the page has what a key acts on: n and p move in the text, the other keys in the table.
 * @type {(key: string) => boolean}
 */
const isLetterOfUse = (key) =>
  key === "n" || key === "p" ? hasReadingSection && hasChosenRow() : data.rows.length > 0;

/** @type {(event: KeyboardEvent) => Action | undefined} */
function movementOf(event) {
  const { key, shiftKey } = event;
  const target = targetOf(event);
  // Inside a scrolling table the arrows scroll it, in a form they change the field.
  const arrow = target.closest(".scroller, pre, form") ? undefined : ARROW_KEYS[key];
  const place = arrow ?? (target.closest("#text") ? TEXT_KEYS[key] : undefined);
  return place && (() => moveTo(place(), { focus: true, extend: shiftKey }));
}
