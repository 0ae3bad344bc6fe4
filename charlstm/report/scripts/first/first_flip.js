// This file holds the cell of the first screen off in the network, from the character that the reader has clicked, or
// else where that changes the prediction most, and shows what the network writes from there on, with and without that.

import { bestOfFlips, probabilitiesOfFlip } from "../live/flip_places.js";
import { percent } from "../live/next_characters.js";
import { live } from "../live/panel_state.js";
import { unpackNetwork } from "../live/reading.js";
import { cellStates, continuedTrace, emptyTrace, stateAfter, traceIds } from "../lstm/state_trace.js";
import { idsOfClosers, idsOfText, symbolsOfIds } from "../lstm/text_symbols.js";
import { endsOfKind, levelClasses } from "../shared/coloured_text.js";
import { symbolOf } from "../shared/page_data.js";
import { createElement, find } from "../shared/page_elements.js";
import { first, firstCell, firstFeature, pointTo, scrollFirstText } from "./first_text.js";

/** What is written: how many characters, and how much by chance. */
const WRITTEN = { length: 72, temperature: 0.4, seed: 1, once: false };
/** At most this many characters before the flip are shown, from the beginning of a word on. */
const LEAD_CHARACTERS = 24;
/** A count is on at a place where it is at least this share of its largest value in the text. */
const HIGH_COUNT_SHARE = 0.5;

/** The name of the end at which the cell is held: a switch is off there, a count low. */
const lowWord = () => endsOfKind(firstCell().row.kind)[0];

/** The places where the cell was flipped already: each press takes another one. */
const flippedPlaces = new Set();

/**
 * Listen to the button, where the page carries a network. It waits for the text, not for the network.
 * @type {() => void}
 */
