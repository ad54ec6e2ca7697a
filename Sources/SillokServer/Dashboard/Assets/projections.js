// Projections: their status and the operations on them.
import { get, send, every, path, may } from "./api.js";
import { h, card, count, outOf, span, table, link, moment, facts, toast, confirmed } from "./dom.js";

const acts = {
  pause: ["Pause", "All builds stop until it is resumed; what is appended meanwhile waits in the log."],
  resume: ["Resume", "It continues where it stopped."],
  rebuild: ["Rebuild", "The application that runs it makes a new build. Queries see the live build until the new one is promoted."],
  promote: ["Promote", "Queries see the newest build from then on; the live one stays as the previous one."],
  rollback: ["Roll back", "Queries see the previous build again."],
};

async function act(name, verb) {
  const [title, text] = acts[verb];
  const answer = await confirmed({ title: `${title} ${name}?`, text, action: title, danger: verb === "promote" || verb === "rollback" });
  if (!answer) return;
  try {
    await send("POST", `${path("v1", "projections", name)}/${verb}`, answer);
    toast(`${title}: asked for`);
  } catch (error) { toast(error.message, true); }
}

const word = (one) => one.failure ? "stopped" : one.isPaused ? "paused" : one.state;
const tag = (one) => h("span", { class: `tag ${one.failure ? "bad" : one.isPaused ? "warn" : one.state}` }, word(one));
const byName = (all) => Map.groupBy ? Map.groupBy(all, (one) => one.projection) : all.reduce((map, one) => map.set(one.projection, [...(map.get(one.projection) ?? []), one]), new Map());

export async function projections({ show, signal }) {
  await every(1000, signal, async () => {
    const answer = await get("v1/projections", {}, signal);
    const groups = [...byName(answer.projections)];
    show(h("div", { class: "head" }, h("h1", {}, "Projections")),
      !answer.hasReadModel && h("p", { class: "empty" }, "The server was started without a read model: sillok serve STORE --read-model FILE"),
      answer.hasReadModel && groups.length === 0 && h("p", { class: "empty" }, "No projection has run yet."),
      groups.map(([name, builds]) => summary(name, builds)));
  });
}

function summary(name, builds) {
  const live = builds.find((one) => one.state === "live");
  const next = builds.find((one) => one.state === "building" || one.state === "requested");
  const shown = live ?? builds[0];
  return h("section", { class: "card" }, h("div", { class: "row" }, h("h1", {}, link(["projection", name], name)), tag(shown), h("span", { class: "sub" }, `v${shown.version}${shown.build > 1 ? ` build ${shown.build}` : ""}`),
    h("span", { class: "end note" }, shown.deadLetters ? h("a", { class: "bad", href: "#/letters" }, `${count(shown.deadLetters)} dead letters`) : "no dead letters")),
    h("div", { class: "row" }, h("span", { class: "note" }, outOf(shown.position, shown.head)), h("meter", { min: 0, max: Math.max(1, shown.head), value: shown.position, "aria-label": "position" }),
      h("span", { class: "num" }, shown.behind ? `${count(shown.behind)} behind, ${span(shown.lagSeconds)}` : "up to date")),
    shown.failure && h("p", { class: "bad" }, shown.failure), next && building(next));
}

function building(next) {
  return h("div", { class: "row" }, h("span", { class: "note" }, next.caughtUp ? `build ${next.build} is ready` : next.state === "requested" ? `build ${next.build} is asked for; the application begins it` : `build ${next.build} is being made`),
    h("progress", { max: 1, value: next.caughtUp ? 1 : next.progress, "aria-label": "progress" }), h("span", { class: "num" }, `${Math.floor((next.caughtUp ? 1 : next.progress) * 100)} %`));
}

export async function projection({ show, signal }, name) {
  const difference = h("div", {});
  const diff = async () => {
    try {
      const found = await get(`${path("v1", "projections", name)}/difference`, { limit: 100 }, signal);
      difference.replaceChildren(card(`${found.live} and ${found.other}`, h("p", { class: "note" }, `${count(found.rows)} rows compared, the two are ${count(found.apart)} positions apart.`),
        table([{ title: "Table", cell: (one) => one.table }, { title: "Live", class: "mono", cell: (one) => one.live ?? "–" }, { title: "Other", class: "mono", cell: (one) => one.other ?? "–" }],
          found.differences, { empty: "every row is the same" }), found.isCut && h("p", { class: "note" }, "There are more.")));
    } catch (error) { toast(error.message, true); }
  };
  let acted;
  await every(1000, signal, async () => {
    const { projections: builds } = await get(path("v1", "projections", name), {}, signal);
    acted = (await get("v1/projection-audit", { limit: 50 }, signal)).acts.filter((one) => one.target.startsWith(`${name} v`));
    const live = builds.find((one) => one.state === "live");
    const next = builds.find((one) => one.state === "building" || one.state === "requested");
    const button = (verb, isPossible, kind) => h("button", { type: "button", class: kind, disabled: !isPossible || !may("project"), onclick: () => act(name, verb) }, acts[verb][0]);
    show(h("div", { class: "head" }, h("h1", {}, name), live && tag(live), h("div", { class: "end" },
      live?.isPaused ? button("resume", true) : button("pause", live && !live.failure), button("rebuild", live && !next),
      h("button", { type: "button", disabled: builds.length < 2, onclick: diff }, "Compare"), button("promote", next?.caughtUp, "main"), button("rollback", builds.some((one) => one.state === "previous"), "danger"))),
      next && card("The new build", building(next)),
      h("div", { class: "wide" }, builds.map((one) => card(`v${one.version} build ${one.build}`, h("div", {}, tag(one)), facts([["Position", outOf(one.position, one.head)],
        ["Lag", one.behind ? `${count(one.behind)} positions, ${span(one.lagSeconds)}` : "none"], ["Events taken", count(one.events)],
        ["Dead letters", one.deadLetters ? h("a", { class: "bad", href: "#/letters" }, count(one.deadLetters)) : "none"], ["Lifecycle", one.lifecycle], ["Partitions", count(one.partitions)],
        ["Begun", moment(one.begun)], ["Caught up", one.caughtUp && moment(one.caughtUp)], ["Stopped", one.failure && h("span", { class: "bad" }, one.failure)]])))),
      difference,
      card("What operators did", table([{ title: "When", class: "cut", cell: (one) => moment(one.at) }, { title: "Who", cell: (one) => one.by }, { title: "Did", cell: (one) => one.action },
        { title: "To", cell: (one) => one.target }, { title: "Why", cell: (one) => one.reason }], acted, { empty: "nothing yet" })));
  });
}
