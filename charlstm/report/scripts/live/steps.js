// This file counts a cell on or back: it knows which c a counter or a depth counter has some steps further.

/** The most steps in one direction on the slider: characters or lines of a counter, levels of a depth. */
const MOST_STEPS = 40;
const MOST_LEVELS = 3;

/**
 * Return c of a cell after some steps more, or fewer where `steps` is negative. `stairs` are its mean c at each
 * value from 0 on; it stays on them.
 * @type {(c: number, stairs: number[], steps: number) => number}
 */
export function afterSteps(c, stairs, steps) {
  const distance = (/** @type {number} */ place) => Math.abs(stairs[place] - c);
  const stair = [...stairs.keys()].reduce((best, place) => (distance(place) < distance(best) ? place : best));
  const reached = Math.min(stairs.length - 1, Math.max(0, stair + steps));
  return c + stairs[reached] - stairs[stair];
}

/**
 * Return the most steps that a cell can be counted on or back.
 * @type {(finding: WatchedFinding) => number}
 */
export const mostSteps = ({ kind, stairs }) =>
  Math.min(kind === "counter" ? MOST_STEPS : MOST_LEVELS, (stairs?.length ?? 1) - 1);

/** @type {(kind: string, steps: number) => string} */
export function stepsWords(kind, steps) {
  const count = Math.abs(steps);
  if (!steps) return "as it is";
  if (kind === "counter") return `${count} ${steps > 0 ? "further" : "back"}`;
  return `${count} ${count === 1 ? "level" : "levels"} ${steps > 0 ? "deeper" : "less deep"}`;
}
