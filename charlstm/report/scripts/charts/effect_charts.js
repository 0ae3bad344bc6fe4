// This file draws what changing a cell does to a prediction, beside the same change of matched cells.

import { isNumber, range, short, signed } from "../shared/numbers.js";
import { createElement } from "../shared/page_elements.js";
import {
  bandMark,
  chartText,
  createPicture,
  dotMarks,
  drawAxes,
  FRAME,
  horizontalMark,
  lineMark,
  paddedRange,
  ticks,
  verticalMark,
  whiskerMarks,
} from "./chart_frame.js";

/**
 * How the cell is changed in other interventions than the main one.
 * @type {Record<string, string>}
 */
const INTERVENTION_NAMES = {
  hold: "held at that value",
  resample: "value from elsewhere",
  insertion: "on where it is off",
};
/** The bars lie between these two places of the picture. */
const BARS = { left: 116, width: 206, top: 8, height: 170 };

/**
 * Return the chart of the effects as bars, in nats. The matched cells stand right below the cell.
 * @type {(intervention: Intervention) => Chart}
 */
export function effectChart({ lag, sites, effect_nats: effect, others, control_effects: effects }) {
  const matched = effects ?? {};
  const bars = [
    { name: "this cell", nats: effect },
    ...Object.entries(others).flatMap(([name, nats]) =>
      nats === null ? [] : [{ name: INTERVENTION_NAMES[name] ?? name, nats }],
    ),
  ];
  const largest = Math.max(...bars.map(({ nats }) => Math.abs(nats)), matched.max ?? 0) * 1.16 || 1;
  /** @type {Scale} */
  const across = (nats) => BARS.left + (nats / largest) * BARS.width;
  const pitch = BARS.height / (bars.length + 1);
  const picture = createPicture("Effect of changing the cell beside the effects of matched cells");
  for (const value of ticks(0, largest)) {
    picture.append(
      createElement("svg:path", { class: "grid", d: `M${across(value)} 4V174` }),
      chartText(short(value), across(value), 189, "middle"),
    );
  }
  bars.forEach((bar, place) => {
    picture.append(...effectBar(bar, BARS.top + pitch * (place ? place + 1 : 0), across));
  });
  if (matched.count) picture.append(...matchedCellsBar(matched, BARS.top + pitch, across));
  picture.append(
    chartText("nats: change of the log probability", 219, FRAME.height - 5, "middle", "axis-name"),
  );
  return {
    title: "Effect of changing it",
    note:
      `The cell is changed ${lag ?? 0} characters before ${sites ?? "the"} closing characters, and so are matched ` +
      "cells. Orange: the closing character becomes more likely; blue, dashed: less likely. The grey line ends at " +
      "the 95th percentile of the matched cells; the grey diamond is the largest of them.",
    picture,
    numbers: () => ({
      head: ["change", "nats", "times"],
      rows: [
        ...bars.map(({ name, nats }) => [name, nats, Math.exp(Math.abs(nats))]),
        ...matchedCellsRows(matched),
      ],
    }),
  };
}

/** @type {(bar: { name: string, nats: number }, y: number, across: Scale) => HTMLElement[]} */
function effectBar({ name, nats }, y, across) {
  const width = Math.max(1, across(Math.abs(nats)) - across(0));
  const side = nats < 0 ? "below" : "above";
  return [
    createElement("svg:rect", { class: `bar ${side}`, x: across(0), y, width, height: 14 }),
    chartText(name, across(0) - 8, y + 12, "end", "label"),
    chartText(signed(nats), across(0) + width + 6, y + 12, "start", "tick"),
  ];
}

/** @type {(matched: MatchedCells, y: number, across: Scale) => HTMLElement[]} */
function matchedCellsBar({ count, median, p95, max, quantiles }, y, across) {
  const parts = [chartText(`${count} matched cells`, across(0) - 8, y + 12, "end", "label")];
  if (isNumber(p95)) {
    const line = `M${across(0)} ${y + 7}H${across(p95)}`;
    parts.push(createElement("svg:path", { class: "spread", d: line }));
  }
  for (const nats of (quantiles ?? [median]).filter(isNumber)) {
    parts.push(createElement("svg:path", { class: "stroke", d: `M${across(nats)} ${y + 2}v10` }));
  }
  if (isNumber(max)) {
    const diamond = `M${across(max) - 5} ${y + 7}l5 -5l5 5l-5 5z`;
    parts.push(
      createElement("svg:path", { class: "largest", d: diamond }),
      chartText(signed(max).slice(1), across(max) + 9, y + 12),
    );
  }
  return parts;
}

/** @type {(matched: MatchedCells) => NumberTable["rows"]} */
function matchedCellsRows({ median, p95, max, quantiles = [] }) {
  const quantileRows = range(quantiles.length).map((place) => ({
    name: `${Math.round((100 * place) / (quantiles.length - 1))}%`,
    nats: quantiles[place],
  }));
  const rows = [
    { name: "median", nats: median },
    { name: "p95", nats: p95 },
    { name: "max", nats: max },
    ...quantileRows,
  ];
  return rows
    .filter(({ nats }) => nats !== undefined)
    .map(({ name, nats }) => [`matched cells, ${name}`, nats, Math.exp(nats ?? 0)]);
}

/**
 * Return the chart of the effect by dose, with the 95th percentile of matched cells at the whole dose.
 * @type {(doses: Dose[], p95: number | null | undefined) => Chart}
 */
export function doseChart(doses, p95) {
  const sorted = [...doses].sort((one, other) => one.dose - other.dose);
  const xs = sorted.map(({ dose }) => dose);
  const ys = sorted.map(({ effect_nats: nats }) => nats);
  const lows = sorted.map(({ low }) => low ?? null);
  const highs = sorted.map(({ high }) => high ?? null);
  const known = [...lows, ...highs].some(isNumber);
  const bounds = isNumber(p95) ? [-p95, p95] : [];
  const x = paddedRange(xs, [0]);
  const band = bounds.length ? [bandMark(x, [bounds[0], bounds[0]], [bounds[1], bounds[1]], "second")] : [];
  return {
    title: "Effect by dose",
    note:
      "If the cell causes the effect, a larger part of the change has a larger effect" +
      `${bounds.length ? `; the grey band holds 95% of the ${known ? "other" : "matched"} cells at the whole dose` : ""}.`,
    picture: drawAxes({
      x,
      y: paddedRange(ys, lows, highs, bounds, [0]),
      xName: "dose; 1 takes the cell to its other level",
      yName: "nats",
      label: "Effect by dose",
      marks: [
        ...band,
        horizontalMark(0),
        verticalMark(0),
        whiskerMarks(xs, lows, highs),
        lineMark(xs, ys, "first"),
        dotMarks(xs, ys, "first"),
      ],
    }),
    numbers: () => ({
      head: known ? ["dose", "nats", "low", "high"] : ["dose", "nats"],
      rows: sorted.map(({ dose, effect_nats: nats, low, high }) =>
        known ? [dose, nats, low, high] : [dose, nats],
      ),
    }),
  };
}
