// How the chosen cell is wired, as a small diagram: drivers -> gates -> the cell -> the next character

const WIRING = { width: 720, height: 292, driver: 76, gate: 300, cell: 500, out: 650 };

function showMechanism(one) {
  const wiring = one.mechanism.weights ?? {};
  drawChart(find("#chart-mechanism"), {
    title: "How it is wired",
    note:
      "What a driver adds to each gate over the mean character, the gates' mean elsewhere \u2192 at drivers, and the characters that the " +
      "cell makes likelier (orange) and less likely (blue) while its c is high. Thicker lines: larger weights.",
    picture: make(
      "div",
      { class: "scroller wiring", tabindex: 0, role: "region", "aria-label": "Diagram of the cell's wiring" },
      wiringPicture(one, wiring),
    ),
    numbers: () => wiringNumbers(one, wiring),
  });
}

const spreadOut = (count, place) =>
  WIRING.height / 2 + 8 + (place - (count - 1) / 2) * Math.min(44, 232 / Math.max(1, count - 1));

function wiringPicture(one, wiring) {
  const picture = make("svg:svg", {
    viewBox: `0 0 ${WIRING.width} ${WIRING.height}`,
    role: "img",
    "aria-label": `Wiring of cell ${one.cell}; its numbers are in the table below`,
  });
  const drivers_ = Object.entries(wiring.from_driver ?? {}).slice(0, 6);
  const logits = Object.entries(wiring.to_logits ?? wiring.to_cells ?? {}).sort((one_, two) => two[1] - one_[1]);
  const shown = logits.length > 8 ? [...logits.slice(0, 4), ...logits.slice(-4)] : logits;
  [
    ["driver", WIRING.driver],
    ["gates", WIRING.gate],
    ["cell", WIRING.cell],
    [wiring.to_cells ? "cells above" : "next character", WIRING.out],
  ].forEach(([name, x]) => picture.append(words(name, x, 14, "middle", "axis-name")));
  drivers_.forEach(([driver, added], place) => wireDriver(picture, driver, added, spreadOut(drivers_.length, place)));
  GATES.forEach((gate, place) => wireGate(picture, one.mechanism, gate, spreadOut(4, place)));
  wireCell(picture, one, wiring.from_self ?? {});
  shown.forEach(([name, weight], place) =>
    wireOut(
      picture,
      name,
      weight,
      spreadOut(shown.length, place),
      Math.max(...shown.map(([, size]) => Math.abs(size))),
    ),
  );
  return picture;
}

function edge(from, to, weight, most) {
  const middle = (from[0] + to[0]) / 2;
  const width = (0.6 + 5 * Math.min(1, Math.abs(weight) / (most || 1))).toFixed(2);
  return make("svg:path", {
    class: `wire ${weight < 0 ? "below" : "above"}`,
    "stroke-width": width,
    d: `M${from[0]} ${from[1]}C${middle} ${from[1]} ${middle} ${to[1]} ${to[0]} ${to[1]}`,
  });
}

function wireDriver(picture, driver, added, y) {
  const most = Math.max(...Object.values(added).map(Math.abs), 6);
  GATES.forEach((gate, place) => {
    if (gate in added)
      picture.prepend(edge([WIRING.driver + 24, y], [WIRING.gate - 76, spreadOut(4, place)], added[gate], most));
  });
  picture.append(node(WIRING.driver, y, 40, Array.from(driver).map(sign).join(""), "code"));
}

function wireGate(picture, mechanism, gate, y) {
  const elsewhere = mechanism[`${gate}_gate`],
    there = mechanism[`${gate}_gate_at_drivers`];
  const value = [elsewhere, there]
    .filter(Number.isFinite)
    .map((mean) => mean.toFixed(2))
    .join(" \u2192 ");
  picture.prepend(
    make("svg:path", {
      class: "wire plain",
      d: `M${WIRING.gate + 76} ${y}C${WIRING.cell - 50} ${y} ${WIRING.cell - 60} ${WIRING.height / 2 + 8} ${WIRING.cell - 30} ${WIRING.height / 2 + 8}`,
    }),
  );
  picture.append(make("svg:rect", { class: "node", x: WIRING.gate - 76, y: y - 16, width: 152, height: 32, rx: 5 }));
  if (Number.isFinite(there ?? elsewhere))
    picture.append(
      make("svg:rect", { class: "fill", x: WIRING.gate - 76, y: y + 13, width: 152 * (there ?? elsewhere), height: 3 }),
    );
  picture.append(
    words(gate, WIRING.gate - 66, y + 4, "start", "label"),
    words(value, WIRING.gate + 66, y + 4, "end", "tick"),
  );
}

function wireCell(picture, one, self) {
  const y = WIRING.height / 2 + 8;
  picture.append(
    make("svg:circle", { class: "node", cx: WIRING.cell, cy: y, r: 30 }),
    words(one.cell, WIRING.cell, y + 5, "middle", "label"),
  );
  const own = GATES.filter((gate) => Math.abs(self[gate] ?? 0) >= 0.5).map((gate) => `${gate} ${signed(self[gate])}`);
  if (own.length) {
    picture.append(
      make("svg:path", {
        class: "wire plain",
        d: `M${WIRING.cell - 16} ${y + 26}C${WIRING.cell - 30} ${y + 74} ${WIRING.cell + 30} ${y + 74} ${WIRING.cell + 16} ${y + 26}`,
      }),
    );
    own.forEach((text, place) =>
      picture.append(words(`own h: ${text}`, WIRING.cell, y + 78 + 15 * place, "middle", "tick")),
    );
  }
}

function wireOut(picture, name, weight, y, most) {
  picture.prepend(edge([WIRING.cell + 30, WIRING.height / 2 + 8], [WIRING.out - 24, y], weight, most));
  picture.append(
    node(WIRING.out, y, 40, sign(name), "code"),
    words(signed(weight), WIRING.out + 28, y + 4, "start", "tick"),
  );
}

function node(x, y, width, text, name) {
  const group = make("svg:g", {});
  const wide = Math.max(width, Array.from(text).length * 9 + 12);
  group.append(
    make("svg:rect", { class: "node", x: x - wide / 2, y: y - 12, width: wide, height: 24, rx: 4 }),
    words(text, x, y + 5, "middle", name),
  );
  return group;
}

function wiringNumbers(one, wiring) {
  const gates = GATES.map((gate) => [
    `${gate} gate, mean elsewhere and at drivers`,
    one.mechanism[`${gate}_gate`],
    one.mechanism[`${gate}_gate_at_drivers`],
  ]).filter((line_) => Number.isFinite(line_[1]));
  const added = Object.entries(wiring.from_driver ?? {}).flatMap(([driver, of]) =>
    GATES.map((gate) => [`${sign(driver)} adds to ${gate}`, of[gate], ""]),
  );
  const own = GATES.map((gate) => [`its own h, to ${gate}`, wiring.from_self?.[gate], ""]);
  const cells_ = Object.entries(wiring.from_cells ?? {}).flatMap(([gate, of]) =>
    Object.entries(of).map(([cell, weight]) => [`h of ${cell}, to ${gate}`, weight, ""]),
  );
  const out = Object.entries(wiring.to_logits ?? wiring.to_cells ?? {}).map(([name, weight]) => [
    `to ${sign(name)}`,
    weight,
    "",
  ]);
  return { head: ["what", "weight or mean", "at drivers"], rows: [...gates, ...added, ...own, ...cells_, ...out] };
}
