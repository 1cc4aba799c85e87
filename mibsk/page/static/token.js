/**
 * The token of a server that asks for one, kept until the tab is closed.
 */
import { h, labelled } from "./dom.js";

const KEY = "mibsk-token";
let asking = null;
let memory = ""; // where storage is switched off

export function storedToken() {
  try {
    return sessionStorage.getItem(KEY) ?? "";
  } catch {
    return memory;
  }
}

function store(token) {
  memory = token;
  try {
    sessionStorage.setItem(KEY, token);
  } catch {
    // kept in memory alone
  }
}

/** Ask once, however many requests were refused; `used` is the token that was refused. */
export function askForToken(used, refused) {
  if (storedToken() !== used) return Promise.resolve(); // entered in the meantime
  asking ??= openDialog(refused || used !== "").finally(() => {
    asking = null;
  });
  return asking;
}

function openDialog(wrong) {
  return new Promise((resolve, reject) => {
    const field = h("input", { type: "password", autocomplete: "off", required: true });
    const dialog = h(
      "dialog",
      { class: "card", "aria-labelledby": "token-title" },
      h(
        "form",
        { method: "dialog" },
        h("h2", { id: "token-title" }, "A token is needed"),
        h(
          "p",
          { class: "muted" },
          wrong
            ? "The server did not accept the last token. "
            : "Whoever started the server knows its token. ",
          "Tokens are kept until you close this tab.",
        ),
        labelled("Token", field),
        h(
          "div",
          { class: "buttons" },
          h("button", { class: "primary", value: "use" }, "Continue"),
          h("button", { class: "quiet", value: "cancel", formnovalidate: true }, "Cancel"),
        ),
      ),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      if (dialog.returnValue === "use" && field.value.trim()) {
        store(field.value.trim());
        resolve();
      } else {
        reject(new Error("The server needs a token: reload the page to enter it."));
      }
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
