// This file shows one step of a cell as arithmetic, and says what its buttons and its line of characters do.

import { markTerms } from "../glossary/terms.js";
import { percent } from "../live/next_characters.js";
import { cellName, live } from "../live/panel_state.js";
import { unpackNetwork } from "../live/reading.js";
import { nextProbabilities } from "../lstm/forward_pass.js";
import { symbolsOfIds } from "../lstm/text_symbols.js";
import { addressParts, wantsLesson } from "../page/address.js";
import { followers, notify, recordedCell } from "../page/state.js";
import { moveToDriver } from "../page/text_cursor.js";
import { levelClasses } from "../shared/coloured_text.js";
import { bounded, signed } from "../shared/numbers.js";
import { createElement, find, findField, targetOf } from "../shared/page_elements.js";
import { charactersInLine } from "../shared/tracks.js";
import { drawLessonStep } from "./lesson_step.js";
import { oneStep } from "./one_step.js";
import { cellFigure, gateFigures, logitFigure, readerWords } from "./step_figures.js";
import { moveStepTo, readsWrittenText, stepSource, stepTrace } from "./step_source.js";
import { stepAnswer, stepQuestion } from "./step_words.js";

/** The arithmetic follows the cursor this long after its last move. */
const STEP_DELAY_MILLISECONDS = 60;
/** So many of the likeliest next characters can be chosen, beside the closing characters of the cell. */
const LIKELIEST = 5;
/** A closing character that is less probable is not shown of itself. */
const LEAST_PROBABILITY = 0.01;
/** The recorded c may differ by this much, since the inspection had read more text before. */
const LEAST_DIFFERENCE = 0.05;

let stepTimer = 0;
/** How often drawing has begun: a drawing stops where another one has begun since. */
let stepNumber = 0;
/** The place that is shown, from which the buttons go on. */
let shownPlace = 0;
/** The first character of the line. */
let lineStart = 0;
/** The line begins elsewhere where the place comes so near to its ends. */
const LEAST_AROUND = 4;
/** The id of the next character that the reader has chosen; -1 stands for none. */
let chosenNext = -1;

const stepDetails = () => /** @type {HTMLDetailsElement} */ (find("#step details"));

/**
 * Start the section, where the page carries a network. The lesson opens it.
 * @type {() => void}
 */
export function startStep() {
  find("#step").hidden = false;
  if (!live.model) return;
  stepDetails().open = wantsLesson;
  stepDetails().addEventListener("toggle", () => notify("view"));
  followers.cell.push(showStepSoon);
  followers.view.push(showStepSoon);
  find("#step").addEventListener("change", showStepSoon);
  find("#step-target").addEventListener("change", () => {
    chosenNext = Number(findField("#step-target").value);
  });
  find("#step-line").addEventListener("click", (event) => {
    const { place } = targetOf(event).dataset;
    if (place !== undefined) moveStepTo(Number(place));
  });
  find("#step-back").addEventListener("click", () => moveStepTo(shownPlace - 1));
  find("#step-on").addEventListener("click", () => moveStepTo(shownPlace + 1));
  find("#step-mark").addEventListener("click", () => {
    findField("#step-source").value = "written";
    stepDetails().open = true;
    find("#step").scrollIntoView();
    showStepSoon();
  });
  find("#step-driver").addEventListener("click", () => moveToDriver(1));
  addressParts.push({
    write: () => (stepDetails().open ? [["step", 1]] : []),
    restore: (wanted) => {
      if (wanted.has("step")) stepDetails().open = true;
    },
  });
}

function showStepSoon() {
  clearTimeout(stepTimer);
  if (stepDetails().open) stepTimer = setTimeout(showStep, STEP_DELAY_MILLISECONDS);
}

async function showStep() {
  stepNumber += 1;
  const number = stepNumber;
  const isWanted = () => number === stepNumber;
  await unpackNetwork();
  const { network } = live;
  if (!network || !isWanted()) return;
  const { cell, symbols, index, values, polarity } = stepSource(network);
  const trace = await stepTrace(network, symbols, index, isWanted);
  find("#step-figures").hidden = trace === undefined;
  if (!trace) return;
  shownPlace = index;
  drawStepLine(symbols, index, (place) => levelClasses(values(place), polarity));
  find("#step-driver").hidden = readsWrittenText();
  const finding = live.model?.cells[cellName(cell)];
  drawFigures(oneStep(trace, cell, index, finding), finding, symbols);
}

