// The store as a whole: verification, backups, keys, and the acts of administrators.
import { get, send, every, path, may, state } from "./api.js";
import { h, card, count, table, moment, toast, confirmed } from "./dom.js";

export async function operations({ show, signal }) {
  const has = state.session.has;
  if (!may("admin")) return show(h("h1", {}, "Operations"), h("p", { class: "empty" },
    "This needs the scope admin."));
  const created = h("div", {});
  const look = async (body) => { try { return await body(); } catch (error) { if (error.status === 404)
    return null; throw error; } };
  await every(1500, signal, async () => {
    const [check, copy, keys, acts] = [
      has.verification && await look(() => get("v1/verification", {}, signal)), has.backup && await look(() =>
        get("v1/backup", {}, signal)),
      has.keys && await look(() => get("v1/keys", {}, signal)), has.keys && await look(() => get(
      "v1/audit", { limit: 50 }, signal)),
    ];
    show(h("div", { class: "head" }, h("h1", {}, "Operations"), h("div", { class: "end" }, h(
      "a", { href: "docs" }, "API"), h("a", { href: "metrics" }, "metrics"))),
      h("div", { class: "wide" },
        job("Is the store sound?",
          "Checks every event, its checksum and the index, beside readers and writers.", "Check now",
          "v1/verification", has.verification, check),
        job("Copy", has.backup ? "Writes a copy where the server keeps its backups, and checks it." :
          "The server has no place for backups: --backups FOLDER", "Copy now", "v1/backup", has.backup, copy
          )),
      has.keys && card("Keys", created, table([
        { title: "Key", class: "mono", cell: (one) => one.id }, { title: "For", cell: (one) => one
          .name }, { title: "Allows", cell: (one) => one.scopes.split(" ").map((scope) => h(
          "span", { class: "tag" }, scope)) },
        { title: "On", class: "mono", cell: (one) => one.resources }, { title: "Made", class: "cut",
          cell: (one) => moment(one.created) },
        { title: "Ends", class: "cut", cell: (one) => one.revoked ? h("span", { class: "bad" },
            "revoked") : one.expires ? moment(one.expires) : "never" },
        { title: "", cell: (one) => one.revoked ? null : h("button", { type: "button", class: "danger",
            onclick: () => revoke(one) }, "Revoke") },
      ], keys?.keys ?? [], { empty: "no keys" }), h("div", { class: "buttons" }, h(
      "button", { type: "button", class: "main", onclick: () => create(created) }, "New key…"))),
      has.keys && card("What administrators did", table([{ title: "When", class: "cut", cell: (one) =>
            moment(one.at) }, { title: "Who", cell: (one) => one.by }, { title: "Did", cell: (one) =>
            one.action },
        { title: "To", cell: (one) => one.target }, { title: "How, or why", cell: (one) => one.detail }
      ], acts?.acts ?? [], { empty: "nothing yet" })));
  });
}

function job(title, text, action, place, isPossible, last) {
  const word = { running: "running", done: "sound", found: "something was found", failed: "failed" } [last?.state];
  return card(title, h("p", { class: "note" }, text),
    last && h("p", {}, h(
        "span", { class: `tag ${last.state === "done" ? "good" : last.state === "running" ? "warn" : "bad"}` },
        place === "v1/backup" && last.state === "done" ? "done" : word), " ", last.result ?? last.step ?? "", " ",
      h("span", { class: "note" }, moment(last.ended ?? last.begun))),
    last?.state === "running" && h("progress", { max: Math.max(1, last.total ?? 1), value: last.total ? last.done :
        undefined }),
    (last?.findings ?? []).slice(0, 20).map((finding) => h("p", { class: "bad" }, finding)),
    h("div", { class: "buttons" }, h("button", {
      type: "button",
      disabled: !isPossible || last?.state === "running",
      onclick: async () => {
        try { await send("POST", place);
          toast("begun"); } catch (error) { toast(error.message, true); }
      }
    }, action)));
}

async function create(place) {
  const answer = await confirmed({
    title: "A new key",
    action: "Make it",
    fields: [
      { name: "name", label: "What it is for" }, { name: "scopes",
        label: "Scopes: read append subscribe admin project", value: "read subscribe" },
      { name: "resources", label: "Streams: * for all, account-* for a category, account-42 for one",
        value: "*" },
      { name: "expires", label: "Ends at (empty: never)", optional: true, hint: "2027-01-01T00:00:00Z" }
    ]
  });
  if (!answer) return;
  if (!answer.expires) delete answer.expires;
  try {
    const made = await send("POST", "v1/keys", answer);
    place.replaceChildren(h("div", { class: "banner" }, h("b", {}, "Shown this once"), h("code", {}, made.key)));
  } catch (error) { toast(error.message, true); }
}

async function revoke(key) {
  const answer = await confirmed({
    title: `Revoke ${key.id}?`,
    text: `The key "${key.name}" opens nothing from then on; what is open under it ends within five seconds. `
      + "Type its id to confirm.",
    action: "Revoke",
    danger: true,
    fields: [{ name: "id", label: "Id of the key" }]
  });
  if (!answer) return;
  if (answer.id !== key.id) return toast("That is not its id; nothing was done.", true);
  try { await send("DELETE", path("v1", "keys", key.id));
    toast("revoked"); } catch (error) { toast(error.message, true); }
}
