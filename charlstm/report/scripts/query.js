// A passage of the text -> the cells that are on there and off around it, over the cells that are stored

const MOST_ANSWERS = 12;
// The passage is compared with as much text on each side as it has itself, and so much at least.
const LEAST_AROUND = 20;

const passage = () =>
  state.to === undefined ? undefined : [Math.min(state.at, state.to), Math.max(state.at, state.to)];

// The end that stays is where the cursor was when the passage began.
function extendPassage() {
  state.to ??= state.at;
}

function dropPassage() {
  if (state.to === undefined) return;
  state.to = undefined;
  findAll("#text .passage").forEach((span) => span.classList.remove("passage"));
  find("#query").hidden = true;
}

function markPassage(end) {
  state.to = bounded(end, 0, spans.length - 1);
  showPassage();
  rememberView();
}

function showPassage() {
  const [first, last] = passage();
  spans.forEach((span, index) => span.classList.toggle("passage", index >= first && index <= last));
  answerQuery(first, last);
}

function answerQuery(first, last) {
  const around = Math.max(LEAST_AROUND, last - first + 1);
  const before = Math.max(0, first - around);
  const after = Math.min(characters.length, last + 1 + around);
  const answers = [...(grids[state.excerpt] ?? [])].map(([cell, stored]) => ({
    cell,
    ...tellApart(stored, before, first, last + 1, after),
  }));
  answers.sort((one, two) => two.agreement - one.agreement || two.step - one.step);
  showAnswers(answers.slice(0, MOST_ANSWERS), answers.length, first, last, around);
}

// How well the side of its threshold that a cell is on tells the passage from what is around it, in [0.5, 1].
function tellApart({ values: series, threshold }, before, first, stop, after) {
  let inside = 0,
    outside = 0,
    meanInside = 0,
    meanOutside = 0;
  for (let index = before; index < after; index += 1) {
    const within = index >= first && index < stop;
    const on = series[index] > threshold ? 1 : 0;
    if (within) {
      inside += on;
      meanInside += series[index];
    } else {
      outside += on;
      meanOutside += series[index];
    }
  }
  const length = stop - first;
  const rest = Math.max(1, after - before - length);
  const high = (inside / length + 1 - outside / rest) / 2;
  return {
    agreement: Math.max(high, 1 - high),
    side: high >= 0.5 ? "high" : "low",
    inside: meanInside / length,
    outside: meanOutside / rest,
    step: Math.abs(meanInside / length - meanOutside / rest),
  };
}

function showAnswers(answers, stored, first, last, around) {
  find("#query").hidden = false;
  const text = characters.slice(first, last + 1);
  find("#query-text").textContent = text.slice(0, 40).map(sign).join("") + (text.length > 40 ? "\u2026" : "");
  find("#query-note").textContent = answers.length
    ? `Over ${stored} stored cells, against ${around} characters on each side. Agreement is the mean of two shares: of the ` +
      "passage where the cell is on the named side of its threshold, and of the text around where it is not."
    : "The cells' values are not in this page, or are still being unpacked.";
  find("#query tbody").replaceChildren(...answers.map(answerLine));
}

function answerLine(answer) {
  const found = data.rows.find((one) => one.cell === answer.cell);
  const button = make("button", { type: "button" }, answer.cell);
  button.addEventListener("click", () => chooseCell(answer.cell));
  const number = (value) => make("td", { class: "number" }, value);
  return make(
    "tr",
    {},
    make("th", { scope: "row" }, button),
    make("td", {}, answer.side),
    number(answer.agreement.toFixed(2)),
    number(signed(answer.inside)),
    number(signed(answer.outside)),
    make("td", {}, found ? found.feature_words : "no finding"),
  );
}

function listenToPassage(placeOf) {
  const box = find("#text");
  let dragging = false;
  box.addEventListener("pointerdown", (event) => {
    // A finger scrolls the text; a passage is dragged with a mouse or a pen.
    dragging = event.pointerType !== "touch" && event.button === 0 && placeOf(event) !== undefined;
    if (!dragging) return;
    event.preventDefault();
    moveTo(placeOf(event), { focus: true, extend: event.shiftKey });
  });
  box.addEventListener("pointermove", (event) => {
    const place = placeOf(event);
    if (dragging && place !== undefined && place !== state.at) moveTo(place, { focus: true, extend: true });
  });
  document.addEventListener("pointerup", () => {
    dragging = false;
  });
  find("#query-close").addEventListener("click", () => {
    dropPassage();
    rememberView();
    spans[state.at].focus();
  });
}
