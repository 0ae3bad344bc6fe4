// Keys and pointers

const keys = {
  j: () => stepRow(1),
  k: () => stepRow(-1),
  n: () => moveToDriver(1),
  p: () => moveToDriver(-1),
  "/": () => find("#filter").focus(),
  "?": showHelp,
};
const arrows = {
  ArrowLeft: () => state.at - 1,
  ArrowRight: () => state.at + 1,
};
const textKeys = {
  ArrowUp: () => lineAway(spans, state.at, -1),
  ArrowDown: () => lineAway(spans, state.at, 1),
  Home: () => 0,
  End: () => spans.length - 1,
};

// Not by the attribute autofocus: a page that is still loading obeys it, too, and complains if it cannot.
function showHelp() {
  find("#help").showModal();
  find("#help button").focus();
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || find("#help").open) return;
  if (event.target.closest("input, select, textarea, [contenteditable]")) return;
  const action = keyAction(event);
  if (!action) return;
  event.preventDefault();
  action();
}

function keyAction(event) {
  const { key } = event;
  const letter = find("#letters").checked ? keys[key] : undefined;
  if (key === "?") return letter;
  if (letter) return letterAllowed(key) ? letter : undefined;
  if (!reading || !row()) return undefined;
  if (key === "Escape" && state.to !== undefined) return () => { dropPassage(); rememberView(); };
  return movement(event);
}

function letterAllowed(key) {
  return key === "n" || key === "p" ? reading && row() !== undefined : data.rows.length > 0;
}

function movement({ key, shiftKey, target }) {
  // Inside a scrolling table the arrows scroll it, in a form they change the field.
  const arrow = target.closest(".scroller, pre, form") ? undefined : arrows[key];
  const place = arrow ?? (target.closest("#text") ? textKeys[key] : undefined);
  return place && (() => moveTo(place(), { focus: true, extend: shiftKey }));
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
  const current = find("#table tr[aria-current]") ?? first;
  (current.hidden ? first : current).querySelector("button").focus();
}

function listenToText() {
  const box = find("#text");
  const placeOf = (event) => {
    const at = event.target.closest?.("[data-at]")?.dataset.at;
    return at === undefined ? undefined : Number(at);
  };
  box.addEventListener("click", (event) => {
    if (placeOf(event) !== undefined && state.to === undefined) moveTo(placeOf(event), { focus: true });
  });
  box.addEventListener("pointerover", (event) => readOut(placeOf(event) ?? state.at));
  box.addEventListener("pointerleave", () => readOut(state.at));
  listenToPassage(placeOf);
  find(".overview svg").addEventListener("click", goToPlace);
  find("#tracks").addEventListener("click", goToTrack);
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

function goToTrack(event) {
  const picture = event.target.closest("svg");
  if (!picture) return;
  const { left, width } = picture.getBoundingClientRect();
  const { x, width: count } = picture.viewBox.baseVal;
  moveTo(Math.floor(x + ((event.clientX - left) / width) * count));
  scrollTextOnly(spans[state.at]);
}
