// The overall status, readable from a distance.
import { get, every } from "./api.js";
import { h, card, count, span, size, table, link, moment, redraw, t } from "./dom.js";
import { word } from "./texts.js";
import { Chart, lag, rate, time } from "./charts.js";
import { figures } from "./processes.js";

const ranges = ["5m", "1h", "24h"];
// Values of 24 hours change slowly.
const pauses = { "5m": 1000, "1h": 5000, "24h": 30000 };

export async function overview({ show, signal }) {
  const [state, tiles, rest] = [h("div", { role: "status" }), h("div", {}), h("div", { class: "stack" })];
  const sub = h("span", { class: "sub mono" });
  const graphs = charts(signal);
  show(
    h("div", { class: "head" }, h("h1", {}, t("overview.title")), sub, h("div", { class: "end" }, graphs.choice)),
    state, tiles, graphs.element, rest
  );
  await every(1000, signal, async () => {
    const now = await get("v1/overview", { seconds: 60 }, signal);
    await graphs.load(now.hasReadModel);
    if (signal.aborted) return;
    sub.textContent = now.kind ? `${t(`overview.kind.${now.kind}`)} · ${now.store}` : now.store;
    const said = banner(now);
    // A screen reader says the state when it changes.
    if (state.textContent !== said.textContent) state.replaceChildren(said);
    redraw(tiles, numbers(now));
    redraw(rest, projections(now), figures(now.processes ?? []), objectives(now), subscriptions(now));
  });
}

const live = (now) => now.projections.filter((one) => one.state === "live");

function status(now) {
  const stopped = live(now).filter((one) => one.failure);
  if (stopped.length)
    return ["bad", t("overview.stopped"), stopped.map((one) => `${one.projection}: ${one.failure}`).join("; ")];
  const broken = now.objectives.filter((one) => !one.isMet && !one.isStale);
  if (broken.length)
    return ["bad", t("overview.broken"), broken.map((one) => `${one.subject}: ${promised(one)}`).join("; ")];
  const paused = (now.processes ?? []).flatMap((one) =>
    one.pausedKinds.map((kind) => t("processes.kindOf", { kind, process: one.process }))
  );
  if (paused.length)
    return ["bad", t("processes.effectsPaused"), t("processes.keepFailing", { kinds: paused.join("; ") })];
  const letters = live(now).reduce((sum, one) => sum + one.deadLetters, 0);
  if (letters) return ["warn", t("letters.number", { n: letters }), t("overview.lettersText")];
  if (now.append.failures)
    return ["warn", t("overview.failed", { n: now.append.failures }), t("overview.failedText")];
  if (now.head === 0) return ["good", t("overview.empty"), t("overview.emptyText")];
  return ["good", t("overview.well"), t("overview.wellText")];
}

function banner(now) {
  const [kind, title, text] = status(now);
  return h("div", { class: `banner ${kind}` }, h("b", { class: kind }, title), h("span", {}, text));
}

function tile(title, value, unit, note) {
  return card(
    title,
    h("div", { class: "big" }, value, unit && h("small", {}, unit)),
    note && h("div", { class: "note" }, note)
  );
}

function replicaNote(replica) {
  const time = span(replica.lagSeconds);
  return replica.lagEvents === undefined
    ? t("overview.primaryAway", { time })
    : t("overview.replica", { n: replica.lagEvents, time });
}

function numbers(now) {
  const recent = now.seconds.slice(-10);
  const mean = (name) => recent.length ? recent.reduce((sum, one) => sum + one[name], 0) / recent.length : 0;
  const round = (value) => value >= 10 || value === 0 ? count(Math.round(value)) : value.toFixed(1);
  const behind = Math.max(0, ...live(now).map((one) => one.lagSeconds ?? 0));
  const letters = live(now).reduce((sum, one) => sum + one.deadLetters, 0);
  const p99 = now.seconds.map((one) => one.p99).filter((value) => value !== undefined).at(-1) ?? now.append.p99;
  return h(
    "div",
    { class: "grid" },
    tile(
      t("overview.head"), count(now.head), "",
      now.replica ? replicaNote(now.replica) : now.bytes ? t("overview.disk", { size: size(now.bytes) }) : null
    ),
    tile(
      t("overview.appends"), round(mean("appends")), t("unit.perSecond"),
      t("overview.events", { n: round(mean("events")) })
    ),
    tile(
      t("overview.p99"), span(p99), "",
      now.syncMedian
        ? t("overview.sync", { time: span(now.syncMedian), n: now.groupMean.toFixed(1) })
        : t("overview.noAppend")
    ),
    tile(
      t("overview.lag"), now.hasReadModel ? span(behind) : "–", "",
      now.hasReadModel ? t("projections.number", { n: live(now).length }) : t("overview.noModel")
    ),
    tile(
      t("letters.title"), h("span", { class: letters ? "bad" : "" }, now.hasReadModel ? count(letters) : "–"), "",
      letters ? h("a", { href: "#/letters" }, t("overview.look")) : t("overview.noLetters")
    ),
    tile(
      t("overview.following"), count(now.subscriptions.length), "",
      t("overview.connections", { n: now.connections, size: size(now.memoryBytes) })
    )
  );
}

