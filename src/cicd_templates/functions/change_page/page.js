
"use strict";
// Every text of the plan is untrusted: it becomes a text node, never markup.
const plan = JSON.parse(document.getElementById("plan").textContent);
const byId = (id) => document.getElementById(id);

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function difference(parts) {
  const names = { gone: "del", new: "ins", same: "span" };
  return element("span", { class: "value" }, ...parts.map(([kind, text]) => element(names[kind], {}, text)));
}

function fact(term, ...children) {
  return element("div", {}, element("dt", {}, term), element("dd", {}, ...children));
}

function value({ name, parts, recreation }) {
  const note = { Always: " (needs a replacement)", Conditionally: " (may need a replacement)" }[recreation] || "";
  const changed = parts.length ? difference(parts) : element("span", { class: "note" }, "value not reported");
  return fact(name, changed, element("span", { class: "note" }, note));
}

function places(row) {
  const items = row.places.map(({ name, source }) => element("li", {}, `${name} `, element("code", {}, source)));
  if (items.length === 1) return element("code", {}, row.places[0].source);
  const list = element("ul", { class: "places" }, ...items);
  return element("details", {}, element("summary", {}, `${items.length} places`), list);
}

function body(row) {
  const facts = element("dl");
  if (row.data) facts.append(fact("Data", row.data));
  if (row.consequence) facts.append(fact("Consequence", row.consequence));
  for (const { kind, parts } of row.access) facts.append(fact(`Access, ${kind}`, difference(parts)));
  facts.append(...row.values.map(value));
  if (row.contents.length) facts.append(fact("Resources", row.contents.join(", ")));
  facts.append(fact("Template", places(row)));
  if (row.wait) facts.append(fact("Longest wait", `${row.wait} for its stack`));
  return element("div", { class: "body" }, facts);
}

// Marks stay in this browser, for this plan alone. A browser may refuse to store them.
const store = `seen ${plan.plans.map((each) => each.digest).join(" ")}`;
const seen = new Set();
try {
  for (const id of JSON.parse(localStorage.getItem(store) || "[]")) seen.add(id);
} catch { /* The marks are then kept until the page is closed. */ }

function mark(row, item, checked) {
  if (checked) seen.add(row.id); else seen.delete(row.id);
  item.classList.toggle("is-seen", checked);
  try { localStorage.setItem(store, JSON.stringify([...seen])); } catch { /* as above */ }
  count();
}

function rowItem(row) {
  const tags = row.concerns.map((concern) => element("span", { class: "tag", "data-concern": concern }, concern));
  const kind = [row.type, row.effect, row.data, row.extent].filter(Boolean).join(" \u00b7 ");
  const heading = element("h3", {}, row.title);
  const summary = element("summary", {}, ...tags, heading, " ", element("span", { class: "kind" }, kind));
  const item = element("li", {}, element("details", {}, summary, body(row)));
  const box = element("input", { type: "checkbox" });
  box.checked = seen.has(row.id);
  box.addEventListener("change", () => mark(row, item, box.checked));
  item.append(element("label", { class: "seen" }, box, "seen", element("span", { class: "hidden-text" }, `: ${row.title}`)));
  return item;
}

const items = plan.rows.map((row) => [row, rowItem(row)]);
const chosen = { concerns: new Set(), environments: new Set() };
const shown = () => items.filter(([, item]) => !item.hidden);

function count() {
  const marked = items.filter(([row]) => seen.has(row.id)).length;
  byId("count").textContent = `${shown().length} of ${items.length} shown, ${marked} of ${items.length} seen`;
}

function applyFilters() {
  const passes = (row, [kind, names]) => names.size === 0 || row[kind].some((each) => names.has(each));
  for (const [row, item] of items) item.hidden = !Object.entries(chosen).every((filter) => passes(row, filter));
  count();
}

for (const [kind, names] of [["environments", plan.environments], ["concerns", plan.filters]]) {
  for (const name of names) {
    const matching = plan.rows.filter((row) => row[kind].includes(name)).length;
    const button = element("button", { type: "button", "aria-pressed": "false" }, `${name} (${matching})`);
    button.disabled = matching === 0;
    button.addEventListener("click", () => {
      if (!chosen[kind].delete(name)) chosen[kind].add(name);
      button.setAttribute("aria-pressed", String(chosen[kind].has(name)));
      applyFilters();
    });
    byId("filters").append(button);
  }
}

byId("open-all").addEventListener("click", ({ currentTarget: button }) => {
  const open = button.getAttribute("aria-expanded") !== "true";
  for (const [, item] of shown()) item.querySelector("details").open = open;
  button.setAttribute("aria-expanded", String(open));
  button.textContent = open ? "Close all" : "Open all";
});

byId("export").addEventListener("click", () => {
  const listed = (marked) =>
    items.filter(([row]) => seen.has(row.id) === marked).flatMap(([row]) => row.places.map((place) => place.name));
  const marks = { plans: plan.plans, exported: new Date().toISOString(), seen: listed(true), unseen: listed(false) };
  const address = URL.createObjectURL(new Blob([`${JSON.stringify(marks, null, 2)}\n`], { type: "application/json" }));
  const name = `seen-in-${plan.plans.map((each) => each.environment).join("-")}.json`;
  element("a", { href: address, download: name }).click();
  URL.revokeObjectURL(address);
});

// A printed page shows everything.
const closed = [];
window.addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details:not([open])")) {
    details.open = true;
    closed.push(details);
  }
});
window.addEventListener("afterprint", () => {
  for (const details of closed.splice(0)) details.open = false;
});

function driftItem({ title, type, effect, reason, source, values }) {
  const facts = element("dl", {}, ...values.map(value));
  if (reason) facts.append(fact("Reason", reason));
  facts.append(fact("Template", element("code", {}, source)));
  const kind = element("span", { class: "kind" }, `${type} \u00b7 ${effect}`);
  const summary = element("summary", {}, element("h3", {}, title), " ", kind);
  return element("li", {}, element("details", {}, summary, element("div", { class: "body" }, facts)));
}

byId("drifted").append(...plan.drift.map(driftItem));
byId("drift").hidden = plan.drift.length === 0;
byId("rows").append(...items.map(([, item]) => item));
byId("changes").hidden = items.length === 0;
for (const { text, stacks } of plan.notes) {
  byId("notes").append(element("tr", {}, element("th", { scope: "row" }, text), element("td", {}, stacks.join(", "))));
}
byId("stacks").hidden = plan.notes.length === 0;
count();
