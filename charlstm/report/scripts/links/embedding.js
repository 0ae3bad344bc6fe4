// This file shows one cell alone, for a frame in another page: `report.html?embed=0:57`.

import { chosenRow, hasChosenRow } from "../page/state.js";
import { createElement, find } from "../shared/page_elements.js";

/** The cell that the address asks for alone, `layer:cell`; null where the whole page is shown. */
const embeddedCell = new URLSearchParams(location.search).get("embed");

/**
 * Return the address whose view is restored: that of the page, or of the whole page at the embedded cell.
 * @type {() => string}
 */
export function wantedAddress() {
  if (embeddedCell === null) return location.href;
  const address = new URL(location.href);
  address.search = "";
  const wanted = new URLSearchParams(address.hash.slice(1));
  if (!wanted.has("cell")) address.hash = `cell=${encodeURIComponent(embeddedCell)}`;
  return address.href;
}

/**
 * Leave nothing but the chosen cell along the text and a link to the whole page, where the address asks for it.
 * @type {() => void}
 */
export function showEmbedded() {
  if (embeddedCell === null) return;
  document.body.classList.add("embedded");
  const isKnown = hasChosenRow() && chosenRow().cell === embeddedCell && find("#reading") !== null;
  document.body.classList.toggle("unknown", !isKnown);
  const whole = createElement(
    "a",
    { href: wantedAddress(), target: "_blank", rel: "noopener" },
    "The whole page",
  );
  const absent = isKnown ? "" : `This page has no values of a cell ${embeddedCell} along a text. `;
  find("main").append(createElement("p", { id: "embed-note", class: "note" }, absent, whole));
}
