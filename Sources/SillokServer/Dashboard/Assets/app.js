// The frame of all pages: navigation, session, keyboard shortcuts, language and theme.
import { get, send, state, may } from "./api.js";
import { h, toast, count, nothing, redraw, t } from "./dom.js";
import { language, languages, speak, translate } from "./texts.js";
import { choose, paint } from "./theme.js";
import { overview } from "./overview.js";
import { streams, stream } from "./streams.js";
import { event } from "./event.js";
import { tail } from "./tail.js";
import { projections, projection } from "./projections.js";
import { letters } from "./letters.js";
import { processes, process } from "./processes.js";
import { instance } from "./instance.js";
import { deadlines, effects } from "./waiting.js";
import { webhooks, webhook } from "./webhooks.js";
import { operations } from "./operations.js";

const pages = {
  "": overview,
  streams,
  stream,
  event,
  tail,
  projections,
  projection,
  letters,
  processes,
  process,
  instance,
  deadlines,
  effects,
  webhooks,
  webhook,
  operations
};
// The pages in the menu: the key of each after g, and of its title.
const menu = [
  ["", "o", "overview.title"],
  ["streams", "s", "streams.title"],
  ["tail", "t", "tail.title"],
  ["projections", "p", "projections.title"],
  ["letters", "d", "letters.title"],
  ["processes", "r", "processes.title"],
  ["webhooks", "w", "webhooks.title"],
  ["operations", "a", "operations.title"]
];
const of = {
  stream: "streams",
  event: "streams",
  projection: "projections",
  process: "processes",
  instance: "processes",
  deadlines: "processes",
  effects: "processes",
  webhook: "webhooks"
};

let leave = new AbortController();
const main = document.getElementById("main");
const byId = (id) => document.getElementById(id);

