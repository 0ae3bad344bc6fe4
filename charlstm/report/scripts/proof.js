// What rests on the chosen cell: effects of changing it beside those of matched cells, and dose and response

function showProof(proof) {
  drawChart(find("#chart-effect"), effectChart(proof));
  if (proof.dose_response?.length) drawChart(find("#chart-dose"), doseChart(proof));
}

function effectRows(proof) {
  const controls = proof.control_effects ?? {};
  const others = Object.entries(proof.others).filter(([, nats]) => nats !== null);
  const names = { hold: "held there", resample: "other own value", insertion: "on elsewhere" };
  return {
    controls,
    bars: [["this cell", proof.effect_nats], ...others.map(([name, nats]) => [names[name] ?? name, nats])],
  };
}

function effectChart(proof) {
  const { controls, bars } = effectRows(proof);
  const sizes = [...bars.map(([, nats]) => Math.abs(nats)), controls.max ?? 0];
  const most = Math.max(...sizes) * 1.16 || 1;
  const across = (nats) => 116 + (nats / most) * 206;
  const picture = make("svg:svg", {
    viewBox: `0 0 ${FRAME.width} ${FRAME.height}`,
    role: "img",
    class: "chart-picture",
    "aria-label": "Effect of changing the cell beside the effects of matched cells",
  });
  ticks(0, most).forEach((value) =>
    picture.append(
      make("svg:path", { class: "grid", d: `M${across(value)} 4V174` }),
      words(short(value), across(value), 189, "middle"),
    ),
  );
  const pitch = 170 / (bars.length + 1);
  // The controls stand right below the cell.
  bars.forEach(([name, nats], place) =>
    picture.append(...effectBar(name, nats, 8 + pitch * (place ? place + 1 : 0), across)),
  );
  if (controls.count) picture.append(...controlBar(controls, 8 + pitch, across));
  picture.append(words("nats: change of the log probability", 219, FRAME.height - 5, "middle", "axis-name"));
  return {
    title: "What rests on it",
    note:
      `The cell is changed ${proof.lag ?? 0} characters before ${proof.sites ?? "the"} closers, and so are matched cells. ` +
      "Orange: the closer grows likelier; blue, dashed: less likely. The grey line reaches to 95% of the matched cells, the mark is the largest.",
    picture,
    numbers: () => ({
      head: ["change", "nats", "times"],
      rows: [
        ...bars.map(([name, nats]) => [name, nats, Math.exp(Math.abs(nats))]),
        ...["median", "p95", "max", ...range(controls.quantiles?.length ?? 0)]
          .filter((key) => controls[key] !== undefined || typeof key === "number")
          .map((key) => {
            const nats = typeof key === "number" ? controls.quantiles[key] : controls[key];
            const at = typeof key === "number" ? `${Math.round((100 * key) / (controls.quantiles.length - 1))}%` : key;
            return [`matched cells, ${at}`, nats, Math.exp(nats)];
          }),
      ],
    }),
  };
}

function effectBar(name, nats, y, across) {
  const width = Math.max(1, across(Math.abs(nats)) - across(0));
  const bar = make("svg:rect", { class: nats < 0 ? "bar below" : "bar above", x: across(0), y, width, height: 14 });
  const label = words(name, across(0) - 8, y + 12, "end", "label");
  return [bar, label, words(signed(nats), across(0) + width + 6, y + 12, "start", "tick")];
}

function controlBar(controls, y, across) {
  const parts = [words(`${controls.count} matched cells`, across(0) - 8, y + 12, "end", "label")];
  if (controls.p95 !== null)
    parts.push(make("svg:path", { class: "spread", d: `M${across(0)} ${y + 7}H${across(controls.p95)}` }));
  (controls.quantiles ?? [controls.median])
    .filter(Number.isFinite)
    .forEach((nats) => parts.push(make("svg:path", { class: "stroke", d: `M${across(nats)} ${y + 2}v10` })));
  if (controls.max !== null)
    parts.push(
      make("svg:path", { class: "largest", d: `M${across(controls.max) - 5} ${y + 7}l5 -5l5 5l-5 5z` }),
      words(signed(controls.max).slice(1), across(controls.max) + 9, y + 12),
    );
  return parts;
}

function doseChart(proof) {
  const sorted = [...proof.dose_response].sort((one, two) => one.dose - two.dose);
  const xs = sorted.map((one) => one.dose),
    ys = sorted.map((one) => one.effect_nats);
  const p95 = proof.control_effects?.p95;
  const edges = Number.isFinite(p95) ? [-p95, p95] : [];
  const x = around(xs, [0]),
    y = around(ys, edges, [0]);
  return {
    title: "Dose and response",
    note: `More of the change does more of the effect${edges.length ? "; the grey band holds 95% of matched cells at the whole dose" : ""}.`,
    picture: plane({
      x,
      y,
      xLabel: "dose; 1 takes it to its other level",
      yLabel: "nats",
      label: "Effect by dose",
      marks: [
        ...(edges.length ? [band(x, [edges[0], edges[0]], [edges[1], edges[1]], "second")] : []),
        level(0, ""),
        upright(0, ""),
        line(xs, ys, "first"),
        dots(xs, ys, "first"),
      ],
    }),
    numbers: () => ({ head: ["dose", "nats"], rows: sorted.map((one) => [one.dose, one.effect_nats]) }),
  };
}
