
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
    const button = element("button", { type: "button", "aria-pressed": "false" }, `${name} (${matching || "none known"})`);
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

// Who can reach what. The list below the drawing has the same paths as text.
function pathItem({ change, principal, right, target, more, extent }) {
  const names = { gone: "del", new: "ins", same: "span" };
  const text = element(names[change], { class: "value" }, `${principal} ${right} ${target}${more ? ` and ${more} more` : ""}`);
  const words = { gone: "no longer: ", new: "now: ", same: "" };
  return element("li", {}, words[change], text, element("span", { class: "note" }, ` (${extent})`));
}

function showPaths(list, { paths, more }) {
  list.append(...paths.map(pathItem));
  if (more > 0) list.append(element("li", {}, `and ${more} more ${more === 1 ? "line" : "lines"}`));
}

function svg(name, attributes, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function lines(text, most) {
  const part = new RegExp(`.{1,${most}}$|.{1,${most - 1}}[-/:., ]|.{1,${most}}`, "gu");
  const found = text.match(part) || [""];
  return found.length > 3 ? [...found.slice(0, 2), `${found[2].slice(0, -1)}\u2026`] : found;
}

const LINE = 15;
// Place the nodes of one side below each other, those of an account inside its box.
function place(model, side, x, width, picture) {
  let y = 4;
  const at = new Map();
  const nodes = model.nodes.map((node, index) => ({ ...node, index })).filter((node) => node.side === side);
  for (const box of new Set(nodes.map((node) => node.box))) {
    const top = y;
    const title = lines(box, Math.floor((width - 12) / 7));
    title.forEach((line, index) => {
      picture.append(svg("text", { x: x + 6, y: y + 15 + index * LINE, class: "title" }, line));
    });
    y += 8 + title.length * LINE;
    for (const node of nodes.filter((each) => each.box === box)) {
      const label = lines(node.label + (node.count > 1 ? ` \u00d7${node.count}` : ""), Math.floor((width - 24) / 7));
      const arrows = model.arrows.filter((arrow) => arrow.start === node.index || arrow.end === node.index).length;
      const height = Math.max(label.length * LINE, Math.min(arrows, 12) * LINE) + 10;
      picture.append(svg("rect", { x: x + 6, y, width: width - 12, height, rx: 4 }, svg("title", {}, node.label)));
      label.forEach((line, index) => {
        picture.append(svg("text", { x: x + 12, y: y + 16 + index * LINE }, line));
      });
      at.set(node.index, { y, height, arrows, used: 0 });
      y += height + 8;
    }
    picture.append(svg("rect", { x, y: top, width, height: y - top, rx: 6, class: "box" }));
    y += 10;
  }
  return [at, y];
}

function draw(model) {
  const width = Math.min(byId("drawing").clientWidth, 960);
  if (width < 200) return;
  const gap = width < 560 ? 86 : 180;
  const column = (width - gap) / 2;
  const picture = svg("svg", { role: "img", "aria-labelledby": "drawing-title" });
  const counts = ["new", "gone"].map((kind) => `${model.arrows.filter(({ change }) => change === kind).length} ${kind}`);
  picture.append(svg("title", { id: "drawing-title" }, `Permissions that change: ${counts.join(", ")}. The list below names the ways to data; the rows above have every statement.`));
  const [from, left] = place(model, "from", 1, column, picture);
  const [to, right] = place(model, "to", width - column - 1, column, picture);
  const port = (node) => node.y + (node.height * (node.used++ + 0.5)) / node.arrows;
  for (const arrow of model.arrows) {
    const [start, end] = [port(from.get(arrow.start)), port(to.get(arrow.end))];
    const [x1, x2] = [column - 5, width - column + 5];
    const middle = (x1 + x2) / 2;
    const kind = arrow.change === "gone" ? "gone" : "new";
    const curve = `M${x1} ${start} C${middle} ${start} ${middle} ${end} ${x2} ${end} m-6 -4 l6 4 l-6 4`;
    picture.append(svg("path", { d: curve, class: kind }));
    picture.append(svg("text", { x: x2 - 10, y: end - 3, "text-anchor": "end", class: `right ${kind}` }, arrow.right));
  }
  const height = Math.max(left, right);
  for (const [key, value] of Object.entries({ width, height, viewBox: `0 0 ${width} ${height}` })) {
    picture.setAttribute(key, value);
  }
  byId("drawing").replaceChildren(picture);
}

const access = plan.paths;
if (access && access.drawing.arrows.length + access.same.count > 0) {
  byId("access").hidden = false;
  byId("access-heading").textContent = access.title;
  showPaths(byId("paths"), access.changed);
  byId("access-none").hidden = access.changed.count > 0 || access.drawing.arrows.length === 0;
  const same = byId("access-same");
  same.hidden = access.same.count === 0;
  same.querySelector("summary").textContent =
    access.same.count === 1 ? "1 way stays as it is" : `${access.same.count} ways stay as they are`;
  showPaths(same.querySelector("ul"), access.same);
  if (access.drawing.arrows.length > 0) {
    draw(access.drawing);
    window.addEventListener("resize", () => draw(access.drawing));
  }
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
