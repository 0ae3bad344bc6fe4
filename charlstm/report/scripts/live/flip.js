// This file holds the chosen cell, in a stretch of the excerpt, at the place where that changes most.

import { nextProbabilities } from "../lstm/forward_pass.js";
import { stateAfter } from "../lstm/state_trace.js";
import { forEachInSlices } from "../lstm/time_slices.js";
import { chosenRow, featureValues, view } from "../page/state.js";
import { find, findField } from "../shared/page_elements.js";
import { chooseHold, moveMark } from "./mark.js";
import { live, onOffLevels, probabilitiesAfter, unpackedModel } from "./panel_state.js";
import { readWrittenText, stretchAround, unpackNetwork } from "./reading.js";
import { cancelWatching, watchCell } from "./watched_cell.js";

/** A feature counts as on at a place where it is on there and at the two characters before. */
const CHARACTERS_ON = [0, 1, 2];

/**
 * Show the button for the chosen cell, where that has a finding.
 * @type {() => void}
 */
export function offerFlip() {
  const button = find("#flip");
  if (!button) return;
  const finding = live.model?.cells[chosenRow().cell];
  button.hidden = !finding;
  button.textContent =
    finding?.verdict === "verified" ? "Flip this switch in the model" : "Hold this cell in the model";
}

/**
 * Put a stretch of the excerpt into the panel and hold the chosen cell: off where its feature is on, or else
 * on.
 * @type {() => Promise<void>}
 */
export async function flipChosenCell() {
  const { text, start } = stretchAround(view.cursor, { before: 300, after: 300 });
  findField("#live-text").value = text;
  cancelWatching();
  chooseHold("free");
  watchCell(chosenRow().cell);
  find("#model").scrollIntoView();
  await unpackNetwork();
  if (!live.network) return;
  await readWrittenText();
  const feature = featureValues();
  const all = [...live.symbols.keys()];
  const on = all.filter((index) => CHARACTERS_ON.every((back) => (feature?.[start + index - back] ?? 0) > 0));
  const choice = on.length ? "off" : "on";
  const place = await placeOfLargestChange(on.length ? on : all, onOffLevels()[choice]);
  if (place === undefined) return;
  moveMark(place);
  chooseHold(choice);
  find("#live-source").textContent +=
    " The mark is where this changes the next character most in the stretch.";
  find("#live-hold :checked").focus({ preventScroll: true });
}

/**
 * Return the place, of the given ones, at which holding the watched cell at a value changes the probabilities
 * of the next character most. Return undefined where the text is read again in the meantime.
 * @type {(places: number[], value: number) => Promise<number | undefined>}
 */
async function placeOfLargestChange(places, value) {
  const { network, trace } = unpackedModel();
  const number = live.readingNumber;
  let [best, largest] = [places[0], -1];
  /** @type {(index: number) => void} */
  const compare = (index) => {
    const place = places[index];
    const before = { state: stateAfter(trace, place), id: trace.ids[place] };
    const free = nextProbabilities(network, stateAfter(trace, place + 1));
    const held = probabilitiesAfter(before, [{ ...live.watchedCell, value }]);
    const change = free.reduce((sum, probability, id) => sum + Math.abs(probability - held[id]), 0);
    if (change > largest) [best, largest] = [place, change];
  };
  const isComplete = await forEachInSlices(0, places.length, compare, () => number === live.readingNumber);
  return isComplete ? best : undefined;
}
