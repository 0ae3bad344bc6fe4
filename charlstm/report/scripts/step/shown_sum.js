// This file rounds a sum so that it adds up as it is shown: a product is that of the shown factors, and all that is
// not listed, with what rounding leaves, is one last line.

import { totalOf } from "../lstm/step_sums.js";

/** At most this many cells are listed by name. */
const NAMED_CELLS = 4;

/** @type {(value: number) => number} */
const hundredths = (value) => Math.round(100 * value);

/** @type {(value: number) => number} */
const thousandths = (value) => Math.round(1000 * value);

/**
 * Write a number with its sign and three decimals, as the factors of products are shown.
 * @type {(value: number) => string}
 */
export function factor(value) {
  const rounded = thousandths(value);
  return `${rounded < 0 ? "\u2212" : "+"}${(Math.abs(rounded) / 1000).toFixed(3)}`;
}

/** @type {(part: CellPart) => number} */
const productOf = ({ value, weight }) => (thousandths(value) * thousandths(weight)) / 1e6;

/**
 * Return a sum as it is shown, with the same sum at the character before where there is one. Listed are the cells that
 * add most or changed most; `wanted` is listed in any case.
 * @type {(sum: StepSum, before?: StepSum, wanted?: string) => ShownSum}
 */
export function shownSum(sum, before, wanted) {
  const size = (/** @type {number} */ place) => {
    const product = productOf(sum.cells[place]);
    return Math.abs(product) + (before ? Math.abs(product - productOf(before.cells[place])) : 0);
  };
  const isWanted = (/** @type {number} */ place) => Number(sum.cells[place].name === wanted);
  const ranked = [...sum.cells.keys()].sort(
    (one, other) => isWanted(other) - isWanted(one) || size(other) - size(one),
  );
  const listed = ranked.slice(0, NAMED_CELLS + Number(wanted !== undefined));
  const lines = namedLines(sum, before, listed);
  const now = hundredths(totalOf(sum));
  const was = before && hundredths(totalOf(before));
  const left = sum.cells.length - listed.length;
  lines.push({
    name: left ? `${left} other ${left === 1 ? "cell" : "cells"}` : "rounding",
    kind: "others",
    product: "",
    now: lines.reduce((rest, line) => rest - line.now, now),
    before: was === undefined ? undefined : lines.reduce((rest, line) => rest - (line.before ?? 0), was),
  });
  return { lines, now, before: was };
}

/**
 * Return a sum with fewer lines and without that of the character before: of the cells, the one with a name, and `main`.
 * @type {(sum: ShownSum, name: string, main: SumLine | undefined) => ShownSum}
 */
export function shortSum({ lines, now }, name, main) {
  const isKept = (/** @type {SumLine} */ line) =>
    ["bias", "character"].includes(line.kind) ||
    (line.kind === "cell" && [name, main?.name].includes(line.name));
  const rest = lines.filter((line) => !isKept(line)).reduce((sum, line) => sum + line.now, 0);
  const kept = lines.filter(isKept).map((line) => ({ ...line, product: "", before: undefined }));
  kept.push({ name: "all other cells", kind: "others", product: "", now: rest, before: undefined });
  return { lines: kept, now, before: undefined };
}

/** @type {(sum: StepSum, before: StepSum | undefined, listed: number[]) => SumLine[]} */
function namedLines(sum, before, listed) {
  const { bias, character } = sum;
  /** @type {SumLine[]} */
  const lines = [
    { name: "bias", kind: "bias", product: "", now: hundredths(bias), before: before && hundredths(bias) },
  ];
  if (character !== undefined) {
    const was = before && hundredths(before.character ?? 0);
    lines.push({ name: "", kind: "character", product: "", now: hundredths(character), before: was });
  }
  for (const place of listed) {
    const part = sum.cells[place];
    const product = `${factor(part.value)} × ${factor(part.weight)}`;
    const was = before && hundredths(productOf(before.cells[place]));
    lines.push({ name: part.name, kind: "cell", product, now: hundredths(productOf(part)), before: was });
  }
  return lines;
}
