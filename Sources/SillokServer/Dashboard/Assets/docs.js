// The documentation of the API, rendered from the document that the server generates from its routes.
import { h, card, code, table } from "./dom.js";

const isDark = localStorage.getItem("sillok-theme") ? localStorage.getItem("sillok-theme") === "dark" : matchMedia(
  "(prefers-color-scheme: dark)").matches;
document.documentElement.dataset.theme = isDark ? "dark" : "light";

const api = await (await fetch("openapi.json")).json();
const named = (reference) => reference.split("/").pop();
const schemaLink = (content) => Object.entries(content ?? {}).map(([type, body]) => h("div", {}, h("code", {}, type),
  " ", h("a", { href: `#schema-${named(body.schema.$ref)}` }, named(body.schema.$ref))));

const operations = Object.entries(api.paths).flatMap(([route, methods]) => Object.entries(methods).map(([method,
  operation
]) => ({ route, method, ...operation })));
const section = (operation) => h("section", { class: "card", id: operation.operationId },
  h("div", { class: "row" }, h(
      "span", { class: `tag ${operation.method === "get" ? "good" : operation.method === "delete" ? "bad" : "warn"}` },
      operation.method.toUpperCase()), h("b", { class: "mono" }, operation.route),
    h("span", { class: "end note" }, operation["x-sillok-scope"] === "none" ? "no key" :
      `scope ${operation["x-sillok-scope"]}`)),
  h("p", {}, operation.summary),
  operation.parameters && table([{ title: "Parameter", class: "mono", cell: (one) => one.name }, { title: "In",
    cell: (one) => one.in }, { title: "Is", cell: (one) => one.description }, { title: "Form", class: "mono",
    cell: (one) => JSON.stringify(one.schema) }], operation.parameters),
  operation.requestBody && h("div", {}, h("h2", {}, "Body"), schemaLink(operation.requestBody.content)),
  h("div", {}, h("h2", {}, "Answers"), Object.entries(operation.responses).filter(([status]) => status < 400).map(([
      status, answer
    ]) => h("div", { class: "row" }, h("span", { class: "tag good" }, status), h("span", {}, schemaLink(answer
      .content)))),
    h("div", {}, Object.keys(operation.responses).filter((status) => status >= 400).map((status) => h(
    "span", { class: "tag" }, status)), h("a", { href: "#schema-Problem" }, "Problem"))));

document.getElementById("main").replaceChildren(
  h("div", { class: "head" }, h("h1", {}, "The API"), h("span", { class: "sub" }, api.info.description)),
  card("Try it", h("pre", { class: "code" },
      `curl ${new URL("v1/events", document.baseURI)} -H 'Content-Type: application/json' \\\n`
      + `  -d '{"type":"noted","subject":"note-1","data":{"text":"hello"}}'\n\n`
      + `curl -N '${new URL("v1/subscribe", document.baseURI)}?after=0'`
      ),
    h("p", { class: "note" },
      "With keys: -H 'Authorization: Bearer sillok_…'. A write answers Sillok-Position; "
      + "a read that is sent it as Sillok-At-Least sees that write."
      )),
  ...operations.map(section),
  h("div", { class: "head" }, h("h1", {}, "Schemas")),
  ...Object.entries(api.components.schemas).map(([name, schema]) => h("section", { class: "card",
    id: `schema-${name}` }, h("h2", {}, name), code(schema))));
if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
