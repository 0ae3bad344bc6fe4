// This file sorts, filters and steps through the table of cells.

import { find, findAll, findField } from "../shared/page_elements.js";
import { chooseRow } from "./chosen_cell.js";
import { view } from "./state.js";

/** Words that are offered where a filter matches no line. */
const EXAMPLE_WORDS = ["quote", "bracket", "column", "comment", "counter", "verified"];

/**
 * Sort the table by a column. Scores begin with the highest, effects with the largest of either sign; a second
 * click turns the order round.
 * @type {(header: HTMLTableCellElement) => void}
 */
function sortBy(header) {
  const column = header.cellIndex;
  const isNumeric = header.classList.contains("number");
  const [first, second] = isNumeric && column > 0 ? ["descending", "ascending"] : ["ascending", "descending"];
  const order = header.getAttribute("aria-sort") === first ? second : first;
  for (const sorted of findAll("#table th[aria-sort]")) sorted.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", order);
  const direction = order === "ascending" ? 1 : -1;
  const bySize = header.dataset.sort === "size";
  const lines = tableLines();
  lines.sort((one, other) =>
    compareKeys(sortKey(one, column, bySize), sortKey(other, column, bySize), direction),
  );
  find("#table tbody").append(...lines);
}

/** @type {() => HTMLTableRowElement[]} */
const tableLines = () => findAll("#table tbody tr").map((line) => /** @type {HTMLTableRowElement} */ (line));

/** @type {(line: HTMLTableRowElement, column: number, bySize: boolean) => number | string | null} */
function sortKey(line, column, bySize) {
  const cell = line.cells[column];
  const { value } = cell.dataset;
  if (value === undefined) return cell.textContent;
  if (value === "" || value === "None") return null;
  return bySize ? Math.abs(Number(value)) : Number(value);
}

/**
 * Compare two keys for a sort. A value that was not measured stays at the end in both directions.
 * @type {(one: number | string | null, other: number | string | null, direction: 1 | -1) => number}
 */
function compareKeys(one, other, direction) {
  if (one === null || other === null) return Number(one === null) - Number(other === null);
  if (typeof one === "number" && typeof other === "number") return direction * (one - other);
  return direction * String(one).localeCompare(String(other), "en");
}

/**
 * Hide the lines of the table that lack a word of the filter: each line is known by what it shows and by common
 * words for it, in the singular or the plural.
 * @type {() => void}
 */
function filterTable() {
  const words = findField("#filter").value.toLowerCase().split(/\s+/).filter(Boolean);
  const lines = tableLines();
  for (const line of lines) {
    const text = textToFilter(line);
    line.hidden = !words.every((word) => text.includes(word) || text.includes(singularOf(word)));
  }
  const count = lines.filter((line) => !line.hidden).length;
  find("#shown").textContent =
    count === lines.length
      ? `${count} rows`
      : count
        ? `${count} of ${lines.length} rows`
        : noMatchWords(lines);
}

/** @type {(line: HTMLTableRowElement) => string} */
const textToFilter = (line) => `${line.textContent} ${line.dataset.words ?? ""}`.toLowerCase();

/**
 * Return the words where no line matches: some that do match.
 * @type {(lines: HTMLTableRowElement[]) => string}
 */
function noMatchWords(lines) {
  const matching = EXAMPLE_WORDS.filter((word) => lines.some((line) => textToFilter(line).includes(word)));
  return `no cell matches${matching.length ? `; try ${matching.join(", ")}` : ""}`;
}

/**
 * Return a word without the ending of a plural; "parentheses" becomes "parenthe", as "parenthesis" begins.
 * @type {(word: string) => string}
 */
const singularOf = (word) =>
  word.replace(/(ses|shes|ches|xes)$/, (end) => end.slice(0, -2)).replace(/s$/, "");

/**
 * Choose the cell of the next visible line (direction 1) or of the line before (direction -1).
 * @type {(direction: 1 | -1) => void}
 */
export function stepThroughTable(direction) {
  const visible = tableLines().filter((line) => !line.hidden);
  const current = visible.findIndex((line) => Number(line.dataset.row) === view.rowIndex);
  const next = visible[current < 0 ? 0 : current + direction];
  if (!next) return;
  chooseRow(Number(next.dataset.row));
  if (document.activeElement?.closest("#table")) next.querySelector("button")?.focus({ preventScroll: true });
}

/** @type {() => void} */
export function listenToTable() {
  for (const header of findAll("#table thead th")) {
    header.addEventListener("click", () => sortBy(/** @type {HTMLTableCellElement} */ (header)));
  }
  find("#table tbody").addEventListener("click", (event) => {
    const line = /** @type {Element} */ (event.target).closest("tr");
    chooseRow(Number(line?.dataset.row));
  });
  find("#filter").addEventListener("input", filterTable);
  find("#filter").addEventListener("keydown", (event) => {
    if (event.key === "Escape") findField("#filter").value = "";
    if (event.key === "Escape" || event.key === "Enter") leaveFilter(event);
  });
  filterTable();
}

/**
 * Move the focus from the filter to the table; Enter also chooses the first visible cell.
 * @type {(event: KeyboardEvent) => void}
 */
function leaveFilter(event) {
  event.preventDefault();
  filterTable();
  const first = find("#table tbody tr:not([hidden])");
  if (!first) return;
  if (event.key === "Enter") chooseRow(Number(first.dataset.row));
  const current = find("#table tr[aria-current]") ?? first;
  (current.hidden ? first : current).querySelector("button")?.focus();
}
