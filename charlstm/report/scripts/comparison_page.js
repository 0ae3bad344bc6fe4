// This file starts the comparison page: two models on the same text, under one cursor.

import { showChart } from "./charts/chart_frame.js";
import { saturationChart } from "./charts/network_charts.js";
import { readGlossary } from "./glossary/terms.js";
import { listenToTerms } from "./glossary/tip.js";
import { addColourClasses, characterSpan, levelClasses, withLineBreaks } from "./shared/coloured_text.js";
import { bounded, range, signed } from "./shared/numbers.js";
import { unpackedValues } from "./shared/packed_values.js";
import { data, readData, symbolOf } from "./shared/page_data.js";
import { createElement, find, findAll, targetOf } from "./shared/page_elements.js";

/**
 * Browsers refuse more than a few hundred changes of the address in ten seconds, which a held key would
 * reach.
 */
const ADDRESS_DELAY_MILLISECONDS = 120;
/** @type {Record<string, number>} */
const ARROW_STEPS = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -40, ArrowDown: 40 };

/**
 * @typedef {ComparisonData["sides"][number] & {
 *   place: number,
 *   box: HTMLElement,
 *   choice: HTMLSelectElement,
 *   note: HTMLElement,
 *   characters: string[],
 *   spans: HTMLSpanElement[],
 *   cell: string,
 *   packed: Map<string, UnpackedValues>,
 * }} Side
 */

/**
 * The two models, once the data are read.
 * @type {Side[]}
 */
const sides = [];

/** @type {(side: ComparisonData["sides"][number], place: number) => Side} */
const newSide = (side, place) => ({
  ...side,
  place,
  box: findAll(".side .coloured")[place],
  choice: /** @type {HTMLSelectElement} */ (findAll(".side select")[place]),
  note: findAll(".side .note")[place],
  characters: Array.from(side.excerpt.text),
  spans: [],
  cell: "",
  packed: new Map(),
});

let cursor = 0;
let addressTimer = 0;

/** @type {(side: Side) => Side} */
const otherThan = (side) => sides[1 - side.place];

/**
 * Return tanh(c) of a cell along the text, or undefined where it is not stored.
 * @type {(side: Side, cell: string) => Series | Float32Array | undefined}
 */
const valuesOf = (side, cell) => side.excerpt.cells[cell]?.tanh_c ?? side.packed.get(cell)?.values;

/** @type {(side: Side, cell: string) => Row | undefined} */
const rowOf = (side, cell) => side.rows.find((row) => row.cell === cell);

/**
 * Fill the list of cells of a side: those with a finding first.
 * @type {(side: Side) => void}
 */
function fillCellList(side) {
  /** @type {(cell: string, text: string) => HTMLElement} */
  const option = (cell, text) => createElement("option", { value: cell }, text);
  const withFinding = side.rows
    .filter((row) => valuesOf(side, row.cell))
    .map((row) => option(row.cell, `${row.cell} ${row.feature_words}`));
  const others = [...side.packed.keys()]
    .filter((cell) => !rowOf(side, cell))
    .map((cell) => option(cell, cell));
  const groups = [
    { label: "with a finding", options: withFinding },
    { label: "others", options: others },
  ].filter(({ options }) => options.length);
  side.choice.replaceChildren(
    ...groups.map(({ label, options }) => createElement("optgroup", { label }, ...options)),
  );
}

/** @type {(side: Side) => void} */
function buildSide(side) {
  side.spans = side.characters.map(characterSpan);
  side.spans.forEach((span, index) => {
    span.dataset.at = String(index);
  });
  side.box.replaceChildren(...withLineBreaks(side.spans, side.characters));
  side.box.addEventListener("click", (event) => {
    const { at } = targetOf(event).dataset;
    if (at !== undefined) moveTo(Number(at));
  });
  side.box.addEventListener("keydown", onArrow);
  side.box.addEventListener("scroll", () => {
    otherThan(side).box.scrollTop = side.box.scrollTop;
  });
  side.choice.addEventListener("change", () => chooseWithPartner(side, side.choice.value));
}

/**
 * Choose a cell on one side. Where it has a feature, choose the cell of the other side that correlates best
 * with that feature.
 * @type {(side: Side, cell: string) => void}
 */
function chooseWithPartner(side, cell) {
  const other = otherThan(side);
  const feature = featureOf(side, cell);
  const partner = feature && bestCorrelated(other, feature);
  if (partner) chooseAlone(other, partner);
  chooseAlone(side, cell);
  describe(other, feature);
}

/** @type {(side: Side, cell: string) => void} */
function chooseAlone(side, cell) {
  side.cell = cell;
  side.choice.value = cell;
  const values = valuesOf(side, cell);
  const polarity = rowOf(side, cell)?.polarity ?? 1;
  side.spans.forEach((span, index) => {
    span.className = levelClasses(values?.[index] ?? 0, polarity);
  });
  describe(side, featureOf(side, cell));
  moveTo(cursor);
}

/**
 * Return the feature of a cell along the text, which either side may have stored.
 * @type {(side: Side, cell: string) => Series | undefined}
 */
