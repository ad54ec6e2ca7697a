// The texts of all pages: a table of each language, from keys to texts, and the language that is shown.
import { en } from "./texts-en.js";
import { en as enSaid } from "./texts-en-said.js";
import { en as enWork } from "./texts-en-work.js";
import { ko } from "./texts-ko.js";
import { ko as koSaid } from "./texts-ko-said.js";
import { ko as koWork } from "./texts-ko-work.js";

const tables = { en: { ...en, ...enWork, ...enSaid }, ko: { ...ko, ...koWork, ...koSaid } };
// The name of each language, in itself.
export const languages = { en: en.language, ko: ko.language };

// The language that the user chose, or the first one of the browser that there is.
const preferred = () => [localStorage.getItem("sillok-language"), ...navigator.languages]
  .map((one) => one?.slice(0, 2)).find((one) => one in tables) ?? "en";
export let language = preferred();

export function speak(chosen) {
  localStorage.setItem("sillok-language", chosen);
  language = preferred();
}

// Numbers have one form in all languages. No line ends within a number.
export const count = (number) => Number(number ?? 0).toLocaleString("en").replaceAll(",", "\u202F");

// Returns the text of a key. `{name}` is replaced by a value, and a number is grouped. A text with two forms is a list:
// the first is for `n` = 1.
export const t = (key, values = {}) => parts(key, values).join("");

// The same as a list, for values that are elements.
export function parts(key, values = {}) {
  const found = tables[language][key] ?? tables.en[key];
  if (found === undefined) return [key];
  const text = Array.isArray(found) ? found[values.n === 1 ? 0 : 1] : found;
  return text.split(/(\{\w+\})/).filter((part) => part !== "").map((part) => {
    const value = part[0] === "{" ? values[part.slice(1, -1)] : part;
    return typeof value === "number" ? count(value) : value;
  });
}

// Returns the text of a word that the server uses, such as a state; the word itself if no table has it.
export const word = (group, name) => `${group}.${name}` in tables.en ? t(`${group}.${name}`) : String(name);

// Fills in the texts of the page's own markup.
export function translate() {
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = t(element.dataset.text);
  for (const element of document.querySelectorAll("[data-label-text]"))
    element.setAttribute("aria-label", t(element.dataset.labelText));
}
