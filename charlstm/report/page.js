"use strict";

const data = JSON.parse(document.getElementById("data").textContent);
const state = { row: 0, excerpt: 0, at: 0 };
const reading = data.rows.length > 0 && data.excerpts.length > 0;
let characters = [];
let spans = [];
let drivers = [];
let hashTimer = 0;

const find = (selector) => document.querySelector(selector);
const findAll = (selector) => [...document.querySelectorAll(selector)];
const bounded = (value, low, high) => Math.min(high, Math.max(low, value));
const row = () => data.rows[state.row];
const excerpt = () => data.excerpts[state.excerpt];
const values = () => excerpt().cells[row().cell];
const truths = () => excerpt().features[row().feature];
const sign = (character) => data.symbols[character] ?? character;
const isBinary = (series) => series !== undefined && series.every((value) => value === 0 || value === 1);

function signed(value) {
  if (value === null || value === undefined) return "not recorded";
  return (value < 0 ? "\u2212" : "+") + Math.abs(value).toFixed(2);
}

// The text

function addColours() {
  // A class for each hundredth of tanh(c): the browser shares styles between spans of equal classes, which makes
  // recolouring a text more than twice as fast as a colour or a custom property on every span.
  const sheet = document.styleSheets[0];
  for (let level = -100; level <= 100; level += 1) {
    const mix = `color-mix(in srgb, var(${level < 0 ? "--below" : "--above"}) ${Math.abs(level)}%, var(--zero))`;
    sheet.insertRule(`#text .level${level} { background: ${mix}; }`, sheet.cssRules.length);
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

// The plots

function stepPath(series) {
  return series.map((value, index) => `${index ? "V" : "M0 "}${-(value ?? 0)}H${index + 1}`).join("");
}

function areaPath(series) {
  const top = Math.max(1, ...series);
  const steps = series.map((value) => 1.08 - (2.16 * (value ?? 0)) / top);
  return "M0 1.08" + steps.map((y, index) => `V${y.toFixed(3)}H${index + 1}`).join("") + "V1.08Z";
}

function plot() {
  const curve = values() ? stepPath(values()) : "";
  const area = truths() ? areaPath(truths()) : "";
  findAll(".plot .curve").forEach((path) => path.setAttribute("d", curve));
  findAll(".plot .truth").forEach((path) => path.setAttribute("d", area));
  find(".overview svg").setAttribute("viewBox", `0 -1.08 ${characters.length} 2.16`);
  const top = truths() && !isBinary(truths()) ? `, 0 to ${Math.max(...truths())}` : "";
  find("#truth-name").textContent = row().feature_words + top;
}

function closeUp() {
  const wide = Math.max(20, Math.floor((find("#ticker").clientWidth - 32) / 12));
  const count = Math.min(characters.length, wide);
  const start = bounded(state.at - Math.floor(count / 2), 0, characters.length - count);
  find(".closeup svg").setAttribute("viewBox", `${start} -1.08 ${count} 2.16`);
  find(".closeup .cursor").setAttribute("x", state.at);
  find(".overview .cursor").setAttribute("d", `M${state.at + 0.5} -1.08V1.08`);
  find(".frame").setAttribute("x", start);
  find(".frame").setAttribute("width", count);
  drawTicker(start, count);
}

function drawTicker(start, count) {
  const ticker = find("#ticker");
  while (ticker.childElementCount > count) ticker.lastElementChild.remove();
  while (ticker.childElementCount < count) ticker.append(document.createElement("span"));
  [...ticker.children].forEach((span, offset) => {
    const character = characters[start + offset];
    span.textContent = character === " " ? " " : sign(character);
    span.className = spans[start + offset].classList.contains("driver") ? "driver" : "";
    span.classList.toggle("here", start + offset === state.at);
  });
}

// The cursor

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
}

function moveTo(index, { focus = false } = {}) {
  const before = spans[state.at];
  before?.removeAttribute("aria-selected");
  if (before) before.tabIndex = -1;
  state.at = bounded(index, 0, spans.length - 1);
  const span = spans[state.at];
  span.tabIndex = 0;
  span.setAttribute("aria-selected", "true");
  span.setAttribute("aria-label", Object.values(describe(state.at)).join(", "));
  if (focus) showCharacter(span);
  closeUp();
  readOut(state.at);
  rememberView();
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

function moveByLine(direction) {
  const here = spans[state.at];
  let best = state.at;
  let line = null;
  let distance = Infinity;
  for (let index = state.at + direction; spans[index]; index += direction) {
    const { offsetTop, offsetLeft } = spans[index];
    if (sameLine(offsetTop, here.offsetTop)) continue;
    line ??= offsetTop;
    if (!sameLine(offsetTop, line)) break;
    const off = Math.abs(offsetLeft - here.offsetLeft);
    if (off < distance) [best, distance] = [index, off];
  }
  moveTo(best, { focus: true });
}

// The cells

function chooseRow(index) {
  state.row = index;
  find("#table tr[aria-current]")?.removeAttribute("aria-current");
  const line = find(`#table tr[data-row="${index}"]`);
  line.setAttribute("aria-current", "true");
  scrollTableTo(line);
  if (!reading) return;
  if (!values()) chooseExcerpt(Math.max(0, data.excerpts.findIndex((one) => row().cell in one.cells)));
  drivers = driverPositions();
  paint();
  plot();
  nameCell(line);
  fillNumbers();
  moveTo(state.at);
}

function scrollTableTo(line) {
  const box = line.closest(".scroller");
  const head = find("#table thead").offsetHeight;
  if (line.offsetTop < box.scrollTop + head) box.scrollTop = line.offsetTop - head;
  const over = line.offsetTop + line.offsetHeight - box.scrollTop - box.clientHeight;
  if (over > 0) box.scrollTop += over;
}

function nameCell(line) {
  find("#chosen").textContent = row().cell;
  find("#chosen-kind").textContent = line.cells[1].textContent;
  find("#chosen-feature").textContent = line.cells[2].textContent;
  find("#chosen-drivers").replaceChildren(...line.cells[3].cloneNode(true).childNodes);
}

function fillNumbers() {
  const facts = row().numbers.map(([label, value]) => {
    const fact = document.createElement("div");
    fact.append(document.createElement("dt"), document.createElement("dd"));
    fact.firstChild.textContent = label;
    fact.lastChild.textContent = value;
    return fact;
  });
  find("#numbers dl").replaceChildren(...facts);
  fillValues();
}

function fillValues() {
  if (!find("#values").open) return;
  const lines = characters.map((character, index) =>
    [excerpt().start + index, sign(character), signed(values()?.[index]), truths()?.[index] ?? ""].join("\t"));
  find("#values pre").textContent = ["position\tcharacter\ttanh(c)\t" + row().feature_words, ...lines].join("\n");
}

function chooseExcerpt(index) {
  state.excerpt = index;
  state.at = 0;
  if (find("#excerpt")) find("#excerpt").value = index;
  buildText();
}

function stepRow(direction) {
  const visible = findAll("#table tbody tr:not([hidden])");
  const here = visible.findIndex((line) => Number(line.dataset.row) === state.row);
  const next = visible[here < 0 ? 0 : here + direction];
  if (!next) return;
  chooseRow(Number(next.dataset.row));
  if (document.activeElement.closest("#table")) next.querySelector("button").focus({ preventScroll: true });
}

// The table

function sortBy(header) {
  const column = header.cellIndex;
  const numeric = header.classList.contains("number");
  const first = numeric && column > 0 ? "descending" : "ascending";
  const other = first === "ascending" ? "descending" : "ascending";
  const order = header.getAttribute("aria-sort") === first ? other : first;
  findAll("#table th[aria-sort]").forEach((sorted) => sorted.removeAttribute("aria-sort"));
  header.setAttribute("aria-sort", order);
  const lines = findAll("#table tbody tr");
  lines.sort((one, two) => compare(sortKey(one, column), sortKey(two, column), order === "ascending" ? 1 : -1));
  find("#table tbody").append(...lines);
}

function sortKey(line, column) {
  const value = line.cells[column].dataset.value;
  if (value === undefined) return line.cells[column].textContent;
  return value === "" || value === "None" ? null : Number(value);
}

function compare(one, two, direction) {
  // What was not measured stays at the end whichever way the column runs.
  if (one === null || two === null) return (one === null) - (two === null);
  return direction * (typeof one === "number" ? one - two : one.localeCompare(two, "en"));
}

function filterRows() {
  const wanted = find("#filter").value.toLowerCase().split(/\s+/).filter(Boolean);
  const lines = findAll("#table tbody tr");
  for (const line of lines) {
    const text = line.textContent.toLowerCase();
    line.hidden = !wanted.every((word) => text.includes(word));
  }
  const shown = lines.filter((line) => !line.hidden).length;
  find("#shown").textContent = shown === lines.length ? `${shown} rows` : `${shown} of ${lines.length} rows`;
}

// The address

function rememberView() {
  // Browsers refuse more than a few hundred replacements in ten seconds, which a held key reaches.
  clearTimeout(hashTimer);
  hashTimer = setTimeout(() => history.replaceState(null, "", viewHash()), 120);
}

function viewHash() {
  const twins = data.rows.filter((one) => one.cell === row().cell).length > 1;
  const parts = [`cell=${row().cell}`, `at=${state.at}`];
  if (twins) parts.push(`feature=${encodeURIComponent(row().feature)}`);
  if (state.excerpt) parts.push(`excerpt=${state.excerpt}`);
  return "#" + parts.join("&");
}

function restoreView() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  const matches = (one) =>
    one.cell === wanted.get("cell") && (!wanted.has("feature") || one.feature === wanted.get("feature"));
  const found = data.rows.findIndex(matches);
  const chosen = Number(wanted.get("excerpt"));
  if (reading && chosen !== state.excerpt && chosen in data.excerpts) chooseExcerpt(chosen);
  if (reading && !spans.length) chooseExcerpt(0);
  state.at = bounded(Number.parseInt(wanted.get("at") ?? "0", 10) || 0, 0, Math.max(0, spans.length - 1));
  chooseRow(Math.max(0, found));
  if (!reading) return;
  if (!wanted.has("at")) moveTo(drivers[0] ?? 0);
  scrollTextOnly(spans[state.at]);
}

function followLink() {
  restoreView();
  find("#reading")?.scrollIntoView();
}

// Keys and pointers

const keys = {
  j: () => stepRow(1),
  k: () => stepRow(-1),
  n: () => moveToDriver(1),
  p: () => moveToDriver(-1),
  "/": () => find("#filter").focus(),
  "?": () => find("#help").showModal(),
};
const arrows = {
  ArrowLeft: () => moveTo(state.at - 1, { focus: true }),
  ArrowRight: () => moveTo(state.at + 1, { focus: true }),
};
const textKeys = {
  ArrowUp: () => moveByLine(-1),
  ArrowDown: () => moveByLine(1),
  Home: () => moveTo(0, { focus: true }),
  End: () => moveTo(spans.length - 1, { focus: true }),
};

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || find("#help").open) return;
  if (event.target.closest("input, select, textarea")) return;
  const action = keyAction(event);
  if (!action) return;
  event.preventDefault();
  action();
}

