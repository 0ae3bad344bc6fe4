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
