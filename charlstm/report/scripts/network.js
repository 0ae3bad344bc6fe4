// What concerns all cells: how hard the gates are, and how far gradient reaches

function drawNetwork() {
  data.network.layers.forEach((layer) =>
    Object.keys(layer.gates).forEach((gate) => {
      const box = find(`#saturation-${layer.layer}-${gate}`);
      if (box) drawChart(box, saturationChart(layer, gate));
    }),
  );
  if (find("#chart-reach") && data.network.reach.cells.length)
    drawChart(find("#chart-reach"), reachChart(data.network.reach));
}

function saturationChart(layer, gate) {
  const { low, high } = layer.gates[gate];
  const fresh = layer.untrained[gate];
  return {
    title: `${gate[0].toUpperCase()}${gate.slice(1)} gate`,
    note: "",
    picture: plane({
      x: [0, 1],
      y: [0, 1],
      xLabel: "share of positions shut (below 0.1)",
      yLabel: "share open (above 0.9)",
      label: `${gate} gate of layer ${layer.layer}: for every cell the share of positions shut and open`,
      frame: { height: 316 },
      marks: [
        (across, up) => make("svg:path", { class: "rule", d: `M${across(0)} ${up(1)}L${across(1)} ${up(0)}` }),
        ...(fresh ? [dots(fresh.low, fresh.high, "fresh", 2.5)] : []),
        dots(low, high, "cell-dot", 3),
      ],
    }),
    numbers: () => ({
      head: ["cell", "shut", "open"],
      rows: low.map((share, cell) => [`${layer.layer}:${cell}`, share, high[cell]]),
    }),
  };
}

function reachChart({ cells, controls, untrained }) {
  const known = (series) => series.map((value) => value ?? null);
  const groups = [
    ["these cells", known(cells), "first"],
    ["matched cells", known(controls), "second"],
    ["untrained", known(untrained), "third"],
  ].filter(([, series]) => series.some((value) => value !== null));
  const longest = Math.max(...groups.map(([, series]) => series.findLastIndex((value) => value !== null))) + 1;
  // As wide as the page, so that its words keep their size.
  const room = bounded(find("#gradients").clientWidth - 34, 320, 760);
  const xs = range(longest);
  const [, top] = around([0], ...groups.map(([, series]) => series.slice(0, longest)));
  return {
    title: "Gradient reaching each earlier position",
    note: "Size of the gradient at c, against its size at the closer; medians over closers that far from their opener, then over cells.",
    picture: plane({
      x: [0, longest - 1],
      y: [0, top],
      xLabel: "characters before the closer",
      yLabel: "gradient, 1 at the closer",
      label: "Gradient by distance from the closer",
      frame: { width: room, height: 280 },
      marks: [...groups.map(([, series, name]) => line(xs, series.slice(0, longest), name))],
    }),
    names: groups.map(([name, , kind]) => [kind, name]),
    numbers: () => ({
      head: ["characters before", ...groups.map(([name]) => name)],
      rows: xs.map((x) => [x, ...groups.map(([, series]) => series[x])]),
    }),
  };
}
