// Processes: how many instances there are in each state, and the instances of one process.
import { get, send, every, path, may } from "./api.js";
import {
  h, card, count, span, table, link, moment, nothing, parts, route, redraw, toast, confirmed, t
} from "./dom.js";
import { word } from "./texts.js";

export const noModel = () =>
  nothing(t("model.none"), t("model.next"), h("code", {}, t("model.command")));

// The states of an instance, and their colours.
const states = { running: "", waiting: "", compensating: "warn", parked: "bad", completed: "good", notStarted: "warn" };
export const stateTag = (state) => h("span", { class: `tag ${states[state] ?? ""}` }, word("instance", state));

// Counts of work end at a limit.
const atMost = (number, limit) => number >= limit ? `${count(limit)}+` : count(number);

export async function processes({ show, signal }) {
  await every(2000, signal, async () => {
    const answer = await get("v1/processes", {}, signal);
    show(
      h("div", { class: "head" }, h("h1", {}, t("processes.title"))),
      !answer.hasReadModel && noModel(),
      answer.hasReadModel
        && answer.processes.length === 0
        && nothing(t("processes.none"), t("processes.noneNext")),
      answer.processes.map((one) => summary(one))
    );
  });
}

function summary(one) {
  const number = (...names) => names.reduce((sum, name) => sum + (one.instances[name] ?? 0), 0);
  const tile = (title, value, place, alarm = "") =>
    h(
      "a",
      { class: "tile", href: route(...place) },
      h("span", { class: "note" }, title),
      h("span", { class: `big ${value === "0" ? "" : alarm}` }, value)
    );
  return h(
    "section",
    { class: "card" },
    h(
      "div",
      { class: "row" },
      h("h2", { class: "name" }, link(["process", one.process], one.process)),
      h("span", { class: "note" }, t("processes.instances", { n: one.total })),
      h("span", { class: "end note" }, index(one))
    ),
    h(
      "div",
      { class: "tiles" },
      tile(t("processes.flight"), count(number("running", "waiting", "compensating")), ["process", one.process]),
      tile(t("processes.completed"), count(number("completed")), ["process", one.process, "completed"]),
      tile(t("processes.parked"), count(number("parked")), ["process", one.process, "parked"], "bad"),
      tile(t("processes.failing"), atMost(one.failing, one.limit), ["effects", one.process], "warn"),
      tile(t("processes.unknown"), atMost(one.unknown, one.limit), ["effects", one.process], "bad"),
      tile(t("processes.deadlines"), atMost(one.deadlines, one.limit), ["deadlines", one.process]),
      tile(t("processes.overdue"), atMost(one.overdue, one.limit), ["deadlines", one.process], "warn")
    ),
    (one.pausedKinds ?? []).map((kind) => paused(one.process, kind))
  );
}

// A kind of effect whose calls keep failing: one call is tried from time to time, until an operator lets it continue.
function paused(process, one) {
  const resume = async () => {
    const answer = await confirmed({
      action: t("act.resume"),
      title: t("act.question", { act: t("act.resume"), name: one.kind }),
      text: t("processes.resumeText")
    });
    if (!answer) return;
    try {
      await send("POST", path("v1", "processes", process, "kinds", one.kind, "resume"), answer);
      toast(t("processes.resumed", { kind: one.kind }));
    } catch (error) {
      toast(error.message, true);
    }
  };
  return h(
    "div",
    { class: "row lines", role: "status" },
    h("span", { class: "tag bad" }, t("state.paused")),
    h("b", {}, one.kind),
    h("span", { class: "bad" }, one.reason),
    h("span", { class: "note" }, parts("processes.pausedSince", { at: moment(one.since), next: moment(one.nextTry) })),
    may("project") && h("button", { type: "button", class: "end", onclick: resume }, t("act.resume"))
  );
}

