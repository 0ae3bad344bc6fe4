// This file plots tanh(c) and the four gates of the watched cell around the mark.

import { gatesAt } from "../lstm/state_trace.js";
import { bounded, signed } from "../shared/numbers.js";
import { GATES } from "../shared/page_data.js";
import { createElement, find } from "../shared/page_elements.js";
import { charactersInLine, createTrackPaths, drawTrack } from "../shared/tracks.js";
import { live, unpackedModel, watchedPolarity } from "./panel_state.js";

/** @type {{ name: string, centred: boolean, paths: TrackPaths, valueBox: HTMLElement }[]} */
const liveTracks = [];

/**
 * Draw all tracks around the mark, as many symbols as the panel is wide.
 * @type {() => void}
 */
export function drawLiveTracks() {
  const box = find("#live-tracks");
  if (!box.childElementCount) buildLiveTracks(box);
  const line = /** @type {HTMLElement} */ (box.lastElementChild);
  const count = Math.min(live.symbols.length, charactersInLine(line));
  const start = bounded(live.mark - Math.floor(count / 2), 0, live.symbols.length - count);
  const { trace } = unpackedModel();
  const { layer, cell } = live.watchedCell;
  const places = Array.from({ length: count }, (_, offset) => start + offset);
  const gates = places.map((index) => gatesAt(trace, live.watchedCell, index));
  const states = places.map((index) => Math.tanh(trace.c[index][layer][cell]));
  box.classList.toggle("reversed", watchedPolarity() < 0);
  liveTracks.forEach(({ centred, paths, valueBox }, place) => {
    const values = place ? gates.map((gatesHere) => gatesHere[place - 1]) : states;
    drawTrack(paths, { values, start: 0, scale: 1, centred, cursor: live.mark - start });
    const value = values.length ? signed(values[live.mark - start]) : "";
    valueBox.textContent = centred ? value : value.replace("+", "");
  });
  drawCharacters(line, start, count);
}

/** @type {(box: HTMLElement) => void} */
function buildLiveTracks(box) {
  const lines = ["tanh(c)", ...GATES].map((name) => {
    const paths = createTrackPaths();
    const picture = createElement(
      "svg:svg",
      { preserveAspectRatio: "none", role: "img", "aria-label": `${name} around the marked character` },
      ...Object.values(paths),
    );
    const valueBox = createElement("span", { class: "track-value" });
    liveTracks.push({ name, centred: name === "tanh(c)" || name === "candidate", paths, valueBox });
    const style = name === "tanh(c)" ? "c" : name;
    const label = createElement("span", { class: "track-name" }, name);
    return createElement("div", { class: `track track-${style}` }, label, picture, valueBox);
  });
  box.replaceChildren(...lines, createElement("div", { class: "live-characters", "aria-hidden": "true" }));
}

/** @type {(line: HTMLElement, start: number, count: number) => void} */
function drawCharacters(line, start, count) {
  const spans = live.symbols.slice(start, start + count).map(({ text, shown }, offset) => {
    const span = document.createElement("span");
    span.textContent = text === " " ? " " : shown;
    if (start + offset === live.mark) span.className = "here";
    return span;
  });
  line.replaceChildren(...spans);
}
