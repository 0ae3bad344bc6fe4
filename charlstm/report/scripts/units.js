// Text as what the model reads: characters, or bytes, each { id, text, shown, kind }
//
// kind says how it is drawn: "" as it is, "newline", "tab", "code" for what could not be seen, "unknown" for what the
// vocabulary lacks, which the model reads as its stand-in.

const STAND_INS = ["?", " "];

function unitsOf(network, text) {
  network.ids ??= new Map(network.symbols.map((symbol, id) => [symbol, id]));
  if (network.level === "bytes") return byteUnits(network, new TextEncoder().encode(text));
  return Array.from(text, (character) => characterUnit(network, character));
}

function characterUnit({ ids }, character) {
  const id = ids.get(character);
  if (id !== undefined) return { id, text: character, ...drawing(character) };
  const standIn = STAND_INS.find((symbol) => ids.has(symbol));
  return { id: ids.get(standIn) ?? 0, text: character, ...drawing(character), kind: "unknown" };
}

// Bytes with the character they end: the bytes before the last one are dots.
function byteUnits({ ids }, bytes) {
  const units = [];
  while (units.length < bytes.length) {
    const start = units.length;
    const whole = characterAt(bytes, start);
    const count = whole ? new TextEncoder().encode(whole).length : 1;
    for (let index = start; index < start + count; index += 1) {
      const id = ids.get(String.fromCharCode(bytes[index]));
      const ends = index === start + count - 1;
      const look = !whole
        ? { shown: hex(bytes[index]), kind: "code" }
        : ends
          ? drawing(whole)
          : { shown: "·", kind: "code" };
      units.push({
        id: id ?? 0,
        text: ends ? (whole ?? "\ufffd") : "",
        ...look,
        ...(id === undefined && { kind: "unknown" }),
      });
    }
  }
  return units;
}

const hex = (byte) => byte.toString(16).toUpperCase().padStart(2, "0");

// The character whose UTF-8 begins at a byte, or undefined where it is none.
function characterAt(bytes, start) {
  const lead = bytes[start];
  const count = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  try {
    const [...characters] = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
      bytes.slice(start, start + count),
    );
    return characters.length === 1 && start + count <= bytes.length ? characters[0] : undefined;
  } catch {
    return undefined;
  }
}

// Ids that were drawn, as units.
function unitsOfIds(network, ids) {
  if (network.level === "bytes")
    return byteUnits(
      network,
      Uint8Array.from(ids, (id) => network.symbols[id].charCodeAt(0)),
    );
  return ids.map((id) => characterUnit(network, network.symbols[id]));
}

// One character as something that can be seen, as symbols.py does.
function drawing(character) {
  if (character === "\n") return { shown: "↵", kind: "newline" };
  if (character === "\t") return { shown: "⇥", kind: "tab" };
  if (character === " ") return { shown: "␣", kind: "" };
  if (character === "\x7f") return { shown: "␡", kind: "code" };
  const code = character.codePointAt(0);
  if (code < 32) return { shown: String.fromCharCode(0x2400 + code), kind: "code" };
  if (/[\p{C}\p{Z}]/u.test(character))
    return { shown: `U+${code.toString(16).toUpperCase().padStart(4, "0")}`, kind: "code" };
  return /[\p{Mn}\p{Me}]/u.test(character) ? { shown: "◌" + character, kind: "code" } : { shown: character, kind: "" };
}
