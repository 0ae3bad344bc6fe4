// This file starts the panel "The model inside" and says what its fields, buttons and keys do.

import { addressParts } from "../page/address.js";
import { followers, view } from "../page/state.js";
import { placeInNextLine } from "../shared/coloured_text.js";
import { find, findField, targetOf } from "../shared/page_elements.js";
import { flipChosenCell, offerFlip } from "./flip.js";
import { drawLiveTracks } from "./live_tracks.js";
import { chooseHold, moveMark, settingsChanged } from "./mark.js";
import { panelPairs, restorePanel } from "./panel_address.js";
import { live } from "./panel_state.js";
import { readWrittenText, stretchAround, unpackNetwork, writeText } from "./reading.js";
import { fillCellList, watchCell, watchChosenCell } from "./watched_cell.js";

/** The network is unpacked when the panel comes this close to the window. */
const NEAR_PANEL = "300px";

/** @type {Record<string, () => void>} */
const MARK_KEYS = {
  ArrowLeft: () => moveMark(live.mark - 1, { focus: true }),
  ArrowRight: () => moveMark(live.mark + 1, { focus: true }),
  ArrowUp: () => moveMark(placeInNextLine(live.spans, live.mark, -1), { focus: true }),
  ArrowDown: () => moveMark(placeInNextLine(live.spans, live.mark, 1), { focus: true }),
  Home: () => moveMark(0, { focus: true }),
  End: () => moveMark(live.spans.length - 1, { focus: true }),
};

/**
 * Start the panel, where the page carries a network. Its weights wait until the reader comes near: unpacking
 * them would delay the first sight of the page.
 * @type {() => void}
 */
export function startPanel() {
  if (!live.model) return;
  fillCellList(live.model);
  listenToFields();
  listenToMark();
  followers.cell.push(watchChosenCell, offerFlip);
  addressParts.push({ write: panelPairs, restore: restorePanel });
  const observer = new IntersectionObserver(
    (entries) => {
      if (entries.some((entry) => entry.isIntersecting)) unpackNetwork();
    },
    { rootMargin: NEAR_PANEL },
  );
  observer.observe(find("#model"));
}

function listenToFields() {
  /** @type {(selector: string, event: string, act: () => void) => void} */
  const on = (selector, event, act) => find(selector).addEventListener(event, act);
  on("#live-text", "input", readWrittenText);
  on("#live-text", "focus", unpackNetwork);
  on("#live-passage", "click", () => writeText(stretchAround(view.cursor, { after: 1 }).text));
  on("#live-clear", "click", () => {
    writeText("");
    find("#live-text").focus();
  });
  on("#live-cell", "change", () => watchCell(findField("#live-cell").value));
  on("#live-hold", "change", settingsChanged);
  on("#live-range", "input", () => chooseHold("at"));
  on("#live-steps", "input", () => chooseHold("steps"));
  on("#live-once", "change", settingsChanged);
  for (const setting of ["#live-temperature", "#live-length", "#live-seed"]) {
    on(setting, "input", settingsChanged);
  }
  on("#live-again", "click", () => {
    const seed = findField("#live-seed");
    seed.value = String(Number(seed.value) + 1);
    settingsChanged();
  });
  find("#flip")?.addEventListener("click", flipChosenCell);
}

function listenToMark() {
  const box = find("#live");
  box.addEventListener("click", (event) => {
    const { index } = targetOf(event).dataset;
    if (index !== undefined) moveMark(Number(index), { focus: true });
  });
  // The page's own arrow keys move the cursor in the excerpt: those that move the mark do not reach them.
  box.addEventListener("keydown", (event) => {
    const act = event.ctrlKey || event.metaKey || event.altKey ? undefined : MARK_KEYS[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  });
  const redraw = () => {
    if (live.network && !live.isReading) drawLiveTracks();
  };
  new ResizeObserver(redraw).observe(find("#live-tracks"));
}
