// The model inside, drawn: text, gates, distribution, continuations

const LANES = ["tanh(c)", ...GATES];
const SIGNED = new Set(["tanh(c)", "candidate"]);
const SHOWN_NEXT = 8;

function unitSpan({ text, shown, kind }, index) {
  const span = document.createElement("span");
  if (kind) span.dataset.glyph = kind;
  span.textContent = kind === "newline" ? "" : kind === "code" || kind === "unknown" ? shown : text;
  span.dataset.unit = index;
  return span;
}

function nameUnit(span, { text }) {
  if (text in SPOKEN) span.setAttribute("aria-label", SPOKEN[text]);
  else span.removeAttribute("aria-label");
}

const spanNodes = (span, unit) => (unit.kind === "newline" ? [span, "\n"] : [span]);

function levelClass(c) {
  const value = Math.tanh(c);
  return [`level${Math.round(value * 100)}`, value > 0.5 && "strong", value < -0.5 && "weak"].filter(Boolean).join(" ");
}

// The written text, from the first unit that changed.
async function drawUnits(units, wanted) {
  let same = 0;
  while (same < units.length && live.units[same]?.text === units[same].text && live.units[same].id === units[same].id)
    same += 1;
  const box = find("#live");
  const kept = live.spans[same - 1];
  const rest = document.createRange();
  rest.selectNodeContents(box);
  if (kept) rest.setStartAfter(live.units[same - 1].kind === "newline" ? kept.nextSibling : kept);
  rest.deleteContents();
  live.spans.length = same;
  live.units = units.slice(0, same);
  const states = cellStates(live.reading, live.cell);
  return inSlices(
    same,
    units.length,
    (index) => {
      const span = unitSpan(units[index], index);
      span.setAttribute("role", "option");
      nameUnit(span, units[index]);
      span.tabIndex = -1;
      span.className = levelClass(states[index]);
      live.units.push(units[index]);
      live.spans.push(span);
      box.append(...spanNodes(span, units[index]));
    },
    wanted,
  );
}

function paintLive() {
  const states = cellStates(live.reading, live.cell);
  live.spans.forEach((span, index) => {
    span.className = levelClass(states[index]);
  });
}

function moveLive(index, { focus = false } = {}) {
  if (!live.network || live.busy) return;
  const before = live.spans[live.at];
  before?.removeAttribute("aria-selected");
  if (before) {
    before.tabIndex = -1;
    nameUnit(before, live.units[live.at]);
  }
  live.at = Math.min(live.spans.length - 1, Math.max(index, live.spans.length ? 0 : -1));
  const span = live.spans[live.at];
  if (span) {
    span.tabIndex = 0;
    span.setAttribute("aria-selected", "true");
    span.setAttribute(
      "aria-label",
      `${SPOKEN[live.units[live.at].text] ?? live.units[live.at].shown}, tanh(c) ${signed(Math.tanh(liveState()))}`,
    );
    if (focus) span.focus({ preventScroll: true });
    showIn(find("#live"), span);
  }
  showSettings();
  drawLanes();
  drawNext();
  readOnSoon();
  rememberView();
}

const liveState = () => live.reading.c[live.at][live.cell.layer][live.cell.cell];

// Scroll a box, and never the page, so that a span of it is seen.
function showIn(box, span) {
  const over = span.offsetTop + span.offsetHeight + 8 - box.scrollTop - box.clientHeight;
  if (over > 0) box.scrollTop += over;
  if (span.offsetTop < box.scrollTop) box.scrollTop = span.offsetTop - 8;
}

// Cell and gates around the mark, drawn as the page draws them

function drawLanes() {
  const box = find("#live-lanes");
  if (!box.childElementCount)
    box.replaceChildren(...LANES.map(buildLane), make("div", { class: "ticks", "aria-hidden": "true" }));
  const wide = Math.max(16, Math.floor(box.lastElementChild.clientWidth / 11));
  const count = Math.min(live.units.length, wide);
  const start = bounded(live.at - Math.floor(count / 2), 0, live.units.length - count);
  const places = Array.from({ length: count }, (_, offset) => start + offset);
  const gates = places.map((index) => gatesAt(live.reading, live.cell, index));
  const states = places.map((index) => Math.tanh(live.reading.c[index][live.cell.layer][live.cell.cell]));
  const series = [states, ...GATES.map((_, gate) => gates.map((values) => values[gate]))];
  LANES.forEach((name, lane) => drawLane(box.children[lane], name, series[lane], live.at - start));
  drawTicks(box.lastElementChild, start, count);
}

function buildLane(name) {
  const picture = make(
    "svg:svg",
    { preserveAspectRatio: "none", role: "img", "aria-label": `${name} around the marked character` },
    make("svg:rect", { class: "cursor", y: -1.1, height: 2.2, width: 1 }),
    make("svg:path", { class: "above" }),
    make("svg:path", { class: "below" }),
    make("svg:path", { class: "curve" }),
  );
  const label = make("span", { class: "track-name" }, name);
  return make(
    "div",
    { class: `track track-${name === "tanh(c)" ? "c" : name}` },
    label,
    picture,
    make("span", { class: "track-value" }),
  );
}

function drawLane(lane, name, series, at) {
  const [cursor, above, below, curve] = lane.querySelector("svg").children;
  const side = (sign_) =>
    `${stepPath(
      series.map((value) => sign_ * Math.max(0, sign_ * value)),
      0,
      1,
    )}V0H0Z`;
  lane
    .querySelector("svg")
    .setAttribute("viewBox", `0 -1.1 ${Math.max(1, series.length)} ${SIGNED.has(name) ? 2.2 : 1.1}`);
  cursor.setAttribute("x", at);
  above.setAttribute("d", series.length ? side(1) : "");
  below.setAttribute("d", series.length && SIGNED.has(name) ? side(-1) : "");
  curve.setAttribute("d", stepPath(series, 0, 1));
  const value = series.length ? signed(series[at]) : "";
  lane.lastElementChild.textContent = SIGNED.has(name) ? value : value.replace("+", "");
}

