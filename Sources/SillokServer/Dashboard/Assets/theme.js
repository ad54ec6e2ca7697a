// The theme of all pages: the system's until the user chooses one.
const dark = matchMedia("(prefers-color-scheme: dark)");

export function paint() {
  const choice = localStorage.getItem("sillok-theme");
  const isDark = choice ? choice === "dark" : dark.matches;
  document.documentElement.dataset.theme = isDark ? "dark" : "light";
  return isDark;
}

export function choose(theme) {
  localStorage.setItem("sillok-theme", theme);
}

dark.addEventListener("change", () => document.dispatchEvent(new Event("theme")));