// The charts keep their elements, so that the cursor and the focus stay where they are.
function charts(signal) {
  const each = (name) => (one) => one[name] / one.seconds;
  const known = (name) => (one) => one[name] ?? null;
  const drawn = (label, form, ...series) => ({ label, chart: new Chart({ label, form, series, signal }) });
  const all = [
    drawn(t("chart.appends"), rate, [t("chart.event"), each("events")], [t("chart.append"), each("appends")]),
    drawn(t("chart.times"), time, ["p99", known("p99")], [t("chart.median"), known("median")]),
    drawn(t("chart.reads"), rate, [t("chart.read"), each("reads")]),
    drawn(t("chart.lags"), lag, [t("overview.lag"), known("lagSeconds")])
  ];
  const cards = all.map(({ label, chart }) => card(label, chart.element));
  let [range, next] = [localStorage.getItem("sillok-range") ?? "5m", 0];
  if (!ranges.includes(range)) range = "5m";
  const load = async (hasReadModel) => {
    cards.at(-1).hidden = !hasReadModel;
    if (Date.now() < next) return;
    next = Date.now() + pauses[range] - 100;
    const asked = range;
    const answer = await get("v1/measurements", { range }, signal);
    if (asked !== range || signal.aborted) return;
    const to = Date.parse(answer.at);
    const points = answer.points.map((one) => ({ ...one, at: Date.parse(one.at) }));
    for (const { chart } of all)
      chart.update({ from: to - answer.rangeSeconds * 1000, to, step: answer.stepSeconds * 1000, points });
  };
  const buttons = ranges.map((one) =>
    h("button", {
      type: "button",
      onclick: () => {
        localStorage.setItem("sillok-range", one);
        [range, next] = [one, 0];
        press();
        load(!cards.at(-1).hidden).catch(() => {});
      }
    }, t(`range.${one}`))
  );
  const press = () =>
    buttons.forEach((one, index) => one.setAttribute("aria-pressed", String(ranges[index] === range)));
  press();
  const choice = h("div", { class: "switch", role: "group", "aria-label": t("range.title") }, buttons);
  return { load, choice, element: h("div", { class: "wide" }, cards) };
}

function projections(now) {
  if (!now.hasReadModel) return null;
  const state = (one) => one.failure ? "stopped" : one.isPaused ? "paused" : one.state;
  const build = (one) => one.build > 1 ? ` ${t("projection.build", { build: one.build })}` : "";
  const name = (one) => `${one.projection} v${one.version}${build(one)}`;
  return card(
    t("projections.title"),
    table(
      [
        { title: t("projection.one"), cell: (one) => link(["projection", one.projection], name(one)) },
        {
          title: t("column.state"),
          cell: (one) => h("span", { class: `tag ${one.failure ? "bad" : one.state}` }, word("state", state(one)))
        },
        { title: t("column.behind"), class: "num", cell: (one) => count(one.behind) },
        { title: t("overview.lag"), class: "num", cell: (one) => span(one.lagSeconds) },
        { title: t("column.events"), class: "num", cell: (one) => count(one.events) },
        {
          title: t("letters.title"),
          class: "num",
          cell: (one) => h("span", { class: one.deadLetters ? "bad" : "" }, count(one.deadLetters))
        },
      ],
      now.projections,
      { empty: t("projections.none") }
    )
  );
}

// An objective and its measurement in the language of the page. The server writes English texts, and codes for others.
// An objective of another version has no codes.
const times = ["lag", "appendTime", "rebuild", "steps", "lateness"];
function promised(one) {
  if (!one.kind) return one.objective;
  const share = () => t("unit.percent", { value: String(Number((one.limit * 100).toPrecision(6))) });
  const limit = times.includes(one.kind) ? span(one.limit) : one.kind === "appendErrors" ? share() : one.limit;
  return t(`promise.${one.kind}`, { limit, window: span(one.windowSeconds) });
}
function measured(one) {
  if (!one.kind || one.value === undefined) return one.measured;
  return times.includes(one.kind) ? span(one.value) : t(`measured.${one.kind}`, { n: one.value });
}

function objectives(now) {
  if (now.objectives.length === 0) return null;
  const kept = (one) => one.isStale ? "stale" : one.isMet ? "kept" : "broken";
  const percent = (one) =>
    one.isMet ? t("unit.percent", { value: String(Math.round(one.budgetLeft * 100)) }) : t("objectives.used");
  return card(
    t("objectives.title"),
    table(
      [
        { title: t("objectives.of"), cell: (one) => one.subject },
        { title: t("objectives.one"), cell: promised },
        {
          title: t("column.state"),
          cell: (one) =>
            h("span", { class: `tag ${one.isStale ? "" : one.isMet ? "good" : "bad"}` }, t(`objectives.${kept(one)}`))
        },
        {
          title: t("objectives.left"),
          cell: (one) =>
            h("meter", {
              min: 0,
              max: 1,
              low: 0.25,
              value: Math.max(0, one.budgetLeft),
              title: percent(one),
              "aria-label": t("objectives.left")
            })
        },
        { title: t("objectives.burn"), class: "num", cell: (one) => `${one.burnRate.toFixed(1)}×` },
        {
          title: t("objectives.measured"),
          cell: (one) => h("span", { title: one.measured }, measured(one))
        },
      ],
      now.objectives
    )
  );
}

function subscriptions(now) {
  if (now.subscriptions.length === 0) return null;
  return card(
    t("subscriptions.title"),
    table(
      [
        { title: t("subscriptions.who"), cell: (one) => one.principal },
        { title: t("subscriptions.what"), cell: (one) => one.query },
        { title: t("subscriptions.since"), cell: (one) => moment(one.since) },
        { title: t("column.position"), class: "num", cell: (one) => count(one.position) },
        { title: t("column.behind"), class: "num", cell: (one) => count(one.behind) },
      ],
      now.subscriptions
    )
  );
}
