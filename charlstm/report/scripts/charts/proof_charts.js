// This file draws the tests that a verdict rests on: what the prediction needs, what the cell alone is enough
// for, and whether other predictions need it more.

import { range, short } from "../shared/numbers.js";
import { symbolOf } from "../shared/page_data.js";
import { drawIntervals, intervalNumbers } from "./interval_chart.js";

const NATS = "nats: change of the log probability";
/** The largest share that is drawn with its interval; beyond it a share says nothing. */
const LARGEST_SHARE = 3;

/**
 * Return the chart of both interventions that take the cell's memory away, of insertion, and of how the cell
 * ranks among all cells of its layer.
 * @type {(evidence: Evidence) => Chart}
 */
export function necessityChart({ necessity, insertion, limit, rank }) {
  const lines = necessity.map(({ name, nats }) => ({ name, value: nats }));
  if (insertion) lines.push({ name: "put in where off", value: insertion });
  const sites = [...necessity.map(({ sites: count }) => count), ...(insertion ? [null] : [])];
  const others = rankWords(rank);
  return {
    title: "Does the prediction need it?",
    note:
      "The cell gets a value that it really has where the feature is in its other state, or its mean there: the effect at the closing character, with 95% intervals" +
      `${limit ? "; the grey band is what counts as little" : ""}.${others ? ` ${others}` : ""}`,
    picture: drawIntervals({
      lines,
      axisName: NATS,
      label: "Effects of both interventions with their intervals",
      band: limit,
    }),
    numbers: () => {
      const table = intervalNumbers(
        lines,
        ["nats", "places"],
        sites.map((count) => [count]),
      );
      const rows = [
        ["limit", limit, "", "", ""],
        ["95% of the other cells, at most", rank.p95, "", "", ""],
        ["rank", rank.rank, "", "", ""],
        ["cells", rank.cells, "", "", ""],
      ];
      return { ...table, rows: [...table.rows, ...rows.filter(([, value]) => value !== null)] };
    },
  };
}

/** @type {(rank: Evidence["rank"]) => string} */
function rankWords({ rank, cells, p95, others }) {
  const place = rank && cells ? `It ranks ${ordinal(rank)} of the ${cells} cells of its layer` : "";
  if (!others || p95 === null) return place && `${place}.`;
  const rest = `95% of those that do not carry the feature change it by ${p95 < 0.001 ? "less than 0.001 nats" : `${short(p95)} nats at most`}`;
  return place ? `${place}; ${rest}.` : `${rest}.`;
}

/** @type {(number: number) => string} */
function ordinal(number) {
  const ending = [11, 12, 13].includes(number % 100) ? undefined : ["st", "nd", "rd"][(number % 10) - 1];
  return `${number}${ending ?? "th"}`;
}

/**
 * Return the chart of the effect by the number of characters between the change and the closing character.
 * @type {(evidence: Evidence) => Chart}
 */
export function lagChart({ by_lag: lags, limit }) {
  const lines = lags.map(({ lag, nats }) => ({
    name: `${lag} ${lag === 1 ? "character" : "characters"} before`,
    value: nats,
  }));
  return {
    title: "How early it can be changed",
    note: "A cell that remembers has its effect however many characters lie in between.",
    picture: drawIntervals({ lines, axisName: NATS, label: "Effect by lag with intervals", band: limit }),
    numbers: () =>
      intervalNumbers(
        lines,
        ["nats", "places"],
        lags.map(({ sites }) => [sites]),
      ),
  };
}

/**
 * Return the chart of what the cell alone is enough for, each share beside its baselines.
 * @type {(evidence: Evidence) => Chart}
 */
export function sufficiencyChart({ restoration, restoration_baseline: baseline, interchange }) {
  const { pairs, share, random_cells: random, linear_direction: direction } = interchange;
  const few = pairs === null ? "" : `${pairs} pairs`;
  const lines = [
    { name: "restored alone", value: drawable(restoration), missing: restoration ? "unsure" : "" },
    { name: "95% of other cells", value: single(baseline), baseline: true },
    { name: "exchanged alone", value: share, missing: few },
    { name: "other cells", value: single(random), baseline: true },
    { name: "best direction", value: single(direction), baseline: true },
  ].filter(({ value, missing }) => value || missing);
  return {
    title: "Is it alone enough?",
    note:
      "Restored: the share of the prediction that comes back when all else comes from the other state. Exchanged: " +
      "the share of pairs of places in which the network then chooses as at the other place. Diamonds: what other " +
      "cells, and the layer's best linear direction, do.",
    picture: drawIntervals({
      lines,
      axisName: "share; 1 is all",
      label: "Restored and exchanged shares beside their baselines",
      all: 1,
    }),
    numbers: () => {
      const table = intervalNumbers(lines, ["share"]);
      return { ...table, rows: [...table.rows, ["pairs", pairs, "", ""]] };
    },
  };
}

/**
 * Return an estimate of a share, or null where its interval is so wide that it would hide all others.
 * @type {(share: Estimate | null) => Estimate | null}
 */
function drawable(share) {
  const ends = share ? [share.low, share.high] : [];
  return ends.every((end) => end !== null && Math.abs(end) <= LARGEST_SHARE) ? share : null;
}

/** @type {(value: number | null) => Estimate | null} */
const single = (value) => (value === null ? null : { value, low: null, high: null });

/**
 * Return the chart of the cell's effects at its own closing character and at those of other features.
 * @type {(feature: string, evidence: Evidence) => Chart}
 */
export function isolationChart(feature, { own, others }) {
  const lines = [
    { name: "its own", value: own },
    ...others.map(({ target, feature: other, nats }) => ({
      name: `${closing(target)} ${other}`,
      value: nats,
      baseline: true,
    })),
  ];
  const features = [feature, ...others.map((other) => other.feature)];
  return {
    title: "At other closing characters",
    note:
      "The same change where other features end: a cell that is used for its own feature does more at " +
      "its own. Measured at fewer places than the effect above.",
    picture: drawIntervals({ lines, axisName: NATS, label: "Effects at the closing characters of features" }),
    numbers: () =>
      intervalNumbers(
        lines,
        ["nats", "feature"],
        features.map((name) => [name]),
      ),
  };
}

/** @type {(target: string) => string} */
const closing = (target) =>
  range(Array.from(target).length)
    .map((place) => symbolOf(Array.from(target)[place]))
    .join(" ");
