// This file copies the address of the present view, for a reader who sends it to somebody.

import { addressOfView } from "../page/address.js";
import { find, findField } from "../shared/page_elements.js";

/** The button says for this long that the address is copied. */
const COPIED_MILLISECONDS = 2000;

/** @type {() => void} */
export function listenToCopyLink() {
  const button = find("#copy-link");
  button.addEventListener("click", async () => {
    const address = new URL(addressOfView(), location.href).href;
    if (await isCopied(address)) {
      button.textContent = "Copied";
      setTimeout(() => {
        button.textContent = "Copy link";
      }, COPIED_MILLISECONDS);
    } else showAddress(address);
  });
}

/**
 * Put a text on the clipboard. Return whether it is there: a browser may have no clipboard for a file, or refuse.
 * @type {(text: string) => Promise<boolean>}
 */
async function isCopied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * Show the address selected in a field, where the reader copies it by hand.
 * @type {(address: string) => void}
 */
function showAddress(address) {
  const field = findField("#copy-field");
  field.hidden = false;
  field.value = address;
  field.focus();
  field.select();
}
