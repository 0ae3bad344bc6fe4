// Everything begins here, when all functions are there

function start() {
  document.addEventListener("keydown", onKey);
  find("#help-open").addEventListener("click", showHelp);
  find("#help button").addEventListener("click", () => find("#help").close());
  addColours();
  drawNetwork();
  if (data.rows.length) listenToTable();
  if (reading) buildTracks();
  startLive();
  restoreView();
  if (reading) listenToText();
  window.addEventListener("hashchange", followLink);
  unpackAll().then(() => {
    // A cell or a passage of the address may have waited for what was packed.
    if (reading && (state.row < 0 || state.to !== undefined)) showCell(find("#table tr[aria-current]"));
  });
}

start();
