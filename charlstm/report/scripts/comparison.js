// Two models on the same text, under one cursor

const pair = data.sides.map((side, place) => ({
  ...side,
  place,
  box: findAll(".side .coloured")[place],
  choice: findAll(".side select")[place],
  note: findAll(".side .note")[place],
  text: Array.from(side.excerpt.text),
  spans: [],
  cell: "",
  grid: new Map(),
}));
const cursor = { at: 0 };

const along = (side, cell) => side.excerpt.cells[cell]?.tanh_c ?? side.grid.get(cell)?.values;
const rowOf = (side, cell) => side.rows.find((one) => one.cell === cell);

function fillChoice(side) {
  const option = (cell, text) => make("option", { value: cell }, text);
  const found = side.rows
    .filter((one) => along(side, one.cell))
    .map((one) => option(one.cell, `${one.cell} ${one.feature_words}`));
  const others = [...side.grid.keys()].filter((cell) => !rowOf(side, cell)).map((cell) => option(cell, cell));
  const groups = [
    ["with a finding", found],
    ["others", others],
  ].filter(([, options]) => options.length);
  side.choice.replaceChildren(...groups.map(([label, options]) => make("optgroup", { label }, ...options)));
}

function buildSide(side) {
  side.spans = side.text.map(characterSpan);
  side.spans.forEach((span, index) => {
    span.dataset.at = index;
  });
  side.box.replaceChildren(...withBreaks(side.spans, side.text));
  side.box.addEventListener("click", (event) => {
    const at = event.target.closest("[data-at]")?.dataset.at;
    if (at !== undefined) place(Number(at));
  });
  side.box.addEventListener("keydown", onArrow);
  side.box.addEventListener("scroll", () => {
    pair[1 - side.place].box.scrollTop = side.box.scrollTop;
  });
  side.choice.addEventListener("change", () => choose(side, side.choice.value));
}

// Choosing a cell with a feature brings up, on the other side, the cell that goes along with it best.
function choose(side, cell, { alone = false } = {}) {
  side.cell = cell;
  side.choice.value = cell;
  paintSide(side);
  const other = pair[1 - side.place];
  const feature = rowOf(side, cell)?.feature;
  const truth = side.excerpt.features[feature] ?? other.excerpt.features[feature];
  if (!alone && truth) {
    const best = bestAlong(other, truth);
    if (best) choose(other, best.cell, { alone: true });
  }
  describeSide(side, truth);
  if (!alone) describeSide(other, truth);
  place(cursor.at);
}

function paintSide(side) {
  const series = along(side, side.cell);
  side.spans.forEach((span, index) => {
    span.className = characterClass(series?.[index] ?? 0, 0, false);
  });
}

function describeSide(side, truth) {
  const found = rowOf(side, side.cell);
  const r = truth && along(side, side.cell) ? correlation(along(side, side.cell), truth) : undefined;
  side.note.textContent = `${found ? `follows ${found.feature_words}` : "no finding"}${r === undefined ? "" : `; r ${signed(r)} with the feature in this text`}`;
}

function bestAlong(side, truth) {
  const cells = new Set([...Object.keys(side.excerpt.cells), ...side.grid.keys()]);
  const scored = [...cells].map((cell) => ({ cell, r: Math.abs(correlation(along(side, cell), truth)) }));
  return scored.sort((one, two) => two.r - one.r)[0];
}

function correlation(one, two) {
  const count = one.length;
  let a = 0,
    b = 0,
    aa = 0,
    bb = 0,
    ab = 0;
  for (let index = 0; index < count; index += 1) {
    a += one[index];
    b += two[index];
    aa += one[index] ** 2;
    bb += two[index] ** 2;
    ab += one[index] * two[index];
  }
  const spread = (aa - (a * a) / count) * (bb - (b * b) / count);
  return spread > 0 ? (ab - (a * b) / count) / Math.sqrt(spread) : 0;
}

function place(index) {
  for (const side of pair) side.spans[cursor.at].removeAttribute("data-here");
  cursor.at = bounded(index, 0, pair[0].spans.length - 1);
  for (const side of pair) side.spans[cursor.at].setAttribute("data-here", "");
  const told = pair.map((side) => `${side.name} ${side.cell}: tanh(c) ${signed(along(side, side.cell)?.[cursor.at])}`);
  find("#pair-readout").textContent = `${sign(pair[0].text[cursor.at])} \u2014 ${told.join("; ")}`;
  clearTimeout(hashTimer);
  hashTimer = setTimeout(
    () => history.replaceState(null, "", `#left=${pair[0].cell}&right=${pair[1].cell}&at=${cursor.at}`),
    120,
  );
}

function onArrow(event) {
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -40, ArrowDown: 40 };
  if (!(event.key in steps) || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  place(cursor.at + steps[event.key]);
  pair.forEach((side) => side.spans[cursor.at].scrollIntoView({ block: "nearest" }));
}

// Layer by layer and gate by gate, the left model's plot beside the right one's.
function drawGates() {
  const layers = range(Math.max(...pair.map((side) => side.network.layers.length)));
  const plots = layers.flatMap((place) =>
    ["input", "forget", "output"].flatMap((gate) =>
      pair.map((side) => {
        const layer = side.network.layers[place];
        const box = make("figure", { class: "chart" });
        if (layer?.gates[gate]) {
          const chart = saturationChart(layer, gate);
          drawChart(box, { ...chart, title: `${side.name}, layer ${layer.layer}: ${chart.title.toLowerCase()}` });
        }
        return box;
      }),
    ),
  );
  find("#pair-gates").replaceChildren(...plots);
}

async function startPair() {
  addColours();
  pair.forEach(buildSide);
  drawGates();
  for (const side of pair) if (side.excerpt.grid) side.grid = await unpack(side.excerpt.grid, side.text.length);
  pair.forEach(fillChoice);
  const wanted = new URLSearchParams(location.hash.slice(1));
  const first = (side) => side.choice.options[0]?.value ?? "";
  const known = (side, cell) => (cell && along(side, cell) ? cell : undefined);
  const led = pair.find((side) => side.rows.some((one) => along(side, one.cell))) ?? pair[0];
  pair.forEach((side) => choose(side, first(side), { alone: true }));
  choose(led, first(led));
  [known(pair[0], wanted.get("left")), known(pair[1], wanted.get("right"))].forEach(
    (cell, index) => cell && choose(pair[index], cell, { alone: true }),
  );
  place(Number.parseInt(wanted.get("at") ?? "0", 10) || 0);
}

startPair();
