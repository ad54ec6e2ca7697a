// Webhooks: the endpoints of other systems, and the attempts to send to one of them.
import { get, every, path, may } from "./api.js";
import { h, card, count, span, table, link, moment, nothing, facts, route, confirmed, t } from "./dom.js";
import { word } from "./texts.js";
import { act } from "./waiting.js";
import { noModel, pager } from "./processes.js";

const colours = { active: "good", paused: "warn", disabled: "bad", removed: "" };
const answerTag = (one) =>
  h("span", { class: `tag ${one.isTaken ? "good" : "bad"}` }, one.status ?? t("webhook.noAnswer"));
const statusTag = (one) => h("span", { class: `tag ${colours[one.status] ?? ""}` }, word("webhooks", one.status));

export async function webhooks({ show, signal }) {
  let after;
  const load = async () => {
    const answer = await get("v1/webhooks", { after, limit: 50 }, signal);
    show(
      h("div", { class: "head" }, h("h1", {}, t("webhooks.title"))),
      !answer.hasReadModel && noModel(),
      answer.hasReadModel
        && card(
          null,
          table(
            [
              { title: t("webhook.one"), cell: (one) => link(["webhook", one.id], one.id) },
              { title: t("webhook.status"), class: "cut", cell: statusTag },
              { title: "URL", class: "cut mono", cell: (one) => one.url },
              { title: t("webhook.behind"), class: "num", cell: (one) => one.behind ? span(one.lagSeconds) : "0" },
              {
                title: t("webhook.notTaken"),
                class: "num",
                cell: (one) => h("span", { class: one.failing ? "bad" : "" }, count(one.failing))
              },
              {
                title: t("webhook.last"),
                class: "cut",
                cell: (one) => one.lastDelivery && answerTag(one.lastDelivery)
              },
              {
                title: t("webhook.failingSince"),
                class: "cut",
                cell: (one) => one.failingSince ? h("span", { class: "bad" }, moment(one.failingSince)) : "–"
              }
            ],
            answer.webhooks,
            {
              empty: nothing(t("webhooks.none"), t("webhooks.noneNext")),
              open: (one) => () => {
                location.hash = route("webhook", one.id);
              }
            }
          ),
          pager(answer, after, further)
        )
    );
  };
  const further = (next) => {
    after = next;
    return load();
  };
  await every(2000, signal, load);
}

export async function webhook({ show, signal }, id) {
  let after;
  const further = (next) => {
    after = next;
    return load();
  };
  const load = async () => {
    const [one, sent] = await Promise.all([
      get(path("v1", "webhooks", id), {}, signal),
      get(`${path("v1", "webhooks", id)}/deliveries`, { after, limit: 50 }, signal)
    ]);
    show(
      h(
        "div",
        { class: "head" },
        h("h1", {}, one.id),
        statusTag(one),
        may("project")
          && h(
            "div",
            { class: "end" },
            one.status === "active" && button(one, "pause", load),
            ["paused", "disabled"].includes(one.status) && button(one, "resume", load, "main"),
            one.hasStarted && one.status !== "removed" && button(one, "redrive", load, "danger")
          )
      ),
      one.reason
        && h("div", { class: `banner ${colours[one.status]}` }, h("b", {}, word("webhooks", one.status)), one.reason),
      h("div", { class: "wide" }, about(one), health(one)),
      card(
        t("webhook.deliveries"),
        table(columns(), sent.deliveries, { empty: t("webhook.none") }),
        pager(sent, after, further)
      )
    );
  };
  await every(2000, signal, load);
}

const button = (one, verb, load, kind) =>
  h(
    "button",
    {
      type: "button",
      class: kind,
      onclick: async () => {
        const title = t(`act.${verb}`);
        const answer = await confirmed({
          title: t("act.question", { act: title, name: one.id }),
          text: t(`webhook.${verb}.text`),
          action: title,
          danger: verb === "redrive",
          fields: [
            verb === "redrive" && { name: "position", label: t("webhook.from"), value: String(one.position) },
            { name: "reason", label: t("dialog.why") }
          ].filter(Boolean)
        });
        if (!answer) return;
        if (answer.position !== undefined) answer.position = Number(answer.position);
        await act(`${path("v1", "webhooks", one.id)}/${verb}`, answer, t("webhook.recorded", { act: title }), load);
      }
    },
    `${t(`act.${verb}`)}${verb === "redrive" ? "…" : ""}`
  );

const about = (one) =>
  card(
    t("webhook.one"),
    facts([
      ["URL", h("span", { class: "mono" }, one.url)],
      [t("column.events"), h("span", { class: "mono" }, one.query)],
      [t("webhook.order"), t(one.isOrdered ? "webhook.ordered" : "webhook.unordered")],
      [t("webhook.messages"), one.mode],
      [t("webhook.generation"), count(one.generation)],
      [t("webhook.registered"), moment(one.registeredAt)],
      [t("webhook.by"), one.registeredBy]
    ])
  );

const health = (one) =>
  card(
    t("webhook.health"),
    facts([
      [t("column.position"), count(one.position)],
      [
        t("webhook.behind"),
        one.behind ? t("webhook.positions", { n: one.behind, time: span(one.lagSeconds) }) : t("state.current")
      ],
      [
        t("webhook.notTaken"),
        one.failing
          ? h("a", { class: "bad", href: "#/letters" }, t("webhook.events", { n: one.failing }))
          : t("value.none")
      ],
      [t("state.stopped"), one.failure && h("span", { class: "bad" }, one.failure)],
      [t("webhook.failingSince"), one.failingSince && h("span", { class: "bad" }, moment(one.failingSince))],
      [t("webhook.held"), one.heldUntil && moment(one.heldUntil)]
    ])
  );

// What became of a message. An answer has a status; anything else is an error, in English.
const outcome = (one) =>
  h("span", { title: one.outcome }, one.status ? t("webhook.answered", { status: String(one.status) }) : one.outcome);

const columns = () => [
  { title: t("audit.when"), class: "cut", cell: (one) => moment(one.at) },
  {
    title: t("webhook.answer"),
    cell: answerTag
  },
  { title: t("webhook.outcome"), class: "cut", cell: outcome },
  { title: t("column.position"), class: "num", cell: (one) => count(one.position) },
  { title: t("column.events"), class: "num", cell: (one) => count(one.events) },
  { title: t("webhook.took"), class: "num", cell: (one) => span(one.seconds) },
  { title: "webhook-id", class: "cut mono", cell: (one) => one.message }
];
