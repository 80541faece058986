// Shows openapi.json as tables; the usual viewers load themselves from the Internet.
"use strict";

function element(name, text = "") {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

function table(rows) {
  const made = element("table");
  for (const cells of rows) {
    const row = element("tr");
    row.append(...cells.map((text) => element("td", text)));
    made.append(row);
  }
  return made;
}

function kind(schema) {
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.anyOf) return schema.anyOf.map(kind).join(" or ");
  return schema.type === "array" ? `list of ${kind(schema.items)}` : schema.type;
}

fetch("openapi.json").then((reply) => reply.json()).then((api) => {
  document.getElementById("origin").textContent = location.origin;
  document.getElementById("about").textContent = api.info.description;
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const rows = Object.entries(operation.responses).map(([status, told]) => [status, told.description]);
      const head = [element("h2", `${method.toUpperCase()} ${path}`), element("p", operation.summary)];
      document.getElementById("paths").append(...head, table(rows));
    }
  }
  for (const [name, schema] of Object.entries(api.components.schemas)) {
    const rows = Object.entries(schema.properties ?? {}).map(([key, of]) => [key, kind(of), of.description ?? ""]);
    document.getElementById("schemas").append(element("h3", name), element("p", schema.description ?? ""), table(rows));
  }
});
