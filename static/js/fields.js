// Small helps inside forms: what a typed date means, showing a password, parts that depend on a choice, line grids.
"use strict";

(() => {
  const { one, all, root, say, words } = HMS;
  const MONTHS = words.months || ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  const ENGLISH = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
  const DAY = 86400000;

  // Days are counted in UTC, so that no clock change can move them; today is the hospital's day.
  const today = () => new Date(`${root.dataset.today || new Date().toISOString().slice(0, 10)}T00:00:00Z`);
  const after = (day, days) => new Date(day.getTime() + days * DAY);
  const lastOf = (year, month) => new Date(Date.UTC(year, month + 1, 0));
  const written = (day) => `${String(day.getUTCDate()).padStart(2, "0")}-${MONTHS[day.getUTCMonth()]}-${day.getUTCFullYear()}`;

  function dayOf(year, month, date) {
    const day = new Date(Date.UTC(year, month, date));
    day.setUTCFullYear(year);
    return month >= 0 && month < 12 && day.getUTCMonth() === month && day.getUTCDate() === date ? day : null;
  }

  function monthOf(word) {
    const short = word.toLowerCase().slice(0, 3);
    const own = MONTHS.findIndex((name) => name.toLowerCase().slice(0, 3) === short);
    return own >= 0 ? own : ENGLISH.indexOf(short);
  }

  function yearOf(text, kind) {
    if (text.length === 4) return Number(text);
    const now = today().getUTCFullYear();
    const year = Math.floor(now / 100) * 100 + Number(text);
    return kind === "dob" && year > now ? year - 100 : year;
  }

  function relative(text) {
    const word = text.toLowerCase();
    if (word === "t" || word === "today") return today();
    if (word === "y" || word === "yesterday") return after(today(), -1);
    if (word === "tomorrow") return after(today(), 1);
    const step = word.match(/^(?:in\s+|([+-]))(\d{1,3})\s*([dwmy])[a-z]*$/);
    if (!step) return null;
    const count = Number(step[2]) * (step[1] === "-" ? -1 : 1);
    if (step[3] === "d" || step[3] === "w") return after(today(), count * (step[3] === "w" ? 7 : 1));
    const months = count * (step[3] === "y" ? 12 : 1) + today().getUTCMonth();
    const end = lastOf(today().getUTCFullYear(), months);
    return new Date(Date.UTC(end.getUTCFullYear(), end.getUTCMonth(), Math.min(today().getUTCDate(), end.getUTCDate())));
  }

  function monthEnd(text) {
    const parts = text.match(/^(\d{1,2}|[^\W\d_]{3,})[\s/.-]*(\d{4}|\d{2})$/u);
    if (!parts) return null;
    const month = /\d/.test(parts[1]) ? Number(parts[1]) - 1 : monthOf(parts[1]);
    return month >= 0 && month < 12 ? lastOf(yearOf(parts[2], "expiry"), month) : null;
  }

  function full(text, kind) {
    const iso = text.match(/^(\d{4})-(\d{1,2})-(\d{1,2})$/);
    if (iso) return dayOf(Number(iso[1]), Number(iso[2]) - 1, Number(iso[3]));
    const parts = text.match(/^(\d{1,2})[\s/.,-]*([^\W\d_]{3,})[\s/.,-]*(\d{4}|\d{2})?$/u)
      || text.match(/^(\d{1,2})[\s/.-]+(\d{1,2})[\s/.-]+(\d{4}|\d{2})$/)
      || text.match(/^(\d{2})(\d{2})(\d{4}|\d{2})$/);
    if (!parts || (!parts[3] && kind === "dob")) return null;
    const month = /\d/.test(parts[2]) ? Number(parts[2]) - 1 : monthOf(parts[2]);
    const day = dayOf(parts[3] ? yearOf(parts[3], kind) : today().getUTCFullYear(), month, Number(parts[1]));
    if (day && kind === "dob" && day > today() && parts[3].length === 2) return dayOf(day.getUTCFullYear() - 100, month, Number(parts[1]));
    return day;
  }

  function understood(text, kind) {
    const tidy = text.trim().replace(/\s+/g, " ");
    return (kind === "expiry" && monthEnd(tidy)) || (kind !== "dob" && relative(tidy)) || full(tidy, kind);
  }

  // The same steps as the server's age: days, weeks and days, years and months, years.
  function age(born) {
    const now = today();
    const days = Math.max(Math.round((now - born) / DAY), 0);
    const months = (now.getUTCFullYear() - born.getUTCFullYear()) * 12 + now.getUTCMonth() - born.getUTCMonth() - (now.getUTCDate() < born.getUTCDate());
    const pair = (first, a, second, b) => [first && `${first}${a}`, second && `${second}${b}`].filter(Boolean).join(" ");
    if (days < 28) return `${days}d`;
    if (months < 12) return pair(Math.floor(days / 7), "w", days % 7, "d");
    return months < 216 ? pair(Math.floor(months / 12), "y", months % 12, "m") : `${Math.floor(months / 12)}y`;
  }

  function echo(input, leaving) {
    const output = document.getElementById(`${input.id}-echo`);
    const kind = input.dataset.date;
    const day = input.value.trim() ? understood(input.value, kind) : null;
    const future = day && kind === "dob" && day > today();
    const wrong = leaving && input.value.trim() && (!day || future);
    output.toggleAttribute("data-wrong", Boolean(wrong));
    if (wrong) output.textContent = say(future ? "date_future" : "date_unclear");
    else output.textContent = day && !future ? `= ${written(day)}${kind === "dob" ? ` (${age(day)})` : ""}` : "";
  }

  document.addEventListener("input", (event) => { if (event.target.matches("[data-date]")) echo(event.target, false); });
  document.addEventListener("focusout", (event) => { if (event.target.matches?.("[data-date]")) echo(event.target, true); });
  all("[data-date]").forEach((input) => echo(input, false));
  HMS.understoodDate = (text, kind = "near") => { const day = understood(text, kind); return day && day.toISOString().slice(0, 10); };

  // Where values are typed one after another, Enter goes to the next box; in the last one it sends the form.
  document.addEventListener("keydown", (event) => {
    const box = event.target;
    if (event.key !== "Enter" || event.defaultPrevented || event.ctrlKey || event.metaKey || event.isComposing) return;
    if (box.tagName !== "INPUT" || !box.form?.matches('[data-enter="next"]')) return;
    const boxes = all('input:not([type="hidden"], [type="radio"], [type="checkbox"]), select, textarea', box.form).filter(HMS.shown);
    const next = boxes[boxes.indexOf(box) + 1];
    if (!next) return;
    event.preventDefault();
    next.focus();
    next.select?.();
  });

  // Passwords can be shown while typing.
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-reveal]");
    if (!button) return;
    const input = document.getElementById(button.dataset.reveal);
    const hidden = input.type === "password";
    const label = one("span", button);
    input.type = hidden ? "text" : "password";
    button.setAttribute("aria-pressed", String(hidden));
    [label.textContent, button.dataset.shown] = [button.dataset.shown, label.textContent];
  });

  // "None" unticks the others, any other unticks "none".
  document.addEventListener("change", (event) => {
    const box = event.target;
    if (box.type !== "checkbox" || !box.checked) return;
    const group = all(`input[type="checkbox"][name="${CSS.escape(box.name)}"]`, box.closest("fieldset") || document);
    if (!group.some((other) => "none" in other.dataset)) return;
    group.filter((other) => other !== box && ("none" in other.dataset || "none" in box.dataset)).forEach((other) => { other.checked = false; });
  });

  // data-show-when="name=value other": shown only while the field has one of the values; visible to all without JavaScript.
  function depend(part) {
    const [name, wanted] = part.dataset.showWhen.split("=");
    const form = part.closest("form") || document;
    const values = all(`[name="${CSS.escape(name)}"]`, form).filter((field) => !["radio", "checkbox"].includes(field.type) || field.checked).map((field) => field.value);
    part.hidden = !values.some((value) => wanted.split(" ").includes(value));
  }
  const dependAll = () => all("[data-show-when]").forEach(depend);
  document.addEventListener("change", dependAll);
  dependAll();

  // Prefilled amounts are replaced by typing.
  document.addEventListener("focusin", (event) => { if (event.target.matches?.("[data-select]")) event.target.select(); });

  // In a line grid Enter adds the line; the new line's first cell takes the focus when the page is back.
  const RETURN = "hms:new-line";
  document.addEventListener("keydown", (event) => {
    const grid = event.target.closest?.("[data-lines]");
    if (event.key !== "Enter" || event.defaultPrevented || event.ctrlKey || event.metaKey || !grid || !event.target.matches("input, select")) return;
    event.preventDefault();
    one("[data-add-line]", grid)?.click();
  });
  document.addEventListener("click", (event) => { if (event.target.closest("[data-add-line]")) sessionStorage.setItem(RETURN, "yes"); });
  if (sessionStorage.getItem(RETURN)) {
    const row = all("[data-lines] tbody tr").at(-1);
    if (row && !one('[data-ux="error-summary"]')) one('input:not([type="hidden"]), select', row)?.focus();
  }
  sessionStorage.removeItem(RETURN);
})();
