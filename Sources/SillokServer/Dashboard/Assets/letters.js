// Dead letters: events that a projection could not project, by sequence, and the events that wait behind them.
import { get, send, every, path, may } from "./api.js";
import {
  h, card, code, eventID, link, moment, nothing, facts, toast, confirmed, redraw, t
} from "./dom.js";
import { word } from "./texts.js";

const most = 200;
const colours = { failed: "bad", retrying: "warn", retry: "warn" };
const tag = (one) => h("span", { class: `tag ${colours[one.state] ?? ""}` }, word("letter", one.state));
const nameOf = (one) => `${one.projection} ${one.position}`;

// Groups letters by projection and sequence; each group begins with the event that failed.
export function grouped(all) {
  const groups = new Map();
  for (const one of all) {
    const key = JSON.stringify([one.projection, one.sequence]);
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return [...groups].map(([key, [first, ...followers]]) => ({ key, first, followers }));
}

export async function letters({ show, signal }) {
  const page = { chosen: null, open: new Set(), detail: h("div", { class: "detail" }), all: [], drawn: "" };
  const [top, place] = [h("div", {}), h("div", { class: "stack" })];
  const draw = () => {
    const drawn = JSON.stringify([page.all, page.chosen]);
    if (drawn === page.drawn || signal.aborted) return;
    page.drawn = drawn;
    redraw(top, heading(page, reload));
    redraw(place, content(page, draw, reload, signal));
  };
  const reload = async () => {
    page.all = (await get("v1/dead-letters", { limit: most }, signal)).deadLetters;
    if (!page.all.some((one) => nameOf(one) === page.chosen)) page.chosen = null;
    draw();
  };
  show(top, place);
  await every(1500, signal, reload);
}

// Executes an act of an operator, and says what came of it.
async function done(reload, place, answer, text) {
  try {
    await send("POST", place, answer);
    toast(text);
    await reload();
  } catch (error) {
    toast(error.message, true);
  }
}

function heading(page, reload) {
  const names = [...new Set(page.all.map((one) => one.projection))];
  const retry = (name) => async () => {
    const answer = await confirmed({
      title: t("letters.retryTitle", { name }), text: t("letters.retryText"), action: t("act.retry")
    });
    if (answer) await done(reload, `${path("v1", "projections", name)}/retry`, answer, t("letters.retried"));
  };
  return h(
    "div",
    { class: "head" },
    h("h1", {}, t("letters.title")),
    page.all.length === most && h("span", { class: "sub" }, t("letters.cut", { n: most })),
    h("div", { class: "end" }, may("project") && names.map((name) =>
      h("button", { type: "button", class: "main", onclick: retry(name) }, t("letters.retry", { name }))))
  );
}

function content(page, draw, reload, signal) {
  if (page.all.length === 0)
    return card(
      null, nothing(t("letters.none"), t("letters.noneNext"), h("a", { href: "#/projections" }, t("projections.title")))
    );
  const byProjection = new Map();
  for (const group of grouped(page.all)) {
    const name = group.first.projection;
    byProjection.set(name, [...(byProjection.get(name) ?? []), group]);
  }
  return [...byProjection].map(([name, groups]) =>
    h(
      "section",
      { class: "card" },
      h(
        "div",
        { class: "row" },
        h("h2", { class: "name" }, link(["projection", name], name)),
        h("span", { class: "end note" }, t("letters.sequences", { n: groups.length }))
      ),
      h("ol", { class: "letters" }, groups.map((group) => sequence(group, page, draw, reload, signal)))
    )
  );
}

function sequence({ key, first, followers }, page, draw, reload, signal) {
  const folded = h(
    "details",
    {
      open: page.open.has(key),
      ontoggle: () => page.open[folded.open ? "add" : "delete"](key)
    },
    h("summary", {}, t("letters.followers", { n: followers.length })),
    followers.map((one) => letter(one, page, draw, reload, signal))
  );
  return h(
    "li",
    {},
    h("p", { class: "note" }, t("letters.sequence"), " ", h("span", { class: "mono" }, first.sequence)),
    letter(first, page, draw, reload, signal),
    followers.length > 0 && folded
  );
}

function letter(one, page, draw, reload, signal) {
  const isChosen = page.chosen === nameOf(one);
  const choose = async () => {
    page.chosen = isChosen ? null : nameOf(one);
    page.detail.replaceChildren();
    draw();
    if (!page.chosen) return;
    try {
      await show(one, page, reload, signal);
    } catch (error) {
      if (!signal.aborted) toast(error.message, true);
    }
  };
  return h(
    "div",
    { class: "letter" },
    h(
      "div",
      { class: "row lines" },
      tag(one),
      h("button", { type: "button", class: "open", "aria-expanded": String(isChosen), onclick: choose }, one.type),
      h("span", { class: "note num" }, t("letters.at", { position: one.position })),
      h("span", { class: "end note num" }, t("letters.attempts", { n: one.attempts }))
    ),
    one.reason && h("p", { class: one.state === "failed" ? "bad" : "note" }, one.reason),
    isChosen && page.detail
  );
}

async function show(one, page, reload, signal) {
  const base = path("v1", "projections", one.projection, "dead-letters", one.position);
  const found = await get(base, {}, signal);
  if (page.chosen !== nameOf(one)) return;
  const about = found.deadLetter;
  page.detail.replaceChildren(
    facts([
      [t("event.one"), link(["event", eventID(found.event)], found.event.type)],
      [t("letters.parked"), moment(about.parkedAt)],
      [t("letters.replaced"), about.replacement]
    ]),
    code(found.event.data ?? found.event.data_base64)
  );
  if (may("project")) page.detail.append(h("div", { class: "buttons" }, acts(base, found, reload)));
}

function acts(base, found, reload) {
  const skip = async () => {
    const answer = await confirmed({
      title: t("letters.skipTitle"), text: t("letters.skipText"), action: t("act.skip"), danger: true
    });
    if (answer) await done(reload, `${base}/skip`, answer, t("letters.skipped"));
  };
  const replace = async () => {
    const payload = JSON.stringify(found.event.data ?? null, null, 2);
    const answer = await confirmed({
      title: t("letters.replaceTitle"),
      text: t("letters.replaceText"),
      action: t("act.replace"),
      fields: [
        { name: "payload", label: t("letters.payload"), long: true, value: payload },
        { name: "reason", label: t("dialog.why") }
      ]
    });
    if (answer) await done(reload, `${base}/replace`, answer, t("letters.replacedNow"));
  };
  return [
    h("button", { type: "button", class: "danger", onclick: skip }, t("act.skip")),
    h("button", { type: "button", onclick: replace }, `${t("act.replace")}…`)
  ];
}
