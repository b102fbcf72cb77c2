// Touches for browsers with script; every page works without. No text lives here: pages bring it along.
"use strict";

// Exact times in the reader's own zone. Chinese writes the short date out in full, and the medium one too long for a column.
const dateStyle = document.documentElement.lang.startsWith("zh") ? "short" : "medium";
for (const time of document.querySelectorAll("time.when")) {
  const exact = time.querySelector(".when-exact");
  const at = new Date(time.dateTime);
  if (exact && !Number.isNaN(at.getTime())) {
    time.title = exact.textContent;
    const local = at.toLocaleString(document.documentElement.lang, { dateStyle, timeStyle: "short" });
    // "4:02 PM" stays in one piece where the line is too short for all of it.
    exact.textContent = local.replace(/ (?=[^ \d]+$)/, "\u00a0");
  }
}

// Copy buttons appear where the clipboard can be written.
if (navigator.clipboard) {
  for (const button of document.querySelectorAll("button[data-copy]")) {
    const label = button.textContent;
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = button.dataset.done;
      setTimeout(() => { button.textContent = label; }, 2000);
    });
  }
}

// A password can be looked at before it is sent. It is hidden again when it leaves, so that nothing keeps it as other text.
for (const button of document.querySelectorAll("button[data-reveal]")) {
  const field = document.getElementById(button.dataset.reveal);
  const show = (isShown) => {
    field.type = isShown ? "text" : "password";
    button.setAttribute("aria-pressed", isShown);
  };
  button.hidden = false;
  button.addEventListener("click", () => show(field.type === "password"));
  field.form?.addEventListener("submit", () => show(false));
}

// A form is sent once, however often somebody clicks. Coming back to the page makes it ready again, and so does time: a
// sending that was stopped, or that found no network, must not leave a button that does nothing.
function ready() {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    form.removeAttribute("aria-busy");
  }
}
for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
    form.setAttribute("aria-busy", "true");
    setTimeout(ready, 8000);
  });
}
addEventListener("pageshow", ready);
document.addEventListener("visibilitychange", ready);

// A page about work that goes on is looked at again after a while where its reader asked for that.
for (const link of document.querySelectorAll("a[data-again]")) {
  setInterval(() => { if (!document.hidden) location.replace(link.href); }, link.dataset.again * 1000);
}

// The menu closes like one: by Escape and by a click elsewhere.
for (const menu of document.querySelectorAll("details.menu")) {
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && menu.open) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
  addEventListener("click", (event) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
}

// What was typed is kept twice: in a form that came too late, because its session was over, until the same person has signed
// in again; and in every form of a page that is drawn anew in another language or theme. It stays in this tab, is given back
// once, to the same person, and passwords are not kept.
const who = document.querySelector(".who bdi")?.textContent;
const typedInto = (form) => [...form.elements].filter((field) => field.name && field.name !== "csrf_token" && field.type !== "password" && !field.autocomplete?.includes("password") && field.type !== "submit");
const keep = (name, kept) => sessionStorage.setItem(name, JSON.stringify({ who, ...kept }));
const valuesOf = (form) => typedInto(form).map((field) => [field.name, field.value, field.checked]);
function kept(name) {
  const found = JSON.parse(sessionStorage.getItem(name));
  sessionStorage.removeItem(name);
  return found && found.who === who && found.path === location.pathname ? found : null;
}
function giveBack(form, values) {
  const fields = typedInto(form);
  // What only asks a question is drawn anew.
  if (fields.every((field) => field.type === "hidden")) return false;
  if (fields.length !== values.length || fields.some((field, at) => field.name !== values[at][0])) return false;
  fields.forEach((field, at) => {
    if (field.type === "checkbox" || field.type === "radio") field.checked = values[at][2];
    else field.value = values[at][1];
  });
  return true;
}

// A form that was refused stands at the address that it was sent to, so the notice tells where it is read.
for (const notice of document.querySelectorAll("[data-kept]")) {
  notice.closest("form").addEventListener("submit", (event) => {
    keep("typed", { path: notice.dataset.kept || location.pathname, values: valuesOf(event.target) });
  });
}
if (location.pathname !== "/login") {
  const typed = kept("typed");
  const notice = document.querySelector("[data-kept]");
  if (typed && notice && document.referrer.startsWith(`${location.origin}/login`)) {
    if (giveBack(notice.closest("form"), typed.values)) notice.hidden = false;
  }
}

// The switches lead to the address that their form names, which is another one than that of a refused form.
const switches = document.getElementById("language");
const others = () => [...document.forms].filter((form) => form !== switches);
switches?.addEventListener("submit", () => {
  const path = new URL(switches.elements.back.value, location).pathname;
  keep("switched", { path, forms: others().map((form) => [form.getAttribute("action"), valuesOf(form)]) });
});
for (const [action, values] of kept("switched")?.forms ?? []) {
  const form = others().find((form) => form.getAttribute("action") === action);
  if (form) giveBack(form, values);
}
