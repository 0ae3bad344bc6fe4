// This file marks the terms of the glossary in the page's prose: in each section the first time that each occurs.

import { createElement, find, findAll } from "../shared/page_elements.js";

/** Texts that are left as they are: controls, headings, quotations from the corpus, lines of tables, hidden words. */
const UNMARKED =
  "[data-term], button, a, code, kbd, select, label, summary, textarea, h1, h2, h3, h4, tbody, pre, svg, dt, .coloured, " +
  "body:not(.in-lesson) .lesson-words";
/** The element that shows what a term means. */
export const TIP_ID = "term-tip";
/** Where terms are marked. */
const MARKED_SECTIONS = "header, :is(main, #lesson) > section:not(#glossary)";

/**
 * For each form of a term, in lower case, the id of its line in the glossary.
 * @type {Map<string, string>}
 */
const termsByForm = new Map();
/** @type {RegExp | undefined} */
let anyForm;

/** @type {() => void} */
export function readGlossary() {
  for (const { id, dataset } of findAll("#glossary [data-forms]")) {
    for (const form of (dataset.forms ?? "").split("|")) termsByForm.set(form.toLowerCase(), id);
  }
  // Of two forms that begin alike the longer one comes first; a single letter is too short to look for.
  const forms = [...termsByForm.keys()].filter((form) => form.length > 1);
  const escaped = forms
    .sort((one, other) => other.length - one.length)
    .map((form) => form.replace(/[()]/g, "\\$&"));
  anyForm = new RegExp(`(?<![\\w-])(${escaped.join("|")})(?![\\w-])`, "i");
  for (const section of findAll(MARKED_SECTIONS)) markTerms(section);
}

/**
 * Mark the terms in a section that are not marked there yet. The Tab key stops at the first of each in the page, or in
 * a part of the lesson.
 * @type {(section: Element) => void}
 */
export function markTerms(section) {
  const page = section.closest("#lesson") ? section : document;
  const marked = termsIn(section, "[data-term]");
  const reached = termsIn(page, "[data-term]:is(button, [tabindex])");
  const texts = document.createTreeWalker(section, NodeFilter.SHOW_TEXT);
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    if (!node.parentElement?.closest(UNMARKED)) markTermsIn(/** @type {Text} */ (node), marked, reached);
  }
}

/** @type {(place: ParentNode, selector: string) => Set<string | undefined>} */
const termsIn = (place, selector) =>
  new Set(
    [...place.querySelectorAll(selector)].map((term) => /** @type {HTMLElement} */ (term).dataset.term),
  );

/**
 * Mark the terms in a text that are not in `marked`, and put them there. The Tab key stops at those that are not in
 * `reached`.
 * @type {(text: Text, marked: Set<string | undefined>, reached: Set<string | undefined>) => void}
 */
function markTermsIn(text, marked, reached) {
  for (let from = 0; anyForm; ) {
    const found = anyForm.exec(text.data.slice(from));
    if (!found) return;
    const term = termsByForm.get(found[0].toLowerCase());
    from += found.index;
    if (!term || marked.has(term)) {
      from += found[0].length;
      continue;
    }
    marked.add(term);
    const rest = text.splitText(from);
    const after = rest.splitText(found[0].length);
    const tabindex = reached.has(term) ? undefined : 0;
    reached.add(term);
    const attributes = { class: "term", tabindex, "data-term": term, "aria-describedby": TIP_ID };
    rest.replaceWith(createElement("dfn", attributes, found[0]));
    markTermsIn(after, marked, reached);
    return;
  }
}

/**
 * Return the line of the glossary for an element with a term.
 * @type {(term: HTMLElement) => HTMLElement}
 */
export const lineOfTerm = (term) => find(`#${CSS.escape(term.dataset.term ?? "")}`);