// The processes on the overview.
export function figures(processes) {
  if (processes.length === 0) return null;
  const number = (title, value, colour) => ({
    title,
    class: "num",
    cell: (one) => h("span", { class: value(one) ? colour : "" }, count(value(one)))
  });
  return card(
    t("processes.title"),
    table(
      [
        { title: t("processes.one"), cell: (one) => link(["process", one.process], one.process) },
        number(t("processes.flight"), (one) => one.inFlight, ""),
        { title: t("processes.oldest"), class: "num", cell: (one) => span(one.oldestStepSeconds) },
        { title: t("processes.lateness"), class: "num", cell: (one) => span(one.latenessSeconds) },
        number(t("processes.failing"), (one) => one.failing, "warn"),
        number(t("processes.unknown"), (one) => one.unknown, "bad"),
        number(t("processes.parked"), (one) => one.parked, "bad"),
        { title: t("processes.pausedKinds"), cell: (one) => h("span", { class: "bad" }, one.pausedKinds.join(", ")) }
      ],
      processes
    )
  );
}

function index(one) {
  if (one.deadLetters) return h("a", { class: "bad", href: "#/letters" }, t("letters.number", { n: one.deadLetters }));
  if (one.behind) return t("processes.indexBehind", { n: one.behind });
  return one.inputs ? t("processes.inputs", { n: atMost(one.inputs, one.limit) }) : t("state.current");
}

// The pages of one process: its instances, what it waits for, and the steps that do not succeed.
export const pagesOf = (name, chosen) =>
  h(
    "nav",
    { class: "tabs", "aria-label": t("process.pages", { name }) },
    [
      ["process", t("process.instances")],
      ["deadlines", t("process.deadlines")],
      ["effects", t("process.failing")]
    ].map(([page, title]) =>
      h("a", { href: route(page, name), "aria-current": page === chosen ? "page" : undefined }, title)
    )
  );

export async function process({ show, signal }, name, chosen = "", text = "") {
  const [choices, results] = [h("div", { class: "choices" }), h("div", {})];
  const find = h("input", {
    type: "search",
    placeholder: t("process.search"),
    value: text,
    "aria-label": t("process.find")
  });
  let [state, after, turn] = [chosen, undefined, 0];
  const load = async () => {
    const asked = ++turn;
    const query = { state, search: find.value, after, limit: 50 };
    const page = await get(path("v1", "processes", name, "instances"), query, signal);
    if (asked === turn && !signal.aborted) redraw(results, list(name, page, after, further));
  };
  const further = (place) => {
    after = place;
    return load();
  };
  const choose = (each) => {
    state = each;
    return Promise.all([counts(), further(undefined)]);
  };
  const counts = async () => {
    const one = await get(path("v1", "processes", name), {}, signal);
    const button = (each, number) =>
      h(
        "button",
        { type: "button", class: "tag", "aria-pressed": String(state === each), onclick: () => choose(each) },
        `${each ? word("instance", each) : t("process.all")} ${count(number)}`
      );
    redraw(
      choices,
      button("", one.total),
      Object.keys(states).map((each) =>
        (one.instances[each] || state === each) && button(each, one.instances[each])
      )
    );
  };
  let timer;
  find.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => further(undefined), 180);
  });
  show(h("div", { class: "head" }, h("h1", {}, name), pagesOf(name, "process"), find), choices, results);
  await every(2000, signal, () => Promise.all([counts(), load()]));
}

function list(name, page, after, further) {
  const rows = table(
    [
      { title: t("instance.one"), cell: (one) => link(["instance", name, one.key], one.key) },
      { title: t("column.state"), class: "cut", cell: (one) => stateTag(one.state) },
      { title: t("instance.started"), class: "cut", cell: (one) => one.startedAt && moment(one.startedAt) },
      { title: t("instance.generation"), class: "num", cell: (one) => count(one.generation) },
      { title: t("instance.version"), class: "num", cell: (one) => count(one.version) },
      { title: t("instance.why"), class: "cut", cell: (one) => one.parkedBecause ?? "" }
    ],
    page.instances,
    {
      empty: nothing(t(page.next ? "process.noneYet" : "process.noneLike"), t("process.noneNext")),
      open: (one) => () => {
        location.hash = route("instance", name, one.key);
      }
    }
  );
  return card(null, rows, pager(page, after, further));
}

// Buttons to the first page and to the next one. A page replaces the one before it.
export const pager = (page, after, further) =>
  (after !== undefined || page.next)
  && h(
    "div",
    { class: "buttons" },
    after !== undefined && h("button", { type: "button", onclick: () => further(undefined) }, t("page.first")),
    page.next && h("button", { type: "button", onclick: () => further(page.next) }, t("page.next"))
  );
