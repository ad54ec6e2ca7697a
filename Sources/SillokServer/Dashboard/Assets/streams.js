// Streams and categories, and one stream with its events and its state over time.
import { get, path } from "./api.js";
import { h, card, count, eventID, recorded, outOf, table, link, moment, facts, code, leaves, route } from "./dom.js";
import { shortPayload } from "./event.js";

export async function streams({ show, signal }, chosen = "", search = "") {
  const categories = (await get("v1/categories", { limit: 200 }, signal)).categories;
  const results = h("div", {});
  const find = h("input", { type: "search", placeholder: "a part of a name  ( / )",
  value: search, "aria-label": "Search streams" });
  const pick = h("select", { "aria-label": "Category" }, h("option", { value: "" }, "all categories"), categories
    .map((one) => h("option", { value: one }, one)));
  pick.value = chosen;
  let asked = 0;
  const load = async (after) => {
    const turn = ++asked;
    const page = await get("v1/streams", { category: pick.value, search: find.value, limit: 100, after },
      signal);
    if (turn !== asked || signal.aborted) return;
    const list = table([
      { title: "Stream", cell: (one) => link(["stream", one.stream], one.stream) },
      { title: "Events", class: "num", cell: (one) => count(one.revision) }, { title: "Last at",
        class: "num", cell: (one) => count(one.lastPosition) },
      { title: "First", class: "cut", cell: (one) => moment(one.firstRecordedAt) }, { title: "Last",
        class: "cut", cell: (one) => moment(one.lastRecordedAt) },
    ], page.streams, { empty: page.isEnd ? "no stream has such a name" : "none among the names looked at",
      open: (one) => () => { location.hash = route("stream", one.stream); } });
    // A hundred rows at a time: what was shown before goes.
    results.replaceChildren(card(null, list, h("div", { class: "buttons" },
      after !== undefined && h("button", { type: "button", onclick: () => load() }, "From the first"),
      !page.isEnd && page.through && h("button", { type: "button", onclick: () => load(page.through) },
        "Further"))));
  };
  let timer;
  find.addEventListener("input", () => { clearTimeout(timer);
    timer = setTimeout(() => load(), 180); });
  pick.addEventListener("change", () => load());
  show(h("div", { class: "head" }, h("h1", {}, "Streams"), find, pick),
    h("div", {}, categories.slice(0, 24).map((one) => h("button", { class: "tag", type: "button",
  onclick: () => { pick.value = one;
        load(); } }, one))), results);
  await load();
}

export async function stream({ show, signal }, name) {
  const about = await get(path("v1", "streams", name), {}, signal);
  const events = h("div", {});
  const load = async (query) => {
    const page = await get(`${path("v1", "streams", name)}/events`, { limit: 50, direction: "backward", ...
        query }, signal);
    const rows = query.direction === "forward" ? page.events.toReversed() : page.events;
    events.replaceChildren(card("Events", table([
      { title: "Revision", class: "num", cell: (one) => count(one.revision) }, { title: "Position",
        class: "num", cell: (one) => count(one.position) },
      { title: "Type", class: "cut", cell: (one) => link(["event", eventID(one)], one.type) },
      { title: "Recorded", class: "cut", cell: (one) => moment(recorded(one)) },
      { title: "Payload", class: "cut mono", cell: (one) => shortPayload(one) },
    ], rows, { open: (one) => () => { location.hash = route("event", eventID(one)); } }), h(
      "div", { class: "buttons" },
      rows.length > 0 && rows[0].revision < about.revision && h("button", { type: "button", onclick: () =>
          load({ direction: "forward", after: rows[0].revision }) }, "Newer"),
      rows.length > 0 && rows.at(-1).revision > 1 && h("button", { type: "button", onclick: () =>
      load({ before: rows.at(-1).revision }) }, "Older"))));
  };
  show(h("div", { class: "head" }, h("h1", { class: "mono" }, name), h("span", { class: "sub" }, link(["streams",
        about.category
      ], about.category)),
      h("div", { class: "end" }, link(["tail", name], "follow it"))),
    card(null, facts([
      ["Events", count(about.revision)],
      ["Last position", count(about.lastPosition)],
      ["First", moment(about.firstRecordedAt)],
      ["Last", moment(about.lastRecordedAt)]
    ])),
    about.hasState && slider(name, about, signal), events);
  await load({});
}

// The state as of a revision. The slider selects the revision, and changes of the last step are marked.
function slider(name, about, signal) {
  const range = h("input", { type: "range", min: 1, max: about.revision, value: about
    .revision, "aria-label": "Revision" });
  const label = h("span", { class: "num" });
  const state = h("div", {}, h("p", { class: "empty" }, "…"));
  const kept = new Map();
  const fetchState = async (revision) => {
    if (revision < 1) return {};
    if (!kept.has(revision)) {
      if (kept.size > 100) kept.clear();
      kept.set(revision, (await get(`${path("v1", "streams", name)}/state`, { revision }, signal)).state);
    }
    return kept.get(revision);
  };
  let asked = 0;
  const draw = async () => {
    const [turn, revision] = [++asked, Number(range.value)];
    label.textContent = `revision ${outOf(revision, about.revision)}`;
    try {
      const [before, now] = [await fetchState(revision - 1), await fetchState(revision)];
      if (turn !== asked) return;
      const old = leaves(before);
      const changed = new Set([...leaves(now)].filter(([key, value]) => old.get(key) !== value).map(([key]) =>
        key));
      state.replaceChildren(code(now, changed));
    } catch (error) { if (turn === asked && error.name !== "AbortError") state.replaceChildren(h(
      "p", { class: "bad" }, error.message)); }
  };
  range.addEventListener("input", draw);
  draw();
  const step = (by) => () => { range.value = Number(range.value) + by;
    draw(); };
  return card("State through time", h("div", { class: "row" }, h(
  "button", { type: "button", "aria-label": "One revision back", onclick: step(-1) }, "←"), range,
    h("button", { type: "button", "aria-label": "One revision on", onclick: step(1) }, "→"), label), state);
}
