// Projections: their status and the operations on them.
import { get, send, every, path, may } from "./api.js";
import {
  h, card, count, outOf, span, table, link, moment, nothing, facts, toast, confirmed, redraw, t
} from "./dom.js";
import { word } from "./texts.js";

const dangerous = ["promote", "rollback"];

async function act(name, verb) {
  const title = t(`act.${verb}`);
  const answer = await confirmed({
    title: t("act.question", { act: title, name }),
    text: t(`act.${verb}.text`),
    action: title,
    danger: dangerous.includes(verb)
  });
  if (!answer) return;
  try {
    await send("POST", `${path("v1", "projections", name)}/${verb}`, answer);
    toast(t("act.asked", { act: title }));
  } catch (error) {
    toast(error.message, true);
  }
}

const stateOf = (one) => one.failure ? "stopped" : one.isPaused ? "paused" : one.state;
const tag = (one) => {
  const colour = one.failure ? "bad" : one.isPaused ? "warn" : one.state;
  return h("span", { class: `tag ${colour}` }, word("state", stateOf(one)));
};
const byName = (all) => all.reduce(
  (map, one) => map.set(one.projection, [...(map.get(one.projection) ?? []), one]), new Map());
const percent = (part) => t("unit.percent", { value: String(Math.floor(part * 100)) });

export async function projections({ show, signal }) {
  await every(1000, signal, async () => {
    const answer = await get("v1/projections", {}, signal);
    const groups = [...byName(answer.projections)];
    show(
      h("div", { class: "head" }, h("h1", {}, t("projections.title"))),
      !answer.hasReadModel && nothing(t("model.none"), t("model.next"), h("code", {}, t("model.command"))),
      answer.hasReadModel && groups.length === 0 && nothing(t("projections.none"), t("projections.noneNext")),
      groups.map(([name, builds]) => summary(name, builds))
    );
  });
}

const liveOf = (builds) => builds.find((one) => one.state === "live");
const nextOf = (builds) => builds.find((one) => one.state === "building" || one.state === "requested");

function summary(name, builds) {
  const next = nextOf(builds);
  const shown = liveOf(builds) ?? builds[0];
  const build = shown.build > 1 ? ` ${t("projection.build", { build: shown.build })}` : "";
  return h(
    "section",
    { class: "card" },
    h(
      "div",
      { class: "row" },
      h("h2", { class: "name" }, link(["projection", name], name)),
      tag(shown),
      h("span", { class: "sub" }, `v${shown.version}${build}`),
      h(
        "span",
        { class: "end note" },
        shown.deadLetters
          ? h("a", { class: "bad", href: "#/letters" }, t("letters.number", { n: shown.deadLetters }))
          : t("overview.noLetters")
      )
    ),
    h(
      "div",
      { class: "row" },
      h("span", { class: "note num" }, outOf(shown.position, shown.head)),
      h("meter", {
        min: 0, max: Math.max(1, shown.head), value: shown.position, "aria-label": t("column.position")
      }),
      h(
        "span",
        { class: "num" },
        shown.behind ? t("projection.behind", { n: shown.behind, time: span(shown.lagSeconds) }) : t("state.current")
      )
    ),
    shown.failure && h("p", { class: "bad" }, shown.failure),
    next && building(next)
  );
}

function building(next) {
  const state = next.caughtUp ? "ready" : next.state === "requested" ? "requested" : "building";
  const part = next.caughtUp ? 1 : next.progress;
  return h(
    "div",
    { class: "row" },
    h("span", { class: "note" }, t(`projection.${state}`, { build: next.build })),
    h("progress", { max: 1, value: part, "aria-label": t("projection.progress") }),
    h("span", { class: "num" }, percent(part))
  );
}

// What the state of a projection means, in one sentence, and the next step. The most urgent comes first.
function explained(builds) {
  const [live, next] = [liveOf(builds), nextOf(builds)];
  const shown = live ?? builds[0];
  const of = { n: shown.behind, position: shown.position, time: span(shown.lagSeconds), build: next?.build };
  if (!live && next) return ["warn", "first", { ...of, part: percent(next.progress) }];
  if (shown.failure) return ["bad", "stopped", of];
  if (shown.isPaused) return ["warn", "paused", of, "resume"];
  if (shown.deadLetters) return ["warn", "letters", { n: shown.deadLetters }, "letters"];
  if (next?.caughtUp) return ["good", "ready", of, "promote"];
  if (next?.state === "requested") return ["warn", "requested", of];
  if (next) return ["good", "building", { ...of, part: percent(next.progress) }];
  if (shown.behind && shown.lagSeconds > 10) return ["warn", "slow", of];
  if (shown.behind) return ["good", "following", of];
  if (builds.some((one) => one.state === "previous")) return ["good", "previous", of];
  return ["good", "current", of];
}

