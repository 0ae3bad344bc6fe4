// The text

function addColours() {
  // A class for each hundredth of tanh(c): the browser shares styles between spans of equal classes, which makes
  // recolouring a text more than twice as fast as a colour or a custom property on every span.
  const sheet = document.styleSheets[0];
  for (let level = -100; level <= 100; level += 1) {
    const mix = `color-mix(in srgb, var(${level < 0 ? "--below" : "--above"}) ${Math.abs(level)}%, var(--zero))`;
    sheet.insertRule(`.coloured .level${level} { background: ${mix}; }`, sheet.cssRules.length);
  }
}

function buildText() {
  characters = Array.from(excerpt().text);
  spans = characters.map(buildCharacter);
  const nodes = spans.flatMap((span, index) => (characters[index] === "\n" ? [span, "\n"] : [span]));
  find("#text").replaceChildren(...nodes);
}

function buildCharacter(character, index) {
  const span = document.createElement("span");
  const glyph = glyphKind(character);
  if (glyph) span.dataset.glyph = glyph;
  // The line break stands after its own span: inside, the cursor would be drawn on two lines.
  span.textContent = glyph === "newline" ? "" : glyph === "code" ? sign(character) : character;
  span.dataset.at = index;
  span.setAttribute("role", "option");
  span.tabIndex = -1;
  return span;
}

function glyphKind(character) {
  if (character === "\n") return "newline";
  if (character === "\t") return "tab";
  return character !== " " && character in data.symbols ? "code" : "";
}

function paint() {
  const recorded = values();
  const lined = isBinary(truths()) ? truths() : undefined;
  const driven = new Set(drivers);
  spans.forEach((span, index) => {
    const value = recorded?.[index] ?? 0;
    span.className = characterClass(value, lined?.[index], driven.has(index));
  });
  find("#unrecorded").hidden = recorded !== undefined;
  find(".legend .binary").hidden = lined === undefined;
}

function characterClass(value, truth, driver) {
  return [
    `level${Math.round(value * 100)}`, value > 0.5 && "strong", value < -0.5 && "weak", truth === 1 && "true",
    driver && "driver",
  ].filter(Boolean).join(" ");
}

function driverPositions() {
  if (!row().drivers.length) return [];
  const isDriver = (index) => row().drivers.some((driver) => {
    const length = Array.from(driver).length;
    return characters.slice(Math.max(0, index - length + 1), index + 1).join("") === driver;
  });
  return characters.flatMap((_, index) => (isDriver(index) ? [index] : []));
}
