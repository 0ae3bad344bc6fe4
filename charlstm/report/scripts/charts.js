// Small plots, all of one kind: a frame with two axes, marks on it, and the numbers behind it as a table

const FRAME = { width: 330, height: 212, left: 38, right: 10, top: 22, bottom: 38 };

// A plot has a title, what it shows in a sentence, a picture (an SVG), the names of its lines as [class, name] where
// it has several, and its numbers { head, rows }.
function drawChart(box, { title, note, picture, names = [], numbers }) {
  const table = make("details", {}, make("summary", {}, "Numbers"));
  // Tables are filled when they are opened: there are many, and most stay shut.
  table.addEventListener("toggle", () => {
    if (table.open && numbers && table.childElementCount === 1) table.append(numberTable(title, numbers()));
  });
  const name = make("figcaption", {}, make("strong", {}, title), make("span", {}, note));
  const keys_ = names.map(([line_, text]) => make("span", { class: `key ${line_}` }, lineSample(line_), text));
  box.replaceChildren(name, ...(keys_.length ? [make("p", { class: "key-line" }, ...keys_)] : []), picture, table);
  box.hidden = false;
}

const lineSample = (name) =>
  make(
    "svg:svg",
    { viewBox: "0 0 26 8", "aria-hidden": "true" },
    make("svg:path", { class: `line ${name}`, d: "M0 4H26" }),
  );

function numberTable(title, { head, rows }) {
  const line = (cells, name) =>
    make(
      "tr",
      {},
      ...cells.map((cell, place) =>
        make(
          name === "th" || place === 0 ? "th" : "td",
          { class: place && "number", scope: name === "th" ? "col" : place === 0 && "row" },
          typeof cell === "number" || cell === null || cell === undefined ? short(cell) : cell,
        ),
      ),
    );
  const table = make(
    "table",
    {},
    make("thead", {}, line(head, "th")),
    make("tbody", {}, ...rows.map((one) => line(one, "td"))),
  );
  return make("div", { class: "scroller", tabindex: 0, role: "region", "aria-label": `Numbers: ${title}` }, table);
}

// A frame over x and y, each [low, high]; marks are functions of its two scales that give SVG elements.
function plane({ x, y, xLabel, yLabel, label, frame = FRAME, marks, xTicks, yTicks }) {
  const { width, height, left, right, top, bottom } = { ...FRAME, ...frame };
  const across = (value) => left + ((value - x[0]) / (x[1] - x[0] || 1)) * (width - left - right);
  const up = (value) => height - bottom - ((value - y[0]) / (y[1] - y[0] || 1)) * (height - top - bottom);
  const picture = make("svg:svg", {
    viewBox: `0 0 ${width} ${height}`,
    role: "img",
    "aria-label": label,
    class: "chart-picture",
  });
  for (const value of yTicks ?? ticks(...y)) {
    picture.append(make("svg:path", { class: "grid", d: `M${left} ${up(value)}H${width - right}` }));
    picture.append(words(short(value), left - 7, up(value) + 4, "end"));
  }
  for (const value of xTicks ?? ticks(...x))
    picture.append(words(short(value), across(value), height - bottom + 17, "middle"));
  picture.append(words(xLabel, (left + width - right) / 2, height - 5, "middle", "axis-name"));
  picture.append(words(yLabel, 2, 9, "start", "axis-name"));
  marks.forEach((mark) => picture.append(...[mark(across, up)].flat()));
  return picture;
}

const words = (text, x, y, anchor = "start", name = "tick") =>
  make("svg:text", { x: x.toFixed(1), y: y.toFixed(1), "text-anchor": anchor, class: name }, text);

// Round values between two others, about five.
function ticks(low, high) {
  const rough = (high - low) / 4 || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough);
  const found = [];
  for (let value = Math.ceil(low / step - 1e-9) * step; value <= high + step * 1e-9; value += step)
    found.push(Number(value.toFixed(10)));
  return found;
}

// The range of all given values, a little wider.
function around(...series) {
  const all = series.flat().filter((value) => Number.isFinite(value));
  const low = Math.min(...all),
    high = Math.max(...all);
  const room = (high - low || 1) * 0.06;
  return [low - room, high + room];
}

const linePath = (xs, ys, across, up) => {
  let pen = "M";
  return xs
    .map((x, place) => {
      if (ys[place] === null || ys[place] === undefined) {
        pen = "M";
        return "";
      }
      const point = `${pen}${across(x).toFixed(1)} ${up(ys[place]).toFixed(1)}`;
      pen = "L";
      return point;
    })
    .join("");
};

const line = (xs, ys, name) => (across, up) =>
  make("svg:path", { class: `line ${name}`, d: linePath(xs, ys, across, up) });

const band = (xs, low, high, name) => (across, up) =>
  make("svg:path", {
    class: `band ${name}`,
    d: `${linePath(xs, low, across, up)}${linePath([...xs].reverse(), [...high].reverse(), across, up).replace("M", "L")}Z`,
  });

const dots =
  (xs, ys, name, size = 3.5) =>
  (across, up) =>
    xs.flatMap((x, place) =>
      ys[place] === null
        ? []
        : [
            make("svg:circle", {
              class: `dot ${name}`,
              cx: across(x).toFixed(1),
              cy: up(ys[place]).toFixed(1),
              r: size,
            }),
          ],
    );

const upright = (x, name) => (across) =>
  make("svg:path", {
    class: `rule ${name}`,
    d: `M${across(x).toFixed(1)} ${FRAME.top}V${FRAME.height - FRAME.bottom}`,
  });
const level = (y, name) => (across, up) =>
  make("svg:path", { class: `rule ${name}`, d: `M${FRAME.left} ${up(y).toFixed(1)}H${FRAME.width - FRAME.right}` });
const range = (count) => Array.from({ length: count }, (_, place) => place);
