// The table

function sortBy(header) {
  const column = header.cellIndex;
  const numeric = header.classList.contains("number");
  const first = numeric && column > 0 ? "descending" : "ascending";
  const other = first === "ascending" ? "descending" : "ascending";
  const order = header.getAttribute("aria-sort") === first ? other : first;
  findAll("#table th[aria-sort]").forEach((sorted) => sorted.removeAttribute("aria-sort"));
  header.setAttribute("aria-sort", order);
  const lines = findAll("#table tbody tr");
  lines.sort((one, two) => compare(sortKey(one, column), sortKey(two, column), order === "ascending" ? 1 : -1));
  find("#table tbody").append(...lines);
}

function sortKey(line, column) {
  const value = line.cells[column].dataset.value;
  if (value === undefined) return line.cells[column].textContent;
  return value === "" || value === "None" ? null : Number(value);
}

function compare(one, two, direction) {
  // What was not measured stays at the end whichever way the column runs.
  if (one === null || two === null) return (one === null) - (two === null);
  return direction * (typeof one === "number" ? one - two : one.localeCompare(two, "en"));
}

function filterRows() {
  const wanted = find("#filter").value.toLowerCase().split(/\s+/).filter(Boolean);
  const lines = findAll("#table tbody tr");
  for (const line of lines) {
    const text = line.textContent.toLowerCase();
    line.hidden = !wanted.every((word) => text.includes(word));
  }
  const shown = lines.filter((line) => !line.hidden).length;
  find("#shown").textContent = shown === lines.length ? `${shown} rows` : `${shown} of ${lines.length} rows`;
}
