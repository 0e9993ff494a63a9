"use strict";
// The keyboard: every key presses a button or follows a link that is there too.

const usual = JSON.parse(document.body.dataset.keys);
const own = JSON.parse(localStorage.getItem("keys") ?? "{}");
const keymap = { ...usual, ...own };
const acts = new Map(Object.entries(keymap).map(([act, key]) => [key, act]));
const keysOn = () => localStorage.getItem("shortcuts") !== "off";
const places = {
  "go-shortlist": "/shortlist", "go-queue": "/queue", "go-campaigns": "/campaigns",
  "go-imports": "/imports", "go-outcomes": "/outcomes", "go-model": "/model",
};
const isText = "textarea, select, input:not([type=radio]):not([type=checkbox])";

function shown(element) {
  return element && element.getClientRects().length > 0;
}
function press(name) {
  const button = [...document.querySelectorAll(`[data-key="${name}"]`)].find((one) => one.getClientRects().length);
  if (!button) return false;
  button.focus();
  button.click();
  return true;
}
function move(step) {
  const row = rowBeside(step);
  if (!row) return document.querySelector(".list") !== null || press(step > 0 ? "next" : "previous");
  if (panel.hidden) {
    selectRow(row);
    row.querySelector("[data-open]").focus({ preventScroll: true });
  } else openPanel(row);
  return true;
}
function tick(range) {
  const box = selectedRow()?.querySelector("[name=chosen]");
  if (!box) return false;
  box.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, shiftKey: range }));
  return true;
}
function openProfile() {
  const link = selectedRow()?.querySelector(".out-link");
  if (!link || !panel.hidden) return press("profile");
  link.click();
  return true;
}
function toggleWhy() {
  if (!panel || !document.querySelector(".list tbody tr[data-id]")) return false;
  if (!panel.hidden) return closePanel();
  openPanel(selectedRow() ?? rowBeside(0), true);
  return true;
}
async function help() {
  let dialog = document.querySelector("dialog");
  if (!dialog) {
    dialog = document.createElement("dialog");
    dialog.setAttribute("aria-labelledby", "keys-title");
    const answer = await fetch(`${root}/keyboard`);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const rows = [...page.querySelectorAll("#keymap .keys label")].map((label) => {
      const row = document.createElement("div");
      const key = document.createElement("kbd");
      const pressed = keymap[label.querySelector("input").name];
      key.textContent = pressed === " " ? "space" : pressed;
      row.append(label.querySelector("span").textContent, key);
      return row;
    });
    const title = Object.assign(document.createElement("h2"), { id: "keys-title", textContent: "Keyboard" });
    const list = Object.assign(document.createElement("div"), { className: "keys" });
    const foot = Object.assign(document.createElement("form"), { method: "dialog", className: "row" });
    const change = Object.assign(document.createElement("a"), { href: `${root}/keyboard`, textContent: "Change them, or turn them off" });
    foot.append(Object.assign(document.createElement("button"), { textContent: "Close" }), change);
    list.append(...rows);
    dialog.append(title, list, foot);
    document.body.append(dialog);
  }
  dialog.showModal();
}
function escape() {
  const menu = document.querySelector("details.menu[open]");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
    return true;
  }
  return typeof closePanel === "function" && closePanel();
}
function perform(act) {
  if (act in places) {
    const link = document.querySelector(`.top a[href="${root}${places[act]}"]`);
    if (link) location.href = link.href;
    return Boolean(link);
  }
  const find = document.getElementById("find");
  switch (act) {
    case "next": return move(1);
    case "previous": return move(-1);
    case "why": return toggleWhy();
    case "tick": return tick(false);
    case "range": return tick(true);
    case "profile": return openProfile();
    case "help": help(); return true;
    case "search":
      if (!shown(find)) return false;
      find.focus();
      find.select();
      return true;
    default: return press(act);
  }
}

let begun = "";
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !document.querySelector("dialog[open]")) {
    if (escape()) event.preventDefault();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || !keysOn()) return;
  if (event.target.closest(isText) || document.querySelector("dialog[open]")) return;
  if (event.key === " " && event.target.closest("button, summary, a, input")) {
    if (!event.target.closest(".list a")) return;
  }
  const pressed = begun + event.key;
  begun = "";
  const act = acts.get(pressed);
  if (act) {
    if (perform(act)) event.preventDefault();
  } else if ([...acts.keys()].some((key) => key.length > 1 && key.startsWith(event.key))) {
    begun = event.key;
    setTimeout(() => { begun = ""; }, 1500);
  }
});

// The pages name the keys that are in force.
function nameKeys() {
  document.body.classList.toggle("no-keys", !keysOn());
  for (const mark of document.querySelectorAll("[data-key-of]")) mark.textContent = keymap[mark.dataset.keyOf];
  for (const one of document.querySelectorAll("[data-key]")) {
    if (keysOn() && keymap[one.dataset.key]) one.setAttribute("aria-keyshortcuts", keymap[one.dataset.key]);
    else one.removeAttribute("aria-keyshortcuts");
  }
}
nameKeys();
document.addEventListener("shown", nameKeys);

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-keys]");
  if (!link || event.ctrlKey || event.metaKey || location.pathname === `${root}/keyboard`) return;
  event.preventDefault();
  help();
});

// The page of the keys.
const form = document.getElementById("keymap");
if (form) {
  const on = document.getElementById("keys-on");
  const said = document.getElementById("keys-said");
  on.checked = keysOn();
  on.addEventListener("change", () => {
    localStorage.setItem("shortcuts", on.checked ? "on" : "off");
    nameKeys();
  });
  const fields = [...form.querySelectorAll("input")];
  const word = (key) => (key === " " ? "space" : key);
  for (const field of fields) field.value = word(keymap[field.name]);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const chosen = {};
    for (const field of fields) {
      const key = field.value === "space" ? " " : field.value.trim();
      const taken = Object.entries(chosen).find(([, other]) => other.startsWith(key) || key.startsWith(other));
      field.setCustomValidity(key ? (taken ? `This key is taken by “${form.elements[taken[0]].labels[0].innerText}”.` : "") : "Name a key.");
      if (!field.reportValidity()) return;
      chosen[field.name] = key;
    }
    localStorage.setItem("keys", JSON.stringify(chosen));
    said.textContent = "These keys are in force, in this browser.";
    Object.assign(keymap, chosen);
    acts.clear();
    for (const [act, key] of Object.entries(chosen)) acts.set(key, act);
    nameKeys();
  });
  form.addEventListener("input", () => {
    for (const field of fields) field.setCustomValidity("");
  });
  form.addEventListener("reset", (event) => {
    event.preventDefault();
    localStorage.removeItem("keys");
    location.reload();
  });
}
