// This file finds the elements of the page and creates new ones.

/**
 * Return the first element that matches a selector. The type leaves out null: a caller asks for an element
 * that the template always has, or tests the result with `?.`.
 * @type {(selector: string) => HTMLElement}
 */
export const find = (selector) => /** @type {HTMLElement} */ (document.querySelector(selector));

/** @type {(selector: string) => HTMLElement[]} */
export const findAll = (selector) => [...document.querySelectorAll(selector)].map(asHtmlElement);

/**
 * Return the form field (an input, a text area or a list of choices) that matches a selector.
 * @type {(selector: string) => HTMLInputElement}
 */
export const findField = (selector) => /** @type {HTMLInputElement} */ (document.querySelector(selector));

/** @type {(element: Element) => HTMLElement} */
const asHtmlElement = (element) => /** @type {HTMLElement} */ (element);

/**
 * Return the element at which an event happened, as one that has `closest`.
 * @type {(event: Event) => HTMLElement}
 */
export const targetOf = (event) => /** @type {HTMLElement} */ (event.target);

/**
 * Create an element with its attributes and children. A name that begins with "svg:" makes an SVG element.
 * Attributes that are undefined or false and children that are undefined are left out.
 * @type {(
 *   name: string,
 *   attributes?: Record<string, string | number | boolean | undefined>,
 *   ...children: (Node | string | undefined)[]
 * ) => HTMLElement}
 */
export function createElement(name, attributes = {}, ...children) {
  const element = name.startsWith("svg:")
    ? document.createElementNS("http://www.w3.org/2000/svg", name.slice(4))
    : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) element.setAttribute(key, String(value));
  }
  element.append(...children.filter((child) => child !== undefined));
  return /** @type {HTMLElement} */ (element);
}

/**
 * Return the nodes of a sentence, whose parts are each a text and whether it is a quotation from the corpus.
 * @type {(sentence: [string, boolean][]) => (Node | string)[]}
 */
export const sentenceNodes = (sentence) =>
  sentence.map(([text, isQuotation]) => (isQuotation ? createElement("code", {}, text) : text));
