// This file draws the written text and the continuations, coloured by tanh(c) of the watched cell.

import { cellStates } from "../lstm/state_trace.js";
import { forEachInSlices } from "../lstm/time_slices.js";
import { levelClasses, SPOKEN_NAMES } from "../shared/coloured_text.js";
import { find } from "../shared/page_elements.js";
import { live, unpackedModel, watchedPolarity } from "./panel_state.js";

/** @type {(symbol: TextSymbol, index: number) => HTMLSpanElement} */
export function symbolSpan({ text, shown, kind }, index) {
  const span = document.createElement("span");
  if (kind) span.dataset.glyph = kind;
  span.textContent = kind === "newline" ? "" : kind === "code" || kind === "unknown" ? shown : text;
  span.dataset.index = String(index);
  return span;
}

/**
 * Return the nodes of a symbol: its span, and after it the line break that the symbol may be.
 * @type {(span: HTMLSpanElement, symbol: TextSymbol) => (HTMLSpanElement | string)[]}
 */
export const symbolNodes = (span, symbol) => (symbol.kind === "newline" ? [span, "\n"] : [span]);

/**
 * Return the classes that colour a symbol by c of the watched cell.
 * @type {(c: number) => string}
 */
export const stateClasses = (c) => levelClasses(Math.tanh(c), watchedPolarity());

/**
 * Give a span the name of its symbol for a screen reader, where the symbol itself has none.
 * @type {(span: HTMLSpanElement, symbol: TextSymbol) => void}
 */
export function nameForScreenReader(span, { text }) {
  const spoken = SPOKEN_NAMES.get(text);
  if (spoken) span.setAttribute("aria-label", spoken);
  else span.removeAttribute("aria-label");
}

/**
 * Draw the written text from the first symbol on that has changed. Return whether all of it is drawn: drawing
 * ends early where `isWanted` no longer holds.
 * @type {(symbols: TextSymbol[], isWanted: () => boolean) => Promise<boolean>}
 */
export async function drawWrittenText(symbols, isWanted) {
  const common = commonLength(symbols);
  const box = find("#live");
  removeAfter(box, common);
  live.spans.length = common;
  live.symbols = symbols.slice(0, common);
  const states = cellStates(unpackedModel().trace, live.watchedCell);
  /** @type {(index: number) => void} */
  const append = (index) => {
    const span = symbolSpan(symbols[index], index);
    span.setAttribute("role", "option");
    nameForScreenReader(span, symbols[index]);
    span.tabIndex = -1;
    span.className = stateClasses(states[index]);
    live.symbols.push(symbols[index]);
    live.spans.push(span);
    box.append(...symbolNodes(span, symbols[index]));
  };
  return forEachInSlices(common, symbols.length, append, isWanted);
}

/**
 * Return how many symbols from the start are drawn already.
 * @type {(symbols: TextSymbol[]) => number}
 */
function commonLength(symbols) {
  const changed = symbols.findIndex(({ id, text }, index) => {
    const drawn = live.symbols[index];
    return drawn?.text !== text || drawn.id !== id;
  });
  return changed < 0 ? symbols.length : changed;
}

/**
 * Remove the spans of the written text after the first `count` from their box.
 * @type {(box: Element, count: number) => void}
 */
function removeAfter(box, count) {
  const rest = document.createRange();
  rest.selectNodeContents(box);
  const last = live.spans[count - 1];
  const lineBreak = live.symbols[count - 1]?.kind === "newline" ? last?.nextSibling : undefined;
  if (last) rest.setStartAfter(lineBreak ?? last);
  rest.deleteContents();
}

/**
 * Colour the written text by the watched cell.
 * @type {() => void}
 */
export function colourWrittenText() {
  const states = cellStates(unpackedModel().trace, live.watchedCell);
  live.spans.forEach((span, index) => {
    span.className = stateClasses(states[index]);
  });
}
