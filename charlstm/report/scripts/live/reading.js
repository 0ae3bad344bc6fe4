// This file unpacks the network when the reader comes near, and reads what is written in the panel.

import { buildNetwork } from "../lstm/forward_pass.js";
import { emptyTrace, longestTraceCharacters, traceIds } from "../lstm/state_trace.js";
import { symbolsOfText } from "../lstm/text_symbols.js";
import { unpackedWeights } from "../lstm/weights.js";
import { shown } from "../page/state.js";
import { counted } from "../shared/numbers.js";
import { find, findField } from "../shared/page_elements.js";
import { moveMark } from "./mark.js";
import { live, unpackedModel } from "./panel_state.js";
import { drawWrittenText } from "./written_text.js";

const LONGEST_WRITTEN_CHARACTERS = 8000;
/** A stretch begins with a line, unless that line begins less than this many characters before its place. */
const LEAST_CHARACTERS_BEFORE = 60;

/** @type {Promise<void> | undefined} */
let unpacking;
/**
 * Where the mark goes when the text is read; undefined stands for its end.
 * @type {number | undefined}
 */
let wantedMark;

/**
 * Unpack the network and read what is written. It is unpacked once, however often this is called.
 * @type {() => Promise<void>}
 */
export function unpackNetwork() {
  unpacking ??= unpackAndRead().catch((error) => {
    find("#live-status").textContent =
      `The network cannot be unpacked in this browser: ${error.message}. Try a newer browser.`;
  });
  return unpacking;
}

async function unpackAndRead() {
  if (!live.model) return;
  find("#live-status").textContent = "Unpacking the network…";
  const { header } = live.model;
  live.network = await buildNetwork(header, await unpackedWeights(header, find("#weights").textContent));
  live.trace = emptyTrace(live.network);
  await readWrittenText();
}

/**
 * Read what is written, from the first symbol on that has changed, and move the mark to its end or to the
 * place that was wished. Return whether all of it was read: another reading may have begun in the meantime.
 * @type {() => Promise<boolean>}
 */
export async function readWrittenText() {
  if (!live.network) {
    await unpackNetwork();
    return live.network !== undefined && !live.isReading;
  }
  const { network, trace } = unpackedModel();
  live.readingNumber += 1;
  const number = live.readingNumber;
  const isWanted = () => number === live.readingNumber;
  const written = symbolsOfText(network, findField("#live-text").value);
  const symbols = written.slice(0, Math.min(LONGEST_WRITTEN_CHARACTERS, longestTraceCharacters(network)));
  find("#live-status").textContent = "Reading…";
  live.isReading = true;
  const ids = symbols.map(({ id }) => id);
  if (!(await traceIds(trace, ids, isWanted))) return false;
  if (!(await drawWrittenText(symbols, isWanted))) return false;
  live.isReading = false;
  moveMark(wantedMark ?? symbols.length - 1);
  wantedMark = undefined;
  find("#live-status").textContent = statusWords(symbols, written.length);
  return true;
}

/**
 * Set where the mark goes when the text is read next.
 * @type {(mark: number | undefined) => void}
 */
export function wishMark(mark) {
  wantedMark = mark;
}

/** @type {(symbols: TextSymbol[], writtenCount: number) => string} */
function statusWords(symbols, writtenCount) {
  const { network, trace } = unpackedModel();
  const { bits } = trace;
  // The first character has no prediction before it, and so no bits.
  const mean = bits.slice(1).reduce((sum, value) => sum + value, 0) / (bits.length - 1);
  const unknown = symbols.filter(({ kind }) => kind === "unknown").length;
  const parts = [
    `${counted(symbols.length)} ${network.level} read`,
    bits.length > 1 && `${mean.toFixed(2)} bits per character`,
    symbols.length < writtenCount && "the rest is too long for this panel",
    unknown && `${unknown} not in the vocabulary, read as another character`,
  ];
  return parts.filter(Boolean).join(" · ");
}

/**
 * Put a text into the panel and read it.
 * @type {(text: string) => Promise<boolean>}
 */
export function writeText(text) {
  findField("#live-text").value = text;
  return readWrittenText();
}

/**
 * Return a stretch of the excerpt around a place, from the beginning of a line on, and where the stretch
 * starts.
 * @type {(place: number, size?: { before?: number, after?: number }) => { text: string, start: number }}
 */
export function stretchAround(place, { before = 300, after = 120 } = {}) {
  const from = Math.max(0, place - before);
  const lineStart = from && shown.characters.indexOf("\n", from) + 1;
  const start = lineStart > place - LEAST_CHARACTERS_BEFORE ? from : lineStart;
  return { text: shown.characters.slice(start, place + after).join(""), start };
}
