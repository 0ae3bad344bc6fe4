// This file builds the text of the chosen excerpt and colours it by tanh(c) of the chosen cell.

import {
  characterClasses,
  characterSpan,
  nameColours,
  SPOKEN_NAMES,
  withLineBreaks,
} from "../shared/coloured_text.js";
import { find } from "../shared/page_elements.js";
import { cellValues, chosenExcerpt, chosenRow, shown, switchValues, view } from "./state.js";

/** @type {(index: number) => void} */
export function chooseExcerpt(index) {
  view.excerptIndex = index;
  view.cursor = 0;
  view.passageEnd = undefined;
  buildText();
}

function buildText() {
  shown.characters = Array.from(chosenExcerpt().text);
  shown.spans = shown.characters.map((character, index) => {
    const span = characterSpan(character);
    span.dataset.at = String(index);
    span.setAttribute("role", "option");
    span.tabIndex = -1;
    const spoken = SPOKEN_NAMES.get(character);
    if (spoken) span.setAttribute("aria-label", spoken);
    return span;
  });
  find("#text").replaceChildren(...withLineBreaks(shown.spans, shown.characters));
}

/**
 * Colour the text by the chosen cell, and mark where its feature is on and where its drivers are.
 * @type {() => void}
 */
export function colourText() {
  shown.drivers = driverPlaces();
  const values = cellValues();
  const feature = switchValues();
  const drivers = new Set(shown.drivers);
  const { kind, polarity } = chosenRow();
  shown.spans.forEach((span, index) => {
    span.className = characterClasses(values?.[index] ?? 0, polarity, feature?.[index], drivers.has(index));
  });
  find("#unrecorded").hidden = values !== undefined;
  nameColours(find("#legend"), kind, polarity);
  find(".legend .binary").hidden = feature === undefined;
}

/**
 * Return the places of the last characters of all drivers of the chosen cell in the excerpt.
 * @type {() => number[]}
 */
function driverPlaces() {
  const { characters } = shown;
  const drivers = chosenRow().drivers.map((driver) => Array.from(driver));
  return characters.flatMap((_, index) => {
    /** @type {(driver: string[]) => boolean} */
    const endsHere = (driver) =>
      driver.every((character, place) => characters[index - driver.length + 1 + place] === character);
    return drivers.some(endsHere) ? [index] : [];
  });
}