async function show() {
  leave.abort();
  leave = new AbortController();
  const [name = "", ...rest] = location.hash.replace(/^#\/?/, "").split("/").map((part) => decodeURIComponent(part));
  mark(of[name] ?? name);
  if (!state.session) return;
  if (!state.session.isOpen && !state.session.principal) return signIn();
  const page = pages[name] ?? missing;
  const signal = leave.signal;
  const place = {
    show: (...content) => {
      if (!signal.aborted) redraw(main, ...content);
    },
    signal
  };
  try {
    await page(place, ...rest);
  } catch (error) {
    if (!signal.aborted && error.name !== "AbortError") main.replaceChildren(failed(error));
  }
}

const missing = ({ show }) =>
  show(
    h("h1", {}, "Sillok"),
    nothing(t("frame.missing"), t("frame.missingNext"), h("a", { href: "#/" }, t("overview.title")))
  );

const failed = (error) =>
  h(
    "div",
    { class: "banner bad explained" },
    h(
      "div",
      {},
      h("p", {}, h("b", {}, t("frame.failed")), " ", error.message),
      h("p", { class: "note" }, t("frame.failedNext"))
    ),
    h("button", { type: "button", onclick: show }, t("frame.retry"))
  );

// Marks a page in the menu as the current one.
function mark(name) {
  for (const item of document.querySelectorAll("#nav a")) {
    if (item.dataset.page === name) {
      item.setAttribute("aria-current", "page");
      // A narrow menu shows only a part of its entries.
      item.scrollIntoView({ block: "nearest", inline: "center" });
    } else item.removeAttribute("aria-current");
  }
}

function signIn() {
  const token = h("input", { type: "password", autocomplete: "off", required: true, placeholder: "sillok_…" });
  const enter = async (submit) => {
    submit.preventDefault();
    try {
      state.session = await send("POST", "v1/session", { token: token.value });
      begin();
    } catch (error) {
      toast(error.message, true);
    }
  };
  const form = h(
    "form", { class: "fields", onsubmit: enter },
    h("h1", {}, t("session.in")), h("p", { class: "note" }, t("session.text")),
    h("label", {}, t("session.token"), token),
    h("div", { class: "buttons" }, h("button", { class: "main", type: "submit" }, t("session.in")))
  );
  main.replaceChildren(h("section", { class: "card" }, form));
  token.focus();
}

function begin() {
  const signOut = async () => {
    try {
      state.session = await send("DELETE", "v1/session");
    } catch (error) {
      toast(error.message, true);
    }
    begin();
  };
  const isIn = !state.session?.isOpen && state.session?.principal;
  byId("who").replaceChildren(
    isIn ? h("button", { class: "plain", type: "button", title: isIn, onclick: signOut }, t("session.out")) : ""
  );
  return show();
}

// Draws the frame in the chosen language and theme.
function drawFrame() {
  translate();
  byId("nav").replaceChildren(...menu.map(([page, key, title]) =>
    h("a", { href: `#/${page}`, "data-page": page, title: `g ${key}` }, t(title),
      page === "letters" && h("span", { id: "letters-count", class: "count", hidden: true }))));
  const other = Object.keys(languages).find((one) => one !== language);
  Object.assign(byId("language"), { textContent: languages[other], lang: other, title: t("frame.language") });
  byId("help").setAttribute("aria-label", t("keys.help"));
  drawTheme();
}

function drawTheme() {
  const isDark = paint();
  byId("theme").textContent = isDark ? "☀" : "☾";
  byId("theme").setAttribute("aria-label", t(isDark ? "frame.light" : "frame.dark"));
}

function showKeys() {
  const key = (...names) => h("dt", {}, names.flatMap((name) => [h("kbd", {}, name), " "]));
  const row = (names, text) => [key(...names), h("dd", {}, text)];
  const dialog = h(
    "dialog",
    { "aria-label": t("keys.help") },
    h("h1", {}, t("keys.help")),
    h(
      "dl",
      {},
      menu.map(([, letter, title]) => row(["g", letter], t(title))),
      row(["/"], t("keys.search")), row(["j", "k"], t("keys.rows")), row(["Enter"], t("keys.open")),
      row(["←", "→"], t("keys.chart")), row(["Space"], t("keys.hold")), row(["l"], t("keys.theme")),
      row(["Esc"], t("keys.close"))
    ),
    h("p", {}, h("a", { href: "docs" }, t("keys.docs"))),
    h("div", { class: "buttons" }, h("button", { type: "button", onclick: () => dialog.close() }, t("keys.close")))
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

let wantsPage = false;
document.addEventListener("keydown", (press) => {
  if (press.ctrlKey || press.metaKey || press.altKey || press.target.closest("input,textarea,select,dialog")) return;
  if (wantsPage) {
    wantsPage = false;
    const item = menu.find(([, key]) => key === press.key);
    if (item) location.hash = `#/${item[0]}`;
    return;
  }
  if (press.key === "g") wantsPage = true;
  else if (press.key === "?") showKeys();
  else if (press.key === "l") toggle();
  else if (press.key === "/") search(press);
  else if (press.key === "j" || press.key === "k") {
    const rows = [...document.querySelectorAll("tbody tr[tabindex], .feed a, .timeline li[tabindex], .letter .open")];
    const next = rows.indexOf(document.activeElement) + (press.key === "j" ? 1 : -1);
    rows[Math.max(0, Math.min(rows.length - 1, next))]?.focus();
  }
});

function search(press) {
  const field = document.querySelector("input[type=search]");
  if (!field) return void (location.hash = "#/streams");
  press.preventDefault();
  field.focus();
}

function toggle() {
  choose(document.documentElement.dataset.theme === "dark" ? "light" : "dark");
  drawTheme();
}

// Shows in the bar whether the server answers, on every page.
async function beat() {
  const pulse = byId("pulse");
  const say = (kind, text) => {
    pulse.className = `pulse ${kind}`;
    pulse.title = t(`frame.${kind}`);
    pulse.textContent = text;
  };
  try {
    if (state.session && (state.session.isOpen || state.session.principal) && may("read") && !document.hidden) {
      say("good", t("frame.at", { position: (await get("v1/head")).head }));
      await countLetters();
    } else if (!document.hidden) {
      await get("health/live");
      say("good", "");
    }
  } catch (error) {
    if (error.status === undefined) say("bad", t("frame.bad"));
  }
  setTimeout(beat, 3000);
}

async function countLetters() {
  const all = state.session.has.readModel ? (await get("v1/dead-letters", { limit: 100 })).deadLetters : [];
  const number = all.filter((one) => one.state !== "skipped").length;
  const badge = byId("letters-count");
  badge.textContent = number === 100 ? "100+" : count(number);
  badge.title = t("letters.number", { n: number });
  if (badge.hidden === (number === 0)) return;
  badge.hidden = number === 0;
  // The entries of the menu have moved.
  mark(document.querySelector("#nav [aria-current]")?.dataset.page);
}

state.onUnproved = () => {
  if (!state.session || state.session.isOpen) return;
  state.session = { ...state.session, principal: undefined, guard: undefined };
  begin();
};
byId("theme").addEventListener("click", toggle);
byId("help").addEventListener("click", showKeys);
byId("language").addEventListener("click", () => {
  speak(byId("language").lang);
  drawFrame();
  begin();
});
byId("skip").addEventListener("click", (click) => {
  click.preventDefault();
  main.focus();
});
document.addEventListener("theme", drawTheme);
addEventListener("hashchange", () => {
  show();
  scrollTo(0, 0);
});
drawFrame();
try {
  state.session = await get("v1/session");
} catch (error) {
  toast(error.message, true);
}
begin();
beat();
