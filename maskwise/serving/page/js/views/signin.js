/** Sign in with a token; it is changed for a cookie that no script can read, and kept nowhere else. */

import { field, fill, h } from "../dom.js";
import { signIn } from "../session.js";

export const title = "Sign in";
export const lead = "This service asks for a token. Whoever runs it makes one with “maskwise token create”.";

export async function show(root) {
  const token = field("Token", h("input", { type: "password", autocomplete: "current-password", required: true, spellcheck: "false" }));
  const form = h("form", {
    class: "card narrow",
    on: {
      submit: async (event) => {
        event.preventDefault();
        try {
          await signIn(token.control.value.trim());
          dispatchEvent(new Event("maskwise-signed-in"));
        } catch (error) {
          token.refuse(error.message);
          token.control.focus();
        }
      },
    },
  }, token, h("div", { class: "row" }, h("button", { class: "main" }, "Sign in")));
  fill(root, form);
}
