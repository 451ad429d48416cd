// Scripts of form fields, in one file because every page has fields: suggestion lists, typed dates, shown passwords, parts that
// depend on a choice, line grids.
"use strict";

// Suggestion lists under a text field: [data-combobox] fields and the find box (form[data-find]).
// A row is chosen only with an arrow key and Enter, or with a click.
(() => {
  const { one, all, say, announce, post } = HMS;
  const PAUSE = 150;
  let made = 0;

  function rowOf(item) {
    const row = document.createElement("div");
    row.setAttribute("role", "option");
    row.dataset.value = item.value ?? item.id ?? "";
    row.dataset.label = item.label ?? item.text ?? "";
    if (item.href) row.dataset.href = item.href;
    row.append(Object.assign(document.createElement("span"), { textContent: row.dataset.label }));
    if (item.detail) row.append(Object.assign(document.createElement("small"), { textContent: item.detail }));
    if (item.note) row.append(Object.assign(document.createElement("small"), { className: "push", textContent: item.note }));
    row.item = item;
    return row;
  }

  // `choose(row, event)` is called with the chosen row; `failed` is the message when the server does not respond.
  function suggest(input, { source, least = 2, choose, failed, name, classes = "" }) {
    const list = document.createElement("div");
    list.id = `options-${++made}`;
    list.className = `options ${classes}`;
    list.hidden = true;
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", name);
    input.after(list);
    for (const [key, value] of Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id })) input.setAttribute(key, value);

    let timer = 0;
    let request = null;
    let active = null;
    const rows = () => all('[role="option"]', list);

    function mark(row) {
      active?.setAttribute("aria-selected", "false");
      active = row;
      if (!row) { input.removeAttribute("aria-activedescendant"); return; }
      row.setAttribute("aria-selected", "true");
      input.setAttribute("aria-activedescendant", row.id);
      row.scrollIntoView({ block: "nearest" });
    }

    function place() {
      const box = input.getBoundingClientRect();
      const below = innerHeight - box.bottom;
      const above = below < 200 && box.top > below;
      const rtl = getComputedStyle(input).direction === "rtl";
      const width = Math.max(box.width, Math.min(list.scrollWidth, innerWidth - 16));
      list.style.minInlineSize = `${box.width}px`;
      list.style.maxBlockSize = `${Math.max(Math.min((above ? box.top : below) - 16, 480), 120)}px`;
      list.style.insetBlock = above ? `auto ${innerHeight - box.top + 4}px` : `${box.bottom + 4}px auto`;
      const start = rtl ? innerWidth - box.right : box.left;
      list.style.insetInline = `${Math.max(Math.min(start, innerWidth - width - 8), 8)}px auto`;
    }

    function open() {
      list.hidden = false;
      input.setAttribute("aria-expanded", "true");
      place();
    }

    function close() {
      clearTimeout(timer);
      request?.abort();
      mark(null);
      list.hidden = true;
      input.setAttribute("aria-expanded", "false");
    }

    function show(content, problem = "") {
      mark(null);
      list.replaceChildren(...content);
      rows().forEach((row, index) => { row.id = `${list.id}-${index}`; row.setAttribute("aria-selected", "false"); });
      const found = rows().length;
      if (problem || (!found && !list.children.length)) list.append(note(problem || say("none_found")));
      open();
      announce(found ? say(found === 1 ? "one_found" : "many_found", { count: found }) : problem || say("none_found"));
    }

    function note(text) {
      return Object.assign(document.createElement("p"), { className: "options__note", textContent: text });
    }

    async function ask() {
      request?.abort();
      request = new AbortController();
      const mine = request;
      const address = new URL(source, location.href);
      address.searchParams.set("q", input.value.trim());
      try {
        const answer = await fetch(address, { signal: mine.signal, headers: { Accept: "application/json, text/html", "X-Requested-With": "fetch" } });
        if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
        const isJson = (answer.headers.get("Content-Type") || "").includes("json");
        const body = isJson ? await answer.json() : await answer.text();
        if (mine.signal.aborted || document.activeElement !== input) return;
        if (isJson) show((body.results || body).map(rowOf), body.note);
        else show([...HMS.parsed(body).children]);
      } catch (problem) {
        if (problem.name === "AbortError") return;
        list.replaceChildren(note(failed));
        open();
      }
    }

    function pick(row, event) {
      close();
      choose(row, event);
    }

    function step(by) {
      if (list.hidden) { if (list.children.length) open(); else ask(); return; }
      const options = rows();
      const next = Math.min(Math.max(options.indexOf(active) + by, -1), options.length - 1);
      mark(options[next] || null);
    }

    input.addEventListener("input", () => {
      clearTimeout(timer);
      request?.abort();
      list.replaceChildren();
      if (input.value.trim().length < least) { close(); return; }
      timer = setTimeout(ask, PAUSE);
    });
    input.addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      if (event.key === "ArrowDown" || event.key === "ArrowUp") { event.preventDefault(); step(event.key === "ArrowDown" ? 1 : -1); }
      else if (event.key === "Enter" && active && !list.hidden && !event.ctrlKey && !event.metaKey) { event.preventDefault(); pick(active, event); }
      else if (event.key === "Enter") close();
      else if (event.key === "Escape" && !list.hidden) { event.preventDefault(); event.stopPropagation(); close(); }
    });
    input.addEventListener("blur", close);
    list.addEventListener("pointerdown", (event) => event.preventDefault());
    list.addEventListener("click", (event) => {
      const row = event.target.closest('[role="option"]');
      if (row) pick(row, event);
    });
    addEventListener("scroll", () => { if (!list.hidden) place(); }, { passive: true, capture: true });
    addEventListener("resize", () => { if (!list.hidden) place(); });
  }

  function combobox(holder) {
    const input = one("input", holder);
    if (!input || input.getAttribute("role") === "combobox") return;
    const chosen = holder.dataset.chosen ? document.getElementById(holder.dataset.chosen) : null;
    const detail = one("[data-chosen-detail]", holder.closest(".field"));
    const tell = (text) => { if (detail) detail.textContent = text; };
    input.addEventListener("input", () => { if (chosen?.value) { chosen.value = ""; tell(""); chosen.dispatchEvent(new Event("change", { bubbles: true })); } });
    suggest(input, {
      source: holder.dataset.combobox,
      least: Number(holder.dataset.min || 2),
      failed: say("search_failed"),
      name: input.labels?.[0]?.textContent.trim() || input.getAttribute("aria-label") || "",
      choose(row) {
        input.value = row.dataset.label || row.textContent.trim();
        if (chosen) chosen.value = row.dataset.value || "";
        tell(row.item?.detail || "");
        (chosen || input).dispatchEvent(new Event("change", { bubbles: true }));
        const detail = { value: row.dataset.value, label: row.dataset.label, href: row.dataset.href, item: row.item || { ...row.dataset } };
        const goOn = input.dispatchEvent(new CustomEvent("combobox:chosen", { bubbles: true, cancelable: true, detail }));
        if (goOn && "submit" in holder.dataset) input.form.requestSubmit();
      },
    });
  }

  // A row of the find box posts (data-post, with data-values) or opens an address (data-href; also Shift+Enter and a click on the name).
  function finder(form) {
    const input = one("#find", form);
    suggest(input, {
      source: form.dataset.find,
      failed: say("find_failed"),
      name: say("find"),
      classes: "find__list",
      choose(row, event) {
        const acts = row.dataset.post && !event.shiftKey && (event.type === "keydown" || event.target.closest("[data-act]"));
        if (acts) post(row.dataset.post, JSON.parse(row.dataset.values || "{}"));
        else if (row.dataset.opensForm && document.getElementById(row.dataset.opensForm)) HMS.openForm(row.dataset.opensForm, new URL(row.dataset.href, location.href).href);
        else if (row.dataset.href) location.assign(row.dataset.href);
      },
    });
    form.addEventListener("submit", (event) => { if (!input.value.trim()) { event.preventDefault(); event.stopPropagation(); } }, true);
  }

  const start = (within) => all("[data-combobox]", within).forEach(combobox);
  start(document);
  all("form[data-find]").forEach(finder);
  document.addEventListener("hms:added", (event) => start(event.target));
})();

