// This file computes one step of a cell, at one character of a trace.

import { gatesAt } from "../lstm/state_trace.js";
import { gateSums } from "../lstm/step_sums.js";
import { isCount } from "../shared/coloured_text.js";
import { shownSum } from "./shown_sum.js";

/** c of a switch that changes by less stays; a count takes smaller steps. */
const SMALL_CHANGE = { switch: 0.1, count: 0.002 };

/**
 * Return the step of a cell with a finding, or without, at a character of a trace, with its gates at the character
 * before where there is one.
 * @type {(trace: StateTrace, place: CellPlace, index: number, finding: WatchedFinding | undefined) => Step}
 */
export function oneStep(trace, place, index, finding) {
  const { layer, cell } = place;
  const sums = gateSums(trace, place, index);
  const cBefore = (index ? trace.c[index - 1] : trace.start.c)[layer][cell];
  const c = trace.c[index][layer][cell];
  const before = index ? gateSums(trace, place, index - 1) : [];
  return {
    place,
    trace,
    index,
    sums: sums.map((sum, gate) => shownSum(sum, before[gate], `${layer}:${cell}`)),
    gates: gatesAt(trace, place, index),
    gatesBefore: index ? gatesAt(trace, place, index - 1) : undefined,
    cBefore,
    c,
    change: changeOf(cBefore, c, finding),
    h: trace.h[index][layer][cell],
  };
}

/**
 * Return what happens to c: a switch goes on where it crosses the middle between its two levels.
 * @type {(cBefore: number, c: number, finding: WatchedFinding | undefined) => Step["change"]}
 */
function changeOf(cBefore, c, finding) {
  const count = finding !== undefined && isCount(finding.kind);
  if (finding?.levels && !count) {
    const { off, on } = finding.levels;
    const isOn = (/** @type {number} */ value) => (value - (off + on) / 2) * (on - off) > 0;
    if (isOn(c) !== isOn(cBefore)) return isOn(c) ? "switch on" : "switch off";
  }
  if (Math.abs(c - cBefore) < SMALL_CHANGE[count ? "count" : "switch"]) return "stay as it is";
  return c > cBefore ? "rise" : "fall";
}

/**
 * Return what is kept of c and what is written to it, in thousandths, so that both and `limit` add up to c as they are
 * shown. `limit` is what an unbounded cell state is cut by.
 * @type {(step: Step) => { kept: number, written: number, limit: number, c: number }}
 */
export function shownUpdate({ gates: [input, forget, candidate], cBefore, c: exact, trace }) {
  const c = Math.round(1000 * exact);
  const [keptExact, writtenExact] = [1000 * forget * cBefore, 1000 * input * candidate];
  const isCut = Math.abs(keptExact + writtenExact) > 1000 * trace.network.largestState;
  const [kept, written] = [Math.round(keptExact), Math.round(writtenExact)];
  if (isCut) return { kept, written, limit: c - kept - written, c };
  // What rounding leaves goes to the larger of the two, where it is the smaller share.
  return Math.abs(kept) > Math.abs(written)
    ? { kept: c - written, written, limit: 0, c }
    : { kept, written: c - kept, limit: 0, c };
}
