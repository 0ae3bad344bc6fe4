// This file continues the written text twice with the same random numbers: with the watched cell free, and
// held.

import { nextProbabilities } from "../lstm/forward_pass.js";
import { cellStates, continuedTrace, stateAfter } from "../lstm/state_trace.js";
import { symbolsOfIds } from "../lstm/text_symbols.js";
import { counted, signed } from "../shared/numbers.js";
import { createElement, find, findField } from "../shared/page_elements.js";
import { percent } from "./next_characters.js";
import {
  heldCells,
  holdChoice,
  isHeldOnce,
  live,
  stateBeforeMark,
  unpackedModel,
  watchedCellName,
  watchedFinding,
} from "./panel_state.js";
import { stepsWords } from "./steps.js";
import { stateClasses, symbolNodes, symbolSpan } from "./written_text.js";

/** The continuations wait for this long after the last change, so that a moved slider stays quick. */
const CONTINUATION_DELAY_MILLISECONDS = 80;
const CHARACTERS_BEFORE = 40;
/** The chances of two runs that drew the same characters are compared this far, and told from this size on. */
const LONGEST_COMPARED_CHARACTERS = 200;
const LEAST_CHANGE = 0.001;

let continuationTimer = 0;
/** How often continuing has begun: a continuation stops where another one has begun since. */
let continuationNumber = 0;

/** @type {() => void} */
export function continueTextSoon() {
  clearTimeout(continuationTimer);
  continuationTimer = setTimeout(continueText, CONTINUATION_DELAY_MILLISECONDS);
}

async function continueText() {
  // A text that is being read has no state at the mark yet: when it is read, it is continued again.
  if (live.isReading) return;
  continuationNumber += 1;
  const number = continuationNumber;
  const isWanted = () => number === continuationNumber;
  const { network } = unpackedModel();
  const { state, id } = stateBeforeMark();
  const settings = {
    once: isHeldOnce(),
    length: Number(findField("#live-length").value),
    temperature: Number(findField("#live-temperature").value),
    seed: Math.trunc(Number(findField("#live-seed").value)) || 0,
  };
  const held = heldCells();
  const freeRun = await continuedTrace(network, state, id, { ...settings, held: [] }, isWanted);
  const heldRun =
    freeRun && held.length
      ? await continuedTrace(network, state, id, { ...settings, held }, isWanted)
      : undefined;
  if (!freeRun || !isWanted() || (held.length && !heldRun)) return;
  live.freeRun = freeRun;
  live.heldRun = heldRun;
  drawRuns(freeRun, heldRun);
}

/** @type {(freeRun: StateTrace, heldRun: StateTrace | undefined) => void} */
function drawRuns(freeRun, heldRun) {
  const { network } = unpackedModel();
  // The first id of a run is the marked character, which stands in the written text.
  const free = symbolsOfIds(network, freeRun.ids.slice(1));
  const held = heldRun && symbolsOfIds(network, heldRun.ids.slice(1));
  const firstDifference = held
    ? free.findIndex(({ id, text }, index) => id !== held[index]?.id || text !== held[index].text)
    : -1;
  drawRun(find("#live-natural"), free, freeRun, firstDifference);
  if (heldRun && held) drawRun(find("#live-held"), held, heldRun, firstDifference);
  else find("#live-held").replaceChildren(placeholder());
  find("#live-held-title").textContent = heldTitle(heldRun !== undefined);
  find("#live-parting").textContent = heldRun ? differenceWords(firstDifference, freeRun, heldRun) : "";
}

/** @type {(box: Element, symbols: TextSymbol[], run: StateTrace, firstDifference: number) => void} */
function drawRun(box, symbols, run, firstDifference) {
  const before = live.symbols.slice(Math.max(0, live.mark + 1 - CHARACTERS_BEFORE), live.mark + 1);
  const beforeText = before.map(({ text }) => text).join("");
  const states = cellStates(run, live.watchedCell);
  const nodes = symbols.flatMap((symbol, index) => {
    const span = symbolSpan(symbol, index);
    span.className = stateClasses(states[index + 1]);
    if (index === firstDifference) span.classList.add("parting");
    return symbolNodes(span, symbol);
  });
  box.replaceChildren(createElement("span", { class: "before" }, beforeText), ...nodes);
}

/** @type {(isHeld: boolean) => string} */
function heldTitle(isHeld) {
  const name = `Cell ${watchedCellName()}`;
  const choice = holdChoice();
  if (!isHeld || choice === "free") return `${name} held`;
  if (choice === "steps") {
    const steps = Number(findField("#live-steps").value);
    return `Cell ${watchedCellName()} counted ${stepsWords(watchedFinding()?.kind ?? "", steps)}`;
  }
  const words = choice === "at" ? `at c = ${signed(Number(findField("#live-range").value))}` : choice;
  return `${name} held ${words}${findField("#live-once").checked ? " once" : ""}`;
}

/** @type {(firstDifference: number, freeRun: StateTrace, heldRun: StateTrace) => string} */
function differenceWords(firstDifference, freeRun, heldRun) {
  if (firstDifference < 0) return chancesWords(freeRun, heldRun);
  if (firstDifference === 0) return "The texts differ from the first character on.";
  const characters = `${counted(firstDifference)} ${firstDifference === 1 ? "character" : "characters"}`;
  return `The texts are the same for ${characters} and differ from there on.`;
}

/**
 * Return the words for two runs that drew the same characters: where their chances differ most.
 * @type {(freeRun: StateTrace, heldRun: StateTrace) => string}
 */
function chancesWords(freeRun, heldRun) {
  const { network } = freeRun;
  const most = { change: LEAST_CHANGE, place: -1, id: 0, free: 0, held: 0 };
  for (let place = 0; place < Math.min(freeRun.ids.length, LONGEST_COMPARED_CHARACTERS); place += 1) {
    const free = nextProbabilities(network, stateAfter(freeRun, place + 1));
    const held = nextProbabilities(network, stateAfter(heldRun, place + 1));
    free.forEach((probability, id) => {
      const change = Math.abs(probability - held[id]);
      if (change > most.change) Object.assign(most, { change, place, id, free: probability, held: held[id] });
    });
  }
  if (most.place < 0) return "Nothing changes: the cell has this value here by itself, or nearly.";
  const [{ shown }] = symbolsOfIds(network, [most.id]);
  const where = most.place ? `after ${counted(most.place)} characters` : "at the mark";
  const chances = `${shown} goes from ${percent(most.free)} to ${percent(most.held)}`;
  return `The characters that were drawn are the same, their chances are not: ${where} ${chances}. Draw again for others.`;
}

/** @type {() => HTMLElement} */
const placeholder = () =>
  createElement(
    "span",
    { class: "empty" },
    "Choose “held off”, “held on” or a value: the same random numbers then draw a text here with the cell held.",
  );
