// The cell that is looked at

function chooseRow(index) {
  state.row = index;
  find("#table tr[aria-current]")?.removeAttribute("aria-current");
  const line = find(`#table tr[data-row="${index}"]`);
  line?.setAttribute("aria-current", "true");
  if (line) scrollTableTo(line);
  showCell(line);
}

// Any cell by its name, with a finding or without.
function chooseCell(name) {
  const found = data.rows.findIndex((one) => one.cell === name);
  if (found < 0) state.loose = looseRow(name);
  chooseRow(found);
}

function showCell(line) {
  if (!reading || !row()) return;
  const other = values() ? -1 : data.excerpts.findIndex((one) => row().cell in one.cells);
  if (other >= 0) chooseExcerpt(other);
  drivers = driverPositions();
  paint();
  plot();
  nameCell(line);
  fillValues();
  refreshCursor();
  tell("cell");
}

function refreshCursor() {
  const passage = state.to;
  moveTo(state.at);
  if (passage !== undefined) markPassage(passage);
}

function scrollTableTo(line) {
  const box = line.closest(".scroller");
  const head = find("#table thead").offsetHeight;
  if (line.offsetTop < box.scrollTop + head) box.scrollTop = line.offsetTop - head;
  const over = line.offsetTop + line.offsetHeight - box.scrollTop - box.clientHeight;
  if (over > 0) box.scrollTop += over;
}

function nameCell(line) {
  findAll(".chosen").forEach((place) => { place.textContent = row().cell; });
  find("#chosen-kind").textContent = line ? line.querySelector(".kind").textContent : "no finding";
  find("#chosen-feature").textContent = row().feature_words || "follows no feature that was tested";
  find("#chosen-drivers").replaceChildren(...(line ? line.querySelector(".drivers").cloneNode(true).childNodes : []));
}

function fillValues() {
  if (!find("#values").open) return;
  const shown = tracks.filter((track) => track.drawn !== undefined);
  const lines = characters.map((character, index) => [
    excerpt().start + index, sign(character), signed(values()?.[index]), ...shown.map((track) => track.drawn[index]),
  ].join("\t"));
  const head = ["position", "character", "tanh(c)", ...shown.map((track) => track.label?.() ?? track.name)];
  find("#values pre").textContent = [head.join("\t"), ...lines].join("\n");
}

function chooseExcerpt(index) {
  state.excerpt = index;
  state.at = 0;
  state.to = undefined;
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
