// Everything begins here, when all functions are there

function start() {
  document.addEventListener("keydown", onKey);
  find("#help-open").addEventListener("click", () => find("#help").showModal());
  find("#help button").addEventListener("click", () => find("#help").close());
  if (reading || live.about) addColours();
  if (data.rows.length) startFindings();
  startLive();
}

function startFindings() {
  listenToTable();
  restoreView();
  if (reading) listenToText();
  window.addEventListener("hashchange", followLink);
}

start();
