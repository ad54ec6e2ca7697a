// Calls the server that served the page.
import { Exact, t } from "./dom.js";
import { word } from "./texts.js";

export class Problem extends Error {
  constructor(status, problem) {
    const kind = (problem?.type ?? "").split(":").pop();
    // The kind is a stable code with a text in each language; the details are in English.
    const named = word("problem", kind.replace(/-(\w)/g, (_, letter) => letter.toUpperCase()));
    super(
      problem?.detail && kind
        ? t("problem.text", { problem: named, detail: problem.detail })
        : problem?.detail ?? t("frame.status", { status: String(status) })
    );
    this.status = status;
    this.kind = kind;
  }
}

export const state = { session: null, onUnproved: () => {} };

// Numbers that JavaScript cannot hold keep their text. Not every browser gives it to the function that JSON.parse
// calls, so such numbers become marked strings before. No payload can contain the mark: each page makes its own.
const mark = `exact ${Math.random()} `;
const tokens = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const fits = (text) => Number.isSafeInteger(Number(text)) || String(Number(text)) === text;

// JSON with every digit of its numbers.
export const parse = (text) =>
  JSON.parse(
    text.replace(tokens, (token) => token[0] === '"' || fits(token) ? token : `"${mark}${token}"`),
    (_, value) => typeof value === "string" && value.startsWith(mark) ? new Exact(value.slice(mark.length)) : value
  );

// The same as text, in a line.
export const print = (value) =>
  JSON.stringify(value, (_, inner) => inner instanceof Exact ? mark + inner.text : inner).replace(
    new RegExp(`"${mark}([^"]*)"`, "g"),
    "$1"
  );

async function call(method, path, { body, signal } = {}) {
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET" && state.session?.guard) headers["Sillok-Guard"] = state.session.guard;
  const response = await fetch(path, {
    method,
    headers,
    signal,
    credentials: "same-origin",
    body: body === undefined ? undefined : JSON.stringify(body)
  });
  const text = await response.text();
  let value = null;
  try {
    value = text ? parse(text) : null;
  } catch {
    /* not JSON: the status says enough */
  }
  if (response.ok) return value;
  if (response.status === 401) state.onUnproved();
  throw new Problem(response.status, value);
}

export function get(path, query = {}, signal) {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    if (value !== undefined && value !== null && value !== "") search.append(name, value);
  const text = search.toString();
  return call("GET", text ? `${path}?${text}` : path, { signal });
}
export const send = (method, path, body) => call(method, path, { body });
export const path = (...parts) => parts.map((part) => encodeURIComponent(part)).join("/");
// A command that appends an event to this server.
export const example = () =>
  `curl ${new URL("v1/events", document.baseURI)} -H 'Content-Type: application/json' \\\n`
  + `  -d '{"type":"noted","subject":"note-1","data":{"text":"hello"}}'`;
export const may = (scope) => state.session?.scopes?.includes(scope) ?? false;

// Runs `body` immediately and then at intervals while the page is visible, until the signal ends it.
export async function every(milliseconds, signal, body) {
  while (!signal.aborted) {
    if (!document.hidden) await body();
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      signal.addEventListener(
        "abort",
        () => {
          clearTimeout(timer);
          resolve();
        },
        { once: true }
      );
    });
  }
}
