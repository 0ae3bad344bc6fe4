// This file does long work in slices, so that the page answers the reader in between.

const SLICE_MILLISECONDS = 12;

/**
 * Return a promise that resolves after the browser had a chance to handle events. A message is used, since a
 * browser delays repeated timers by at least four milliseconds.
 */
const eventsHandled = (() => {
  const { port1, port2 } = new MessageChannel();
  /** @type {(() => void)[]} */
  const waiting = [];
  port1.onmessage = () => waiting.shift()?.();
  return () =>
    new Promise((/** @type {(value: void) => void} */ resolve) => {
      waiting.push(resolve);
      port2.postMessage(null);
    });
})();

/**
 * Call `step` for each index from `from` to `to` - 1, and let the page handle events between slices. Return
 * whether the work is complete: it ends early where `isWanted` no longer holds.
 * @type {(
 *   from: number, to: number, step: (index: number) => void, isWanted?: () => boolean,
 * ) => Promise<boolean>}
 */
export async function forEachInSlices(from, to, step, isWanted = () => true) {
  let end = performance.now() + SLICE_MILLISECONDS;
  for (let index = from; index < to; index += 1) {
    step(index);
    if (performance.now() < end) continue;
    await eventsHandled();
    if (!isWanted()) return false;
    end = performance.now() + SLICE_MILLISECONDS;
  }
  return isWanted();
}
