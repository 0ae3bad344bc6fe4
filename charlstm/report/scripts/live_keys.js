// The model inside: keys and pointers

const liveKeys = {
  ArrowLeft: () => moveLive(live.at - 1, { focus: true }),
  ArrowRight: () => moveLive(live.at + 1, { focus: true }),
  ArrowUp: () => moveLive(lineAway(live.spans, live.at, -1), { focus: true }),
  ArrowDown: () => moveLive(lineAway(live.spans, live.at, 1), { focus: true }),
  Home: () => moveLive(0, { focus: true }),
  End: () => moveLive(live.spans.length - 1, { focus: true }),
};

function listenToLive() {
  const on = (selector, event, act) => find(selector).addEventListener(event, act);
  on("#live-text", "input", readLive);
  on("#live-text", "focus", wake);
  on("#live-passage", "click", () => write(stretch(state.at, { after: 1 }).text));
  on("#live-clear", "click", () => {
    write("");
    find("#live-text").focus();
  });
  on("#live-cell", "change", (event) => chooseLive(event.target.value));
  on("#live-hold", "change", settingsChanged);
  on("#live-range", "input", () => holdCell("at"));
  on("#live-once", "change", settingsChanged);
  for (const setting of ["#live-temperature", "#live-length", "#live-seed"]) on(setting, "input", settingsChanged);
  on("#live-again", "click", () => {
    find("#live-seed").value = Number(find("#live-seed").value) + 1;
    settingsChanged();
  });
  on("#live", "click", ({ target }) => target.dataset.unit && moveLive(Number(target.dataset.unit), { focus: true }));
  on("#live", "keydown", liveKey);
  find("#flip")?.addEventListener("click", flip);
  new ResizeObserver(() => live.network && !live.busy && drawLanes()).observe(find("#live-lanes"));
}

function write(text) {
  find("#live-text").value = text;
  readLive();
}

// The page's own arrows move the mark in the text above.
function liveKey(event) {
  const act = !event.ctrlKey && !event.metaKey && !event.altKey && liveKeys[event.key];
  if (!act) return;
  event.preventDefault();
  event.stopPropagation();
  act();
}
