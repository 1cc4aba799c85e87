/**
 * Light or dark: as the system says, until the button is pressed.
 */
const KEY = "mibsk-theme";
const system = matchMedia("(prefers-color-scheme: dark)");

export function startTheme(button) {
  let chosen = read();
  const show = () => {
    const dark = chosen ? chosen === "dark" : system.matches;
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    button.textContent = dark ? "Light" : "Dark";
    button.setAttribute("aria-label", dark ? "Use light colours" : "Use dark colours");
  };
  button.addEventListener("click", () => {
    chosen = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    try {
      localStorage.setItem(KEY, chosen);
    } catch {
      // not remembered
    }
    show();
  });
  system.addEventListener("change", show);
  show();
}

function read() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}