function drawTicks(ticks, start, count) {
  ticks.replaceChildren(
    ...Array.from({ length: count }, (_, offset) => {
      const span = document.createElement("span");
      const unit = live.units[start + offset];
      span.textContent = unit ? (unit.text === " " ? " " : unit.shown) : "";
      if (start + offset === live.at) span.className = "here";
      return span;
    }),
  );
}

// What comes next

function drawNext() {
  const place = marked();
  const natural = probabilitiesAt(place, []);
  const held = holds().length ? probabilitiesAt(place, holds()) : undefined;
  const most = (id) => Math.max(natural[id], held?.[id] ?? 0);
  const ranked = [...natural.keys()].sort((one, two) => most(two) - most(one));
  find("#live-glyph").textContent = live.units[live.at]?.shown ?? "a line break";
  find("#live-next").replaceChildren(...ranked.slice(0, SHOWN_NEXT).map((id) => nextLine(id, natural[id], held?.[id])));
  find("#live-next").classList.toggle("paired", held !== undefined);
  find("#live-change").replaceChildren(
    ...(held ? changeWords(ranked, natural, held) : ["Hold the cell below, and see this change."]),
  );
}

const glyphOf = (id) => unitsOfIds(live.network, [id])[0].shown;
const percent = (share) =>
  (share >= 0.0995 ? Math.round(100 * share) : share >= 0.00095 ? (100 * share).toFixed(1) : "<0.1") + "%";

function nextLine(id, natural, held) {
  const line = document.createElement("li");
  const glyph = document.createElement("code");
  glyph.textContent = glyphOf(id);
  const bars = document.createElement("span");
  bars.className = "bars";
  for (const [name, share] of [
    ["natural", natural],
    ["held", held],
  ]) {
    if (share === undefined) continue;
    const bar = document.createElement("span");
    bar.className = name;
    bar.style.width = `${100 * share}%`;
    bars.append(bar);
  }
  const numbers = document.createElement("span");
  numbers.className = "share";
  numbers.textContent = held === undefined ? percent(natural) : `${percent(natural)} → ${percent(held)}`;
  line.append(glyph, bars, numbers);
  return line;
}

// The characters whose chance the hold raises and lowers most, in words; those that hardly ever come are left out.
function changeWords(ranked, natural, held) {
  const change = (id) => Math.log(Math.max(held[id], 1e-9) / Math.max(natural[id], 1e-9));
  const told = ranked.filter((id) => Math.max(natural[id], held[id]) >= LEAST_TOLD && Math.abs(change(id)) >= 0.1);
  if (!told.length) return ["Held, the cell changes hardly anything here."];
  told.sort((one, two) => change(two) - change(one));
  const extremes = [told[0], told[told.length - 1]].filter((id, index) => (index ? change(id) < 0 : change(id) > 0));
  const words = extremes.flatMap((id, index) => {
    const glyph = document.createElement("code");
    glyph.textContent = glyphOf(id);
    return [
      index ? " and " : "",
      glyph,
      ` ${timesWords(Math.exp(Math.abs(change(id))))} times ${change(id) < 0 ? "less" : "more"} likely`,
    ];
  });
  return ["Held, it makes ", ...words, "."];
}

const timesWords = (times) => (times >= 1000 ? "over 1,000" : times >= 10 ? Math.round(times) : times.toFixed(1));

// The continuations

function drawRuns() {
  const natural = unitsOfIds(live.network, live.natural.ids.slice(1));
  const held = live.held && unitsOfIds(live.network, live.held.ids.slice(1));
  const parting = held
    ? natural.findIndex(({ id, text }, index) => id !== held[index]?.id || text !== held[index].text)
    : -1;
  drawRun(find("#live-natural"), natural, live.natural, parting);
  drawRun(find("#live-held"), held ?? [], live.held, parting);
  const name = `Cell ${cellName(live.cell)}`;
  const how = { off: "held off", on: "held on", at: `held at ${signed(Number(find("#live-range").value))}` }[holding()];
  find("#live-held-title").textContent = held
    ? `${name} ${how}${find("#live-once").checked ? " once" : ""}`
    : `${name} held`;
  find("#live-parting").textContent = held ? partingWords(parting) : "";
}

function partingWords(parting) {
  if (parting < 0) return "Both texts are the same: the cell makes no difference here with this seed.";
  if (parting === 0) return "They part at once.";
  return `The same for ${parting.toLocaleString("en")} ${parting === 1 ? "character" : "characters"}, then they part.`;
}

function drawRun(box, units, run, parting) {
  const before = document.createElement("span");
  before.className = "before";
  before.textContent = live.units
    .slice(Math.max(0, live.at - 39), live.at + 1)
    .map(({ text }) => text)
    .join("");
  if (!run) return box.replaceChildren(placeholder());
  const states = cellStates(run, live.cell);
  const nodes = units.flatMap((unit, index) => {
    const span = unitSpan(unit, index);
    span.className = levelClass(states[index + 1]);
    if (index === parting) span.classList.add("parting");
    return spanNodes(span, unit);
  });
  box.replaceChildren(before, ...nodes);
}

function placeholder() {
  const words = document.createElement("span");
  words.className = "empty";
  words.textContent = "Choose “held off”, “held on” or a value, and the same draw appears here with the cell held.";
  return words;
}
