// This file lets the reader predict where a cell is on, shows then where it is, and counts how well both agree.

import { excerptOfRow } from "../first/first_text.js";
import { isCount, levelClasses } from "../shared/coloured_text.js";
import { isBinary } from "../shared/numbers.js";
import { data, symbolOf } from "../shared/page_data.js";
import { createElement, find, sentenceNodes } from "../shared/page_elements.js";
import { clearMarks, createMarkedText, writeMarkedText } from "./marked_text.js";

/** The number of the round, from 0, and the text on which the reader marks. */
const prediction = {
  number: 0,
  /** Whether the reader was asked for marks where there are none. */
  wasAsked: false,
  text: /** @type {import("./marked_text.js").MarkedText | undefined} */ (undefined),
};

/**
 * Begin the exercise, where the page has it.
 * @type {() => void}
 */
export function startPrediction() {
  if (!find("#predict")) return;
  prediction.text = createMarkedText(find("#predict-text"));
  find("#predict-clear").addEventListener("click", () => clearMarks(markedText()));
  find("#predict-reveal").addEventListener("click", reveal);
  for (const kind of ["pointerdown", "keydown"]) {
    find("#predict-text").addEventListener(kind, () => {
      if (prediction.wasAsked) find("#predict-score").replaceChildren();
    });
  }
  find("#predict-next").addEventListener("click", () => {
    prediction.number = (prediction.number + 1) % data.lesson.rounds.length;
    showRound();
    find("#predict-text [tabindex='0']").focus({ preventScroll: true });
  });
  find("#predict-again").addEventListener("click", () => {
    showRound();
    find("#predict-text [tabindex='0']").focus({ preventScroll: true });
  });
  showRound();
}

function markedText() {
  if (!prediction.text) throw new Error("the page has no prediction");
  return prediction.text;
}

/**
 * Return the round with its row, its excerpt, and tanh(c) of its cell along the characters that are shown.
 * @type {() => { round: PredictionRound, row: Row, excerpt: Excerpt, values: number[] }}
 */
function currentRound() {
  const round = data.lesson.rounds[prediction.number];
  const row = data.rows[round.row];
  const excerpt = /** @type {Excerpt} */ (excerptOfRow(row));
  const values = excerpt.cells[row.cell].tanh_c.slice(round.start, round.stop);
  return { round, row, excerpt, values: values.map((value) => value ?? 0) };
}

/** @type {(kind: string) => string} */
const highWord = (kind) => (isCount(kind) ? "high" : "on");

function showRound() {
  const { round, row, excerpt } = currentRound();
  const characters = Array.from(excerpt.text).slice(round.start, round.stop);
  writeMarkedText(markedText(), characters, round.given - round.start);
  colour(0, round.given - round.start);
  const cell = createElement("b", {}, `cell ${row.cell}`);
  const on = highWord(row.kind);
  prediction.wasAsked = false;
  find("#predict-hint").textContent = round.given > round.start ? "" : round.hint;
  find("#predict-task").replaceChildren(
    ...(round.given > round.start
      ? ["The first lines have the colours of ", cell, `; underlined is ${on}. What does it follow? `]
      : ["This is ", cell, ". ", ...sentenceNodes(row.told?.[0] ?? []), " "]),
    createElement(
      "b",
      {},
      `Mark where it is ${on}${round.given > round.start ? " in the other lines" : ""}.`,
    ),
  );
  find("#predict-on").textContent = on;
  find("#predict-score").replaceChildren();
  showButtons(false);
}

/** @type {(isRevealed: boolean) => void} */
function showButtons(isRevealed) {
  find("#predict-text").classList.toggle("revealed", isRevealed);
  find("#predict-legend").hidden = !isRevealed;
  for (const name of ["#predict-reveal", "#predict-clear"]) find(name).hidden = isRevealed;
  const { rounds } = data.lesson;
  find("#predict-again").hidden = !isRevealed;
  find("#predict-next").hidden = !isRevealed || rounds.length < 2;
  find("#predict-next").textContent =
    prediction.number + 1 < rounds.length ? "Another cell" : "The first cell again";
}

/**
 * Colour the characters from one place up to another by the cell. A line below says where it is on: beyond the
 * threshold between its two levels.
 * @type {(from: number, to: number) => void}
 */
function colour(from, to) {
  const { row, values } = currentRound();
  const on = isOnAt();
  markedText()
    .spans.slice(from, to)
    .forEach((span, index) => {
      const [level] = levelClasses(values[from + index], row.polarity).split(" ");
      span.classList.add(level, ...(on[from + index] ? ["strong"] : []));
    });
}

/**
 * Return for each shown character whether the cell is on, or a count high.
 * @type {() => boolean[]}
 */
function isOnAt() {
  const { round, row, values } = currentRound();
  return values.map((value) => (value - round.threshold) * row.polarity > 0);
}

function reveal() {
  const text = markedText();
  if (!text.marked.size && !prediction.wasAsked) {
    prediction.wasAsked = true;
    find("#predict-score").textContent =
      "Nothing is marked yet. Mark some characters, or press Reveal again.";
    return;
  }
  text.isOpen = false;
  const on = isOnAt();
  colour(text.first, text.spans.length);
  const asked = [...on.keys()].slice(text.first);
  const missed = asked.filter((place) => on[place] && !text.marked.has(place));
  const wrong = asked.filter((place) => !on[place] && text.marked.has(place));
  for (const place of [...missed, ...wrong]) text.spans[place].classList.add("differs");
  const shareOn = asked.filter((place) => on[place]).length / asked.length;
  const agreed = 1 - (missed.length + wrong.length) / asked.length;
  const word = highWord(currentRound().row.kind);
  find("#predict-score").replaceChildren(
    createElement("b", {}, `You agree with the cell at ${inPercent(agreed)} of the characters.`),
    ` Marking nothing would agree at ${inPercent(1 - shareOn)}. `,
    `Missed: ${missed.length} where it is ${word}; too many: ${wrong.length}. `,
    ...truthWords(asked, on),
  );
  showButtons(true);
  find("#predict-again").focus({ preventScroll: true });
}

/** @type {(share: number) => string} */
const inPercent = (share) => `${Math.round(100 * share)}%`;

/**
 * Return what the cell does, where the reader was not told, and how its state differs from the feature.
 * @type {(asked: number[], on: boolean[]) => (Node | string)[]}
 */
function truthWords(asked, on) {
  const { round, row, excerpt } = currentRound();
  const told = round.given > round.start ? sentenceNodes(row.told?.[0] ?? []) : [];
  const feature = excerpt.features[row.feature]?.slice(round.start, round.stop);
  if (isCount(row.kind) || !isBinary(feature)) return told;
  const others = asked.filter((at) => on[at] !== feature[at] > 0);
  if (!others.length)
    return [...told, ` Here the cell is on exactly where the text is “${row.feature_words}”.`];
  const [place] = others;
  const character = Array.from(excerpt.text)[round.start + place];
  return [
    ...told,
    ` The score is about the cell, which is not perfect: at ${others.length === 1 ? "one of these characters, a" : `${others.length} of these characters, such as a`} `,
    createElement("code", {}, symbolOf(character)),
    `, it is ${on[place] ? "on" : "off"} though the text is ${on[place] ? "not " : ""}“${row.feature_words}”.`,
  ];
}
