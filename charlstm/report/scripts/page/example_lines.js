// This file shows short lines of text with the chosen cell: drawn by lot, and where it agrees best and least.

import { characterClasses, characterSpan, isCount } from "../shared/coloured_text.js";
import { short } from "../shared/numbers.js";
import { symbolOf } from "../shared/page_data.js";
import { createElement, find } from "../shared/page_elements.js";
import { chosenRow, followers } from "./state.js";

/** The groups of lines in their order: the title of each, and how its lines were chosen. */
const GROUPS = {
  drawn: ["Drawn by lot", "of all places where the feature goes on"],
  best: ["Best", "where the cell agrees most with the feature"],
  worst: ["Worst", "where it agrees least, or where the rule for the feature errs"],
};
/** The place in every line where the feature goes on. */
const PLACE = 24;

let linesTimer = 0;

/**
 * Show the lines whenever another cell is chosen. They wait for the text, which has to keep up with a held
 * key.
 * @type {() => void}
 */
export function followWithLines() {
  if (!find("#lines")) return;
  followers.cell.push(() => {
    clearTimeout(linesTimer);
    linesTimer = setTimeout(showLines, 0);
  });
}

function showLines() {
  const { lines, kind, feature_words: feature } = chosenRow();
  find("#lines").hidden = lines.length === 0;
  find("#lines-feature").textContent =
    kind === "counter" ? `the count “${feature}” starts again` : `“${feature}” goes on`;
  const groups = Object.entries(GROUPS).flatMap(([group, [title, reason]]) => {
    const ofGroup = lines.filter((line) => line.group === group);
    if (!ofGroup.length) return [];
    const name = createElement("p", { class: "note" }, createElement("strong", {}, title), `, ${reason}`);
    const lineBox = createElement(
      "div",
      { class: "scroller", tabindex: 0, role: "region", "aria-label": `${title}, coloured by tanh(c)` },
      ...ofGroup.map(lineElement),
    );
    return [createElement("div", { class: "group" }, name, lineBox)];
  });
  find("#lines .groups").replaceChildren(...groups);
}

/** @type {(line: ExampleLine) => HTMLElement} */
function lineElement({ text, tanh_c_hundredths: values, feature, agreement }) {
  const { kind, polarity } = chosenRow();
  const isSwitch = !isCount(kind);
  const spans = Array.from(text, (character, index) => {
    const span = characterSpan(character);
    // In one line a line break is only its sign.
    if (character === "\n" || character === "\t") span.textContent = "";
    span.className = characterClasses(
      values[index] / 100,
      polarity,
      isSwitch ? feature[index] : undefined,
      index === PLACE,
    );
    return span;
  });
  const told = `agreement ${short(agreement)}`;
  const label = `${Array.from(text, symbolOf).join("")}, ${told}`;
  return createElement(
    "div",
    { class: "coloured one-line", role: "img", "aria-label": label, title: told },
    ...spans,
  );
}