// Typed dates, shown passwords, parts that depend on a choice, line grids.
(() => {
  const { one, all, root, say, words } = HMS;
  const MONTHS = words.months || ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  const DAY = 86400000;

  // Dates are read by the rules of the server (hms/core/text/dates.py, patients/identity/birth_dates.py,
  // pharmacy/stock/expiry.py). The tests run tests/cases/typed_dates.json against both.
  const MONTH_NAMES = ["january janvier", "february fevrier", "march mars", "april avril", "may mai", "june juin", "july juillet", "august aout", "september septembre", "october octobre", "november novembre", "december decembre"].map((names) => names.split(" "));
  const WEEKDAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
  const NAMED_DAYS = { t: 0, today: 0, now: 0, y: -1, yesterday: -1, tom: 1, tomorrow: 1 };
  const UNITS = { d: "days", day: "days", w: "weeks", wk: "weeks", week: "weeks", m: "months", mo: "months", mth: "months", month: "months", y: "years", yr: "years", year: "years" };
  const DAY_FORMS = [
    /^(?<y>\d{4})-(?<m>\d{1,2})-(?<d>\d{1,2})$/,
    /^(?<d>\d{1,2})(?<gap>[ ./-])(?<m>\d{1,2})(?:\k<gap>(?<y>\d{4}|\d{2}))?$/,
    /^(?<d>\d{1,2})(?:st|nd|rd|th)?[ ./,-]?(?<m>[a-z]{3,9})\.?(?:[ ./,-]{0,2}(?<y>\d{4}|\d{2}))?$/,
    /^(?<m>[a-z]{3,9})\.?[ ./-]?(?<d>\d{1,2})(?:st|nd|rd|th)?(?:[ ./,-]{1,2}(?<y>\d{4}|\d{2}))?$/,
    /^(?<d>\d{2})(?<m>\d{2})(?<y>\d{2})$/,
    /^(?<d>\d{2})(?<m>\d{2})(?<y>(?:1[89]|20|21)\d{2})$/,
    /^(?<y>(?:1[89]|20|21)\d{2})(?<m>\d{2})(?<d>\d{2})$/,
  ];
  const MONTH_FORMS = [
    /^(?<m>0[1-9]|1[0-2])(?<y>\d{2})$/,
    /^(?<m>\d{1,2})[ ./-](?<y>20\d{2}|\d{2})$/,
    /^(?<m>0[1-9]|1[0-2])(?<y>20\d{2})$/,
    /^(?<y>20\d{2})[ ./-]?(?<m>0[1-9]|1[0-2])$/,
    /^(?<m>[a-z]{3,9})\.?[ ./-]?(?<y>20\d{2}|\d{2})$/,
  ];
  const MAX_TYPED_LENGTH = 40;
  const NINE_YEARS = [...Array(9).keys()]; // there is a 29 February in them, also around 2100
  const EARLIEST_BIRTH = Date.UTC(1880, 0, 1);
  const OLDEST_YEARS = 140;
  const FURTHEST_EXPIRY_YEARS = 20;

  // Days are counted in UTC, so that a clock change cannot shift them. Today is the hospital's day.
  const today = () => new Date(`${root.dataset.today || new Date().toISOString().slice(0, 10)}T00:00:00Z`);
  const written = (day) => `${String(day.getUTCDate()).padStart(2, "0")}-${MONTHS[day.getUTCMonth()]}-${day.getUTCFullYear()}`;
  const inCalendar = (day) => (day.getUTCFullYear() >= 1 && day.getUTCFullYear() <= 9999 ? day : null);
  const onlyFit = (fits) => (fits.length === 1 ? fits[0] : null);

  // `month` is 1 to 12. Null for a day that does not exist.
  function dayOf(year, month, date) {
    const day = new Date(0);
    day.setUTCFullYear(year, month - 1, date);
    return year >= 1 && day.getUTCMonth() === month - 1 && day.getUTCDate() === date ? day : null;
  }

  function monthOf(word) {
    if (/^\d+$/.test(word)) return Number(word);
    return onlyFit(MONTH_NAMES.flatMap((names, index) => (names.some((name) => name.startsWith(word)) ? [index + 1] : [])));
  }

  function lastOf(year, month) {
    const day = new Date(0);
    day.setUTCFullYear(year, month, 0);
    return day;
  }

  function shifted(day, count, unit) {
    if (unit === "days" || unit === "weeks") return inCalendar(new Date(day.getTime() + count * (unit === "weeks" ? 7 : 1) * DAY));
    const months = day.getUTCFullYear() * 12 + day.getUTCMonth() + count * (unit === "years" ? 12 : 1);
    const [year, month] = [Math.floor(months / 12), (months % 12) + 1];
    return year >= 1 && year <= 9999 ? dayOf(year, month, Math.min(day.getUTCDate(), lastOf(year, month).getUTCDate())) : null;
  }

  function tidied(text) {
    if (text.length > MAX_TYPED_LENGTH) return "";
    const plain = text.normalize("NFKC").replace(/[−–]/g, "-").normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
    return plain.trim().replace(/\s+/g, " ").replace(/ ?([./,-]) ?/g, "$1");
  }

  // Day and month, with the digits of the year as typed (may be missing); null when the text is not a day.
  function partsOf(typed) {
    const parts = DAY_FORMS.map((form) => typed.match(form)?.groups).find(Boolean);
    const month = parts && monthOf(parts.m);
    const checkedIn = parts?.y?.length === 4 ? Number(parts.y) : 2000; // a leap year, so that 29 February is accepted
    return month && dayOf(checkedIn, month, Number(parts.d)) ? { year: parts.y, inYear: (year) => dayOf(year, month, Number(parts.d)) } : null;
  }

  const centuryOf = (year) => year - (year % 100);

  // The latest matching day that is not after today; a year of four digits is used as typed.
  function pastDay(typed) {
    const parts = partsOf(typed);
    if (!parts) return null;
    if (parts.year?.length === 4) return parts.inYear(Number(parts.year));
    const now = today().getUTCFullYear();
    const years = parts.year ? [centuryOf(now) + Number(parts.year), centuryOf(now) + Number(parts.year) - 100] : NINE_YEARS.map((back) => now - back);
    return years.map(parts.inYear).find((day) => day && day <= today()) ?? null;
  }

  function upcomingDay(typed) {
    if (Object.hasOwn(NAMED_DAYS, typed)) return shifted(today(), NAMED_DAYS[typed], "days");
    const weekday = typed.length >= 3 ? onlyFit(WEEKDAYS.flatMap((name, index) => (name.startsWith(typed) ? [index] : []))) : null;
    if (weekday !== null) return shifted(today(), ((weekday - today().getUTCDay() + 6) % 7) + 1, "days");
    const step = typed.match(/^(?<sign>[+-]|in )? ?(?<count>\d{1,4}) ?(?<unit>[a-z]{1,6})$/)?.groups;
    const unit = step && (UNITS[step.unit] ?? UNITS[step.unit.replace(/s$/, "")]);
    if (unit) return shifted(today(), Number(step.count) * (step.sign === "-" ? -1 : 1), unit);
    const parts = partsOf(typed);
    if (!parts) return null;
    const now = today().getUTCFullYear();
    if (!parts.year) return [now, now + 1].map(parts.inYear).find((day) => day && day >= today()) ?? null;
    return parts.inYear(Number(parts.year) + (parts.year.length === 2 ? centuryOf(now) : 0));
  }

  // A month alone means its last day.
  function expiryDay(typed) {
    const parts = MONTH_FORMS.map((form) => typed.match(form)?.groups).find(Boolean);
    const month = parts && monthOf(parts.m);
    if (month >= 1 && month <= 12) return lastOf(2000 + Number(parts.y.slice(-2)), month);
    const whole = partsOf(typed);
    return whole?.year ? whole.inYear(Number(whole.year) + (whole.year.length === 2 ? 2000 : 0)) : null;
  }

  const READERS = { dob: pastDay, near: upcomingDay, expiry: expiryDay };

  // The typed day, or the key of the message that says why the server will refuse it.
  function readDate(text, kind) {
    const day = READERS[kind](tidied(text));
    if (!day) return { refusal: "date_unclear" };
    if (kind === "dob" && day > today()) return { refusal: "date_future" };
    if (kind === "dob" && (day < EARLIEST_BIRTH || yearsBetween(day, today()) > OLDEST_YEARS)) return { refusal: "date_past" };
    const year = day.getUTCFullYear();
    if (kind === "expiry" && (year < 2000 || year > today().getUTCFullYear() + FURTHEST_EXPIRY_YEARS)) return { refusal: "date_expiry_year" };
    return { day };
  }

  const monthsBetween = (day, later) => (later.getUTCFullYear() - day.getUTCFullYear()) * 12 + later.getUTCMonth() - day.getUTCMonth() - (later.getUTCDate() < day.getUTCDate());
  const yearsBetween = (day, later) => Math.floor(monthsBetween(day, later) / 12);

  // The age as the server writes it: days, weeks and days, years and months, years.
  function age(born) {
    const now = today();
    const days = Math.max(Math.round((now - born) / DAY), 0);
    const months = monthsBetween(born, now);
    const pair = (first, a, second, b) => [first && `${first}${a}`, second && `${second}${b}`].filter(Boolean).join(" ");
    if (days < 28) return `${days}d`;
    if (months < 12) return pair(Math.floor(days / 7), "w", days % 7, "d");
    return months < 216 ? pair(Math.floor(months / 12), "y", months % 12, "m") : `${Math.floor(months / 12)}y`;
  }

  function echo(input, leaving) {
    const output = document.getElementById(`${input.id}-echo`);
    const kind = input.dataset.date;
    const { day, refusal } = input.value.trim() ? readDate(input.value, kind) : {};
    const wrong = leaving && refusal;
    output.toggleAttribute("data-wrong", Boolean(wrong));
    if (wrong) output.textContent = say(refusal);
    else output.textContent = day ? `= ${written(day)}${kind === "dob" ? ` (${age(day)})` : ""}` : "";
  }

  document.addEventListener("input", (event) => { if (event.target.matches("input[data-date]")) echo(event.target, false); });
  document.addEventListener("focusout", (event) => { if (event.target.matches?.("input[data-date]")) echo(event.target, true); });
  all("input[data-date]").forEach((input) => echo(input, false));
  HMS.readDate = (text, kind) => readDate(text, kind).day?.toISOString().slice(0, 10) ?? null;

  // In a form with data-enter="next", Enter moves to the next field; in the last field it sends the form.
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

  // The button that shows a password while typing.
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

  // Ticking "None" unticks the other boxes; ticking another box unticks "None".
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

  // Select a prefilled amount on focus, so that typing replaces it.
  document.addEventListener("focusin", (event) => { if (event.target.matches?.("[data-select]")) event.target.select(); });

  // In a line grid Enter adds a line; after the reload the first field of the new line has the focus.
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
