// The cursor in the text

function describe(index) {
  const truth = truths()?.[index];
  const shown = isBinary(truths()) ? (truth ? "on" : "off") : truth;
  return {
    glyph: sign(characters[index]),
    value: `tanh(c) ${signed(values()?.[index])}`,
    truth: truth === undefined ? "" : `${row().feature_words}: ${shown}`,
    where: `character ${(index + 1).toLocaleString("en")} of ${characters.length.toLocaleString("en")}`,
  };
}

function readOut(index) {
  const parts = describe(index);
  for (const [name, text] of Object.entries(parts)) find(`#readout .${name}`).textContent = text;
  find("#readout .glyph").style.background = getComputedStyle(spans[index]).backgroundColor;
  readTracks(index);
}

function moveTo(index, { focus = false, extend = false } = {}) {
  const before = spans[state.at];
  before?.removeAttribute("aria-selected");
  if (before) before.tabIndex = -1;
  extend ? extendPassage() : dropPassage();
  state.at = bounded(index, 0, spans.length - 1);
  const span = spans[state.at];
  span.tabIndex = 0;
  span.setAttribute("aria-selected", "true");
  span.setAttribute("aria-label", Object.values(describe(state.at)).join(", "));
  if (focus) showCharacter(span);
  closeUp();
  readOut(state.at);
  if (extend) showPassage();
  rememberView();
  tell("place");
}

function showCharacter(span) {
  span.focus({ preventScroll: true });
  span.scrollIntoView({ block: "nearest" });
}

function scrollTextOnly(span) {
  const box = find("#text");
  const hidden = span.offsetTop < box.scrollTop || span.offsetTop > box.scrollTop + box.clientHeight - 40;
  if (hidden) box.scrollTop = span.offsetTop - box.clientHeight / 2;
}

function moveToDriver(direction) {
  const ahead = drivers.filter((index) => (index - state.at) * direction > 0);
  if (ahead.length) moveTo(direction > 0 ? ahead[0] : ahead[ahead.length - 1], { focus: true });
}

function sameLine(one, two) {
  // A glyph from another font stands a little higher or lower in its line.
  return Math.abs(one - two) < 8;
}

// The span nearest above or below in the line next to a span's own.
function lineAway(spans, at, direction) {
  const here = spans[at];
  let best = at;
  let line = null;
  let distance = Infinity;
  for (let index = at + direction; spans[index]; index += direction) {
    const { offsetTop, offsetLeft } = spans[index];
    if (sameLine(offsetTop, here.offsetTop)) continue;
    line ??= offsetTop;
    if (!sameLine(offsetTop, line)) break;
    const off = Math.abs(offsetLeft - here.offsetLeft);
    if (off < distance) [best, distance] = [index, off];
  }
  return best;
}
