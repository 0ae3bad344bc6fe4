// The address

function rememberView() {
  // Browsers refuse more than a few hundred replacements in ten seconds, which a held key reaches.
  clearTimeout(hashTimer);
  hashTimer = setTimeout(() => history.replaceState(null, "", viewHash()), 120);
}

function viewHash() {
  const twins = data.rows.filter((one) => one.cell === row().cell).length > 1;
  const parts = [`cell=${row().cell}`, `at=${state.at}`];
  if (twins) parts.push(`feature=${encodeURIComponent(row().feature)}`);
  if (state.excerpt) parts.push(`excerpt=${state.excerpt}`);
  return "#" + parts.join("&");
}

function restoreView() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  const matches = (one) =>
    one.cell === wanted.get("cell") && (!wanted.has("feature") || one.feature === wanted.get("feature"));
  const found = data.rows.findIndex(matches);
  const chosen = Number(wanted.get("excerpt"));
  if (reading && chosen !== state.excerpt && chosen in data.excerpts) chooseExcerpt(chosen);
  if (reading && !spans.length) chooseExcerpt(0);
  state.at = bounded(Number.parseInt(wanted.get("at") ?? "0", 10) || 0, 0, Math.max(0, spans.length - 1));
  chooseRow(Math.max(0, found));
  if (!reading) return;
  if (!wanted.has("at")) moveTo(drivers[0] ?? 0);
  scrollTextOnly(spans[state.at]);
}

function followLink() {
  restoreView();
  find("#reading")?.scrollIntoView();
}
