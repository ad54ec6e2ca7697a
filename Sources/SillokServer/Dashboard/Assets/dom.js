// Creates elements. All data from a store is inserted as text, never as markup.

export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  add(element, children);
  return element;
}

export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  add(element, children);
  return element;
}

function add(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

export const link = (parts, ...children) => h("a", { href: route(...parts) }, ...children);
export const route = (...parts) => "#/" + parts.map((part) => encodeURIComponent(part)).join("/");

export function table(columns, rows, { open, empty = "nothing" } = {}) {
  if (rows.length === 0) return h("p", { class: "empty" }, empty);
  const body = rows.map((row) => {
    const go = open?.(row);
    return h("tr", go ? { tabindex: 0, onclick: (event) => { if (!event.target.closest("a,button")) go(); },
      onkeydown: (event) => { if (event.key === "Enter" && event.target === event.currentTarget) go(); } } : {},
      columns.map((column) => h("td", { class: column.class }, column.cell(row))));
  });
  return h("div", { class: "scroll" }, h("table", {},
    h("thead", {}, h("tr", {}, columns.map((column) => h("th", { class: column.class, scope: "col" }, column.title)))),
    h("tbody", {}, body)));
}

export const card = (title, ...children) => h("section", { class: "card" }, title && h("h2", {}, title), ...children);

export function facts(pairs) {
  return h("dl", {}, pairs.filter(([, value]) => value !== undefined && value !== null && value !== "")
    .map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

// Numbers and times for people. No line ends within a number, before its unit, or within "7 of 9".
export const count = (number) => Number(number ?? 0).toLocaleString("en").replaceAll(",", "\u202F");
export const outOf = (part, whole) => `${count(part)}\u00A0of\u00A0${count(whole)}`;
export function span(seconds) {
  if (seconds === undefined || seconds === null) return "–";
  if (seconds <= 0) return "0";
  if (seconds < 0.001) return `${Math.round(seconds * 1e6)}\u00A0µs`;
  if (seconds < 1) return `${(seconds * 1000).toPrecision(3)}\u00A0ms`;
  if (seconds < 120) return `${seconds.toFixed(seconds < 10 ? 1 : 0)}\u00A0s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)}\u00A0min`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)}\u00A0h`;
  return `${Math.round(seconds / 86400)}\u00A0d`;
}
export function size(bytes) {
  let [value, unit] = [Number(bytes ?? 0), 0];
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  while (value >= 1024 && unit < 4) { value /= 1024; unit += 1; }
  return `${unit ? value.toFixed(1) : value}\u00A0${units[unit]}`;
}
export const moment = (text) => h("time", { datetime: text, title: text }, (text ?? "").replace("T", " ").replace(/\.\d+Z$|Z$/, ""));
// The id in the store and the recording time of an event that has an identity of its producer.
export const eventID = (event) => event.sillokid ?? event.id;
export const recorded = (event) => event.silloktime ?? event.time;
export const clock = (text) => (text ?? "").slice(11, 23);

// JSON, indented and highlighted, as text nodes only.
export function code(value, changed = new Set()) {
  const lines = [];
  write(value, "", "", lines, "");
  return h("pre", { class: "code" }, lines.map((line) =>
    h("span", { class: changed.has(line.path) ? "changed" : undefined }, line.parts, "\n")));
}
export class Exact { constructor(text) { this.text = text; } }
function write(value, indent, before, lines, path, comma = "") {
  const key = before ? [h("span", { class: "k" }, JSON.stringify(before)), ": "] : [];
  if (value instanceof Exact) lines.push({ path, parts: [indent, key, h("span", { class: "n" }, value.text), comma] });
  else if (value && typeof value === "object" && Object.keys(value).length > 0) {
    const isList = Array.isArray(value);
    const entries = Object.entries(value);
    lines.push({ path: path + "{", parts: [indent, key, isList ? "[" : "{"] });
    entries.forEach(([name, inner], index) =>
      write(inner, indent + "  ", isList ? "" : name, lines, `${path}/${name}`, index < entries.length - 1 ? "," : ""));
    lines.push({ path: path + "}", parts: [indent, isList ? "]" : "}", comma] });
  } else {
    const kind = typeof value === "string" ? "s" : "n";
    lines.push({ path, parts: [indent, key, h("span", { class: kind }, JSON.stringify(value) ?? ""), comma] });
  }
}
export function leaves(value, path = "", found = new Map()) {
  if (value && typeof value === "object" && !(value instanceof Exact)) {
    for (const [name, inner] of Object.entries(value)) leaves(inner, `${path}/${name}`, found);
  } else found.set(path, value instanceof Exact ? value.text : JSON.stringify(value));
  return found;
}

export function toast(text, isBad = false) {
  const element = h("div", { class: isBad ? "toast bad" : "toast" }, text);
  document.getElementById("toasts").append(element);
  setTimeout(() => element.remove(), isBad ? 9000 : 4000);
}

// Asks for confirmation before an action; returns the input, or null.
export function confirmed({ title, text, action, danger = false, fields = [{ name: "reason", label: "Why (kept for good)" }] }) {
  return new Promise((resolve) => {
    const inputs = fields.map((field) => field.long
      ? h("textarea", { name: field.name, required: true, value: field.value ?? "" })
      : h("input", { name: field.name, required: !field.optional, value: field.value ?? "", maxlength: 1000, autocomplete: "off", placeholder: field.hint }));
    const dialog = h("dialog", { "aria-label": title },
      h("form", { method: "dialog", class: "fields", onsubmit: (event) => {
        event.preventDefault();
        resolve(Object.fromEntries(inputs.map((input) => [input.name, input.value])));
        dialog.close();
      } }, h("h1", {}, title), text && h("p", {}, text),
      fields.map((field, index) => h("label", {}, field.label, inputs[index])),
      h("div", { class: "buttons" }, h("button", { type: "button", onclick: () => dialog.close() }, "Cancel"),
        h("button", { type: "submit", class: danger ? "danger" : "main" }, action))));
    dialog.addEventListener("close", () => { resolve(null); dialog.remove(); });
    document.body.append(dialog);
    dialog.showModal();
    inputs[0]?.focus();
  });
}
