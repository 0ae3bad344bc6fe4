// This file shows what a term means beside it: when it is pointed at, focused or tapped. Escape hides it.

import { bounded } from "../shared/numbers.js";
import { createElement, targetOf } from "../shared/page_elements.js";
import { lineOfTerm, TIP_ID } from "./terms.js";

/** The least distance between the tip and the edge of the window. */
const EDGE_PIXELS = 8;

const tip = createElement("div", { id: TIP_ID, role: "tooltip", hidden: true });
/** @type {HTMLElement | undefined} */
let explained;

/** @type {() => void} */
export function listenToTerms() {
  document.body.append(tip);
  /** @type {(event: Event) => void} */
  const showOrHide = (event) => {
    const term = termAt(event);
    if (term) showTip(term);
    else if (!targetOf(event).closest?.(`#${TIP_ID}`)) hideTip();
  };
  document.addEventListener("click", showOrHide);
  document.addEventListener("focusin", showOrHide);
  document.addEventListener("pointerover", (event) => {
    // A page that scrolls under a mouse at rest must not hide what the keyboard has reached.
    const isReached = explained?.matches(":focus-visible") && !termAt(event);
    if (event.pointerType !== "touch" && !isReached) showOrHide(event);
  });
  document.addEventListener(
    "keydown",
    (event) => {
      if (event.key !== "Escape" || !explained) return;
      event.stopPropagation();
      hideTip();
    },
    { capture: true },
  );
}

/** @type {(event: Event) => HTMLElement | null} */
const termAt = (event) => targetOf(event).closest?.("[data-term]");

/** @type {(term: HTMLElement) => void} */
function showTip(term) {
  if (term === explained) return;
  hideTip();
  explained = term;
  const [name, meaning] = lineOfTerm(term).cloneNode(true).childNodes;
  tip.replaceChildren(createElement("strong", {}, name.textContent ?? ""), ": ", ...meaning.childNodes);
  tip.hidden = false;
  const { left, top, bottom } = term.getBoundingClientRect();
  const { clientWidth, clientHeight } = document.documentElement;
  const isBelow = bottom + tip.offsetHeight < clientHeight;
  // By properties and not by the attribute `style`, which the page's policy forbids.
  tip.style.left = `${scrollX + bounded(left, EDGE_PIXELS, clientWidth - tip.offsetWidth - EDGE_PIXELS)}px`;
  tip.style.top = `${scrollY + (isBelow ? bottom : top - tip.offsetHeight)}px`;
}

function hideTip() {
  explained = undefined;
  tip.hidden = true;
  // What is hidden still describes the terms for a screen reader.
  tip.replaceChildren();
}
