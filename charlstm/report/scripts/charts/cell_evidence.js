// This file shows the evidence about the chosen cell: sentences, charts, excerpts and all its numbers.

import { markTerms } from "../glossary/terms.js";
import { chosenRow, followers } from "../page/state.js";
import { showColouredText } from "../shared/coloured_text.js";
import { counted, isBinary, short, signed } from "../shared/numbers.js";
import { createElement, find, findAll, sentenceNodes } from "../shared/page_elements.js";
import { showChart } from "./chart_frame.js";
import { edgeChart, edgesOf } from "./circuit_charts.js";
import { doseChart, effectChart } from "./effect_charts.js";
import { histogramChart, staircaseChart, survivalChart, traceChart } from "./portrait_charts.js";
import { isolationChart, lagChart, necessityChart, sufficiencyChart } from "./proof_charts.js";
import { wiringChart } from "./wiring_diagram.js";

/** The excerpts of a portrait: the title of each, and by what it was chosen. */
const EXCERPT_TITLES = {
  strongest: ["Strongest example", "the highest correlation with the feature"],
  weakest: ["Weakest example", "the smallest step in the right direction"],
  counter_example: [
    "Least agreement",
    "the lowest correlation with the feature: the cell may be wrong here, or the rule for the feature",
  ],
};

let evidenceTimer = 0;

/**
 * Show the evidence whenever another cell is chosen. It waits for the text, which has to keep up with a held
 * key.
 * @type {() => void}
 */
export function followWithEvidence() {
  if (!find("#evidence")) return;
  followers.cell.push(() => {
    clearTimeout(evidenceTimer);
    evidenceTimer = setTimeout(showEvidence, 0);
  });
}

function showEvidence() {
  const row = chosenRow();
  for (const part of findAll("#evidence .chart, #evidence .panel")) part.hidden = true;
  find("#evidence").classList.toggle("bare", !row.portrait && !row.proof && !row.mechanism);
  if (row.told) showSentences(row.told);
  if (row.portrait) showPortrait(row, row.portrait);
  if (row.survival) showChart(find("#chart-survival"), survivalChart(row.survival));
  if (row.proof) showProof(row, row.proof);
  const edges = edgesOf(row);
  if (edges.length) showChart(find("#chart-edges"), edgeChart(row.cell, edges));
  if (row.mechanism) showChart(find("#chart-mechanism"), wiringChart(row.cell, row.mechanism));
  showNumbers(row.numbers);
  markTerms(find("#evidence"));
}

/** @type {(sentences: [string, boolean][][]) => void} */
function showSentences(sentences) {
  const box = find("#chart-told");
  const paragraphs = sentences.map((sentence) => createElement("p", {}, ...sentenceNodes(sentence)));
  const caption = createElement("figcaption", {}, createElement("strong", {}, "In words"));
  box.replaceChildren(caption, ...paragraphs);
  box.hidden = false;
}

/** @type {(row: Row, proof: Intervention) => void} */
function showProof({ feature_words: feature, evidence }, proof) {
  if (evidence) showChart(find("#chart-effect"), necessityChart(evidence));
  else showChart(find("#chart-effect"), effectChart(proof));
  if (evidence?.by_lag.length) showChart(find("#chart-lag"), lagChart(evidence));
  if (proof.dose_response?.length) {
    showChart(find("#chart-dose"), doseChart(proof.dose_response, proof.control_effects?.p95));
  }
  if (!evidence) return;
  showChart(find("#chart-sufficiency"), sufficiencyChart(evidence));
  if (evidence.own && evidence.others.length) {
    showChart(find("#chart-isolation"), isolationChart(feature, evidence));
  }
}

/** @type {(row: Row, portrait: Portrait) => void} */
function showPortrait(row, { trace, histogram, staircase, excerpts }) {
  if (Object.values(trace.events).some((event) => event.count)) {
    showChart(find("#chart-trace"), traceChart(row.kind, trace));
  }
  showChart(find("#chart-histogram"), histogramChart(row.feature_words, row.polarity, histogram));
  if (staircase && staircase.count.length > 1) {
    showChart(find("#chart-staircase"), staircaseChart(row.kind, staircase));
  }
  // Short lines show the same and more; findings of an earlier version have none.
  showExcerpts(row.lines.length ? {} : excerpts, row.polarity);
}

/** @type {(excerpts: Portrait["excerpts"], polarity: number) => void} */
function showExcerpts(excerpts, polarity) {
  const figures = Object.entries(EXCERPT_TITLES).flatMap(([name, [title, reason]]) => {
    const excerpt = excerpts[name];
    if (!excerpt) return [];
    const { text, tanh_c: values, feature, r, step, start } = excerpt;
    const box = createElement("div", {
      class: "coloured small",
      tabindex: 0,
      role: "group",
      "aria-label": `${title}: text coloured by tanh(c)`,
    });
    showColouredText(box, text, values, polarity, isBinary(feature) ? feature : undefined);
    const words =
      `${reason}: correlation ${short(r)} in this piece, c changes by ${signed(step)} with the feature; ` +
      `from character ${counted(start)} of the text`;
    const caption = [createElement("strong", {}, title), createElement("span", {}, words)];
    return [createElement("figure", {}, createElement("figcaption", {}, ...caption), box)];
  });
  find("#excerpts").hidden = figures.length === 0;
  find("#excerpts div").replaceChildren(...figures);
}

/** @type {(numbers: [string, string][]) => void} */
function showNumbers(numbers) {
  const lines = numbers.map(([label, value]) =>
    createElement("div", {}, createElement("dt", {}, label), createElement("dd", {}, value)),
  );
  find("#numbers dl").replaceChildren(...lines);
  find("#numbers").hidden = lines.length === 0;
}
