// The model inside: what is written, which cell is watched, how it is held

const live = {
  about: JSON.parse(find("#model-data")?.textContent ?? "null"),
  network: undefined,
  reading: undefined,
  units: [],
  spans: [],
  at: -1,
  cell: { layer: 0, cell: 0 },
  natural: undefined,
  held: undefined,
  given: undefined,
  mark: undefined,
  busy: false,
  turn: 0,
  drawing: 0,
  timer: 0,
  following: 0,
  waking: undefined,
};
const MOST_WRITTEN = 8000;
const LEAST_TOLD = 0.02;

const cellName = ({ layer, cell }) => `${layer}:${cell}`;
const known = () => live.about.cells[cellName(live.cell)];
const holding = () => find("#live-hold :checked").value;

function startLive() {
  if (!live.about) return;
  fillCells();
  listenToLive();
  followers.cell.push(followCell, offerFlip);
  addressed.push({ write: liveAddress, read: readLiveAddress });
  // The weights wait until the reader comes near: unpacking them would delay the first sight of the page.
  const near = new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && wake(), {
    rootMargin: "300px",
  });
  near.observe(find("#model"));
}

// The network, unpacked once.
function wake() {
  return (live.waking ??= unpackLive().catch((error) => {
    find("#live-status").textContent =
      `The network cannot be unpacked here: ${error.message}. A newer browser may do it.`;
  }));
}

async function unpackLive() {
  find("#live-status").textContent = "Unpacking the network…";
  const { header } = live.about;
  live.network = await buildNetwork(header, await unpackedWeights(header, find("#weights").textContent));
  live.reading = emptyReading(live.network);
  await readLive();
}

// A stretch of the excerpt around a place, from the beginning of a line on, and where the place is in it.
function stretch(place, { before = 300, after = 120 } = {}) {
  const from = Math.max(0, place - before);
  const line = from && characters.indexOf("\n", from) + 1;
  const start = line > place - 60 ? from : line;
  return { text: characters.slice(start, place + after).join(""), start };
}

// Read what is written, from the first character that is new; the mark goes to the end, or where it was wished.
async function readLive() {
  if (!live.network) return wake();
  const turn = ++live.turn;
  const wanted = () => turn === live.turn;
  const all = unitsOf(live.network, find("#live-text").value);
  const most = Math.min(MOST_WRITTEN, mostCharacters(live.network));
  const units = all.slice(0, most);
  find("#live-status").textContent = "Reading…";
  live.busy = true;
  if (
    !(await readIds(
      live.reading,
      units.map(({ id }) => id),
      wanted,
    ))
  )
    return;
  if (!(await drawUnits(units, wanted))) return;
  live.busy = false;
  moveLive(live.mark ?? units.length - 1);
  live.mark = undefined;
  find("#live-status").textContent = readWords(units, all.length);
}

function readWords(units, written) {
  const { bits } = live.reading;
  const cost = bits.slice(1).reduce((sum, one) => sum + one, 0) / (bits.length - 1);
  const strangers = units.filter(({ kind }) => kind === "unknown").length;
  return [
    `${units.length.toLocaleString("en")} ${live.network.level} read`,
    bits.length > 1 && `${cost.toFixed(2)} bits per character`,
    units.length < written && `the rest is too long for this panel`,
    strangers && `${strangers} not in the vocabulary, read as another`,
  ]
    .filter(Boolean)
    .join(" · ");
}

// The cells

function fillCells() {
  const { header, cells } = live.about;
  const group = (label, names) => {
    const group = document.createElement("optgroup");
    group.label = label;
    group.append(...names.map((name) => new Option(cells[name] ? `${name} · ${cells[name].words}` : name, name)));
    return group;
  };
  const found = Object.keys(cells);
  const layers = Array.from({ length: header.layers }, (_, layer) =>
    group(
      `all cells of layer ${layer}`,
      Array.from({ length: header.cells }, (_, cell) => cellName({ layer, cell })),
    ),
  );
  find("#live-cell").replaceChildren(...(found.length ? [group("with a finding", found)] : []), ...layers);
}

function chooseLive(name) {
  const [layer, cell] = name.split(":").map(Number);
  live.cell = { layer, cell };
  find("#live-cell").value = name;
  find("#live-what").textContent = known()
    ? `${known().words}${known().verdict && `, ${known().verdict}`}`
    : "no finding about it";
  if (!live.network || live.busy) return showSettings();
  paintLive();
  moveLive(live.at);
}

// Stepping through the cells above stays as quick as without the model: this follows when the hand is still.
function followCell() {
  clearTimeout(live.following);
  if (live.network) live.following = setTimeout(() => chooseLive(row().cell), 120);
  else chooseLive(row().cell);
}

