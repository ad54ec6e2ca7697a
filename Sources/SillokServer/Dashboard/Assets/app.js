// The frame of all pages: navigation, session, keyboard shortcuts and theme.
import { get, send, state, may } from "./api.js";
import { h, toast, count } from "./dom.js";
import { overview } from "./overview.js";
import { streams, stream } from "./streams.js";
import { event } from "./event.js";
import { tail } from "./tail.js";
import { projections, projection } from "./projections.js";
import { letters } from "./letters.js";
import { operations } from "./operations.js";

const pages = { "": overview, streams, stream, event, tail, projections, projection, letters, operations };
const menu = [
  ["", "Overview", "o"],
  ["streams", "Streams", "s"],
  ["tail", "Live tail", "t"],
  ["projections", "Projections", "p"],
  ["letters", "Dead letters", "d"],
  ["operations", "Operations", "a"]
];
const of = { stream: "streams", event: "streams", projection: "projections" };

let leave = new AbortController();
const main = document.getElementById("main");

async function show() {
  leave.abort();
  leave = new AbortController();
  const [name = "", ...rest] = location.hash.replace(/^#\/?/, "").split("/").map((part) => decodeURIComponent(
  part));
  for (const item of document.querySelectorAll("nav a")) {
    if (item.dataset.page === (of [name] ?? name)) item.setAttribute("aria-current", "page");
    else item.removeAttribute("aria-current");
  }
  if (!state.session) return;
  if (!state.session.isOpen && !state.session.principal) return signIn();
  const page = pages[name] ?? (() => h("p", { class: "empty" }, "There is no such page."));
  const signal = leave.signal;
  try {
    await page({ show: (...content) => { if (!signal.aborted) draw(content.flat(Infinity).filter(Boolean)); },
      signal }, ...rest);
  } catch (error) {
    if (!signal.aborted && error.name !== "AbortError") main.replaceChildren(h("div", { class: "banner bad" }, h(
      "b", {}, "That did not work."), h("span", {}, error.message)));
  }
}

// Redraws a page. A focused row or button keeps its focus, and a page with selected text is not redrawn.
function draw(content) {
  if (main.childElementCount && getSelection()?.type === "Range" && main.contains(getSelection().anchorNode)) return;
  const places = () => [...main.querySelectorAll("a,button,input,select,tr[tabindex]")];
  const place = places().indexOf(document.activeElement);
  main.replaceChildren(...content);
  if (place >= 0) places()[place]?.focus({ preventScroll: true });
}

function signIn() {
  const token = h("input", { type: "password", autocomplete: "off", required: true, "aria-label": "Key or token",
    placeholder: "sillok_…" });
  const form = h("form", {
      class: "fields",
      onsubmit: async (submit) => {
        submit.preventDefault();
        try {
          state.session = await send("POST", "v1/session", { token: token.value });
          begin();
        } catch (error) { toast(error.message, true); }
      }
    }, h("h1", {}, "Sign in"), h("p", { class: "note" },
      "With a key of this server, or a token of its issuer. "
      + "It is kept by the server for twelve hours, not by this page."
      ),
    h("label", {}, "Key or token", token), h("div", { class: "buttons" }, h("button", { class: "main",
      type: "submit" }, "Sign in")));
  main.replaceChildren(h("section", { class: "card" }, form));
  token.focus();
}

function begin() {
  const who = document.getElementById("who");
  who.replaceChildren(state.session.isOpen || !state.session.principal ? "" : h("button", {
    class: "plain",
    type: "button",
    title: state.session.principal,
    onclick: async () => {
      try { state.session = await send("DELETE", "v1/session"); } catch (error) { toast(error.message,
        true); }
      begin();
    }
  }, "Sign out"));
  show();
}

function drawMenu() {
  document.getElementById("nav").replaceChildren(...menu.map(([page, title, key]) =>
    h("a", { href: "#/" + page, "data-page": page, title: `g ${key}` }, title, page === "letters" && h(
    "span", { id: "letters-count", class: "count", hidden: true }))));
}

