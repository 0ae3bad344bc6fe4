// This file shows the sums of a step as small tables.

import { signed } from "../shared/numbers.js";
import { createElement } from "../shared/page_elements.js";

/** @typedef {(Node | string)[]} Cell The content of a cell of a table. */

/**
 * Return a figure: a title, a note, and a table of which the last columns hold numbers.
 * @type {(title: string, note: Cell, head: Cell[], lines: HTMLElement[]) => HTMLElement}
 */
export function stepFigure(title, note, head, lines) {
  const caption = createElement(
    "figcaption",
    {},
    createElement("strong", {}, title),
    createElement("span", {}, ...note),
  );
  const names = head.map((name, place) =>
    createElement("th", { scope: "col", class: place > 1 ? "number" : undefined }, ...name),
  );
  const table = createElement(
    "table",
    {},
    createElement("thead", {}, createElement("tr", {}, ...names)),
    createElement("tbody", {}, ...lines),
  );
  return createElement("figure", { class: "chart" }, caption, table);
}

/**
 * Return a line of such a table: its name, a product in words, and numbers as they are shown. Without a product the
 * name takes its place, too.
 * @type {(name: Cell, product: string, numbers: (string | undefined)[], kind?: string) => HTMLElement}
 */
export const stepLine = (name, product, numbers, kind) =>
  createElement(
    "tr",
    { class: kind },
    createElement("th", { scope: "row", colspan: product ? undefined : 2 }, ...name),
    product ? createElement("td", {}, product) : undefined,
    ...numbers
      .filter((number) => number !== undefined)
      .map((number) => createElement("td", { class: "number" }, number)),
  );

/** @type {(hundredths: number | undefined) => string | undefined} */
const shownHundredths = (hundredths) => (hundredths === undefined ? undefined : signed(hundredths / 100));

/** @type {(line: SumLine, main: SumLine) => boolean} */
const isSamePart = (line, main) =>
  line.kind === main.kind && (line.kind !== "cell" || line.name === main.name);

/**
 * Return the lines of a sum and its total. `nameOf` writes the name of a line, and `main` is the line that stands out.
 * @type {(sum: ShownSum, nameOf: (line: SumLine) => Cell, main: SumLine | undefined, total: Cell) => HTMLElement[]}
 */
export const sumLines = ({ lines, now, before }, nameOf, main, total) => [
  ...lines.map((line) =>
    stepLine(
      nameOf(line),
      line.product,
      [shownHundredths(line.now), shownHundredths(line.before)],
      main && isSamePart(line, main) ? "main" : undefined,
    ),
  ),
  stepLine(total, "", [shownHundredths(now), shownHundredths(before)], "total"),
];
