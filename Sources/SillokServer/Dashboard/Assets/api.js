// Talks to the server that the page came from.
import { Exact } from "./dom.js";

export class Problem extends Error {
  constructor(status, problem) {
    super(problem?.detail ?? `the server answered ${status}`);
    this.status = status;
    this.kind = (problem?.type ?? "").split(":").pop();
  }
}

export const state = { session: null, onUnproved: () => {} };

// Numbers that JavaScript cannot hold keep their text.
const exact = (_, value, context) =>
  typeof value === "number" && context?.source && !Number.isSafeInteger(value) && String(value) !== context.source ?
  new Exact(context.source) : value;

// JSON with every digit of its numbers.
export const parse = (text) => JSON.parse(text, exact);

async function call(method, path, { body, signal } = {}) {
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET" && state.session?.guard) headers["Sillok-Guard"] = state.session.guard;
  const response = await fetch(path, { method, headers, signal, credentials: "same-origin", body: body ===
      undefined ? undefined : JSON.stringify(body) });
  const text = await response.text();
  let value = null;
  try { value = text ? parse(text) : null; } catch { /* not JSON: the status says enough */ }
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
export const may = (scope) => state.session?.scopes?.includes(scope) ?? false;

// Runs `body` at once and every so often while the page is to be seen, until the signal ends it.
export async function every(milliseconds, signal, body) {
  while (!signal.aborted) {
    if (!document.hidden) await body();
    await new Promise((resolve) => { const timer = setTimeout(resolve, milliseconds);
      signal.addEventListener("abort", () => { clearTimeout(timer);
        resolve(); }, { once: true }); });
  }
}
