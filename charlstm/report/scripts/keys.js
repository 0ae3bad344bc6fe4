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
  ArrowUp: () => moveTo(lineNeighbour(spans, state.at, -1), { focus: true }),
  ArrowDown: () => moveTo(lineNeighbour(spans, state.at, 1), { focus: true }),
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
