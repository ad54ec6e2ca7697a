// The overall status, readable from a distance.
import { get, every } from "./api.js";
import { h, card, count, span, size, table, link, moment } from "./dom.js";
import { chart } from "./charts.js";

export async function overview({ show, signal }) {
  await every(1000, signal, async () => {
    const now = await get("v1/overview", { seconds: 120 }, signal);
    show(h("div", { class: "head" }, h("h1", {}, "Overview"), h("span", { class: "sub mono" }, now.store)),
      banner(now), tiles(now), charts(now), projections(now), objectives(now), subscriptions(now));
  });
}

const live = (now) => now.projections.filter((one) => one.state === "live");

function banner(now) {
  const stopped = live(now).filter((one) => one.failure);
  const letters = live(now).reduce((sum, one) => sum + one.deadLetters, 0);
  const broken = now.objectives.filter((one) => !one.isMet && !one.isStale);
  const [kind, word, text] = stopped.length ? ["bad", "Stopped", stopped.map((one) => `${one.projection}: ${one.failure}`).join("; ")]
    : broken.length ? ["bad", "Objective broken", broken.map((one) => `${one.subject}: ${one.objective}`).join("; ")]
    : letters ? ["warn", `${count(letters)} dead ${letters === 1 ? "letter" : "letters"}`, "wait for a fix; all other sequences continue."]
    : now.append.failures ? ["warn", `${count(now.append.failures)} failed appends`, "since the server started."]
    : ["good", "All well", "appends succeed, nothing is parked, nothing has stopped."];
  return h("div", { class: `banner ${kind}`, role: "status" }, h("b", { class: kind }, word), h("span", {}, text));
}

function tile(title, value, unit, note, spark) {
  return card(title, h("div", { class: "big" }, value, unit && h("small", {}, unit)), note && h("div", { class: "note" }, note), spark);
}

function tiles(now) {
  const recent = now.seconds.slice(-10);
  const rate = (name) => recent.length ? recent.reduce((sum, one) => sum + one[name], 0) / recent.length : 0;
  const round = (value) => value >= 10 || value === 0 ? count(Math.round(value)) : value.toFixed(1);
  const lag = Math.max(0, ...live(now).map((one) => one.lagSeconds ?? 0));
  const letters = live(now).reduce((sum, one) => sum + one.deadLetters, 0);
  const p99 = now.seconds.map((one) => one.p99).filter((value) => value !== undefined).at(-1) ?? now.append.p99;
  return h("div", { class: "grid" },
    tile("Head", count(now.head), "", now.bytes ? `${size(now.bytes)} on the disk` : null),
    tile("Appends", round(rate("appends")), "/s", `${round(rate("events"))} events a second`),
    tile("Append p99", span(p99), "", now.syncMedian ? `a sync takes ${span(now.syncMedian)}, carries ${now.groupMean.toFixed(1)}` : "no append yet"),
    tile("Lag", now.hasReadModel ? span(lag) : "–", "", now.hasReadModel ? `${live(now).length} projections` : "no read model"),
    tile("Dead letters", h("span", { class: letters ? "bad" : "" }, now.hasReadModel ? count(letters) : "–"), "", letters ? h("a", { href: "#/letters" }, "look at them") : "nothing parked"),
    tile("Following", count(now.subscriptions.length), "", `${count(now.connections)} connections, ${size(now.memoryBytes)} memory`));
}

function charts(now) {
  const values = (name) => now.seconds.map((one) => one[name] ?? null);
  const rate = (value) => `${Number.isInteger(value) || value >= 10 ? count(Math.round(value)) : value.toFixed(1)}/s`;
  return h("div", { class: "wide" },
    card("Appends and events a second", chart({ label: "Events a second", format: rate, series: [{ name: "events", values: values("events") }, { name: "appends", values: values("appends") }] })),
    card("Time of an append", chart({ label: "Time of an append", format: span, series: [{ name: "p99", values: values("p99") }, { name: "median", values: values("median") }] })),
    card("Events read a second", chart({ label: "Events read a second", format: rate, series: [{ name: "read", values: values("reads") }] })),
    now.hasReadModel && card("Lag of the slowest projection", chart({ label: "Lag", format: span, series: [{ name: "lag", values: values("lagSeconds") }] })));
}

function projections(now) {
  if (!now.hasReadModel) return null;
  return card("Projections", table([
    { title: "Projection", cell: (one) => link(["projection", one.projection], `${one.projection} v${one.version}${one.build > 1 ? ` build ${one.build}` : ""}`) },
    { title: "State", cell: (one) => h("span", { class: `tag ${one.failure ? "bad" : one.state}` }, one.failure ? "stopped" : one.isPaused ? "paused" : one.state) },
    { title: "Behind", class: "num", cell: (one) => count(one.behind) }, { title: "Lag", class: "num", cell: (one) => span(one.lagSeconds) },
    { title: "Events", class: "num", cell: (one) => count(one.events) },
    { title: "Dead letters", class: "num", cell: (one) => h("span", { class: one.deadLetters ? "bad" : "" }, count(one.deadLetters)) },
  ], now.projections, { empty: "no projection has run yet" }));
}

function objectives(now) {
  if (now.objectives.length === 0) return null;
  return card("Objectives", table([
    { title: "Of", cell: (one) => one.subject }, { title: "Objective", cell: (one) => one.objective },
    { title: "Stands", cell: (one) => h("span", { class: `tag ${one.isStale ? "" : one.isMet ? "good" : "bad"}` }, one.isStale ? "not measured" : one.isMet ? "kept" : "broken") },
    { title: "Budget left", cell: (one) => h("meter", { min: 0, max: 1, low: 0.25, value: Math.max(0, one.budgetLeft), title: `${Math.round(one.budgetLeft * 100)} %` }) },
    { title: "Burn", class: "num", cell: (one) => `${one.burnRate.toFixed(1)}×` }, { title: "Measured", cell: (one) => one.measured },
  ], now.objectives));
}

function subscriptions(now) {
  if (now.subscriptions.length === 0) return null;
  return card("Subscriptions", table([
    { title: "Who", cell: (one) => one.principal }, { title: "What", cell: (one) => one.query }, { title: "Since", cell: (one) => moment(one.since) },
    { title: "Position", class: "num", cell: (one) => count(one.position) }, { title: "Behind", class: "num", cell: (one) => count(one.behind) },
  ], now.subscriptions));
}
