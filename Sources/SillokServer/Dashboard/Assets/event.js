// One event: what it says, why it happened, and what came of it.
import { get, path, print } from "./api.js";
import { h, card, code, count, eventID, recorded, link, moment, facts, Exact } from "./dom.js";

export function shortPayload(event) {
  if (event.data === undefined && event.data_base64 === undefined) return "";
  const text = event.data === undefined ? `${(event.data_base64 ?? "").length * 3 / 4 | 0} bytes` : print(event.data);
  return text.length > 240 ? text.slice(0, 240) + "…" : text;
}

export async function event({ show, signal }, id) {
  const around = await get(`${path("v1", "events", id)}/relations`, {}, signal);
  const { event, causes, effects } = around;
  const metadata = [...Object.entries(event.metadata ?? {}),
    ...Object.entries(event).filter(([name]) => !known.has(name)).map(([name, value]) => [name, value instanceof Exact ? value.text : value])];
  show(h("div", { class: "head" }, h("h1", {}, event.type), h("span", { class: "sub mono" }, event.id)),
    h("div", { class: "wide" },
      card("Payload", event.data === undefined ? binary(event) : code(event.data)),
      h("div", { class: "fields" },
        card("Where", facts([
          ["Stream", event.subject ? h("span", {}, link(["stream", event.subject], event.subject), ` @ ${count(event.revision)}`) : "none"],
          ["Position", count(event.position)], ["Recorded", moment(recorded(event))], ["Happened", event.sillokid && event.time], ["Content", event.datacontenttype], ["Source", event.source],
          ["Tags", event.tags?.length ? event.tags.map((tag) => h("span", { class: "tag" }, tag)) : null],
        ])),
        metadata.length > 0 && card("Metadata", facts(metadata.map(([name, value]) => [name, name === "causationid" ? link(["event", value], value) : value]))),
        card("Causes and effects", tree(event, causes, effects), h("p", { class: "note" }, around.isEnd ? "The whole log was looked through for effects." : `Looked for effects as far as position ${count(around.through)}.`)))));
}

function binary(event) {
  const text = event.data_base64 ?? "";
  return h("pre", { class: "code" }, text.length > 4000 ? text.slice(0, 4000) + "…" : text || "(empty)");
}

// The members that the page shows elsewhere. All others are attributes of the event's producer.
const known = new Set(["specversion", "id", "source", "type", "subject", "time", "datacontenttype", "position", "revision",
  "tags", "metadata", "data", "data_base64", "sillokid", "silloktime", "silloklayout"]);

// The first cause is the root, and each event is below its cause.
function tree(event, causes, effects) {
  const under = new Map();
  for (const one of effects) {
    const cause = one.metadata?.causationid ?? one.causationid;
    under.set(cause, [...(under.get(cause) ?? []), one]);
  }
  const node = (one) => h("span", { class: "node" }, link(["event", eventID(one)], one.type), " ", h("span", { class: "note" }, `${one.subject ?? "no stream"} at ${count(one.position)}`));
  const down = (one, depth) => h("li", { class: eventID(one) === eventID(event) ? "here" : "" }, node(one),
    under.has(eventID(one)) && depth < 40 && h("ul", {}, under.get(eventID(one)).map((next) => down(next, depth + 1))));
  const chain = causes.reduce((inner, cause) => h("li", {}, node(cause), h("ul", {}, inner)), down(event, 0));
  return h("ul", { class: "tree" }, chain);
}
