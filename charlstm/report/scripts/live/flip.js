// This file changes the chosen cell, in a stretch of the excerpt, at the place where that changes the closing
// character most: a switch is held off, a depth counted back by one level, a counter counted on or back.

import { nextProbabilities } from "../lstm/forward_pass.js";
import { continuedTrace, stateAfter } from "../lstm/state_trace.js";
import { idsOfClosers, symbolsOfIds } from "../lstm/text_symbols.js";
import { forEachInSlices } from "../lstm/time_slices.js";
import { chosenRow, featureValues, view } from "../page/state.js";
import { isCount } from "../shared/coloured_text.js";
import { find, findField } from "../shared/page_elements.js";
import { chooseHold, moveMark } from "./mark.js";
import { percent } from "./next_characters.js";
import { heldValue, live, probabilitiesAfter, unpackedModel, watchedFinding } from "./panel_state.js";
import { readWrittenText, stretchAround, unpackNetwork } from "./reading.js";
import { mostSteps } from "./steps.js";
import { cancelWatching, watchCell } from "./watched_cell.js";

/** A feature counts as on at a place where it is on there and at the two characters before. */
const CHARACTERS_ON = [0, 1, 2];
const STRETCH = { before: 300, after: 300 };
/** A longer stretch over which a feature is on may begin before the text that the network reads. */
const LONGEST_RUN = 200;
/** A counter is tried with steps of these sizes, at every third place. */
const STEP_SIZES = [16, 40];
const COUNTER_STRIDE = 3;
/** The continuations of this many of the best places are compared, over this many characters. */
const COMPARED_FLIPS = 8;
const COMPARED_CHARACTERS = 60;
/** A change is large from this share of the largest on. */
const LEAST_SHARE_OF_LARGEST = 0.5;

/**
 * @typedef {{ choice: "off" | "on" | "steps", steps?: number }} Change How a cell is changed.
 * @typedef {{ place: number, change: Change, value: number, free: number, held: number }} Flip
 *   A change at a place, with the value of c, and the probability of the closing characters in both cases.
 */

/** How often flipping has begun: a flip stops where another one has begun since. */
let flipNumber = 0;

/**
 * Show the button for the chosen cell, where that has a finding.
 * @type {() => void}
 */
export function offerFlip() {
  const button = find("#flip");
  if (!button) return;
  const finding = live.model?.cells[chosenRow().cell];
  button.hidden = !finding;
  const act = finding && isCount(finding.kind) ? "Count this cell on or back" : "Hold this cell";
  button.textContent = `${finding?.verdict === "verified" ? "" : "Try: "}${act} in the model`;
}

/**
 * Put a stretch of the excerpt into the panel and change the chosen cell where that changes the closing
 * character most.
 * @type {() => Promise<void>}
 */
export async function flipChosenCell() {
  flipNumber += 1;
  const number = flipNumber;
  const { text, start } = stretchAround(placeToFlip(), STRETCH);
  findField("#live-text").value = text;
  cancelWatching();
  chooseHold("free");
  watchCell(chosenRow().cell);
  find("#model").scrollIntoView();
  await unpackNetwork();
  if (!live.network || number !== flipNumber) return;
  if (!(await readWrittenText())) return;
  const isWanted = () => number === flipNumber && !live.isReading;
  const flips = await rankedFlips(start, isWanted);
  const flip = flips && (await firstThatDiffers(flips, isWanted));
  if (flip && isWanted()) holdFlipped(flip);
}

/**
 * Return the place of the excerpt around which the cell is changed: the end of the stretch nearest to the cursor over
 * which the feature is on, where that begins within the text that the network will read; else the cursor, or the
 * nearest place where the feature is on.
 * @type {() => number}
 */
function placeToFlip() {
  const on = [...(featureValues() ?? []).keys()].filter((place) => isOn(place));
  const ends = wholeRuns(featureValues() ?? []).map(({ end }) => end);
  const near = nearestTo(view.cursor, ends) ?? nearestTo(view.cursor, on);
  const isFar = near !== undefined && Math.abs(near - view.cursor) >= STRETCH.after / 2;
  return ends.length || isFar ? (near ?? view.cursor) : view.cursor;
}

/** @type {(place: number, places: number[]) => number | undefined} */
const nearestTo = (place, places) =>
  places.length
    ? places.reduce((best, one) => (Math.abs(one - place) < Math.abs(best - place) ? one : best))
    : undefined;

/**
 * Return where a feature goes on and off again, of stretches that are neither too short nor too long to be changed.
 * @type {(values: Series) => { begin: number, end: number }[]}
 */
function wholeRuns(values) {
  const edges = [...values.keys()].filter(
    (place) => place > 0 && (values[place] ?? 0) > 0 !== (values[place - 1] ?? 0) > 0,
  );
  const begins = edges.filter((place) => (values[place] ?? 0) > 0);
  const runs = begins.map((begin) => ({
    begin,
    end: (edges.find((place) => place > begin) ?? Infinity) - 1,
  }));
  return runs.filter(({ begin, end }) => end - begin >= CHARACTERS_ON.length && end - begin <= LONGEST_RUN);
}