export function listenToFirstFlip() {
  const button = /** @type {HTMLButtonElement | null} */ (find("#first-flip"));
  if (!button) return;
  if (!live.model || !first.row) {
    find(".first-flip").hidden = true;
    return;
  }
  button.disabled = false;
  find("#first-text").addEventListener("chosen", () => {
    button.textContent = `Hold it ${lowWord()} from the framed character on`;
    find("#first-runs").hidden = true;
    find("#first-change").replaceChildren();
  });
  button.addEventListener("click", async () => {
    // A disabled button would lose the focus, and with it a reader who uses the keyboard.
    if (button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true");
    if (!live.network) find("#first-change").textContent = "The network is waking up…";
    try {
      await flipFirstCell();
    } catch (error) {
      find("#first-change").textContent = `The network cannot run in this browser: ${error}.`;
    }
    button.setAttribute("aria-disabled", "false");
  });
}

async function flipFirstCell() {
  await unpackNetwork();
  const { network } = live;
  if (!network) throw new Error("it cannot be unpacked");
  const { row, excerpt } = firstCell();
  const ids = idsOfText(network, excerpt.text);
  const trace = emptyTrace(network);
  await traceIds(trace, ids.slice(0, first.stop));
  const [layer, cell] = row.cell.split(":").map(Number);
  const { chosen } = first;
  const flip = chosen < 0 ? bestFlip(trace, { layer, cell }) : chosenFlip(trace, { layer, cell }, chosen);
  first.chosen = -1;
  flippedPlaces.add(flip.place);
  pointTo(flip.place);
  scrollFirstText();
  const before = stateAfter(trace, flip.place);
  const id = ids[flip.place];
  const free = await continuedTrace(network, before, id, { ...WRITTEN, held: [] });
  const held = await continuedTrace(network, before, id, { ...WRITTEN, held: [flip.held] });
  if (!free || !held) return;
  showFlip(flip, free, held);
  if (chosen >= 0 && flip.place !== chosen) tellOtherPlace(excerpt.text, chosen);
}

/**
 * @typedef {{ place: number, held: HeldCell, id: number, free: number, flipped: number, isClosing: boolean }} Flip
 *   The character at which the cell is flipped, the cell with its value, and the next character that is
 *   watched, with its probability when the cell is left alone and when it is flipped. `isClosing` says whether
 *   a closing character comes next.
 */

/**
 * Return the flip that makes an expected closing character least likely, among the places that were not
 * flipped yet. Where no closing character is near, any character is watched.
 * @type {(trace: StateTrace, cell: CellPlace) => Flip}
 */
function bestFlip(trace, cell) {
  const closing = closingPlaces(trace.network);
  const places = closing.length ? closing : placesOn();
  const left = places.filter((place) => !flippedPlaces.has(place));
  if (!left.length) {
    flippedPlaces.clear();
    return bestFlip(trace, cell);
  }
  const held = { ...cell, value: cellLevels(trace, cell).off };
  const flips = left.map((place) => flipAt(trace, place, held, closing.length > 0));
  return bestOfFlips(flips);
}

/**
 * Return the flip at a place, or where the cell is off there at the next place of the shown text where it is on, which
 * is looked for from the beginning after the end.
 * @type {(trace: StateTrace, cell: CellPlace, chosen: number) => Flip}
 */
function chosenFlip(trace, cell, chosen) {
  const levels = cellLevels(trace, cell);
  const states = cellStates(trace, cell);
  const isOn = (/** @type {number} */ one) =>
    Math.abs(states[one] - levels.on) < Math.abs(states[one] - levels.off);
  const on = Array.from(first.spans, (_, index) => first.start + index).filter(isOn);
  const place = on.find((one) => one >= chosen) ?? on[0] ?? chosen;
  const closers = idsOfClosers(trace.network, firstCell().row.proof?.target ?? "");
  return flipAt(trace, place, { ...cell, value: levels.off }, closers.includes(trace.ids[place + 1]));
}

/** @type {(text: string, chosen: number) => void} */
function tellOtherPlace(text, chosen) {
  find("#first-change").prepend(
    "At ",
    createElement("code", {}, symbolOf(Array.from(text)[chosen])),
    ` the cell is ${lowWord()} already, so it is held ${lowWord()} from the next place on where it is not. `,
  );
}

/** @type {(trace: StateTrace, place: number, held: HeldCell, isClosing: boolean) => Flip} */
function flipAt(trace, place, held, isClosing) {
  const { free, flipped } = probabilitiesOfFlip(trace, place, held);
  const lost = free.map((probability, one) => probability - flipped[one]);
  const id = isClosing
    ? trace.ids[place + 1]
    : lost.reduce((most, one, index) => (one > lost[most] ? index : most), 0);
  return { place, held, id, free: free[id], flipped: flipped[id], isClosing };
}

/**
 * Return the places of the shown text where the feature is on and a closing character follows.
 * @type {(network: Network) => number[]}
 */
function closingPlaces(network) {
  const characters = Array.from(firstCell().excerpt.text);
  const closers = idsOfClosers(network, firstCell().row.proof?.target ?? "");
  return placesOn().filter(
    (place) =>
      place + 1 < first.stop && closers.includes(network.idOfSymbol.get(characters[place + 1]) ?? -1),
  );
}

/**
 * Return the places of the shown text where the feature is on and was on at the character before, or where a
 * count is high; all places where there is none.
 * @type {() => number[]}
 */
function placesOn() {
  const feature = firstFeature();
  const shown = feature.slice(first.start, first.stop);
  const least = firstCell().row.kind === "counter" ? HIGH_COUNT_SHARE * Math.max(...shown) : 0;
  const all = shown.map((_, index) => first.start + index).slice(1);
  const on = all.filter((place) => feature[place] > least && feature[place - 1] > least);
  return on.length ? on : all;
}

/**
 * Return c of the cell when its feature is off and on: as the inspection measured it, or else the means in
 * this text.
 * @type {(trace: StateTrace, cell: CellPlace) => { off: number, on: number }}
 */
function cellLevels(trace, cell) {
  const measured = live.model?.cells[firstCell().row.cell]?.levels;
  if (measured) return measured;
  const states = cellStates(trace, cell);
  const feature = firstFeature();
  /** @type {(isOn: boolean) => number} */
  const mean = (isOn) => {
    const chosen = states.filter((_, place) => feature[place] > 0 === isOn);
    return chosen.reduce((sum, c) => sum + c, 0) / Math.max(1, chosen.length);
  };
  return { off: mean(false), on: mean(true) };
}

/** @type {(flip: Flip, free: StateTrace, held: StateTrace) => void} */
function showFlip(flip, free, held) {
  const { row, excerpt } = firstCell();
  const { network } = free;
  const characters = leadOf(Array.from(excerpt.text).slice(0, flip.place + 1));
  const [closer] = symbolsOfIds(network, [flip.id]);
  find("#first-change").replaceChildren(
    "After ",
    createElement("code", {}, plainText(characters)),
    " the network expects ",
    createElement("code", {}, closer.shown),
    " with ",
    createElement("strong", {}, percent(flip.free)),
    `. With the cell held ${lowWord()}: `,
    createElement("strong", {}, percent(flip.flipped)),
    `. ${flip.isClosing || free.ids.join() !== held.ids.join() ? "" : "So early the cell matters little: click the last character before it changes. "}`,
    free.ids.join() === held.ids.join() ? "Both write the same here: other cells know it as well." : "",
  );
  drawFirstRun(find("#first-natural"), characters, free, row.polarity);
  drawFirstRun(find("#first-flipped"), characters, held, row.polarity);
  find("#first-runs").hidden = false;
  // On a small screen both lines would be written below what is seen.
  find("#first-runs").scrollIntoView({ block: "nearest" });
  find("#first-flip").textContent = `Hold it ${lowWord()} elsewhere`;
}

/**
 * Return the last characters of a text, from the beginning of a word on where there is one.
 * @type {(characters: string[]) => string[]}
 */
function leadOf(characters) {
  const last = characters.slice(-LEAD_CHARACTERS);
  const word = last.findIndex(
    (character, index) => index > 0 && /\s/.test(last[index - 1]) && /\S/.test(character),
  );
  return word < 0 ? last : last.slice(word);
}

/**
 * Write in one line the characters before the flip, and what the network wrote from there on in the colours of
 * the cell.
 * @type {(box: Element, before: string[], run: StateTrace, polarity: number) => void}
 */
function drawFirstRun(box, before, run, polarity) {
  const [layer, cell] = firstCell().row.cell.split(":").map(Number);
  const states = cellStates(run, { layer, cell });
  const written = symbolsOfIds(run.network, run.ids).slice(1);
  const spans = written.map(({ text, shown, kind }, index) => {
    const content = text === " " ? " " : shown;
    const span = createElement(
      "span",
      { class: levelClasses(Math.tanh(states[index + 1]), polarity) },
      content,
    );
    if (kind === "newline") span.classList.add("faint");
    return span;
  });
  box.replaceChildren(createElement("span", { class: "before" }, plainText(before)), ...spans);
}

/**
 * Return characters as one line: symbols for those that cannot be seen, but for the space.
 * @type {(characters: string[]) => string}
 */
const plainText = (characters) =>
  characters.map((character) => (character === " " ? " " : symbolOf(character))).join("");