function keyAction({ key, target }) {
  const letter = find("#letters").checked ? keys[key] : undefined;
  if (key === "?" || !data.rows.length) return key === "?" ? letter : undefined;
  if (!reading) return key === "n" || key === "p" ? undefined : letter;
  // Inside a scrolling table the arrows scroll it.
  const arrow = target.closest(".scroller, pre") ? undefined : arrows[key];
  return letter ?? arrow ?? (target.closest("#text") ? textKeys[key] : undefined);
}

function listenToTable() {
  findAll("#table thead th").forEach((header) => header.addEventListener("click", () => sortBy(header)));
  find("#table tbody").addEventListener("click", (event) => chooseRow(Number(event.target.closest("tr").dataset.row)));
  find("#filter").addEventListener("input", filterRows);
  find("#filter").addEventListener("keydown", (event) => {
    if (event.key === "Escape") event.target.value = "";
    if (event.key === "Escape" || event.key === "Enter") leaveFilter(event);
  });
  filterRows();
}

function leaveFilter(event) {
  event.preventDefault();
  filterRows();
  const first = find("#table tbody tr:not([hidden])");
  if (!first) return;
  if (event.key === "Enter") chooseRow(Number(first.dataset.row));
  const current = find("#table tr[aria-current]");
  (current.hidden ? first : current).querySelector("button").focus();
}