// What on and off are of the cell: as found, or else the edges of what it did in this text.
function levels() {
  if (known()?.levels) return { ...known().levels, found: true };
  const states = live.reading ? cellStates(live.reading, live.cell).sort((one, two) => one - two) : [];
  const at = (share) => states[Math.round(share * (states.length - 1))] ?? 0;
  const [low, high] = [at(0.05), at(0.95)];
  return known()?.polarity < 0 ? { off: high, on: low, found: false } : { off: low, on: high, found: false };
}

// What is held, as the forward pass takes it; nothing where the cell is left alone.
function holds() {
  const value = { off: levels().off, on: levels().on, at: Number(find("#live-range").value) }[holding()];
  return value === undefined ? [] : [{ ...live.cell, value }];
}

// Holding

function showSettings() {
  const { off, on, found } = levels();
  const [offLevel, onLevel] = findAll("#live-hold .level");
  offLevel.textContent = signed(off);
  onLevel.textContent = signed(on);
  find("#live-source").textContent = found
    ? "On and off are the cell's two levels, as found."
    : "Its levels are not known: on and off are the highest and lowest that c comes to in your text.";
  const reach = Math.max(2, Math.ceil(1.5 * Math.max(Math.abs(off), Math.abs(on))));
  Object.assign(find("#live-range"), { min: -reach, max: reach });
  find("#live-value").textContent = signed(Number(find("#live-range").value));
  find("#live-heat").textContent = Number(find("#live-temperature").value).toFixed(2);
}

function holdCell(how) {
  find(`#live-hold [value="${how}"]`).checked = true;
  settingsChanged();
}

function settingsChanged() {
  showSettings();
  if (live.network) moveLive(live.at);
}

// The state before the marked character and that character; with nothing written, a line break as `sample` has it.
function marked() {
  const { network, reading } = live;
  if (live.at >= 0) return { state: stateAfter(reading, live.at), id: reading.ids[live.at] };
  return { state: emptyState(network), id: Math.max(0, network.symbols.indexOf("\n")) };
}

function probabilitiesAt({ state, id }, held) {
  const after = { h: copied(state.h), c: copied(state.c) };
  readCharacter(live.network, after, id, held);
  return nextProbabilities(live.network, after);
}

// The continuations, once the hand is still.
function readOnSoon() {
  clearTimeout(live.timer);
  live.timer = setTimeout(readOn, 80);
}

async function readOn() {
  const turn = ++live.drawing;
  const wanted = () => turn === live.drawing;
  const { state, id } = marked();
  const settings = {
    once: find("#live-once").checked,
    length: Number(find("#live-length").value),
    temperature: Number(find("#live-temperature").value),
    seed: Math.trunc(Number(find("#live-seed").value)) || 0,
  };
  const held = holds();
  const natural = await goOn(live.network, state, id, { ...settings, held: [] }, wanted);
  const changed = natural && held.length ? await goOn(live.network, state, id, { ...settings, held }, wanted) : natural;
  if (!changed || !wanted()) return;
  Object.assign(live, { natural, held: held.length ? changed : undefined });
  drawRuns();
}

// The switch in the cell's card

function offerFlip() {
  const button = find("#flip");
  if (!button) return;
  button.hidden = !live.about.cells[row().cell];
  button.textContent =
    live.about.cells[row().cell]?.verdict === "verified"
      ? "Flip this switch in the model"
      : "Hold this cell in the model";
}

// The chosen cell in a passage of the excerpt, held where that changes most: off where it is on, else on.
async function flip() {
  const { text, start } = stretch(state.at, { before: 300, after: 300 });
  find("#live-text").value = text;
  clearTimeout(live.following);
  holdCell("free");
  chooseLive(row().cell);
  find("#model").scrollIntoView();
  await wake();
  await readLive();
  const on = (index) => (truths()?.[start + index] ?? 0) > 0;
  const lit = [...live.units.keys()].filter((index) => [0, 1, 2].every((back) => on(index - back)));
  const places = lit.length ? lit : [...live.units.keys()];
  const place = await placeOfEffect(places, levels()[lit.length ? "off" : "on"]);
  if (place === undefined) return;
  moveLive(place);
  holdCell(lit.length ? "off" : "on");
  find("#live-source").textContent += " The mark stands where this changes the next character most in the passage.";
  find("#live-hold :checked").focus({ preventScroll: true });
}

// Of some places, the one where holding the cell at a value moves most of the next character's probability.
async function placeOfEffect(places, value) {
  const turn = live.turn;
  let [best, most] = [places[0], -1];
  const whole = await inSlices(
    0,
    places.length,
    (number) => {
      const index = places[number];
      const before = { state: stateAfter(live.reading, index), id: live.reading.ids[index] };
      const natural = nextProbabilities(live.network, stateAfter(live.reading, index + 1));
      const held = probabilitiesAt(before, [{ ...live.cell, value }]);
      const moved = natural.reduce((sum, share, id) => sum + Math.abs(share - held[id]), 0);
      if (moved > most) [best, most] = [index, moved];
    },
    () => turn === live.turn,
  );
  return whole ? best : undefined;
}
