// This file reads the JSON that the page carries.

import { find } from "./page_elements.js";

export const data = /** @type {ReportData} */ (JSON.parse(find("#data").textContent));

/** The four gates in the order in which the page shows them. */
export const GATES = ["input", "forget", "candidate", "output"];

/**
 * Return what is shown in the place of a character: a symbol where the character itself cannot be seen.
 * @type {(character: string) => string}
 */
export const symbolOf = (character) => data.symbols[character] ?? character;
