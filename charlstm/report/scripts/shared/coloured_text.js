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
 * from 0.
 * @type {(value: number) => string}
 */
export function levelClasses(value) {
  const emphasis = value > 0.5 ? " strong" : value < -0.5 ? " weak" : "";
  return `level${Math.round(value * 100)}${emphasis}`;
}

/**
 * Return the classes of a character: its colour, whether the feature is on, and whether it is a driver.
 * @type {(value: number, feature: number | null | undefined, isDriver: boolean) => string}
 */
export function characterClasses(value, feature, isDriver) {
  return levelClasses(value) + (feature === 1 ? " true" : "") + (isDriver ? " driver" : "");
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
 * @type {(box: Element, text: string, values: Series, feature: Series | undefined) => void}
 */
export function showColouredText(box, text, values, feature) {
  const characters = Array.from(text);
  const spans = characters.map(characterSpan);
  spans.forEach((span, index) => {
    span.className = characterClasses(values[index] ?? 0, feature?.[index], false);
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
