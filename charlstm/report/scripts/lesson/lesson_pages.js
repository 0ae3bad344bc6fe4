// This file shows the lesson, `report.html?lesson`: some sections of the page one after the other, and nothing else.

import { first } from "../first/first_text.js";
import { addressOfView, addressParts, wantsLesson } from "../page/address.js";
import { notify } from "../page/state.js";
import { bounded } from "../shared/numbers.js";
import { createElement, find, findAll } from "../shared/page_elements.js";
import { tellGates, underlineOn } from "./first_part.js";

/** The sections in the order of the lesson; the first one comes again where the page can hold its cell off. */
const LESSON_ORDER = ["first", "predict", "lineup", "flip", "step"];
const FLIP_TITLE = "Change a cell, and read what the network writes";
/** What was learned, at the end. */
const LEARNED = [
  "A cell keeps a number along the text; its gates decide at each character what it keeps and what is new.",
  "A cell that follows something in the text is not always used.",
  "Whether the network uses it, you know only by changing it.",
];

/** @typedef {{ name: string, title: string, section: HTMLElement }} LessonPart */

const lesson = { parts: /** @type {LessonPart[]} */ ([]), number: 0 };

/**
 * Show the lesson where the address asks for it; elsewhere its link keeps the view. Return whether it is shown.
 * @type {() => boolean}
 */
export function startLesson() {
  const link = /** @type {HTMLAnchorElement | null} */ (find("#lesson-link"));
  link?.addEventListener("click", () => {
    link.href = `?lesson${addressOfView()}`;
  });
  if (!wantsLesson || !link) return false;
  underlineOn();
  tellGates();
  lesson.parts = lessonParts();
  document.body.classList.add("in-lesson");
  document.body.prepend(frame());
  showPart(0);
  // Every part is about the cell of the first one, unless the address wants another.
  if (first.row && !location.hash.includes("cell=")) {
    history.replaceState(null, "", `#cell=${first.row.cell}&${location.hash.slice(1)}`);
  }
  addressParts.push({
    write: () => [["part", lesson.number + 1]],
    restore: (wanted) => {
      const number = Number.parseInt(wanted.get("part") ?? "", 10);
      if (Number.isInteger(number)) showPart(number - 1);
    },
  });
  return true;
}

/** @type {() => LessonPart[]} */
function lessonParts() {
  const parts = findAll("[data-lesson]").map((section) => ({
    name: section.id,
    title: section.dataset.lesson ?? "",
    section,
  }));
  const shown = parts.find(({ name }) => name === "first");
  if (shown && find("#first-flip")) parts.push({ ...shown, name: "flip", title: FLIP_TITLE });
  const order = (/** @type {LessonPart} */ { name }) => LESSON_ORDER.indexOf(name);
  return parts.sort((one, other) => order(one) - order(other));
}

/** @type {() => HTMLElement} */
function frame() {
  const back = createElement("button", { type: "button", id: "lesson-back" }, "Back");
  const next = createElement("button", { type: "button", id: "lesson-next" }, "Next");
  back.addEventListener("click", () => turnTo(lesson.number - 1));
  next.addEventListener("click", () => turnTo(lesson.number + 1));
  return createElement(
    "div",
    { id: "lesson" },
    createElement(
      "nav",
      { "aria-label": "Lesson" },
      createElement("span", { id: "lesson-where" }),
      wholePage("Whole page"),
      back,
      next,
    ),
    createElement("h1", { tabindex: -1 }),
    ...new Set(lesson.parts.map(({ section }) => section)),
    ending(),
  );
}

/**
 * Return a link to the page without the lesson, which keeps the cell and the place.
 * @type {(words: string) => HTMLElement}
 */
function wholePage(words) {
  const link = createElement("a", { href: "?" }, words);
  link.addEventListener("click", () => {
    const address = new URL(addressOfView().replace(/&?part=\d+/, ""), location.href);
    address.search = "";
    link.setAttribute("href", address.href);
  });
  return link;
}

/** @type {() => HTMLElement} */
const ending = () =>
  createElement(
    "div",
    { id: "lesson-end" },
    createElement("h2", {}, "What you have seen"),
    createElement("ul", {}, ...LEARNED.map((learned) => createElement("li", {}, learned))),
    createElement("p", {}, wholePage("Look at all cells of this network")),
  );

/** @type {(number: number) => void} */
function turnTo(number) {
  showPart(number);
  scrollTo(0, 0);
  find("#lesson h1").focus({ preventScroll: true });
  notify("view");
}

/** @type {(number: number) => void} */
function showPart(number) {
  const { parts } = lesson;
  lesson.number = bounded(number, 0, parts.length - 1);
  const { name, title, section } = parts[lesson.number];
  for (const part of parts) part.section.classList.toggle("current", part.section === section);
  find("#lesson").dataset.part = name;
  find("#lesson-where").textContent = `Lesson, ${lesson.number + 1} of ${parts.length}`;
  find("#lesson h1").textContent = title;
  find("#lesson-back").hidden = lesson.number === 0;
  const isLast = lesson.number === parts.length - 1;
  find("#lesson-next").hidden = isLast;
  // The arithmetic goes deeper: what was to be seen is told before it.
  find("#lesson-end").hidden = parts.some((part) => part.name === "flip") ? name !== "flip" : !isLast;
}
