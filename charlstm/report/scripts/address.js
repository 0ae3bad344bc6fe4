// The address: its hash restores the cell, the text and the place in it

// Parts of the page that add to the hash: write() gives [name, value] pairs, read(wanted) takes URLSearchParams.
const addressed = [];

function rememberView() {
  // Browsers refuse more than a few hundred replacements in ten seconds, which a held key reaches.
  clearTimeout(hashTimer);
  hashTimer = setTimeout(() => history.replaceState(null, "", viewHash()), 120);
}

function viewHash() {
  const twins = data.rows.filter((one) => one.cell === row()?.cell).length > 1;
  const parts = row() ? [["cell", row().cell], ["at", state.at]] : [];
  if (twins) parts.push(["feature", row().feature]);
  if (state.excerpt) parts.push(["excerpt", state.excerpt]);
  if (state.to !== undefined) parts.push(["to", state.to]);
  parts.push(...addressed.flatMap((part) => part.write()));
  return "#" + parts.map(([name, value]) => `${name}=${encodeURIComponent(value).replace("%3A", ":")}`).join("&");
}

function restoreView(address = location.href) {
  const wanted = new URLSearchParams(new URL(address).hash.slice(1));
  restoreText(wanted);
  restoreCell(wanted);
  if (reading && row()) restorePlace(wanted);
  addressed.forEach((part) => part.read(wanted));
}

function restoreText(wanted) {
  if (!reading) return;
  const chosen = Number(wanted.get("excerpt"));
  if (chosen !== state.excerpt && chosen in data.excerpts) chooseExcerpt(chosen);
  if (!spans.length) chooseExcerpt(0);
  state.at = bounded(Number.parseInt(wanted.get("at") ?? "0", 10) || 0, 0, Math.max(0, spans.length - 1));
}

function restoreCell(wanted) {
  const name = wanted.get("cell");
  const matches = (one) => one.cell === name && (!wanted.has("feature") || one.feature === wanted.get("feature"));
  const found = data.rows.findIndex(matches);
  const stored = data.excerpts.flatMap((one) => one.grid?.cells ?? []);
  if (found < 0 && stored.includes(name)) chooseCell(name);
  else if (found >= 0 || data.rows.length) chooseRow(Math.max(0, found));
  else if (stored.length) chooseCell(stored[0]);
}

function restorePlace(wanted) {
  if (!wanted.has("at")) moveTo(drivers[0] ?? 0);
  const end = Number.parseInt(wanted.get("to") ?? "", 10);
  if (Number.isInteger(end)) markPassage(end);
  scrollTextOnly(spans[state.at]);
}

function followLink(event) {
  // Not location: a view still waiting to be remembered may have replaced it since.
  restoreView(event.newURL);
  find("#reading")?.scrollIntoView();
}
