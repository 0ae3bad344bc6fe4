// c, the gates and the feature along the text, under one cursor; below them the whole excerpt

const tracks = [
  {
    name: "c",
    series: () => fractions("c_thousandths", 1000) ?? values(),
    label: () => (recorded()?.c_thousandths ? "c" : "tanh(c)"),
  },
  { name: "input", series: () => fractions("input_hundredths", 100), top: 1 },
  { name: "forget", series: () => fractions("forget_hundredths", 100), top: 1 },
  { name: "candidate", series: () => fractions("candidate_hundredths", 100) },
  { name: "output", series: () => fractions("output_hundredths", 100), top: 1 },
  { name: "feature", series: () => truths(), label: () => row().feature_words },
];

function fractions(line, parts) {
  return recorded()?.[line]?.map((value) => (value === null ? null : value / parts));
}

// The largest size of a series, 1 at least: c and a depth have scales of their own, tanh and gates do not.
const reach = (series) => series.reduce((most, value) => Math.max(most, Math.abs(value ?? 0)), 1);
const isCentred = (name) => name === "c" || name === "candidate";

function buildTracks() {
  const lines = tracks.map((track) => {
    const name = make("span", { class: "track-name" });
    const figure = make("span", { class: "track-value" });
    track.label_box = name;
    track.value_box = figure;
    track.cursor = make("svg:rect", { class: "cursor", y: -1.1, height: 2.2, width: 1 });
    track.above = make("svg:path", { class: "above" });
    track.below = make("svg:path", { class: "below" });
    track.curve = make("svg:path", { class: "curve" });
    track.picture = make(
      "svg:svg",
      { preserveAspectRatio: "none", "aria-hidden": "true" },
      track.cursor,
      track.above,
      track.below,
      track.curve,
    );
    track.line = make("div", { class: `track track-${track.name}` }, name, track.picture, figure);
    return track.line;
  });
  find("#tracks").replaceChildren(...lines);
}

function plot() {
  for (const track of tracks) {
    track.drawn = track.series();
    track.line.hidden = track.drawn === undefined;
    if (track.line.hidden) continue;
    track.scale = track.top ?? reach(track.drawn);
    track.label_box.textContent = track.label?.() ?? track.name;
  }
  find(".overview .curve").setAttribute("d", values() ? stepPath(values(), 0, 1) : "");
  find(".overview .truth").setAttribute("d", truths() ? areaPath(truths()) : "");
  find(".overview svg").setAttribute("viewBox", `0 -1.08 ${characters.length} 2.16`);
  const top = truths() && !isBinary(truths()) ? `, 0 to ${Math.max(...truths())}` : "";
  find("#truth-name").textContent = truths() ? row().feature_words + top : "no feature";
}

function stepPath(series, start, scale) {
  return Array.from(
    series,
    (value, index) =>
      `${index ? "V" : `M${start} `}${Math.round((-1000 * (value ?? 0)) / scale) / 1000}H${start + index + 1}`,
  ).join("");
}

function areaPath(series) {
  const top = Math.max(1, ...series);
  const steps = series.map((value) => 1.08 - (2.16 * (value ?? 0)) / top);
  return "M0 1.08" + steps.map((y, index) => `V${Math.round(1000 * y) / 1000}H${index + 1}`).join("") + "V1.08Z";
}

function closeUp() {
  const wide = Math.max(16, Math.floor(find("#ticker").clientWidth / 11));
  const count = Math.min(characters.length, wide);
  const start = bounded(state.at - Math.floor(count / 2), 0, characters.length - count);
  tracks.filter((track) => !track.line.hidden).forEach((track) => drawTrack(track, start, count));
  find(".overview .cursor").setAttribute("d", `M${state.at + 0.5} -1.08V1.08`);
  find(".frame").setAttribute("x", start);
  find(".frame").setAttribute("width", count);
  drawTicker(start, count);
}

function drawTrack(track, start, count) {
  const shown = Array.from(track.drawn.slice(start, start + count));
  const part = (sign_) => shown.map((value) => Math.max(0, sign_ * (value ?? 0)) * sign_);
  const filled = (series) => `${stepPath(series, start, track.scale)}V0H${start}Z`;
  track.picture.setAttribute(
    "viewBox",
    isCentred(track.name) ? `${start} -1.1 ${count} 2.2` : `${start} -1.1 ${count} 1.1`,
  );
  track.cursor.setAttribute("x", state.at);
  track.above.setAttribute("d", filled(part(1)));
  track.below.setAttribute("d", isCentred(track.name) ? filled(part(-1)) : "");
  track.curve.setAttribute("d", stepPath(shown, start, track.scale));
}

function drawTicker(start, count) {
  const ticker = find("#ticker");
  while (ticker.childElementCount > count) ticker.lastElementChild.remove();
  while (ticker.childElementCount < count) ticker.append(document.createElement("span"));
  [...ticker.children].forEach((span, offset) => {
    const character = characters[start + offset];
    span.textContent = character === " " ? "\u00a0" : sign(character);
    span.className = spans[start + offset].classList.contains("driver") ? "driver" : "";
    span.classList.toggle("here", start + offset === state.at);
  });
}

function readTracks(index) {
  for (const track of tracks) {
    if (!track.line.hidden)
      track.value_box.textContent =
        track.name === "feature"
          ? short(track.drawn[index])
          : signed(track.drawn[index]).replace("+", isCentred(track.name) ? "+" : "");
  }
}