// The theme: the system's until the user chooses one.
function paint(choice = localStorage.getItem("sillok-theme")) {
  const isDark = choice ? choice === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = isDark ? "dark" : "light";
  document.getElementById("theme").textContent = isDark ? "☀" : "☾";
}

function showKeys() {
  const dialog = h("dialog", { "aria-label": "Keys" }, h("h1", {}, "Keys"), h("dl", {}, menu.map(([, title, key]) => [
        h("dt", {}, h("kbd", {}, "g"), " ", h("kbd", {}, key)), h("dd", {}, title)
      ]),
      h("dt", {}, h("kbd", {}, "/")), h("dd", {}, "search"), h("dt", {}, h("kbd", {}, "j"), " ", h("kbd", {}, "k")),
      h("dd", {}, "next and previous row"),
      h("dt", {}, h("kbd", {}, "Enter")), h("dd", {}, "open the row"), h("dt", {}, h("kbd", {}, "Space")), h(
        "dd", {}, "hold the live tail"),
      h("dt", {}, h("kbd", {}, "l")), h("dd", {}, "light or dark"), h("dt", {}, h("kbd", {}, "Esc")), h("dd", {},
        "close")),
    h("p", {}, h("a", { href: "docs" }, "The API and its documentation")));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

let wantsPage = false;
document.addEventListener("keydown", (press) => {
  if (press.ctrlKey || press.metaKey || press.altKey || press.target.closest("input,textarea,select,dialog"))
    return;
  if (wantsPage) {
    wantsPage = false;
    const item = menu.find(([, , key]) => key === press.key);
    if (item) location.hash = "#/" + item[0];
    return;
  }
  if (press.key === "g") wantsPage = true;
  else if (press.key === "?") showKeys();
  else if (press.key === "l") toggle();
  else if (press.key === "/") { const search = document.querySelector("input[type=search]"); if (search) { press
        .preventDefault();
      search.focus(); } else location.hash = "#/streams"; } else if (press.key === "j" || press.key === "k") {
    const rows = [...document.querySelectorAll("tbody tr[tabindex], .feed a")];
    const next = rows.indexOf(document.activeElement) + (press.key === "j" ? 1 : -1);
    rows[Math.max(0, Math.min(rows.length - 1, next))]?.focus();
  }
});

function toggle() {
  const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  localStorage.setItem("sillok-theme", next);
  paint(next);
}

// Shows in the bar whether the server answers, on every page.
async function beat() {
  const pulse = document.getElementById("pulse");
  try {
    if (state.session && (state.session.isOpen || state.session.principal) && may("read") && !document.hidden) {
      const head = await get("v1/head");
      pulse.textContent = `at ${count(head.head)}`;
      const letters = state.session.has.readModel ? (await get("v1/dead-letters", { limit: 100 })).deadLetters
        .filter((one) => one.state !== "skipped").length : 0;
      const badge = document.getElementById("letters-count");
      badge.textContent = letters === 100 ? "100+" : String(letters);
      badge.hidden = letters === 0;
    } else if (!document.hidden) { await get("health/live"); }
    pulse.className = "pulse good";
  } catch (error) {
    if (error.status === undefined) { pulse.className = "pulse bad";
      pulse.textContent = "no answer"; }
  }
  setTimeout(beat, 3000);
}

state.onUnproved = () => { if (state.session && !state.session.isOpen) { state.session = { ...state.session,
      principal: undefined, guard: undefined };
    begin(); } };
document.getElementById("theme").addEventListener("click", toggle);
document.getElementById("help").addEventListener("click", showKeys);
document.getElementById("skip").addEventListener("click", (click) => { click.preventDefault();
  main.focus(); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => paint());
addEventListener("hashchange", () => { show();
  scrollTo(0, 0); });
paint();
drawMenu();
try { state.session = await get("v1/session"); } catch (error) { toast(error.message, true); }
begin();
beat();
