// This file writes what is chosen into the address of the page, and restores it from a link.

import { data } from "../shared/page_data.js";
import { find } from "../shared/page_elements.js";
import { chooseCell, chooseRow } from "./chosen_cell.js";
import { addressedExcerpt, wantExcerpt } from "./excerpt_choice.js";
import { markPassage } from "./passage.js";
import { chosenRow, hasChosenRow, hasReadingSection, shown, view } from "./state.js";
import { moveTo, scrollToCursor } from "./text_cursor.js";

/**
 * Browsers refuse more than a few hundred changes of the address in ten seconds, which a held key would
 * reach.
 */
const ADDRESS_DELAY_MILLISECONDS = 120;

/** Whether the address asks for the lesson. */
export const wantsLesson = new URLSearchParams(location.search).has("lesson");

/**
 * Parts of the page that add to the address: `write` returns pairs of a name and a value, `restore` takes
 * them from a link.
 * @type {{ write: () => [string, string | number][], restore: (wanted: URLSearchParams) => void }[]}
 */
export const addressParts = [];

let addressTimer = 0;

/**
 * Write what is chosen into the address, a moment after the last change.
 * @type {() => void}
 */
export function rememberView() {
  clearTimeout(addressTimer);
  addressTimer = setTimeout(
    () => history.replaceState(null, "", addressOfView()),
    ADDRESS_DELAY_MILLISECONDS,
  );
}

/**
 * Return the part of the address that restores the view, from its # on.
 * @type {() => string}
 */
export function addressOfView() {
  const pairs = [...chosenPairs(), ...addressParts.flatMap((part) => part.write())];
  return `#${pairs.map(([name, value]) => `${name}=${encoded(value)}`).join("&")}`;
}

/**
 * Encode a value for the address, but leave its first colon: a cell is named `layer:cell`.
 * @type {(value: string | number) => string}
 */
const encoded = (value) => encodeURIComponent(value).replace("%3A", ":");

/** @type {() => [string, string | number][]} */
function chosenPairs() {
  /** @type {[string, string | number][]} */
  const pairs = [];
  if (hasChosenRow()) {
    const { cell, feature } = chosenRow();
    pairs.push(["cell", cell], ["at", view.cursor]);
    // A cell with several findings is known by the feature of the chosen one.
    if (data.rows.filter((row) => row.cell === cell).length > 1) pairs.push(["feature", feature]);
  }
  const excerpt = addressedExcerpt();
  if (excerpt !== undefined) pairs.push(["excerpt", excerpt]);
  if (view.passageEnd !== undefined) pairs.push(["to", view.passageEnd]);
  return pairs;
}

/**
 * Restore what an address says, or choose the first row where it says nothing.
 * @type {(address?: string) => void}
 */
export function restoreView(address = location.href) {
  const wanted = new URLSearchParams(new URL(address).hash.slice(1));
  wantExcerpt(Number(wanted.get("excerpt") ?? -1));
  restoreCell(wanted);
  if (hasReadingSection && hasChosenRow()) restorePlace(wanted);
  for (const part of addressParts) part.restore(wanted);
}

/** @type {(wanted: URLSearchParams) => void} */
function restoreCell(wanted) {
  const name = wanted.get("cell");
  const feature = wanted.get("feature");
  const index = data.rows.findIndex(
    (row) => row.cell === name && (feature === null || row.feature === feature),
  );
  const stored = data.excerpts.flatMap((excerpt) => excerpt.grid?.cells ?? []);
  if (index < 0 && name !== null && stored.includes(name)) chooseCell(name);
  else if (index >= 0 || data.rows.length) chooseRow(Math.max(0, index));
  else if (stored.length) chooseCell(stored[0]);
}

/** @type {(wanted: URLSearchParams) => void} */
function restorePlace(wanted) {
  moveTo(wanted.has("at") ? Number.parseInt(wanted.get("at") ?? "", 10) || 0 : (shown.drivers[0] ?? 0));
  const end = Number.parseInt(wanted.get("to") ?? "", 10);
  if (Number.isInteger(end)) markPassage(end);
  scrollToCursor();
}

/**
 * Follow a link inside the page. The event has the address: a view that still waits to be remembered may have
 * replaced `location` since.
 * @type {(event: HashChangeEvent) => void}
 */
export function followLink(event) {
  restoreView(event.newURL);
  find("#reading")?.scrollIntoView();
}
