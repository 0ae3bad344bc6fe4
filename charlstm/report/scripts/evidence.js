// What is known of the chosen cell: how it moves, what rests on it, how it is wired

const EVENTS = { set: "goes on", reset: "goes off", step: "goes up", unstep: "goes down" };

function showEvidence() {
  const one = row();
  const box = find("#evidence");
  if (!box) return;
  findAll("#evidence .chart, #evidence .panel").forEach((place) => {
    place.hidden = true;
  });
  box.classList.toggle("bare", !one.portrait && !one.proof && !one.mechanism);
  if (one.told) showTold(one.told);
  if (one.portrait) showPortrait(one, one.portrait);
  if (one.survival) drawChart(find("#chart-survival"), survivalChart(one));
  if (one.proof) showProof(one.proof);
  if (one.mechanism) showMechanism(one);
  showNumbers(one);
}

function showTold(told) {
  const box = find("#chart-told");
  box.replaceChildren(
    make("figcaption", {}, make("strong", {}, "In words")),
    ...told.map((sentence) => make("p", {}, ...sentence.map(([text, code]) => (code ? make("code", {}, text) : text)))),
  );
  box.hidden = false;
}

function showPortrait(one, portrait) {
  if (Object.values(portrait.trace.events).some((event) => event.count))
    drawChart(find("#chart-trace"), traceChart(one, portrait.trace));
  drawChart(find("#chart-histogram"), histogramChart(one, portrait.histogram));
  if (portrait.staircase?.count.length > 1)
    drawChart(find("#chart-staircase"), staircaseChart(one, portrait.staircase));
  showExcerpts(one, portrait.excerpts);
}

function traceChart(one, { first, events }) {
  const shown = Object.entries(events).filter(([, event]) => event.count);
  const xs = range(shown[0][1].mean.length).map((place) => place + first);
  const [low, high] = around(...shown.flatMap(([, event]) => [event.low, event.high]));
  const name = (key) => (one.kind === "counter" && key === "reset" ? "starts again" : (EVENTS[key] ?? key));
  const marks = shown.flatMap(([, event], place) => [
    band(xs, event.low, event.high, place ? "second" : "first"),
    line(xs, event.mean, place ? "second" : "first"),
  ]);
  return {
    title: "Around the driver",
    note: `Mean c, with its quartiles, from ${-first} characters before the feature moves.`,
    picture: plane({
      x: [xs[0], xs[xs.length - 1]],
      y: [low, high],
      xLabel: "characters from the event",
      yLabel: "c",
      label: "Mean c around the events of the feature",
      marks: [upright(0, ""), ...marks],
    }),
    names: shown.map(([key, event], place) => [
      place ? "second" : "first",
      `${name(key)}, ${event.count.toLocaleString("en")} times`,
    ]),
    numbers: () => ({
      head: ["characters", ...shown.flatMap(([key]) => [`${name(key)}: mean`, "lower quartile", "upper quartile"])],
      rows: xs.map((x, place) => [
        x,
        ...shown.flatMap(([, event]) => [event.mean[place], event.low[place], event.high[place]]),
      ]),
    }),
  };
}

function histogramChart(one, levels) {
  const names = Object.keys(levels);
  const bins = levels[names[0]].length;
  const high = 160 / names.length;
  const picture = make("svg:svg", {
    viewBox: `0 0 ${FRAME.width} ${FRAME.height}`,
    role: "img",
    class: "chart-picture",
    "aria-label": "How often tanh(c) takes each value, by level of the feature",
  });
  names.forEach((name, place) => {
    const most = Math.max(1, ...levels[name]);
    const floor = 14 + high * (place + 1);
    levels[name].forEach((count, bin) => {
      const size = ((high - 16) * count) / most;
      const share = (2 * bin + 1) / bins - 1;
      if (count)
        picture.append(
          make("svg:rect", {
            class: `bin level${Math.round(share * 100)}`,
            x: 86 + (bin * 236) / bins,
            y: floor - size,
            width: 236 / bins,
            height: Math.max(0.8, size),
          }),
        );
    });
    picture.append(make("svg:path", { class: "grid", d: `M86 ${floor}H322` }));
    picture.append(words(name, 80, floor - 4, "end", "label"));
  });
  [-1, -0.5, 0, 0.5, 1].forEach((value) =>
    picture.append(words(short(value), 204 + value * 118, 14 + 160 + 15, "middle")),
  );
  picture.append(words("tanh(c), in the colours of the text", 204, FRAME.height - 5, "middle", "axis-name"));
  const total = (counts) => counts.reduce((sum, count) => sum + count, 0);
  return {
    title: "Values by level",
    note: `Where tanh(c) lies while ${one.feature_words || "the feature"} is at each level; each row to its own height.`,
    picture,
    numbers: () => ({
      head: ["tanh(c) from", ...names.map((name) => `${name} (${total(levels[name]).toLocaleString("en")})`)],
      rows: range(bins).map((bin) => [(2 * bin) / bins - 1, ...names.map((name) => levels[name][bin])]),
    }),
  };
}

