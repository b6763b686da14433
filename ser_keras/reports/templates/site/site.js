"use strict";

// Tables: a heading is a button that sorts its column, numbers as numbers.
const value = (row, column) => row.cells[column].textContent.trim();
const number = (text) => {
  const match = text.match(/^[+\u2212-]?\d[\d,]*\.?\d*/);
  return match ? parseFloat(match[0].replaceAll(",", "").replace("\u2212", "-")) : NaN;
};
const compare = (a, b) => {
  const [x, y] = [number(a), number(b)];
  if (!Number.isNaN(x) && !Number.isNaN(y)) return x - y;
  if (Number.isNaN(x) !== Number.isNaN(y)) return Number.isNaN(x) ? 1 : -1;
  return a.localeCompare(b);
};

for (const table of document.querySelectorAll("table.sortable")) {
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = heading.textContent;
    heading.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = heading.getAttribute("aria-sort") === "ascending";
      headings.forEach((other) => other.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", down ? "descending" : "ascending");
      const rows = [...table.tBodies[0].rows];
      rows.sort((a, b) => (down ? -1 : 1) * compare(value(a, column), value(b, column)));
      table.tBodies[0].append(...rows);
    });
  });
}

// The verdict filter.
const choice = document.getElementById("verdict");
if (choice) {
  const rows = [...document.querySelectorAll("tr[data-verdict]")];
  choice.addEventListener("change", () => {
    const wanted = choice.value;
    for (const row of rows) {
      const verdict = row.dataset.verdict;
      const hit = {
        run: () => verdict === "one run" || verdict === "two runs",
        explained: () => verdict.includes("; explained by"),
        compatible: () => verdict.includes("; compatible with"),
      }[wanted]?.() ?? verdict.startsWith(wanted);
      row.hidden = !hit;
    }
    document.getElementById("shown").textContent = `${rows.filter((row) => !row.hidden).length} of ${rows.length}`;
  });
}
