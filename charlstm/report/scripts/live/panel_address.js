// This file writes the state of the panel into the address of the page, and restores it from a link.

import { chosenRow, hasChosenRow, hasReadingSection, shown, view } from "../page/state.js";
import { find, findField } from "../shared/page_elements.js";
import { chooseHold, showHoldSettings } from "./mark.js";
import { holdChoice, live, watchedCellName, watchedFinding } from "./panel_state.js";
import { readWrittenText, stretchAround, wishMark } from "./reading.js";
import { watchCell } from "./watched_cell.js";

/** A longer text is left out of the address. */
const LONGEST_ADDRESSED_CHARACTERS = 2000;
/** The panel begins with a stretch of the excerpt up to here. */
const FIRST_STRETCH_CHARACTERS = 200;
/** Names in the address that ask for the panel. */
const PANEL_NAMES = ["write", "hold", "steps"];

/**
 * The text that the panel began with, which the address leaves out.
 * @type {string | undefined}
 */
let firstText;

/**
 * Return the pairs for the address: the text where the reader wrote it, the mark, the watched cell where it
 * is not the chosen one, and how it is held.
 * @type {() => [string, string | number][]}
 */
export function panelPairs() {
  const text = findField("#live-text").value;
  /** @type {[string, string | number][]} */
  const pairs = [];
  if (text !== firstText && text.length <= LONGEST_ADDRESSED_CHARACTERS) pairs.push(["write", text]);
  if (live.mark >= 0 && live.mark < live.symbols.length - 1) pairs.push(["mark", live.mark]);
  if (!hasChosenRow() || watchedCellName() !== chosenRow().cell) pairs.push(["watch", watchedCellName()]);
  const choice = holdChoice();
  if (choice === "steps") pairs.push(["steps", findField("#live-steps").value]);
  else if (choice !== "free") pairs.push(["hold", choice === "at" ? findField("#live-range").value : choice]);
  return pairs;
}

/**
 * Restore what an address says of the panel. A link to another cell keeps what is written.
 * @type {(wanted: URLSearchParams) => void}
 */
export function restorePanel(wanted) {
  if (firstText !== undefined && !wanted.has("write")) return;
  firstText ??= beginningText();
  findField("#live-text").value = wanted.get("write") ?? firstText;
  const mark = Number.parseInt(wanted.get("mark") ?? "", 10);
  wishMark(Number.isInteger(mark) ? mark : undefined);
  const name = wanted.get("watch");
  if (name && find(`#live-cell option[value="${CSS.escape(name)}"]`)) watchCell(name);
  restoreHold(wanted.get("hold"));
  restoreSteps(wanted.get("steps"));
  if (live.network) readWrittenText();
}

/**
 * Show the panel where the address asks for what happens in it: a text that was written, or a held cell.
 * @type {() => void}
 */
export function showAddressedPanel() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  if (PANEL_NAMES.some((name) => wanted.has(name))) find("#model")?.scrollIntoView();
}

/** @type {() => string} */
function beginningText() {
  if (!hasReadingSection || !shown.characters.length) return "";
  return stretchAround(view.cursor, { after: Math.max(1, FIRST_STRETCH_CHARACTERS - view.cursor) }).text;
}

/** @type {(hold: string | null) => void} */
function restoreHold(hold) {
  if (hold === null || hold === "") return;
  if (hold === "on" || hold === "off") {
    showHoldSettings();
    chooseHold(hold);
  } else if (Number.isFinite(Number(hold))) {
    showHoldSettings();
    findField("#live-range").value = hold;
    chooseHold("at");
  }
}

/** @type {(steps: string | null) => void} */
function restoreSteps(steps) {
  if (steps === null || !Number.isInteger(Number(steps)) || !watchedFinding()?.stairs) return;
  showHoldSettings();
  findField("#live-steps").value = steps;
  chooseHold("steps");
}
