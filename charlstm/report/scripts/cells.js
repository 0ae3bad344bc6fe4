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
  tell("cell");
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
