// This file draws charts of one kind: a frame with two axes, marks in it, a legend, and the numbers as a
// table.

import { short } from "../shared/numbers.js";
import { createElement } from "../shared/page_elements.js";

/** The size of a chart and the margins around its axes, in the units of its picture. */
export const FRAME = { width: 330, height: 212, left: 38, right: 10, top: 22, bottom: 38 };
/** The distance of the name of the horizontal axis from the lower edge. */
const AXIS_NAME_MARGIN = 5;

/**
 * Show a chart in its box.
 * @type {(box: HTMLElement, chart: Chart) => void}
 */
export function showChart(box, { title, note, picture, legend = [], numbers }) {
  const table = /** @type {HTMLDetailsElement} */ (
    createElement("details", {}, createElement("summary", {}, "Numbers"))
  );
  // A table is filled when it is opened: there are many, and most stay shut.
  table.addEventListener("toggle", () => {
    if (table.open && table.childElementCount === 1) table.append(numberTable(title, numbers()));
  });
  const caption = createElement(
    "figcaption",
    {},
    createElement("strong", {}, title),
    createElement("span", {}, note),
  );
  box.replaceChildren(caption, ...legendLine(legend), picture, table);
  box.hidden = false;
}

/** @type {(legend: [string, string][]) => HTMLElement[]} */
function legendLine(legend) {
  if (!legend.length) return [];
  const entries = legend.map(([name, text]) => {
    const sample = createElement(
      "svg:svg",
      { viewBox: "0 0 26 8", "aria-hidden": "true" },
      createElement("svg:path", { class: `line ${name}`, d: "M0 4H26" }),
    );
    return createElement("span", { class: "legend-entry" }, sample, text);
  });
  return [createElement("p", { class: "legend-line" }, ...entries)];
}

/** @type {(title: string, table: NumberTable) => HTMLElement} */
function numberTable(title, { head, rows }) {
  const headCells = head.map((name, column) =>
    createElement("th", { class: column > 0 && "number", scope: "col" }, name),
  );
  const lines = rows.map((row) => {
    const cells = row.map((value, column) =>
      createElement(
        column ? "td" : "th",
        { class: column > 0 && "number", scope: !column && "row" },
        typeof value === "string" ? value : short(value),
      ),
    );
    return createElement("tr", {}, ...cells);
  });
  const table = createElement(
    "table",
    {},
    createElement("thead", {}, createElement("tr", {}, ...headCells)),
    createElement("tbody", {}, ...lines),
  );
  const attributes = { class: "scroller", tabindex: 0, role: "region", "aria-label": `Numbers: ${title}` };
  return createElement("div", attributes, table);
}

/**
 * Create the empty picture of a chart; `label` is read by a screen reader.
 * @type {(label: string, size?: { width: number, height: number }) => HTMLElement}
 */
export const createPicture = (label, { width, height } = FRAME) =>
  createElement("svg:svg", {
    viewBox: `0 0 ${width} ${height}`,
    role: "img",
    "aria-label": label,
    class: "chart-picture",
  });

/**
 * Draw two axes, each over the range [low, high], with their ticks and names, and the marks between them.
 * @type {(plot: {
 *   x: [number, number],
 *   y: [number, number],
 *   xName: string,
 *   yName: string,
 *   label: string,
 *   frame?: Partial<typeof FRAME>,
 *   marks: Mark[],
 *   xTicks?: number[],
 * }) => HTMLElement}
 */
export function drawAxes({ x, y, xName, yName, label, frame, marks, xTicks }) {
  const size = { ...FRAME, ...frame };
  const { width, height, left, right, top, bottom } = size;
  /** @type {Scale} */
  const across = (value) => left + ((value - x[0]) / (x[1] - x[0] || 1)) * (width - left - right);
  /** @type {Scale} */
  const up = (value) => height - bottom - ((value - y[0]) / (y[1] - y[0] || 1)) * (height - top - bottom);
  const picture = createPicture(label, size);
  for (const value of ticks(...y)) {
    picture.append(
      createElement("svg:path", { class: "grid", d: `M${left} ${up(value)}H${width - right}` }),
      chartText(short(value), left - 7, up(value) + 4, "end"),
    );
  }
  for (const value of xTicks ?? ticks(...x)) {
    picture.append(chartText(short(value), across(value), height - bottom + 17, "middle"));
  }
  picture.append(
    chartText(xName, (left + width - right) / 2, height - AXIS_NAME_MARGIN, "middle", "axis-name"),
    chartText(yName, 2, 9, "start", "axis-name"),
    ...marks.flatMap((mark) => mark(across, up)),
  );
  return picture;
}

