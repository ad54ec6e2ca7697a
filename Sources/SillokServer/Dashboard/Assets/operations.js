// The store as a whole: verification, backups, keys, and the acts of administrators.
import { get, send, every, path, may, state } from "./api.js";
import { h, card, table, moment, nothing, toast, confirmed, redraw, t } from "./dom.js";
import { word } from "./texts.js";

export async function operations({ show, signal }) {
  const has = state.session.has;
  if (!may("admin"))
    return show(h("h1", {}, t("operations.title")), nothing(t("operations.forbidden"), t("operations.forbiddenNext")));
  const [created, jobs, lists] = [h("div", {}), h("div", { class: "wide" }), h("div", { class: "stack" })];
  const look = async (isThere, place, query = {}) => {
    if (!isThere) return null;
    try {
      return await get(place, query, signal);
    } catch (error) {
      if (error.status === 404) return null;
      throw error;
    }
  };
  const links = [h("a", { href: "docs" }, t("docs.api")), h("a", { href: "metrics" }, t("operations.metrics"))];
  show(h("div", { class: "head" }, h("h1", {}, t("operations.title")), h("div", { class: "end" }, links)), jobs, lists);
  await every(1500, signal, async () => {
    const [check, copy, keys, acts] = [
      await look(has.verification, "v1/verification"), await look(has.backup, "v1/backup"),
      await look(has.keys, "v1/keys"), await look(has.keys, "v1/audit", { limit: 50 })
    ];
    if (signal.aborted) return;
    redraw(jobs, job("check", "v1/verification", has.verification, check), job("copy", "v1/backup", has.backup, copy));
    redraw(lists, has.keys && keyList(keys?.keys ?? [], created), has.keys && audit(acts?.acts ?? []));
  });
}

const keyList = (keys, created) =>
  card(
    t("keys.title"), created, table(keyColumns(), keys, { empty: t("keys.none") }),
    h("div", { class: "buttons" },
      h("button", { type: "button", class: "main", onclick: () => create(created) }, t("keys.new")))
  );

const keyColumns = () => [
  { title: t("keys.one"), class: "mono", cell: (one) => one.id },
  { title: t("keys.for"), cell: (one) => one.name },
  { title: t("keys.allows"), cell: (one) => one.scopes.split(" ").map((scope) => h("span", { class: "tag" }, scope)) },
  { title: t("keys.on"), class: "mono", cell: (one) => one.resources },
  { title: t("keys.made"), class: "cut", cell: (one) => moment(one.created) },
  { title: t("keys.ends"), class: "cut", cell: ends },
  {
    title: "",
    cell: (one) => one.revoked
      ? null
      : h("button", { type: "button", class: "danger", onclick: () => revoke(one) }, t("act.revoke"))
  }
];

function ends(one) {
  if (one.revoked) return h("span", { class: "bad" }, t("keys.revoked"));
  return one.expires ? moment(one.expires) : t("keys.never");
}

const audit = (acts) =>
  card(t("audit.administrators"), table([
    { title: t("audit.when"), class: "cut", cell: (one) => moment(one.at) },
    { title: t("audit.who"), cell: (one) => one.by },
    { title: t("audit.did"), cell: (one) => word("did", one.action) },
    { title: t("audit.to"), cell: (one) => one.target },
    { title: t("audit.how"), cell: (one) => one.detail }
  ], acts, { empty: t("audit.none") }));

function job(name, place, isPossible, last) {
  const colour = { done: "good", running: "warn" }[last?.state] ?? "bad";
  const begin = async () => {
    try {
      await send("POST", place);
      toast(t("job.begun"));
    } catch (error) {
      toast(error.message, true);
    }
  };
  return card(
    t(`job.${name}`),
    h("p", { class: "note" }, t(isPossible ? `job.${name}.text` : `job.${name}.impossible`)),
    last && h(
      "p", {}, h("span", { class: `tag ${colour}` }, word(`job.${name}`, last.state)),
      " ", last.result ?? (last.step ? word("step", last.step) : ""), " ",
      h("span", { class: "note" }, moment(last.ended ?? last.begun))
    ),
    last?.state === "running" && h("progress", {
      max: Math.max(1, last.total ?? 1),
      value: last.total ? last.done : undefined,
      "aria-label": t("projection.progress")
    }),
    (last?.findings ?? []).slice(0, 20).map((finding) => h("p", { class: "bad" }, finding)),
    h("div", { class: "buttons" }, h(
      "button",
      { type: "button", disabled: !isPossible || last?.state === "running", onclick: begin },
      t(`job.${name}.begin`)
    ))
  );
}

async function create(place) {
  const answer = await confirmed({
    title: t("keys.newTitle"),
    action: t("keys.make"),
    fields: [
      { name: "name", label: t("keys.nameLabel") },
      { name: "scopes", label: t("keys.scopesLabel"), value: "read subscribe" },
      { name: "resources", label: t("keys.resourcesLabel"), value: "*" },
      { name: "expires", label: t("keys.expiresLabel"), optional: true, hint: "2027-01-01T00:00:00Z" }
    ]
  });
  if (!answer) return;
  if (!answer.expires) delete answer.expires;
  try {
    const made = await send("POST", "v1/keys", answer);
    place.replaceChildren(h("div", { class: "banner" }, h("b", {}, t("keys.once")), h("code", {}, made.key)));
  } catch (error) {
    toast(error.message, true);
  }
}

async function revoke(key) {
  const answer = await confirmed({
    title: t("act.question", { act: t("act.revoke"), name: key.id }),
    text: t("keys.revokeText", { name: key.name }),
    action: t("act.revoke"),
    danger: true,
    fields: [{ name: "id", label: t("keys.idLabel") }]
  });
  if (!answer) return;
  if (answer.id !== key.id) return toast(t("keys.wrongId"), true);
  try {
    await send("DELETE", path("v1", "keys", key.id));
    toast(t("keys.revoked"));
  } catch (error) {
    toast(error.message, true);
  }
}
