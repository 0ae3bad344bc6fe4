// This file makes text coloured by tanh(c), with one span for each character.

import { data, symbolOf } from "./page_data.js";

/** Characters that a screen reader does not read aloud, with the words that it reads instead. */
export const SPOKEN_NAMES = new Map([
  [" ", "space"],
  ["\n", "line break"],
  ["\t", "tab"],
]);

/**
 * Add a class for each hundredth of tanh(c) to the page's style sheet. The browser shares styles between
 * spans of equal classes, which recolours a text faster than a colour or a custom property on every span.
 * @type {() => void}
 */
export function addColourClasses() {
  const sheet = document.styleSheets[0];
  for (let level = -100; level <= 100; level += 1) {
    const pole = level < 0 ? "--below" : "--above";
    const mix = `color-mix(in srgb, var(${pole}) ${Math.abs(level)}%, var(--zero))`;
    sheet.insertRule(`.level${level} { background: ${mix}; fill: ${mix}; }`, sheet.cssRules.length);
  }
}

/**
 * Return the classes that colour a character by a value of tanh(c) and underline it where the value is far
 * from 0. Orange is "on", or the high end of a count, whatever sign c has there: `polarity` is -1 for a cell
 * that falls where its feature rises, and else 1.
 * @type {(value: number, polarity: number) => string}
 */
export function levelClasses(value, polarity) {
  const towardsOn = value * polarity;
  const emphasis = towardsOn > 0.5 ? " strong" : towardsOn < -0.5 ? " weak" : "";
  return `level${Math.round(towardsOn * 100)}${emphasis}`;
}

/**
 * Fill a legend for the cells of a kind: what orange and blue mean, and which end of the scale is +1.
 * @type {(legend: Element, kind: string, polarity: number) => void}
 */
export function nameColours(legend, kind, polarity) {
  const [low, high] = endsOfKind(kind);
  const tell = (/** @type {string} */ name, /** @type {string} */ text) => {
    for (const place of legend.querySelectorAll(`.${name}`)) place.textContent = text;
  };
  tell("low-end", low);
  tell("high-end", high);
  tell("scale-ends", polarity < 0 ? "tanh(c) from +1 to \u22121" : "tanh(c) from \u22121 to +1");
}

/**
 * Return the names of the two ends of a cell of a kind; a cell without a finding has no kind.
 * @type {(kind: string) => [string, string]}
 */
export function endsOfKind(kind) {
  if (!kind) return ["below 0", "above 0"];
  return isCount(kind) ? ["low", "high"] : ["off", "on"];
}

/**
 * Return whether a cell of a kind counts, and does not only go on and off.
 * @type {(kind: string) => boolean}
 */
export const isCount = (kind) => kind.endsWith("counter");

/**
 * Return the classes of a character: its colour, whether the feature is on, and whether it is a driver.
 * @type {(value: number, polarity: number, feature: number | null | undefined, isDriver: boolean) => string}
 */
export function characterClasses(value, polarity, feature, isDriver) {
  return levelClasses(value, polarity) + (feature === 1 ? " true" : "") + (isDriver ? " driver" : "");
}

/** @type {(character: string) => HTMLSpanElement} */
export function characterSpan(character) {
  const span = document.createElement("span");
  const kind = glyphKind(character);
  if (kind) span.dataset.glyph = kind;
  span.textContent = kind === "newline" ? "" : kind === "code" ? symbolOf(character) : character;
  return span;
}

/** @type {(character: string) => string} */
function glyphKind(character) {
  if (character === "\n") return "newline";
  if (character === "\t") return "tab";
  return character !== " " && character in data.symbols ? "code" : "";
}

/**
 * Return the spans of a text with its line breaks between them. A line break stands after its own span:
 * inside the span, the cursor would be drawn on two lines.
 * @type {(spans: HTMLSpanElement[], characters: string[]) => (HTMLSpanElement | string)[]}
 */
export const withLineBreaks = (spans, characters) =>
  spans.flatMap((span, index) => (characters[index] === "\n" ? [span, "\n"] : [span]));

/**
 * Fill a box with a coloured text that has no cursor.
 * @type {(box: Element, text: string, values: Series, polarity: number, feature: Series | undefined) => void}
 */
export function showColouredText(box, text, values, polarity, feature) {
  const characters = Array.from(text);
  const spans = characters.map(characterSpan);
  spans.forEach((span, index) => {
    span.className = characterClasses(values[index] ?? 0, polarity, feature?.[index], false);
  });
  box.replaceChildren(...withLineBreaks(spans, characters));
}

/**
 * Return the place of the span that stands nearest above (direction -1) or below (direction 1) the span at
 * `place`, in the next line; `place` itself where there is no next line.
 * @type {(spans: HTMLElement[], place: number, direction: 1 | -1) => number}
 */
export function placeInNextLine(spans, place, direction) {
  const from = spans[place];
  let nearest = place;
  let nextLine = null;
  let leastDistance = Infinity;
  for (let index = place + direction; spans[index]; index += direction) {
    const { offsetTop, offsetLeft } = spans[index];
    if (isSameLine(offsetTop, from.offsetTop)) continue;
    nextLine ??= offsetTop;
    if (!isSameLine(offsetTop, nextLine)) break;
    const distance = Math.abs(offsetLeft - from.offsetLeft);
    if (distance < leastDistance) [nearest, leastDistance] = [index, distance];
  }
  return nearest;
}

/**
 * Return whether two vertical offsets in pixels belong to one line of text: a glyph from another font stands
 * a little higher or lower in its line.
 * @type {(one: number, other: number) => boolean}
 */
const isSameLine = (one, other) => Math.abs(one - other) < 8;