function explanation(name, builds) {
  const [kind, state, values, step] = explained(builds);
  const go = step === "letters"
    ? h("a", { class: "button", href: "#/letters" }, t("overview.look"))
    : step && may("project")
      ? h("button", { type: "button", class: "main", onclick: () => act(name, step) }, t(`act.${step}`))
      : null;
  return h(
    "div",
    { class: `banner ${kind} explained` },
    h(
      "div", {}, h("p", {}, t(`explain.${state}`, values)),
      h("p", { class: "note" }, t(`explain.${state}.next`, values))
    ),
    go
  );
}

async function compare(name, place, signal) {
  try {
    const found = await get(`${path("v1", "projections", name)}/difference`, { limit: 100 }, signal);
    const columns = [
      { title: t("difference.table"), cell: (one) => one.table },
      { title: t("difference.live"), class: "mono", cell: (one) => one.live ?? "–" },
      { title: t("difference.other"), class: "mono", cell: (one) => one.other ?? "–" }
    ];
    place.replaceChildren(
      card(
        t("difference.title", { live: found.live, other: found.other }),
        h("p", { class: "note" }, t("difference.text", { n: found.rows, apart: found.apart })),
        table(columns, found.differences, { empty: t("difference.none") }),
        found.isCut && h("p", { class: "note" }, t("difference.more"))
      )
    );
  } catch (error) {
    toast(error.message, true);
  }
}

export async function projection({ show, signal }, name) {
  const difference = h("div", {});
  const [top, bottom] = [h("div", { class: "stack" }), h("div", { class: "stack" })];
  show(top, difference, bottom);
  await every(1000, signal, async () => {
    const { projections: builds } = await get(path("v1", "projections", name), {}, signal);
    const acts = (await get("v1/projection-audit", { limit: 50 }, signal)).acts;
    if (signal.aborted) return;
    const next = nextOf(builds);
    redraw(
      top,
      head(name, builds, () => compare(name, difference, signal)),
      explanation(name, builds),
      next && card(t("projection.new"), building(next))
    );
    redraw(
      bottom,
      h("div", { class: "wide" }, builds.map(about)),
      card(
        t("audit.title"),
        table(auditColumns(), acts.filter((one) => one.target.startsWith(`${name} v`)), { empty: t("audit.none") })
      )
    );
  });
}

function head(name, builds, diff) {
  const [live, next] = [liveOf(builds), nextOf(builds)];
  const hasPrevious = builds.some((one) => one.state === "previous");
  const button = (verb, isPossible, kind) =>
    h(
      "button",
      { type: "button", class: kind, disabled: !isPossible || !may("project"), onclick: () => act(name, verb) },
      t(`act.${verb}`)
    );
  return h(
    "div",
    { class: "head" },
    h("h1", {}, name),
    live && tag(live),
    h(
      "div",
      { class: "end" },
      live?.isPaused ? button("resume", true) : button("pause", live && !live.failure),
      button("rebuild", live && !next),
      h("button", { type: "button", disabled: builds.length < 2, onclick: diff }, t("act.compare")),
      button("promote", next?.caughtUp, "main"),
      button("rollback", hasPrevious, "danger")
    )
  );
}

const about = (one) =>
  card(
    `v${one.version} ${t("projection.build", { build: one.build })}`,
    h("div", {}, tag(one)),
    facts([
      [t("column.position"), h("span", { class: "num" }, outOf(one.position, one.head))],
      [
        t("overview.lag"),
        one.behind ? t("projection.behind", { n: one.behind, time: span(one.lagSeconds) }) : t("state.current")
      ],
      [t("projection.events"), count(one.events)],
      [
        t("letters.title"),
        one.deadLetters ? h("a", { class: "bad", href: "#/letters" }, count(one.deadLetters)) : t("value.none")
      ],
      [t("projection.lifecycle"), word("lifecycle", one.lifecycle)],
      [t("projection.partitions"), count(one.partitions)],
      [t("projection.begun"), moment(one.begun)],
      [t("projection.caughtUp"), one.caughtUp && moment(one.caughtUp)],
      [t("state.stopped"), one.failure && h("span", { class: "bad" }, one.failure)]
    ])
  );

const auditColumns = () => [
  { title: t("audit.when"), class: "cut", cell: (one) => moment(one.at) },
  { title: t("audit.who"), cell: (one) => one.by },
  { title: t("audit.did"), cell: (one) => word("did", one.action) },
  { title: t("audit.to"), cell: (one) => one.target },
  { title: t("audit.why"), cell: (one) => one.reason }
];
