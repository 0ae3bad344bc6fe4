// This file chooses the cell that the panel watches.

import { chosenRow } from "../page/state.js";
import { nameColours } from "../shared/coloured_text.js";
import { find, findField } from "../shared/page_elements.js";
import { moveMark, showHoldSettings } from "./mark.js";
import { cellName, live, watchedFinding, watchedPolarity } from "./panel_state.js";
import { colourWrittenText } from "./written_text.js";

/** Stepping through the cells of the page stays quick: the panel follows this long after the last step. */
const WATCH_DELAY_MILLISECONDS = 120;

let watchTimer = 0;

/**
 * Fill the list of cells: those with a finding first, then all cells of each layer.
 * @type {(model: ModelData) => void}
 */
export function fillCellList({ header, cells }) {
  /** @type {(label: string, names: string[]) => HTMLOptGroupElement} */
  const group = (label, names) => {
    const element = document.createElement("optgroup");
    element.label = label;
    element.append(
      ...names.map((name) => new Option(cells[name] ? `${name} · ${cells[name].words}` : name, name)),
    );
    return element;
  };
  const layers = Array.from({ length: header.layers }, (_, layer) => {
    const all = Array.from({ length: header.cells }, (_cell, cell) => cellName({ layer, cell }));
    return group(`all cells of layer ${layer}`, all);
  });
  const found = Object.keys(cells);
  const withFinding = found.length ? [group("with a finding", found)] : [];
  find("#live-cell").replaceChildren(...withFinding, ...layers);
}

/** @type {(name: string) => void} */
export function watchCell(name) {
  const [layer, cell] = name.split(":").map(Number);
  live.watchedCell = { layer, cell };
  findField("#live-cell").value = name;
  const finding = watchedFinding();
  nameColours(find("#live-legend"), finding?.kind ?? "", watchedPolarity());
  find("#live-what").textContent = finding
    ? [finding.words, finding.verdict].filter(Boolean).join(", ")
    : "no finding for this cell";
  if (!live.network || live.isReading) {
    showHoldSettings();
    return;
  }
  colourWrittenText();
  moveMark(live.mark);
}

/**
 * Watch the cell that is chosen on the page.
 * @type {() => void}
 */
export function watchChosenCell() {
  cancelWatching();
  const { cell } = chosenRow();
  if (live.network) watchTimer = setTimeout(() => watchCell(cell), WATCH_DELAY_MILLISECONDS);
  else watchCell(cell);
}

/** @type {() => void} */
export function cancelWatching() {
  clearTimeout(watchTimer);
}
