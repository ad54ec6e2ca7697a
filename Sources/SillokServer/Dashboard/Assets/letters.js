// Dead letters: events that a projection could not project, and the events behind them.
import { get, send, every, path, may } from "./api.js";
import { h, card, code, count, eventID, table, link, moment, facts, toast, confirmed } from "./dom.js";

export async function letters({ show, signal }) {
  let chosen = null;
  const detail = h("div", {});
  const done = async (body, text) => {
    try { await body(); toast(text); chosen = null; detail.replaceChildren(); } catch (error) { toast(error.message, true); }
  };
  const open = (one) => async () => {
    chosen = one;
    try {
      const found = await get(path("v1", "projections", one.projection, "dead-letters", one.position), {}, signal);
      const base = path("v1", "projections", one.projection, "dead-letters", one.position);
      detail.replaceChildren(card(`${one.projection} at ${count(one.position)}`, h("p", { class: "bad" }, found.deadLetter.reason),
        facts([["Event", link(["event", eventID(found.event)], found.event.type)], ["Sequence", found.deadLetter.sequence], ["Tries", count(found.deadLetter.attempts)], ["Parked", moment(found.deadLetter.parkedAt)],
          ["Replaced by", found.deadLetter.replacement]]), code(found.event.data ?? found.event.data_base64),
        may("project") && h("div", { class: "buttons" },
          h("button", { type: "button", class: "danger", onclick: async () => {
            const answer = await confirmed({ title: "Skip it?", text: "It is never projected; what waits behind it is tried.", action: "Skip", danger: true });
            if (answer) await done(() => send("POST", `${base}/skip`, answer), "skipped");
          } }, "Skip"),
          h("button", { type: "button", onclick: async () => {
            const answer = await confirmed({ title: "Replace its payload?", text: "The log does not change; the projection uses this payload instead.", action: "Replace",
              fields: [{ name: "payload", label: "Payload, as JSON", long: true, value: JSON.stringify(found.event.data ?? null, null, 2) }, { name: "reason", label: "Why (kept for good)" }] });
            if (answer) await done(() => send("POST", `${base}/replace`, answer), "replaced; it is tried again");
          } }, "Replace…"))));
      detail.scrollIntoView({ block: "nearest" });
    } catch (error) { toast(error.message, true); }
  };
  await every(1500, signal, async () => {
    const all = (await get("v1/dead-letters", { limit: 200 }, signal)).deadLetters;
    const names = [...new Set(all.map((one) => one.projection))];
    show(h("div", { class: "head" }, h("h1", {}, "Dead letters"), h("span", { class: "sub" }, all.length === 200 ? "the first 200" : ""), h("div", { class: "end" }, may("project") && names.map((name) =>
      h("button", { type: "button", class: "main", onclick: async () => {
        const answer = await confirmed({ title: `Try the dead letters of ${name} again?`, text: "Each sequence in its order and each event once, by the application that runs it.", action: "Retry" });
        if (answer) await done(() => send("POST", `${path("v1", "projections", name)}/retry`, answer), "they are tried again");
      } }, `Retry ${name}`)))),
      card(null, table([
        { title: "Projection", cell: (one) => link(["projection", one.projection], one.projection) }, { title: "Position", class: "num", cell: (one) => count(one.position) },
        { title: "Type", class: "cut", cell: (one) => one.type }, { title: "Sequence", class: "cut", cell: (one) => one.sequence },
        { title: "State", cell: (one) => h("span", { class: `tag ${one.state === "failed" ? "bad" : one.state === "retry" ? "warn" : ""}` }, one.state) },
        { title: "Tries", class: "num", cell: (one) => count(one.attempts) }, { title: "Why", class: "cut", cell: (one) => one.reason },
      ], all, { empty: "Nothing is parked.", open })), detail);
  });
}
