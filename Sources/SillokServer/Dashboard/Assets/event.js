// One event: what it says, why it happened, and what came of it.
import { get, path, print } from "./api.js";
import { h, card, code, count, eventID, recorded, link, moment, facts, Exact, t } from "./dom.js";
import { causeOf, picture } from "./causes.js";

export function shortPayload(event) {
  if (event.data === undefined && event.data_base64 === undefined) return "";
  const bytes = ((event.data_base64 ?? "").length * 3 / 4) | 0;
  const text = event.data === undefined ? t("event.bytes", { n: bytes }) : print(event.data);
  return text.length > 240 ? text.slice(0, 240) + "…" : text;
}

export async function event({ show, signal }, id) {
  const around = await get(`${path("v1", "events", id)}/relations`, {}, signal);
  const { event, causes, effects } = around;
  const metadata = [
    ...Object.entries(event.metadata ?? {}),
    ...Object.entries(event)
      .filter(([name]) => !known.has(name))
      .map(([name, value]) => [name, value instanceof Exact ? value.text : value])
  ];
  const through = around.isEnd ? t("event.whole") : t("event.through", { position: around.through });
  show(
    h("div", { class: "head" }, h("h1", {}, event.type), h("span", { class: "sub mono" }, event.id)),
    card(
      t("event.causes"),
      picture(event, causes, effects, signal),
      causes.length + effects.length === 0 && h("p", { class: "note" }, t("event.alone")),
      h("p", { class: "note" }, through),
      causes.length + effects.length > 0
        && h("details", {}, h("summary", {}, t("event.list")), tree(event, causes, effects))
    ),
    h(
      "div",
      { class: "wide" },
      card(t("event.payload"), event.data === undefined ? binary(event) : code(event.data)),
      h("div", { class: "fields" }, card(t("event.where"), where(event)), metadata.length > 0 && about(metadata))
    )
  );
}

const where = (event) =>
  facts([
    [
      t("stream.one"),
      event.subject
        ? h("span", {}, link(["stream", event.subject], event.subject), ` @ ${count(event.revision)}`)
        : t("event.noStream")
    ],
    [t("column.position"), count(event.position)],
    [t("column.recorded"), moment(recorded(event))],
    [t("event.happened"), event.sillokid && event.time],
    [t("event.content"), event.datacontenttype],
    [t("event.source"), event.source],
    [t("event.tags"), event.tags?.length ? event.tags.map((tag) => h("span", { class: "tag" }, tag)) : null]
  ]);

const about = (metadata) =>
  card(
    t("event.metadata"),
    facts(metadata.map(([name, value]) => [name, name === "causationid" ? link(["event", value], value) : value]))
  );

function binary(event) {
  const text = event.data_base64 ?? "";
  return h("pre", { class: "code" }, text.length > 4000 ? text.slice(0, 4000) + "…" : text || t("event.empty"));
}

// The members that the page shows elsewhere. All others are attributes of the event's producer.
const known = new Set([
  "specversion",
  "id",
  "source",
  "type",
  "subject",
  "time",
  "datacontenttype",
  "position",
  "revision",
  "tags",
  "metadata",
  "data",
  "data_base64",
  "sillokid",
  "silloktime",
  "silloklayout"
]);

// The first cause is the root, and each event is below its cause.
function tree(event, causes, effects) {
  const under = new Map();
  for (const one of effects) {
    under.set(causeOf(one), [...(under.get(causeOf(one)) ?? []), one]);
  }
  const at = (one) => t("event.at", { stream: one.subject ?? t("event.noStream"), position: one.position });
  const node = (one) =>
    h(
      "span",
      { class: "node" },
      link(["event", eventID(one)], one.type),
      " ",
      h("span", { class: "note" }, at(one))
    );
  const down = (one, depth) =>
    h(
      "li",
      { class: eventID(one) === eventID(event) ? "here" : "" },
      node(one),
      under.has(eventID(one))
        && depth < 40
        && h(
          "ul",
          {},
          under.get(eventID(one)).map((next) => down(next, depth + 1))
        )
    );
  const chain = causes.reduce((inner, cause) => h("li", {}, node(cause), h("ul", {}, inner)), down(event, 0));
  return h("ul", { class: "tree" }, chain);
}
