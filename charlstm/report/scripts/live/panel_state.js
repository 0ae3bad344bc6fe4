// This file holds what the panel "The model inside" works on: the network, the written text, the mark, the
// watched cell, and how that cell is held.

import { emptyState, nextProbabilities, stepNetwork } from "../lstm/forward_pass.js";
import { cellStates, copyOfState, stateAfter } from "../lstm/state_trace.js";
import { find, findField } from "../shared/page_elements.js";
import { afterSteps } from "./steps.js";

export const live = {
  /** The header of the network and the cells with a finding, or null where the page carries no network. */
  model: /** @type {ModelData | null} */ (JSON.parse(find("#model-data")?.textContent ?? "null")),
  network: /** @type {Network | undefined} */ (undefined),
  trace: /** @type {StateTrace | undefined} */ (undefined),
  /** The written text as the network reads it, and the spans that show it. */
  symbols: /** @type {TextSymbol[]} */ ([]),
  spans: /** @type {HTMLSpanElement[]} */ ([]),
  /** The place of the marked symbol; -1 where nothing is written. */
  mark: -1,
  watchedCell: /** @type {CellPlace} */ ({ layer: 0, cell: 0 }),
  /** Whether the written text is being read. */
  isReading: false,
  /** How often reading has begun: a reading stops where another one has begun since. */
  readingNumber: 0,
  freeRun: /** @type {StateTrace | undefined} */ (undefined),
  heldRun: /** @type {StateTrace | undefined} */ (undefined),
};

/**
 * @typedef {"free" | "off" | "on" | "at" | "steps"} HoldChoice How a cell is held: "at" is the value of the slider
 *   of c, "steps" counts it on or back at the marked character alone.
 */

/** @type {(place: CellPlace) => string} */
export const cellName = ({ layer, cell }) => `${layer}:${cell}`;

/** @type {() => string} */
export const watchedCellName = () => cellName(live.watchedCell);

/** @type {() => WatchedFinding | undefined} */
export const watchedFinding = () => live.model?.cells[watchedCellName()];

/**
 * Return 1, or -1 where c of the watched cell falls with its feature.
 * @type {() => number}
 */
export const watchedPolarity = () => watchedFinding()?.polarity ?? 1;

/** @type {() => HoldChoice} */
export const holdChoice = () => /** @type {HoldChoice} */ (findField("#live-hold :checked").value);

/**
 * Return the network and the trace of the written text, which are there once the network is unpacked.
 * @type {() => { network: Network, trace: StateTrace }}
 */
export function unpackedModel() {
  const { network, trace } = live;
  if (!network || !trace) throw new Error("the network is not unpacked yet");
  return { network, trace };
}

/**
 * Return c of the watched cell when it is off and when it is on. Where no finding tells, these are its 5th
 * and 95th percentiles in the written text.
 * @type {() => { off: number, on: number, isKnown: boolean }}
 */
export function onOffLevels() {
  const finding = watchedFinding();
  if (finding?.levels) return { ...finding.levels, isKnown: true };
  const [low, high] = usualRange(live.trace ? cellStates(live.trace, live.watchedCell) : []);
  const isReversed = finding !== undefined && finding.polarity < 0;
  return isReversed ? { off: high, on: low, isKnown: false } : { off: low, on: high, isKnown: false };
}

/**
 * Return the 5th and the 95th percentile of the states of a cell.
 * @type {(states: number[]) => [number, number]}
 */
export function usualRange(states) {
  const sorted = [...states].sort((one, other) => one - other);
  /** @type {(share: number) => number} */
  const percentile = (share) => sorted[Math.round(share * (sorted.length - 1))] ?? 0;
  return [percentile(0.05), percentile(0.95)];
}

/**
 * Return the cells that are held, and at which value of c: the watched cell, or none.
 * @type {() => HeldCell[]}
 */
export function heldCells() {
  const choice = holdChoice();
  if (choice === "free") return [];
  return [{ ...live.watchedCell, value: heldValue(choice, live.mark) }];
}

/**
 * Return the value of c at which the watched cell is held from a place on.
 * @type {(choice: Exclude<HoldChoice, "free">, place: number, steps?: number) => number}
 */
export function heldValue(choice, place, steps = Number(findField("#live-steps").value)) {
  if (choice === "at") return Number(findField("#live-range").value);
  if (choice !== "steps") return onOffLevels()[choice];
  const { layer, cell } = live.watchedCell;
  return afterSteps(live.trace?.c[place]?.[layer][cell] ?? 0, watchedFinding()?.stairs ?? [0], steps);
}

/**
 * Return whether the cell is held at the marked character alone: a cell that is counted on goes on by itself.
 * @type {() => boolean}
 */
export const isHeldOnce = () => findField("#live-once").checked || holdChoice() === "steps";

/**
 * Return the state before the marked character and the id of that character. Where nothing is written, the
 * network reads a line break first, as `charlstm sample` does without a prompt.
 * @type {() => { state: NetworkState, id: number }}
 */
export function stateBeforeMark() {
  const { network, trace } = unpackedModel();
  if (live.mark >= 0) return { state: stateAfter(trace, live.mark), id: trace.ids[live.mark] };
  return { state: emptyState(network), id: Math.max(0, network.symbols.indexOf("\n")) };
}

/**
 * Return the probabilities of the character after one that is read from a state, with cells held.
 * @type {(before: { state: NetworkState, id: number }, held: HeldCell[]) => Float64Array}
 */
export function probabilitiesAfter({ state, id }, held) {
  const { network } = unpackedModel();
  const after = copyOfState(state);
  stepNetwork(network, after, id, held);
  return nextProbabilities(network, after);
}