/**
 * Draw the line of characters around the place, as many as the page is wide.
 * @type {(symbols: TextSymbol[], index: number, classesOf: (place: number) => string) => void}
 */
function drawStepLine(symbols, index, classesOf) {
  const line = find("#step-line");
  const count = Math.min(symbols.length, charactersInLine(line));
  const isInside = index >= lineStart + LEAST_AROUND && index < lineStart + count - LEAST_AROUND;
  if (!isInside) lineStart = index - Math.floor(count / 2);
  lineStart = bounded(lineStart, 0, symbols.length - count);
  const start = lineStart;
  const spans = symbols.slice(start, start + count).map(({ shown, text }, offset) => {
    const place = start + offset;
    const here = place === index ? " here" : "";
    return createElement(
      "span",
      { class: classesOf(place) + here, "data-place": place },
      text === " " ? "\u00a0" : shown,
    );
  });
  line.replaceChildren(...spans);
}

/** @type {(step: Step, finding: WatchedFinding | undefined, symbols: TextSymbol[]) => void} */
function drawFigures(step, finding, symbols) {
  const { trace, place, index } = step;
  const { network } = trace;
  const shown = /** @type {[string, string]} */ ([symbols[index - 1]?.shown ?? "", symbols[index].shown]);
  find("#step-question").replaceChildren(...stepQuestion(step, shown[1]));
  find("#step-answer").replaceChildren(...stepAnswer(step, shown));
  const [gates, figures] = [gateFigures(step, shown), [cellFigure(step)]];
  const isLast = place.layer === network.layers - 1;
  find("#step-choice").hidden = !isLast;
  if (isLast) {
    const probabilities = nextProbabilities(network, { h: trace.h[index] });
    const id = chosenTarget(probabilities, Array.from(finding?.closers ?? ""), network);
    figures.push(logitFigure(step, id, symbolsOfIds(network, [id])[0].shown, probabilities));
  } else figures.push(readerWords(step));
  if (wantsLesson) drawLessonStep(step, gates, figures);
  else find("#step-figures").replaceChildren(...gates, ...figures);
  find("#step-recorded").textContent = recordedWords(step);
  markTerms(find("#step"));
}

/**
 * Fill the list of next characters, and return the id of the chosen one: a closing character of the cell where that
 * is not unlikely, else the likeliest, until the reader chooses another one.
 * @type {(probabilities: Float64Array, closers: string[], network: Network) => number}
 */
function chosenTarget(probabilities, closers, network) {
  const list = findField("#step-target");
  const ranked = [...probabilities.keys()].sort((one, other) => probabilities[other] - probabilities[one]);
  const closing = closers.map((closer) => network.idOfSymbol.get(closer)).filter((id) => id !== undefined);
  const ids = [...new Set([...closing, ...ranked.slice(0, LIKELIEST)])];
  const likely = closing.find((id) => probabilities[id] > LEAST_PROBABILITY) ?? ranked[0];
  const wanted = ids.includes(chosenNext) ? chosenNext : likely;
  const options = symbolsOfIds(network, ids).map(
    ({ shown }, place) => new Option(`${shown}  ${percent(probabilities[ids[place]])}`, String(ids[place])),
  );
  list.replaceChildren(...options);
  list.value = String(wanted);
  return wanted;
}

/**
 * Return the words for a c that differs from what the inspection recorded; "" where it does not.
 * @type {(step: Step) => string}
 */
function recordedWords({ c, index }) {
  const recorded = readsWrittenText() ? null : recordedCell()?.c_thousandths?.[index];
  if (recorded === null || recorded === undefined || Math.abs(recorded / 1000 - c) < LEAST_DIFFERENCE)
    return "";
  return `The inspection, which had read more text before this one, had c = ${signed(recorded / 1000)} here. `;
}
