// This file chooses a cell and shows it along the text.

import { signed } from "../shared/numbers.js";
import { data, symbolOf } from "../shared/page_data.js";
import { find, findAll } from "../shared/page_elements.js";
import { excerptOfCell, fillExcerptList } from "./excerpt_choice.js";
import { chooseExcerpt, colourText } from "./excerpt_text.js";
import { plotChosenCell, trackColumns } from "./gate_tracks.js";
import { markPassage } from "./passage.js";
import {
  cellValues,
  chosenExcerpt,
  chosenRow,
  hasChosenRow,
  hasReadingSection,
  notify,
  rowWithoutFinding,
  shown,
  view,
} from "./state.js";
import { moveTo } from "./text_cursor.js";

/**
 * Choose the cell of a row; -1 stands for the cell that was put into `view.rowWithoutFinding`.
 * @type {(index: number) => void}
 */
export function chooseRow(index) {
  view.rowIndex = index;
  find("#table tr[aria-current]")?.removeAttribute("aria-current");
  const line = tableLineOf(index);
  line?.setAttribute("aria-current", "true");
  if (line) scrollTableTo(line);
  showChosenCell();
}

/** @type {(index: number) => HTMLElement | null} */
const tableLineOf = (index) => find(`#table tr[data-row="${index}"]`);

/**
 * Choose a cell by its name, whether it has a finding or not.
 * @type {(name: string) => void}
 */
export function chooseCell(name) {
  const index = data.rows.findIndex((row) => row.cell === name);
  if (index < 0) view.rowWithoutFinding = rowWithoutFinding(name);
  chooseRow(index);
}

/**
 * Show the chosen cell along its excerpt. In another excerpt than before the cursor goes to the first driver.
 * @type {() => void}
 */
export function showChosenCell() {
  if (!hasReadingSection || !hasChosenRow()) return;
  const excerpt = excerptOfCell();
  const isOther = excerpt !== view.excerptIndex || !shown.spans.length;
  if (isOther) chooseExcerpt(excerpt);
  colourText();
  plotChosenCell();
  nameChosenCell();
  fillExcerptList();
  fillValueTable();
  const passageEnd = view.passageEnd;
  moveTo(isOther ? (shown.drivers[0] ?? 0) : view.cursor);
  if (passageEnd !== undefined) markPassage(passageEnd);
  notify("cell");
}

/** @type {(line: HTMLElement) => void} */
function scrollTableTo(line) {
  const box = /** @type {HTMLElement} */ (line.closest(".scroller"));
  const headHeight = find("#table thead").offsetHeight;
  if (line.offsetTop < box.scrollTop + headHeight) box.scrollTop = line.offsetTop - headHeight;
  const below = line.offsetTop + line.offsetHeight - box.scrollTop - box.clientHeight;
  if (below > 0) box.scrollTop += below;
}

function nameChosenCell() {
  const row = chosenRow();
  const line = tableLineOf(view.rowIndex);
  for (const place of findAll(".chosen")) place.textContent = row.cell;
  find("#chosen-kind").textContent = line?.querySelector(".kind")?.textContent ?? "no finding";
  find("#chosen-feature").textContent = row.feature_words || "tracks none of the tested features";
  const drivers = line?.querySelector(".drivers")?.cloneNode(true);
  find("#chosen-drivers").replaceChildren(...(drivers?.childNodes ?? []));
}

/**
 * Fill the table of the values behind the plots, where it is open.
 * @type {() => void}
 */
export function fillValueTable() {
  const details = /** @type {HTMLDetailsElement} */ (find("#values"));
  if (!details.open) return;
  const columns = trackColumns();
  const head = ["position", "character", "tanh(c)", ...columns.map(({ label }) => label)];
  const lines = shown.characters.map((character, index) => [
    chosenExcerpt().start + index,
    symbolOf(character),
    signed(cellValues()?.[index]),
    ...columns.map(({ series }) => series[index]),
  ]);
  find("#values pre").textContent = [head, ...lines].map((line) => line.join("\t")).join("\n");
}
