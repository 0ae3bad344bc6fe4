// This file reads the JSON that the page carries.

import { inflated } from "./inflated.js";
import { find } from "./page_elements.js";

/** The data of the page; there are none until `readData` is done. */
export const data = /** @type {ReportData} */ ({});

/**
 * Read the data: JSON that charlstm/report/page/size_limit.py packs, a quarter of its size.
 * @type {() => Promise<void>}
 */
export async function readData() {
  const bytes = await inflated(find("#data").textContent);
  Object.assign(data, JSON.parse(new TextDecoder().decode(bytes)));
}

/** The four gates in the order in which the page shows them. */
export const GATES = ["input", "forget", "candidate", "output"];

/**
 * Return what is shown in the place of a character: a symbol where the character itself cannot be seen.
 * @type {(character: string) => string}
 */
export const symbolOf = (character) => data.symbols[character] ?? character;
