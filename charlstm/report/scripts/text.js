// The text, one element per character

function addColours() {
  // A class for each hundredth of tanh(c): the browser shares styles between spans of equal classes, which makes
  // recolouring a text more than twice as fast as a colour or a custom property on every span.
  const sheet = document.styleSheets[0];
  for (let level = -100; level <= 100; level += 1) {
    const mix = `color-mix(in srgb, var(${level < 0 ? "--below" : "--above"}) ${Math.abs(level)}%, var(--zero))`;
    sheet.insertRule(`.level${level} { background: ${mix}; fill: ${mix}; }`, sheet.cssRules.length);
  }
}

// What a screen reader has no word for.
const SPOKEN = { " ": "space", "\n": "line break", "\t": "tab" };

function buildText() {
  characters = Array.from(excerpt().text);
  spans = characters.map((character, index) => {
    const span = characterSpan(character);
    span.dataset.at = index;
    span.setAttribute("role", "option");
    span.tabIndex = -1;
    if (character in SPOKEN) span.setAttribute("aria-label", SPOKEN[character]);
    return span;
  });
  find("#text").replaceChildren(...withBreaks(spans, characters));
}

// The line break stands after its own span: inside, the cursor would be drawn on two lines.
function withBreaks(ofText, text) {
  return ofText.flatMap((span, index) => (text[index] === "\n" ? [span, "\n"] : [span]));
}

function characterSpan(character) {
  const span = document.createElement("span");
  const glyph = glyphKind(character);
  if (glyph) span.dataset.glyph = glyph;
  span.textContent = glyph === "newline" ? "" : glyph === "code" ? sign(character) : character;
  return span;
}

function glyphKind(character) {
  if (character === "\n") return "newline";
  if (character === "\t") return "tab";
  return character !== " " && character in data.symbols ? "code" : "";
}

// Fill a box of class "coloured" with a text that is only looked at.
function showColoured(box, text, series, marked) {
  const all = Array.from(text);
  const ofText = all.map(characterSpan);
  ofText.forEach((span, index) => {
    span.className = characterClass(series?.[index] ?? 0, marked?.[index], false);
  });
  box.replaceChildren(...withBreaks(ofText, all));
}

function paint() {
  const series = values();
  const lined = isBinary(truths()) ? truths() : undefined;
  const driven = new Set(drivers);
  spans.forEach((span, index) => {
    span.className = characterClass(series?.[index] ?? 0, lined?.[index], driven.has(index));
  });
  find("#unrecorded").hidden = series !== undefined;
  find(".legend .binary").hidden = lined === undefined;
}

function characterClass(value, truth, driver) {
  return [
    `level${Math.round(value * 100)}`, value > 0.5 && "strong", value < -0.5 && "weak", truth === 1 && "true",
    driver && "driver",
  ].filter(Boolean).join(" ");
}

function driverPositions() {
  const marks = row().drivers.map((driver) => Array.from(driver));
  return characters.flatMap((_, index) => {
    const ends = (mark) => mark.every((character, place) => characters[index - mark.length + 1 + place] === character);
    return marks.some(ends) ? [index] : [];
  });
}