/** @type {(place: number) => boolean} */
const isOn = (place) => CHARACTERS_ON.every((back) => (featureValues()?.[place - back] ?? 0) > 0);

/**
 * Return the places of the written text, which starts at a place of the excerpt, and the changes that are tried.
 * @type {(start: number) => { places: number[], changes: Change[] }}
 */
function trials(start) {
  const all = [...live.symbols.keys()];
  const finding = watchedFinding();
  const most = finding?.stairs ? mostSteps(finding) : 0;
  if (finding?.kind === "counter" && most) {
    const sizes = [...new Set(STEP_SIZES.map((size) => Math.min(size, most)))];
    const changes = sizes.flatMap((size) => [size, -size]).map((steps) => stepsChange(steps));
    return { places: all.filter((place) => place % COUNTER_STRIDE === 0), changes };
  }
  const on = all.filter((place) => isOn(start + place));
  if (most) return { places: on.length ? on : all, changes: [stepsChange(on.length ? -1 : 1)] };
  return { places: on.length ? on : all, changes: [{ choice: on.length ? "off" : "on" }] };
}

/** @type {(steps: number) => Change} */
const stepsChange = (steps) => ({ choice: "steps", steps });

/**
 * Return the flips that are tried, the largest change of the closing characters first: for a switch or a depth
 * the largest fall. Return undefined where something else was begun in the meantime.
 * @type {(start: number, isWanted: () => boolean) => Promise<Flip[] | undefined>}
 */
async function rankedFlips(start, isWanted) {
  const { network, trace } = unpackedModel();
  const { places, changes } = trials(start);
  const closers = idsOfClosers(network, watchedFinding()?.closers ?? "");
  /** @type {Flip[]} */
  const flips = [];
  /** @type {(index: number) => void} */
  const compare = (index) => {
    const place = places[index];
    const before = { state: stateAfter(trace, place), id: trace.ids[place] };
    const free = nextProbabilities(network, stateAfter(trace, place + 1));
    for (const change of changes) {
      const value = heldValue(change.choice, place, change.steps);
      const held = probabilitiesAfter(before, [{ ...live.watchedCell, value }]);
      flips.push({ place, change, value, ...chances(free, held, closers) });
    }
  };
  if (!(await forEachInSlices(0, places.length, compare, isWanted))) return undefined;
  const falls = changes.length === 1 ? flips.filter(({ free, held }) => free > held) : [];
  return (falls.length ? falls : flips).sort((one, other) => sizeOf(other) - sizeOf(one));
}

/** @type {(flip: Flip) => number} */
const sizeOf = ({ free, held }) => Math.abs(free - held);

/**
 * Return the probability of the closing characters without and with a change; where none are known, that of the
 * character that is changed most.
 * @type {(free: Float64Array, held: Float64Array, closers: number[]) => { free: number, held: number }}
 */
function chances(free, held, closers) {
  const change = (/** @type {number} */ id) => Math.abs(free[id] - held[id]);
  const most = () => [...free.keys()].reduce((best, id) => (change(id) > change(best) ? id : best));
  const ids = closers.length ? closers : [most()];
  const sum = (/** @type {Float64Array} */ of) => ids.reduce((total, id) => total + of[id], 0);
  return { free: sum(free), held: sum(held) };
}

/**
 * Return the first flip of those with a large change after which the network writes another text, or the first of
 * all where there is none.
 * @type {(flips: Flip[], isWanted: () => boolean) => Promise<Flip | undefined>}
 */
async function firstThatDiffers(flips, isWanted) {
  const { network, trace } = unpackedModel();
  const settings = {
    once: flips[0]?.change.choice === "steps" || findField("#live-once").checked,
    length: COMPARED_CHARACTERS,
    temperature: Number(findField("#live-temperature").value),
    seed: Math.trunc(Number(findField("#live-seed").value)) || 0,
  };
  const large = flips.filter((flip) => sizeOf(flip) >= LEAST_SHARE_OF_LARGEST * sizeOf(flips[0]));
  for (const flip of large.slice(0, COMPARED_FLIPS)) {
    const [state, id] = [stateAfter(trace, flip.place), trace.ids[flip.place]];
    const held = [{ ...live.watchedCell, value: flip.value }];
    const free = await continuedTrace(network, state, id, { ...settings, held: [] }, isWanted);
    const changed = await continuedTrace(network, state, id, { ...settings, held }, isWanted);
    if (!free || !changed) return undefined;
    if (free.ids.some((drawn, index) => drawn !== changed.ids[index])) return flip;
  }
  return flips[0];
}

/** @type {(flip: Flip) => void} */
function holdFlipped({ place, change, free, held }) {
  moveMark(place);
  if (change.steps !== undefined) findField("#live-steps").value = String(change.steps);
  chooseHold(change.choice);
  const { network } = unpackedModel();
  const ids = idsOfClosers(network, watchedFinding()?.closers ?? "");
  const shown = symbolsOfIds(network, ids).map((symbol) => symbol.shown);
  const closer = shown.length ? shown.join(" or ") : "the next character";
  find("#live-source").textContent =
    `The mark is where this changes the chance of ${closer} most in the stretch: ` +
    `from ${percent(free)} to ${percent(held)}.`;
  find("#live-hold :checked").focus({ preventScroll: true });
}
