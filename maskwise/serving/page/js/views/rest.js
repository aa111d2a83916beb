/** The endpoints of the REST interface, from the service's own description. */

import { get } from "../api.js";
import { fill, h } from "../dom.js";

export const title = "REST interface";
export const lead = "Whatever this page does, another program can do. Each answer is JSON, each error application/problem+json.";

const METHODS = ["get", "post", "patch", "put", "delete"];

export async function show(root, signal) {
  const api = await get("/v1/openapi.json", { signal });
  const rows = Object.entries(api.paths).flatMap(([path, methods]) =>
    METHODS.filter((method) => methods[method]).map((method) => [method.toUpperCase(), path, methods[method].description?.split("\n")[0] ?? methods[method].summary ?? ""]));
  fill(root, h("section", { class: "card" },
    h("p", {}, "The whole description, for machines: ", h("a", { href: "/v1/openapi.json" }, "/v1/openapi.json"), " (OpenAPI ", api.openapi, ", version ", api.info.version, ")."),
    h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Endpoints" }, h("table", { class: "wide" }, h("caption", {}, "Endpoints"),
      h("thead", {}, h("tr", {}, ["Method", "Address", "What it does"].map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", {}, rows.map(([method, path, words]) => h("tr", {}, h("td", {}, h("code", {}, method)), h("th", { scope: "row" }, h("code", {}, path)), h("td", {}, words))))))));
}
