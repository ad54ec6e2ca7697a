// Creates elements. All data from a store is inserted as text, never as markup.
import { count, parts, t } from "./texts.js";

export { count, parts, t };

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

// A table. On a narrow screen each row becomes a card, whose cells name their columns.
export function table(columns, rows, { open, empty = t("table.empty"), label } = {}) {
  if (rows.length === 0) return empty instanceof Node ? empty : h("p", { class: "empty" }, empty);
  const body = rows.map((row) => {
    const go = open?.(row);
    const acts = go && {
      tabindex: 0,
      onclick: (event) => {
        if (!event.target.closest("a,button")) go();
      },
      onkeydown: (event) => {
        if (event.key === "Enter" && event.target === event.currentTarget) go();
      }
    };
    return h(
      "tr",
      { role: "row", ...acts },
      columns.map((column) =>
        h("td", { role: "cell", class: column.class, "data-column": column.title }, column.cell(row))
      )
    );
  });
  const titles = columns.map((column) =>
    h(
      "th",
      { role: "columnheader", class: column.class, scope: "col" },
      column.title || h("span", { class: "unseen" }, t("table.acts"))
    )
  );
  return h(
    "div",
    { class: "scroll" },
    h(
      "table",
      { role: "table", "aria-label": label },
      h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, titles)),
      h("tbody", { role: "rowgroup" }, body)
    )
  );
}

// Replaces the content of an element. A focused row or button keeps its focus, and selected text is not replaced.
export function redraw(place, ...content) {
  if (place.childElementCount && getSelection()?.type === "Range" && place.contains(getSelection().anchorNode)) return;
  const places = () => [...place.querySelectorAll("a,button,input,select,summary,tr[tabindex],li[tabindex]")];
  const at = places().indexOf(document.activeElement);
  place.replaceChildren(...content.flat(Infinity).filter(Boolean));
  if (at >= 0) places()[at]?.focus({ preventScroll: true });
}

// What an empty page says: what it means, and what to do next.
export const nothing = (text, next, ...more) =>
  h("div", { class: "nothing" }, h("p", {}, text), next && h("p", { class: "note" }, next), ...more);

export const card = (title, ...children) => h("section", { class: "card" }, title && h("h2", {}, title), ...children);

export function facts(pairs) {
  return h(
    "dl",
    {},
    pairs
      .filter(([, value]) => value !== undefined && value !== null && value !== "")
      .map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])
  );
}

// Times and sizes for people, in one form. No line ends before a unit, or within "7 of 9".
export const outOf = (part, whole) => t("number.outOf", { part, whole });
export function span(seconds) {
  if (seconds === undefined || seconds === null) return "–";
  if (seconds <= 0) return "0";
  const unit = (value, name) => t(`unit.${name}`, { value: String(value) });
  const short = (value) => count(Number(value.toFixed(value < 10 ? 1 : 0)));
  if (seconds < 0.001) return unit(Math.round(seconds * 1e6), "microseconds");
  if (seconds < 1) return unit(Number((seconds * 1000).toPrecision(3)), "milliseconds");
  if (seconds < 60) return unit(short(seconds), "seconds");
  if (seconds < 3600) return unit(short(seconds / 60), "minutes");
  if (seconds < 172800) return unit(short(seconds / 3600), "hours");
  return unit(short(seconds / 86400), "days");
}
export function size(bytes) {
  let [value, unit] = [Number(bytes ?? 0), 0];
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  while (value >= 1024 && unit < 4) {
    value /= 1024;
    unit += 1;
  }
  return `${unit ? value.toFixed(1) : value}\u00A0${units[unit]}`;
}
export const moment = (text) =>
  h("time", { datetime: text, title: text }, (text ?? "").replace("T", " ").replace(/\.\d+Z$|Z$/, ""));
// The id in the store and the recording time of an event that has an identity of its producer.
export const eventID = (event) => event.sillokid ?? event.id;
export const recorded = (event) => event.silloktime ?? event.time;
export const clock = (text) => (text ?? "").slice(11, 23);

// JSON, indented and highlighted, as text nodes only.
export function code(value, changed = new Set(), isWhole = false) {
  const lines = [];
  write(value, "", "", lines, "");
  return h(
    "pre",
    // A long text scrolls, so the keyboard must reach it.
    { class: isWhole ? "code whole" : "code", tabindex: isWhole ? undefined : 0 },
    lines.map((line) => h("span", { class: changed.has(line.path) ? "changed" : undefined }, line.parts, "\n"))
  );
}
export class Exact {
  constructor(text) {
    this.text = text;
  }
}
function write(value, indent, before, lines, path, comma = "") {
  const key = before ? [h("span", { class: "k" }, JSON.stringify(before)), ": "] : [];
  if (value instanceof Exact) lines.push({ path, parts: [indent, key, h("span", { class: "n" }, value.text), comma] });
  else if (value && typeof value === "object" && Object.keys(value).length > 0) {
    const isList = Array.isArray(value);
    const entries = Object.entries(value);
    lines.push({ path: path + "{", parts: [indent, key, isList ? "[" : "{"] });
    entries.forEach(([name, inner], index) =>
      write(inner, indent + "  ", isList ? "" : name, lines, `${path}/${name}`, index < entries.length - 1 ? "," : "")
    );
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
export function confirmed({
  title,
  text,
  action,
  danger = false,
  fields = [{ name: "reason", label: t("dialog.why") }]
}) {
  return new Promise((resolve) => {
    const inputs = fields.map((field) =>
      field.long
        ? h("textarea", { name: field.name, required: true, value: field.value ?? "" })
        : field.choices
          ? h(
              "select",
              { name: field.name },
              field.choices.map(([value, text]) => h("option", { value }, text))
            )
          : h("input", {
              name: field.name,
              required: !field.optional,
              value: field.value ?? "",
              maxlength: 1000,
              autocomplete: "off",
              placeholder: field.hint
            })
    );
    const dialog = h(
      "dialog",
      { "aria-label": title },
      h(
        "form",
        {
          method: "dialog",
          class: "fields",
          onsubmit: (event) => {
            event.preventDefault();
            resolve(Object.fromEntries(inputs.map((input) => [input.name, input.value])));
            dialog.close();
          }
        },
        h("h1", {}, title),
        text && h("p", {}, text),
        fields.map((field, index) => h("label", {}, field.label, inputs[index])),
        h(
          "div",
          { class: "buttons" },
          h("button", { type: "button", onclick: () => dialog.close() }, t("dialog.cancel")),
          h("button", { type: "submit", class: danger ? "danger" : "main" }, action)
        )
      )
    );
    dialog.addEventListener("close", () => {
      resolve(null);
      dialog.remove();
    });
    document.body.append(dialog);
    dialog.showModal();
    inputs[0]?.focus();
  });
}