function listenToText() {
  const box = find("#text");
  const at = (event) => event.target.closest("[data-at]")?.dataset.at;
  box.addEventListener("click", (event) => at(event) && moveTo(Number(at(event)), { focus: true }));
  box.addEventListener("pointerover", (event) => readOut(Number(at(event) ?? state.at)));
  box.addEventListener("pointerleave", () => readOut(state.at));
  find(".overview svg").addEventListener("click", goToPlace);
  find("#values").addEventListener("toggle", fillValues);
  find("#excerpt")?.addEventListener("change", (event) => {
    chooseExcerpt(Number(event.target.value));
    chooseRow(state.row);
  });
  new ResizeObserver(closeUp).observe(find("#ticker"));
}

function goToPlace(event) {
  const { left, width } = event.currentTarget.getBoundingClientRect();
  moveTo(Math.floor(((event.clientX - left) / width) * characters.length));
  scrollTextOnly(spans[state.at]);
}

function start() {
  document.addEventListener("keydown", onKey);
  find("#help-open").addEventListener("click", () => find("#help").showModal());
  find("#help button").addEventListener("click", () => find("#help").close());
  if (!data.rows.length) return;
  listenToTable();
  if (reading) addColours();
  restoreView();
  if (reading) listenToText();
  window.addEventListener("hashchange", followLink);
}

start();
