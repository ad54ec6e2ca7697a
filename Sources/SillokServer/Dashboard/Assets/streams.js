// Streams and categories, and one stream with its events and its state over time.
import { get, path } from "./api.js";
import {
  h, card, count, eventID, recorded, outOf, table, link, moment, nothing, facts, code, leaves, route, t
} from "./dom.js";
import { shortPayload } from "./event.js";

export async function streams({ show, signal }, chosen = "", search = "") {
  const categories = (await get("v1/categories", { limit: 200 }, signal)).categories;
  const results = h("div", {});
  const find = h("input", {
    type: "search", placeholder: t("streams.search"), value: search, "aria-label": t("streams.find")
  });
  const pick = h(
    "select", { "aria-label": t("stream.category") }, h("option", { value: "" }, t("streams.all")),
    categories.map((one) => h("option", { value: one }, one))
  );
  pick.value = chosen;
  let asked = 0;
  const load = async (after) => {
    const turn = ++asked;
    const page = await get("v1/streams", { category: pick.value, search: find.value, limit: 100, after }, signal);
    if (turn !== asked || signal.aborted) return;
    const isFiltered = pick.value || find.value;
    const empty = !page.isEnd
      ? nothing(t("streams.noneYet"), t("streams.noneYetNext"))
      : isFiltered
        ? nothing(t("streams.none"), t("streams.noneNext"))
        : nothing(t("streams.empty"), t("streams.emptyNext"), h("a", { href: "#/tail" }, t("tail.title")));
    const list = table(columns(), page.streams, {
      empty,
      open: (one) => () => {
        location.hash = route("stream", one.stream);
      }
    });
    // A hundred rows at a time replace those before.
    results.replaceChildren(card(null, list, h(
      "div", { class: "buttons" },
      after !== undefined && h("button", { type: "button", onclick: () => load() }, t("page.first")),
      !page.isEnd && page.through && h("button", { type: "button", onclick: () => load(page.through) }, t("page.next"))
    )));
  };
  let timer;
  find.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => load(), 180);
  });
  pick.addEventListener("change", () => load());
  const choose = (one) => () => {
    pick.value = one;
    load();
  };
  show(
    h("div", { class: "head" }, h("h1", {}, t("streams.title")), find, pick),
    h("div", { class: "choices" }, categories.slice(0, 24).map((one) =>
      h("button", { class: "tag", type: "button", onclick: choose(one) }, one))),
    results
  );
  await load();
}

const columns = () => [
  { title: t("stream.one"), cell: (one) => link(["stream", one.stream], one.stream) },
  { title: t("column.events"), class: "num", cell: (one) => count(one.revision) },
  { title: t("stream.lastPosition"), class: "num", cell: (one) => count(one.lastPosition) },
  { title: t("stream.first"), class: "cut", cell: (one) => moment(one.firstRecordedAt) },
  { title: t("stream.last"), class: "cut", cell: (one) => moment(one.lastRecordedAt) }
];

export async function stream({ show, signal }, name) {
  const about = await get(path("v1", "streams", name), {}, signal);
  const events = h("div", {});
  const load = async (query) => {
    const page = await get(
      `${path("v1", "streams", name)}/events`, { limit: 50, direction: "backward", ...query }, signal
    );
    const rows = query.direction === "forward" ? page.events.toReversed() : page.events;
    const list = table(eventColumns(), rows, {
      open: (one) => () => {
        location.hash = route("event", eventID(one));
      }
    });
    const newer = () => load({ direction: "forward", after: rows[0].revision });
    const older = () => load({ before: rows.at(-1).revision });
    events.replaceChildren(card(t("column.events"), list, h(
      "div", { class: "buttons" },
      rows.length > 0 && rows[0].revision < about.revision
        && h("button", { type: "button", onclick: newer }, t("page.newer")),
      rows.length > 0 && rows.at(-1).revision > 1 && h("button", { type: "button", onclick: older }, t("page.older"))
    )));
  };
  show(
    h(
      "div", { class: "head" }, h("h1", { class: "mono" }, name),
      h("span", { class: "sub" }, link(["streams", about.category], about.category)),
      h("div", { class: "end" }, link(["tail", name], t("stream.follow")))
    ),
    card(null, facts([
      [t("column.events"), count(about.revision)],
      [t("stream.lastPosition"), count(about.lastPosition)],
      [t("stream.first"), moment(about.firstRecordedAt)],
      [t("stream.last"), moment(about.lastRecordedAt)]
    ])),
    about.hasState && slider(name, about, signal), events
  );
  await load({});
}

const eventColumns = () => [
  { title: t("column.revision"), class: "num", cell: (one) => count(one.revision) },
  { title: t("column.position"), class: "num", cell: (one) => count(one.position) },
  { title: t("column.type"), class: "cut", cell: (one) => link(["event", eventID(one)], one.type) },
  { title: t("column.recorded"), class: "cut", cell: (one) => moment(recorded(one)) },
  { title: t("event.payload"), class: "cut mono", cell: (one) => shortPayload(one) }
];

// The state as of a revision. The slider selects the revision, and changes of the last step are marked.
function slider(name, about, signal) {
  const range = h("input", {
    type: "range", min: 1, max: about.revision, value: about.revision, "aria-label": t("column.revision")
  });
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
    label.textContent = `${t("column.revision")} ${outOf(revision, about.revision)}`;
    try {
      const [before, now] = [await fetchState(revision - 1), await fetchState(revision)];
      if (turn !== asked) return;
      const old = leaves(before);
      const changed = [...leaves(now)].filter(([key, value]) => old.get(key) !== value).map(([key]) => key);
      state.replaceChildren(code(now, new Set(changed)));
    } catch (error) {
      if (turn === asked && error.name !== "AbortError") state.replaceChildren(h("p", { class: "bad" }, error.message));
    }
  };
  range.addEventListener("input", draw);
  draw();
  const step = (by) => () => {
    range.value = Number(range.value) + by;
    draw();
  };
  const button = (text, sign, by) => h("button", { type: "button", "aria-label": text, onclick: step(by) }, sign);
  return card(
    t("stream.time"),
    h("div", { class: "row" }, button(t("stream.back"), "←", -1), range, button(t("stream.on"), "→", 1), label), state
  );
}
