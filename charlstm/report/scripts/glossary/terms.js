// This file marks the terms of the glossary in the page's prose: in each section the first time that each occurs.

import { createElement, find, findAll } from "../shared/page_elements.js";

/** Texts that are left as they are: controls, headings, quotations from the corpus, lines of tables, hidden words. */
const UNMARKED =
  "[data-term], button, a, code, kbd, select, label, summary, textarea, h1, h2, h3, h4, tbody, pre, svg, dt, .coloured, " +
  "body:not(.in-lesson) .lesson-words";
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
 * Mark the terms in a section that are not marked there yet.
 * @type {(section: Element) => void}
 */
export function markTerms(section) {
  const marked = new Set(
    [...section.querySelectorAll("[data-term]")].map(
      (term) => /** @type {HTMLElement} */ (term).dataset.term,
    ),
  );
  const texts = document.createTreeWalker(section, NodeFilter.SHOW_TEXT);
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    if (!node.parentElement?.closest(UNMARKED)) markTermsIn(/** @type {Text} */ (node), marked);
  }
}

/**
 * Mark the terms in a text that are not in `marked`, and put them there.
 * @type {(text: Text, marked: Set<string | undefined>) => void}
 */
function markTermsIn(text, marked) {
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
    rest.replaceWith(createElement("dfn", { class: "term", tabindex: 0, "data-term": term }, found[0]));
    markTermsIn(after, marked);
    return;
  }
}

/**
 * Return the line of the glossary for an element with a term.
 * @type {(term: HTMLElement) => HTMLElement}
 */
export const lineOfTerm = (term) => find(`#${CSS.escape(term.dataset.term ?? "")}`);
