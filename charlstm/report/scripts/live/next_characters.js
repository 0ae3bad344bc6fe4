// This file shows what the network expects after the marked character, without and with the watched cell
// held.

import { symbolsOfIds } from "../lstm/text_symbols.js";
import { createElement, find } from "../shared/page_elements.js";
import { heldCells, live, probabilitiesAfter, stateBeforeMark, unpackedModel } from "./panel_state.js";

const LISTED_CHARACTERS = 8;
/** A change is put into words where the character is at least this probable with or without the hold. */
const LEAST_PROBABILITY_IN_WORDS = 0.02;
/** A change is put into words from this size of the logarithm of the ratio on. */
const LEAST_LOG_RATIO_IN_WORDS = 0.1;
/** Smaller probabilities count as this one, so that a ratio stays finite. */
const SMALLEST_PROBABILITY = 1e-9;

/** @type {() => void} */
export function drawNextCharacters() {
  const before = stateBeforeMark();
  const free = probabilitiesAfter(before, []);
  const cells = heldCells();
  const held = cells.length ? probabilitiesAfter(before, cells) : undefined;
  /** @type {(id: number) => number} */
  const larger = (id) => Math.max(free[id], held?.[id] ?? 0);
  const ranked = [...free.keys()].sort((one, other) => larger(other) - larger(one));
  find("#live-glyph").textContent = live.symbols[live.mark]?.shown ?? "a line break";
  const lines = ranked.slice(0, LISTED_CHARACTERS).map((id) => characterLine(id, free[id], held?.[id]));
  find("#live-next").replaceChildren(...lines);
  find("#live-next").classList.toggle("paired", held !== undefined);
  find("#live-change").replaceChildren(
    ...(held ? changeWords(ranked, free, held) : ["Hold the cell below to see how this changes."]),
  );
}

/** @type {(id: number) => string} */
const glyphOf = (id) => symbolsOfIds(unpackedModel().network, [id])[0].shown;

/** @type {(probability: number) => string} */
export function percent(probability) {
  if (probability >= 0.0995) return `${Math.round(100 * probability)}%`;
  return probability >= 0.00095 ? `${(100 * probability).toFixed(1)}%` : "<0.1%";
}

/** @type {(id: number, free: number, held: number | undefined) => HTMLElement} */
function characterLine(id, free, held) {
  const bars = createElement("span", { class: "bars" }, bar("natural", free));
  if (held !== undefined) bars.append(bar("held", held));
  const numbers = held === undefined ? percent(free) : `${percent(free)} → ${percent(held)}`;
  return createElement(
    "li",
    {},
    createElement("code", {}, glyphOf(id)),
    bars,
    createElement("span", { class: "share" }, numbers),
  );
}

/** @type {(name: string, probability: number) => HTMLElement} */
function bar(name, probability) {
  const element = createElement("span", { class: name });
  // By the property and not by the attribute `style`, which the page's policy forbids.
  element.style.width = `${100 * probability}%`;
  return element;
}

/**
 * Return the words for the characters whose probability the hold raises and lowers most.
 * @type {(ranked: number[], free: Float64Array, held: Float64Array) => (Node | string)[]}
 */
function changeWords(ranked, free, held) {
  /** @type {(id: number) => number} */
  const logRatio = (id) =>
    Math.log(Math.max(held[id], SMALLEST_PROBABILITY) / Math.max(free[id], SMALLEST_PROBABILITY));
  const changed = ranked.filter(
    (id) =>
      Math.max(free[id], held[id]) >= LEAST_PROBABILITY_IN_WORDS &&
      Math.abs(logRatio(id)) >= LEAST_LOG_RATIO_IN_WORDS,
  );
  if (!changed.length) return ["Holding the cell changes almost nothing here."];
  changed.sort((one, other) => logRatio(other) - logRatio(one));
  const [mostRaised, mostLowered] = [changed[0], changed[changed.length - 1]];
  /** @type {(Node | string)[][]} */
  const phrases = [];
  if (logRatio(mostRaised) > 0) phrases.push(changePhrase(mostRaised, logRatio(mostRaised)));
  if (logRatio(mostLowered) < 0) phrases.push(changePhrase(mostLowered, logRatio(mostLowered)));
  const joined = phrases.flatMap((phrase, index) => (index ? [" and ", ...phrase] : phrase));
  return ["Holding the cell makes ", ...joined, "."];
}

/** @type {(id: number, logRatio: number) => (Node | string)[]} */
const changePhrase = (id, logRatio) => [
  createElement("code", {}, glyphOf(id)),
  ` ${ratioWords(Math.exp(Math.abs(logRatio)))} times ${logRatio < 0 ? "less" : "more"} likely`,
];

/** @type {(ratio: number) => string} */
function ratioWords(ratio) {
  if (ratio >= 1000) return "over 1,000";
  return ratio >= 10 ? String(Math.round(ratio)) : ratio.toFixed(1);
}
