// This file turns text into the characters or bytes that the network reads, and into what the page draws for
// each.
//
// The kind of a symbol says how it is drawn: "" as it is, "newline", "tab", "code" for a character that
// cannot be seen, "unknown" for one that the vocabulary lacks and that the network reads as another
// character.

/**
 * What the network reads in the place of an unknown character: the first of these that its vocabulary has.
 */
const STAND_INS = ["?", " "];

/**
 * Return the symbols of a text.
 * @type {(network: Network, text: string) => TextSymbol[]}
 */
export function symbolsOfText(network, text) {
  if (network.level === "bytes") return byteSymbols(network, new TextEncoder().encode(text));
  return Array.from(text, (character) => characterSymbol(network, character));
}

/**
 * Return the symbols of ids that the network has drawn.
 * @type {(network: Network, ids: number[]) => TextSymbol[]}
 */
export function symbolsOfIds(network, ids) {
  const { symbols, level } = network;
  if (level === "characters") return ids.map((id) => characterSymbol(network, symbols[id]));
  return byteSymbols(
    network,
    Uint8Array.from(ids, (id) => symbols[id].charCodeAt(0)),
  );
}

/**
 * Return one id for each character of a text; an unknown one has the id 0.
 * @type {(network: Network, text: string) => number[]}
 */
export const idsOfText = ({ idOfSymbol }, text) =>
  Array.from(text, (character) => idOfSymbol.get(character) ?? 0);

/**
 * Return the ids of the characters that end a feature; none where only those are known that do not: [^...].
 * @type {(network: Network, target: string) => number[]}
 */
export function idsOfClosers({ idOfSymbol }, target) {
  if (target.length > 3 && target.startsWith("[^")) return [];
  return Array.from(target, (character) => idOfSymbol.get(character)).filter((id) => id !== undefined);
}

/**
 * Return the symbol of one character, whatever the level: a byte stands for the character of its number.
 * @type {(network: Network, character: string) => TextSymbol}
 */
export function characterSymbol({ idOfSymbol }, character) {
  const id = idOfSymbol.get(character);
  if (id !== undefined) return { id, text: character, ...drawnAs(character) };
  const standIn = STAND_INS.find((symbol) => idOfSymbol.has(symbol)) ?? "";
  return { id: idOfSymbol.get(standIn) ?? 0, text: character, ...drawnAs(character), kind: "unknown" };
}

/**
 * Return the symbols of bytes. The last byte of a character is drawn as that character, the bytes before it
 * as dots.
 * @type {(network: Network, bytes: Uint8Array) => TextSymbol[]}
 */
function byteSymbols({ idOfSymbol }, bytes) {
  /** @type {TextSymbol[]} */
  const symbols = [];
  while (symbols.length < bytes.length) {
    const start = symbols.length;
    const character = characterAt(bytes, start);
    const stop = start + (character === undefined ? 1 : new TextEncoder().encode(character).length);
    for (let index = start; index < stop; index += 1) {
      const id = idOfSymbol.get(String.fromCharCode(bytes[index]));
      const symbol = byteSymbol(bytes[index], character, index === stop - 1);
      symbols.push(id === undefined ? { ...symbol, id: 0, kind: "unknown" } : { ...symbol, id });
    }
  }
  return symbols;
}

/**
 * Return how a byte is drawn that belongs to a character, or to none. Only the last byte carries the text.
 * @type {(byte: number, character: string | undefined, isLast: boolean) => Omit<TextSymbol, "id">}
 */
function byteSymbol(byte, character, isLast) {
  if (character === undefined) {
    return { text: "\ufffd", shown: byte.toString(16).toUpperCase().padStart(2, "0"), kind: "code" };
  }
  return isLast ? { text: character, ...drawnAs(character) } : { text: "", shown: "·", kind: "code" };
}

/**
 * Return the character whose UTF-8 bytes begin at a place, or undefined where no character begins.
 * @type {(bytes: Uint8Array, start: number) => string | undefined}
 */
function characterAt(bytes, start) {
  const lead = bytes[start];
  const count = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (start + count > bytes.length) return undefined;
  try {
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    const characters = Array.from(decoder.decode(bytes.slice(start, start + count)));
    return characters.length === 1 ? characters[0] : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Return how a character is drawn, by the rules of charlstm/report/words/symbols.py.
 * @type {(character: string) => Pick<TextSymbol, "shown" | "kind">}
 */
function drawnAs(character) {
  if (character === "\n") return { shown: "↵", kind: "newline" };
  if (character === "\t") return { shown: "⇥", kind: "tab" };
  if (character === " ") return { shown: "␣", kind: "" };
  if (character === "\x7f") return { shown: "␡", kind: "code" };
  const code = character.codePointAt(0) ?? 0;
  if (code < 32) return { shown: String.fromCharCode(0x2400 + code), kind: "code" };
  if (/[\p{C}\p{Z}]/u.test(character)) {
    return { shown: `U+${code.toString(16).toUpperCase().padStart(4, "0")}`, kind: "code" };
  }
  if (/[\p{Mn}\p{Me}]/u.test(character)) return { shown: `◌${character}`, kind: "code" };
  return { shown: character, kind: "" };
}