function staircaseChart(one, { count, mean, low, high }) {
  const xs = range(mean.length);
  const counter = one.kind === "counter";
  return {
    title: "Staircase",
    note: counter ? "Mean c, with its quartiles, by steps since the reset." : "Mean c, with its quartiles, by depth.",
    picture: plane({
      x: [-0.3, xs.length - 0.7],
      y: around(low, high),
      xLabel: counter ? "steps since the reset" : "depth",
      yLabel: "c",
      label: "Mean c by value of the feature",
      xTicks: xs.length < 9 ? xs : undefined,
      marks: [band(xs, low, high, "first"), line(xs, mean, "first"), dots(xs, mean, "first", xs.length > 30 ? 2 : 3.5)],
    }),
    numbers: () => ({
      head: [counter ? "steps" : "depth", "mean c", "lower quartile", "upper quartile", "times"],
      rows: xs.map((x) => [x, mean[x], low[x], high[x], count[x]]),
    }),
  };
}

function survivalChart(one) {
  const xs = range(one.survival.length);
  return {
    title: "Survival",
    note: "Share of times the cell is still on, so many characters after the feature went on and while it stays on.",
    picture: plane({
      x: [0, xs.length - 1],
      y: [0, 1],
      xLabel: "characters since it went on",
      yLabel: "share on",
      label: "Share of times the cell is still on",
      marks: [line(xs, one.survival, "first")],
    }),
    numbers: () => ({ head: ["characters", "share on"], rows: xs.map((x) => [x, one.survival[x]]) }),
  };
}

const KINDS_OF_EXCERPT = {
  strongest: ["Follows best", "where it goes along with the feature most closely"],
  weakest: ["Follows faintly", "where it moves the right way by the smallest step"],
  counter_example: ["Counter-example", "where it goes along least, or against"],
};

function showExcerpts(one, excerpts) {
  const shown = Object.entries(KINDS_OF_EXCERPT).filter(([name]) => excerpts[name]);
  find("#excerpts").hidden = shown.length === 0;
  find("#excerpts div").replaceChildren(
    ...shown.map(([name, [title, why]]) => {
      const found = excerpts[name];
      const box = make("div", {
        class: "coloured small",
        tabindex: 0,
        role: "group",
        "aria-label": `${title}: text coloured by tanh(c)`,
      });
      showColoured(box, found.text, found.tanh_c, isBinary(found.feature) ? found.feature : undefined);
      const said = `${why}: r ${short(found.r)} here, c moves ${signed(found.step)} with the feature; from character ${found.start.toLocaleString("en")}`;
      return make("figure", {}, make("figcaption", {}, make("strong", {}, title), make("span", {}, said)), box);
    }),
  );
}

function showNumbers(one) {
  const facts = one.numbers.map(([label, value]) => make("div", {}, make("dt", {}, label), make("dd", {}, value)));
  find("#numbers dl").replaceChildren(...facts);
  find("#numbers").hidden = facts.length === 0;
}

// Behind the text, which has to keep up with a held key.
let evidenceTimer = 0;
followers.cell.push(() => {
  clearTimeout(evidenceTimer);
  evidenceTimer = setTimeout(showEvidence, 0);
});
