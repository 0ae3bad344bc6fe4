// What the model does along a text, kept so that any cell can be looked at afterwards
//
// A reading holds ids, and h and c of all layers after each of them; gates are worked out again when asked for.

const MOST_MEMORY = 64 * 2 ** 20;
const SLICE_MS = 12;

const mostCharacters = ({ layers, cells }) => Math.min(20000, Math.floor(MOST_MEMORY / (8 * layers * padded(cells))));

function emptyReading(network, begun = emptyState(network)) {
  return { network, begun, ids: [], h: [], c: [], bits: [] };
}

const copied = (layers) => layers.map((values) => values.slice());

// The state after the first so many characters, fresh arrays.
function stateAfter({ begun, h, c }, count) {
  const state = count ? { h: h[count - 1], c: c[count - 1] } : begun;
  return { h: copied(state.h), c: copied(state.c) };
}

function extend(reading, state, id) {
  reading.ids.push(id);
  reading.h.push(copied(state.h));
  reading.c.push(copied(state.c));
}

function shorten(reading, count) {
  for (const part of [reading.ids, reading.h, reading.c, reading.bits]) part.length = Math.min(part.length, count);
}

// c along a reading of one cell.
const cellStates = ({ c }, { layer, cell }) => c.map((layers) => layers[layer][cell]);

function gatesAt({ network, begun, ids, h }, cell, index) {
  return gatesOf(network, cell, ids[index], index ? h[index - 1] : begun.h, h[index]);
}

const breath = (() => {
  const { port1, port2 } = new MessageChannel();
  const waiting = [];
  port1.onmessage = () => waiting.shift()();
  return () =>
    new Promise((resume) => {
      waiting.push(resume);
      port2.postMessage(null);
    });
})();

// Do a step for each index, and let the page breathe between slices; false where wanted() no longer holds.
async function inSlices(from, to, step, wanted = () => true) {
  let until = performance.now() + SLICE_MS;
  for (let index = from; index < to; index += 1) {
    step(index);
    if (performance.now() < until) continue;
    await breath();
    if (!wanted()) return false;
    until = performance.now() + SLICE_MS;
  }
  return wanted();
}

// Make a reading one of these ids: what it has in common with them from the start is kept.
async function readIds(reading, ids, wanted) {
  const { network } = reading;
  let same = 0;
  while (same < ids.length && reading.ids[same] === ids[same]) same += 1;
  shorten(reading, same);
  const state = stateAfter(reading, same);
  return inSlices(
    same,
    ids.length,
    (index) => {
      // What a character costs is known before it is read; the first one has nothing before it.
      reading.bits[index] = index ? -Math.log2(nextProbabilities(network, state)[ids[index]]) : 0;
      readCharacter(network, state, ids[index]);
      extend(reading, state, ids[index]);
    },
    wanted,
  );
}

// Read id from a state with cells held, then draw so many characters on; an edit is a hold of this first step alone.
// The state that is given stays as it is: another continuation begins there, too.
async function goOn(network, begun, id, { held, once, length, temperature, seed }, wanted) {
  const reading = emptyReading(network, begun);
  const state = { h: copied(begun.h), c: copied(begun.c) };
  const random = randomFrom(seed);
  let next = id;
  const whole = await inSlices(
    0,
    length + 1,
    (index) => {
      readCharacter(network, state, next, index && once ? [] : held);
      extend(reading, state, next);
      next = drawn(nextProbabilities(network, state, temperature), random);
    },
    wanted,
  );
  return whole ? reading : undefined;
}