/** @type {(text: string, x: number, y: number, anchor?: string, name?: string) => HTMLElement} */
export const chartText = (text, x, y, anchor = "start", name = "tick") =>
  createElement("svg:text", { x: x.toFixed(1), y: y.toFixed(1), "text-anchor": anchor, class: name }, text);

/**
 * Return about five round values from `low` to `high`.
 * @type {(low: number, high: number) => number[]}
 */
export function ticks(low, high) {
  const roughStep = (high - low) / 4 || 1;
  const power = 10 ** Math.floor(Math.log10(roughStep));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= roughStep) ?? power;
  const values = [];
  for (let value = Math.ceil(low / step - 1e-9) * step; value <= high + step * 1e-9; value += step) {
    values.push(Number(value.toFixed(10)));
  }
  return values;
}

/**
 * Return the range of all values of the series, six hundredths of it wider on either side.
 * @type {(...series: Series[]) => [number, number]}
 */
export function paddedRange(...series) {
  const values = series.flat().filter((value) => value !== null && Number.isFinite(value));
  const low = Math.min(.../** @type {number[]} */ (values));
  const high = Math.max(.../** @type {number[]} */ (values));
  const room = (high - low || 1) * 0.06;
  return [low - room, high + room];
}

/**
 * Return the path through points, with a gap at each missing value.
 * @type {(xs: number[], ys: Series, across: Scale, up: Scale) => string}
 */
function pathThrough(xs, ys, across, up) {
  let pen = "M";
  return xs
    .map((x, place) => {
      const y = ys[place];
      if (y === null || y === undefined) {
        pen = "M";
        return "";
      }
      const point = `${pen}${across(x).toFixed(1)} ${up(y).toFixed(1)}`;
      pen = "L";
      return point;
    })
    .join("");
}

/** @type {(xs: number[], ys: Series, name: string) => Mark} */
export const lineMark = (xs, ys, name) => (across, up) =>
  createElement("svg:path", { class: `line ${name}`, d: pathThrough(xs, ys, across, up) });

/**
 * Fill the band between two series.
 * @type {(xs: number[], low: Series, high: Series, name: string) => Mark}
 */
export const bandMark = (xs, low, high, name) => (across, up) => {
  const back = pathThrough([...xs].reverse(), [...high].reverse(), across, up).replace("M", "L");
  return createElement("svg:path", {
    class: `band ${name}`,
    d: `${pathThrough(xs, low, across, up)}${back}Z`,
  });
};

/** @type {(xs: Series, ys: Series, name: string, radius?: number) => Mark} */
export const dotMarks =
  (xs, ys, name, radius = 3.5) =>
  (across, up) =>
    xs.flatMap((x, place) => {
      const y = ys[place];
      if (y === null || x === null) return [];
      const position = { cx: across(x).toFixed(1), cy: up(y).toFixed(1), r: radius };
      return [createElement("svg:circle", { class: `dot ${name}`, ...position })];
    });

/**
 * Draw a vertical line from `low` to `high` at each place that has both.
 * @type {(xs: number[], low: Series, high: Series) => Mark}
 */
export const whiskerMarks = (xs, low, high) => (across, up) =>
  xs.flatMap((x, place) => {
    const [from, to] = [low[place], high[place]];
    if (from === null || to === null) return [];
    const d = `M${across(x).toFixed(1)} ${up(from).toFixed(1)}V${up(to).toFixed(1)}`;
    return [createElement("svg:path", { class: "whisker", d })];
  });

/** @type {(x: number) => Mark} */
export const verticalMark = (x) => (across) =>
  createElement("svg:path", {
    class: "rule",
    d: `M${across(x).toFixed(1)} ${FRAME.top}V${FRAME.height - FRAME.bottom}`,
  });

/** @type {(y: number) => Mark} */
export const horizontalMark = (y) => (_, up) =>
  createElement("svg:path", {
    class: "rule",
    d: `M${FRAME.left} ${up(y).toFixed(1)}H${FRAME.width - FRAME.right}`,
  });
