"use strict";
// Draws what the search finds into the rows that are there, by textContent alone. Without it the page has all else.
const element = (id) => document.getElementById(id);
const { pools, texts } = JSON.parse(element("data").textContent);
const rows = [...element("rows").rows];
const text = (place) => texts[place];
const cells = ([name, id, account, region, calls, modified, readAt]) => [
  name, id, text(account), text(region),
  calls.map(([called, ...triggers]) => `${triggers.map(text).join(", ")} → ${text(called)}`).join("; "),
  modified, text(readAt),
];
let searched;

function draw() {
  searched ??= pools.map((pool) => cells(pool).join("\n").toLowerCase());
  const words = element("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const found = pools.filter((_, place) => words.every((word) => searched[place].includes(word)));
  rows.forEach((row, place) => {
    row.hidden = place >= found.length;
    if (!row.hidden) cells(found[place]).forEach((cell, column) => { row.cells[column].firstChild.textContent = cell; });
  });
  const shown = found.length > rows.length ? `, the first ${rows.length} are shown` : "";
  element("found").textContent = `${found.length.toLocaleString("en")} of ${pools.length.toLocaleString("en")} pools${shown}`;
}

element("searching").hidden = false;
element("search").addEventListener("input", draw);
