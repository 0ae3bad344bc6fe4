// This file shows the same lines in the colours of several cells without their names. The reader holds each cell
// off or on, and chooses the one that the network uses.

import { excerptOfRow } from "../first/first_text.js";
import { percent } from "../live/next_characters.js";
import { live } from "../live/panel_state.js";
import { unpackNetwork } from "../live/reading.js";
import { showColouredText } from "../shared/coloured_text.js";
import { counted } from "../shared/numbers.js";
import { data, symbolOf } from "../shared/page_data.js";
import { createElement, find, findAll } from "../shared/page_elements.js";
import {
  levelAlong,
  linesAround,
  lineupFlip,
  placeOfLineup,
  readLineup,
  withoutIndent,
} from "./lineup_flips.js";

const LETTERS = "ABCDEFGH";
/** The share of the full colour that a cell has at its level when it is on. */
const STRONGEST = 0.8;

/**
 * Wait for the reader to come to the lineup, where the page has one, and colour it then.
 * @type {() => void}
 */
export function startLineup() {
  const box = find("#lineup");
  if (!box) return;
  const observer = new IntersectionObserver(async (entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    observer.disconnect();
    find("#lineup-result").textContent = "The network is waking up…";
    try {
      await showLineup();
      find("#lineup-result").textContent = "";
    } catch (error) {
      find("#lineup-result").textContent = `The network cannot run in this browser: ${error}.`;
    }
  });
  observer.observe(box);
}

/** Whether the reader has held a cell off or on. */
const lineupState = { hasHeld: false };

/** @type {() => Lineup} */
function thisLineup() {
  if (!data.lesson.lineup) throw new Error("the page has no lineup");
  return data.lesson.lineup;
}

async function showLineup() {
  await unpackNetwork();
  if (!live.network) throw new Error("it cannot be unpacked");
  const { used, excerpt: number, stop, closers, cells } = thisLineup();
  const row = data.rows[used];
  const excerpt = number === null ? excerptOfRow(row) : data.excerpts[number];
  if (!excerpt) throw new Error("its text is missing");
  const characters = Array.from(excerpt.text).slice(0, stop);
  const reading = await readLineup(live.network, characters.join(""), closers);
  const feature = excerpt.features[row.feature];
  const others = cells.filter(({ cell }) => cell !== row.cell).map(({ cell }) => withLevels(cell));
  const place = placeOfLineup(reading, feature, withLevels(row.cell), others);
  find("#lineup-cells").replaceChildren(...cells.map((_, index) => card(reading, index, characters, place)));
  const { free } = lineupFlip(reading, place, placeOfCell(row.cell), levelsOf(row.cell));
  find("#lineup-free").textContent = percent(free);
  find("#lineup-task").hidden = false;
}

/** @type {(cell: string) => CellPlace} */
function placeOfCell(cell) {
  const [layer, number] = cell.split(":").map(Number);
  return { layer, cell: number };
}

/** @type {(cell: string) => import("./lineup_flips.js").LineupCell} */
const withLevels = (cell) => ({ cell: placeOfCell(cell), levels: levelsOf(cell) });

/** @type {(cell: string) => import("./lineup_flips.js").CellLevels} */
const levelsOf = (cell) => live.model?.cells[cell]?.levels;

/** @type {(reading: import("./lineup_flips.js").LineupReading, index: number, characters: string[], place: number) => HTMLElement} */
function card(reading, index, characters, place) {
  const { cell } = thisLineup().cells[index];
  const letter = LETTERS[index];
  const label = `The lines in the colours of cell ${letter}`;
  const lines = createElement("div", { class: "coloured", role: "img", "aria-label": label });
  const shown = withoutIndent(characters, ...linesAround(characters, place));
  colourLines(lines, reading, index, characters, shown);
  lines.querySelectorAll("span")[shown.indexOf(place)].dataset.here = "";
  const choice = createElement("button", { type: "button", class: "choose" }, `${letter} is used`);
  choice.addEventListener("click", () => answer(index));
  const { free, flipped, isOn } = lineupFlip(reading, place, placeOfCell(cell), levelsOf(cell));
  const flip = createElement("button", { type: "button" }, `Hold ${letter} ${isOn ? "off" : "on"}`);
  const result = createElement("span", { role: "status" });
  flip.addEventListener("click", () => {
    lineupState.hasHeld = true;
    result.replaceChildren(
      ...closerNodes(),
      ` ${percent(free)} → `,
      createElement("b", {}, percent(flipped)),
    );
  });
  return createElement(
    "div",
    { class: "card" },
    lines,
    createElement("p", { class: "live-bar" }, createElement("b", {}, letter), flip, choice, result),
    createElement("p", { class: "who", hidden: true }),
  );
}

/**
 * Fill a box with the characters at some places in the colours of a cell, underlined where it is on.
 * @type {(box: HTMLElement, reading: import("./lineup_flips.js").LineupReading, index: number, characters: string[], places: number[]) => void}
 */
function colourLines(box, { trace }, index, characters, places) {
  const { cell } = thisLineup().cells[index];
  const values = levelAlong(trace, placeOfCell(cell), levelsOf(cell));
  const text = places.map((place) => characters[place]).join("");
  showColouredText(
    box,
    text,
    places.map((place) => STRONGEST * values[place]),
    1,
    undefined,
  );
  box.querySelectorAll("span").forEach((span, at) => {
    span.classList.remove("weak");
    span.classList.toggle("strong", values[places[at]] > 0);
  });
}

/** @type {() => (Node | string)[]} */
const closerNodes = () =>
  Array.from(thisLineup().closers).flatMap((closer, index) => [
    index ? " or " : "",
    createElement("code", {}, symbolOf(closer)),
  ]);

/** @type {(chosen: number) => void} */
function answer(chosen) {
  if (!lineupState.hasHeld) {
    find("#lineup-result").textContent = "Hold some cells off first: to look at them is not enough.";
    return;
  }
  const { cells, used, inert } = thisLineup();
  findAll("#lineup-cells .who").forEach((line, index) => {
    const { cell, row, who } = cells[index];
    line.textContent = `Cell ${cell}: ${who}`;
    line.hidden = false;
    line.parentElement?.classList.toggle("used", row === used);
  });
  const isRight = cells[chosen].row === used;
  find("#lineup-result").replaceChildren(
    createElement("b", {}, isRight ? "Right. " : "Not this one. "),
    ...usedWords(),
    ...(inert === null ? [] : inertWords(inert)),
  );
  find("#lineup-result").scrollIntoView({ block: "nearest" });
}

/** @type {(row: number) => string} */
const letterOf = (row) => LETTERS[thisLineup().cells.findIndex((one) => one.row === row)];

/** @type {() => (Node | string)[]} */
function usedWords() {
  const { used, likelier } = thisLineup();
  const sites = data.rows[used].proof?.sites;
  return [
    `The network uses ${letterOf(used)}, cell ${data.rows[used].cell}: changing it makes `,
    ...closerNodes(),
    ` ${likelier}${sites ? `, on average over ${counted(sites)} places` : ""}. `,
  ];
}

/** @type {(inert: number) => (Node | string)[]} */
function inertWords(inert) {
  return [
    createElement(
      "b",
      {},
      `${letterOf(inert)} follows nearly the same passages, and is hardly used for it: `,
    ),
    "changing it makes ",
    ...closerNodes(),
    ` only ${thisLineup().inert_likelier}. Training can leave such a cell: nothing makes the network read it. `,
    "You see by looking what a cell follows, and only by changing it whether it is used.",
  ];
}