function featureOf(side, cell) {
  const name = rowOf(side, cell)?.feature ?? "";
  return side.excerpt.features[name] ?? otherThan(side).excerpt.features[name];
}

/** @type {(side: Side, feature: Series | undefined) => void} */
function describe(side, feature) {
  const row = rowOf(side, side.cell);
  const values = valuesOf(side, side.cell);
  const r = feature && values ? correlation(values, feature) : undefined;
  const finding = row ? `finding: ${row.feature_words}` : "no finding";
  side.note.textContent =
    finding + (r === undefined ? "" : `; correlation ${signed(r)} with the feature in this text`);
}

/** @type {(side: Side, feature: Series) => string | undefined} */
function bestCorrelated(side, feature) {
  const cells = new Set([...Object.keys(side.excerpt.cells), ...side.packed.keys()]);
  const scored = [...cells].map((cell) => ({
    cell,
    size: Math.abs(correlation(valuesOf(side, cell) ?? [], feature)),
  }));
  return scored.sort((one, other) => other.size - one.size)[0]?.cell;
}

/**
 * Return Pearson's correlation of two series of one length; 0 where one of them is constant.
 * @type {(one: ArrayLike<number | null>, other: ArrayLike<number | null>) => number}
 */
function correlation(one, other) {
  const count = one.length;
  let [a, b, aa, bb, ab] = [0, 0, 0, 0, 0];
  for (let index = 0; index < count; index += 1) {
    const x = one[index] ?? 0;
    const y = other[index] ?? 0;
    a += x;
    b += y;
    aa += x ** 2;
    bb += y ** 2;
    ab += x * y;
  }
  const spread = (aa - (a * a) / count) * (bb - (b * b) / count);
  return spread > 0 ? (ab - (a * b) / count) / Math.sqrt(spread) : 0;
}

/**
 * Move the cursor of both sides to a place of the text, or to the nearest one that exists.
 * @type {(place: number) => void}
 */
function moveTo(place) {
  for (const side of sides) side.spans[cursor].removeAttribute("data-here");
  cursor = bounded(place, 0, sides[0].spans.length - 1);
  for (const side of sides) side.spans[cursor].setAttribute("data-here", "");
  const values = sides.map(
    (side) => `${side.name} ${side.cell}: tanh(c) ${signed(valuesOf(side, side.cell)?.[cursor])}`,
  );
  find("#pair-readout").textContent = `${symbolOf(sides[0].characters[cursor])} \u2014 ${values.join("; ")}`;
  clearTimeout(addressTimer);
  addressTimer = setTimeout(rememberView, ADDRESS_DELAY_MILLISECONDS);
}

function rememberView() {
  history.replaceState(null, "", `#left=${sides[0].cell}&right=${sides[1].cell}&at=${cursor}`);
}

/** @type {(event: KeyboardEvent) => void} */
function onArrow(event) {
  if (!(event.key in ARROW_STEPS) || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  moveTo(cursor + ARROW_STEPS[event.key]);
  for (const side of sides) side.spans[cursor].scrollIntoView({ block: "nearest" });
}

/**
 * Draw the charts of the gates, layer by layer and gate by gate, the left model beside the right one.
 * @type {() => void}
 */
function drawGateCharts() {
  const layers = range(Math.max(...sides.map((side) => side.network.layers.length)));
  const figures = layers.flatMap((place) =>
    ["input", "forget", "output"].flatMap((gate) => sides.map((side) => gateFigure(side, place, gate))),
  );
  find("#pair-gates").replaceChildren(...figures);
}

/** @type {(side: Side, place: number, gate: string) => HTMLElement} */
function gateFigure(side, place, gate) {
  const layer = side.network.layers[place];
  const figure = createElement("figure", { class: "chart" });
  if (layer?.gates[gate]) {
    const chart = saturationChart(layer, gate);
    const title = `${side.name}, layer ${layer.layer}: ${chart.title.toLowerCase()}`;
    showChart(figure, { ...chart, title });
  }
  return figure;
}

async function startComparisonPage() {
  readGlossary();
  listenToTerms();
  await readData();
  const comparison = /** @type {ComparisonData} */ (/** @type {unknown} */ (data));
  sides.push(...comparison.sides.map(newSide));
  addColourClasses();
  sides.forEach(buildSide);
  drawGateCharts();
  for (const side of sides) {
    if (side.excerpt.grid) side.packed = await unpackedValues(side.excerpt.grid, side.characters.length);
  }
  sides.forEach(fillCellList);
  for (const side of sides) chooseAlone(side, firstCell(side));
  const leader = sides.find((side) => side.rows.some((row) => valuesOf(side, row.cell))) ?? sides[0];
  chooseWithPartner(leader, firstCell(leader));
  restoreView();
}

/** @type {(side: Side) => string} */
const firstCell = (side) => side.choice.options[0]?.value ?? "";

/**
 * Restore the cells and the cursor that the address names.
 * @type {() => void}
 */
function restoreView() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  [wanted.get("left"), wanted.get("right")].forEach((cell, place) => {
    if (cell && valuesOf(sides[place], cell)) chooseAlone(sides[place], cell);
  });
  moveTo(Number.parseInt(wanted.get("at") ?? "0", 10) || 0);
}

startComparisonPage();
