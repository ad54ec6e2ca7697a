// The documentation of the API, rendered from the document that the server generates from its routes.
import { example } from "./api.js";
import { h, card, code, table, t } from "./dom.js";
import { translate } from "./texts.js";
import { paint } from "./theme.js";

paint();
translate();
document.title = t("docs.page");

const api = await (await fetch("openapi.json")).json();
const named = (reference) => reference.split("/").pop();
const schemaLink = (content) => Object.entries(content ?? {}).map(([type, body]) => {
  const name = named(body.schema.$ref);
  return h("div", {}, h("code", {}, type), " ", h("a", { href: `#schema-${name}` }, name));
});

const operations = Object.entries(api.paths).flatMap(([route, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ route, method, ...operation })));
const colours = { get: "good", delete: "bad" };
const columns = [
  { title: t("docs.parameter"), class: "mono", cell: (one) => one.name },
  { title: t("docs.in"), cell: (one) => one.in },
  { title: t("docs.is"), cell: (one) => one.description },
  { title: t("docs.form"), class: "mono", cell: (one) => JSON.stringify(one.schema) }
];

function section(operation) {
  const scope = operation["x-sillok-scope"];
  const answers = Object.entries(operation.responses);
  return h(
    "section",
    { class: "card", id: operation.operationId },
    h(
      "div",
      { class: "row lines" },
      h("span", { class: `tag ${colours[operation.method] ?? "warn"}` }, operation.method.toUpperCase()),
      h("h2", { class: "route mono" }, operation.route),
      h("span", { class: "end note" }, scope === "none" ? t("docs.noKey") : t("docs.scope", { scope }))
    ),
    h("p", {}, operation.summary),
    operation.parameters && table(columns, operation.parameters),
    operation.requestBody && h("div", {}, h("h3", {}, t("docs.body")), schemaLink(operation.requestBody.content)),
    h(
      "div",
      {},
      h("h3", {}, t("docs.answers")),
      answers.filter(([status]) => status < 400).map(([status, answer]) =>
        h("div", { class: "row" }, h("span", { class: "tag good" }, status), h("span", {}, schemaLink(answer.content)))
      ),
      h(
        "div",
        {},
        answers.filter(([status]) => status >= 400).map(([status]) => h("span", { class: "tag" }, status)),
        h("a", { href: "#schema-Problem" }, "Problem")
      )
    )
  );
}

const commands = `${example()}\n\ncurl -N '${new URL("v1/subscribe", document.baseURI)}?after=0'`;

document.getElementById("main").replaceChildren(
  h("div", { class: "head" }, h("h1", {}, t("docs.title")), h("span", { class: "sub" }, api.info.description)),
  card(t("docs.try"), h("pre", { class: "code" }, commands), h("p", { class: "note" }, t("docs.keys"))),
  ...operations.map(section),
  h("div", { class: "head" }, h("h1", {}, t("docs.schemas"))),
  ...Object.entries(api.components.schemas).map(([name, schema]) =>
    h("section", { class: "card", id: `schema-${name}` }, h("h2", {}, name), code(schema, new Set(), true)))
);
if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
