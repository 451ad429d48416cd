// The shell of every signed-in page: shortcuts, busy buttons, toasts with undo, menus, dialogs, idle warning.
"use strict";

const HMS = (() => {
  const root = document.documentElement;
  const words = JSON.parse(document.querySelector('meta[name="hms-words"]')?.content || "{}");
  const token = () => document.querySelector('meta[name="csrf-token"]')?.content || "";
  const one = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const shown = (element) => element && element.getClientRects().length > 0;
  const typing = (element) => Boolean(element?.closest('input:not([type="checkbox"], [type="radio"], [type="button"], [type="submit"]), textarea, select, [contenteditable]'));
  const say = (key, values = {}) => (words[key] || key).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");

  function announce(text, urgent = false) {
    const region = one(urgent ? "[data-assertive]" : "[data-polite]");
    if (!region) return;
    region.textContent = "";
    setTimeout(() => { region.textContent = text; }, 50);
  }

  // Post values to an address of this site, with a form that is made for it.
  function post(action, values = {}) {
    const form = document.createElement("form");
    form.method = "post";
    form.action = action;
    for (const [name, value] of Object.entries({ csrf_token: token(), ...values })) {
      const input = Object.assign(document.createElement("input"), { type: "hidden", name, value });
      form.append(input);
    }
    document.body.append(form);
    form.requestSubmit();
  }

  // Parse a fragment of HTML from the server. No other script makes elements from text.
  function parsed(html) {
    const holder = document.createElement("template");
    holder.innerHTML = html;
    return holder.content;
  }

  // Parse a whole page from the server; its scripts do not run.
  const pageOf = (html) => new DOMParser().parseFromString(html, "text/html");

  // Use the token of a new session on a page that was opened in an earlier one.
  function renewToken(fresh, within = document) {
    const meta = one('meta[name="csrf-token"]');
    if (meta) meta.content = fresh;
    [...all('input[name="csrf_token"]'), ...all('input[name="csrf_token"]', within)].forEach((field) => { field.value = fresh; });
  }

  return { root, words, token, one, all, shown, typing, say, announce, post, parsed, pageOf, renewToken };
})();

// Toasts: each disappears after some seconds, but not while the pointer or the focus is on it.
(() => {
  const { one, all } = HMS;
  const region = one('[data-ux="toasts"]');
  if (!region) return;

  function run(toast) {
    let left = Number(toast.dataset.seconds || 6) * 1000;
    let since = Date.now();
    // The focus of a removed message goes to the page, so that the next Tab starts there.
    const remove = () => { const hadFocus = toast.contains(document.activeElement); toast.remove(); if (hadFocus) one("main")?.focus(); };
    let timer = setTimeout(remove, left);
    const hold = () => { clearTimeout(timer); left -= Date.now() - since; };
    const go = () => { since = Date.now(); timer = setTimeout(remove, Math.max(left, 1500)); };
    toast.addEventListener("pointerenter", hold);
    toast.addEventListener("pointerleave", go);
    toast.addEventListener("focusin", hold);
    toast.addEventListener("focusout", go);
    one("[data-dismiss]", toast)?.addEventListener("click", remove);
  }

  HMS.toast = (text) => {
    const toast = document.createElement("div");
    toast.className = "toast";
    toast.dataset.ux = "toast";
    const line = Object.assign(document.createElement("span"), { className: "toast__text", textContent: text });
    toast.append(line);
    region.replaceChildren(toast);
    run(toast);
  };

  // Announce toasts that came with the page, because screen readers do not read them otherwise.
  const arrived = all(".toast", region);
  arrived.forEach(run);
  if (arrived.length) HMS.announce(one(".toast__text", region).textContent);
})();

// A pressed button is shown as busy at once, and the same form cannot be sent a second time.
(() => {
  const { one, all, say } = HMS;
  const BUSY_FOR_MOST = 15000;

  function rest(form) {
    delete form.dataset.busy;
    all('[aria-busy="true"]', form).forEach((button) => {
      button.removeAttribute("aria-busy");
      if (button.dataset.words) one("span", button).textContent = button.dataset.words;
    });
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method === "dialog" || event.defaultPrevented) return;
    if (form.dataset.busy) { event.preventDefault(); return; }
    form.dataset.busy = "1";
    const button = event.submitter;
    if (button?.matches(".button")) {
      const label = one("span", button);
      button.setAttribute("aria-busy", "true");
      if (label && form.method === "post" && !button.matches(".button--small")) {
        button.dataset.words = label.textContent;
        label.textContent = say("saving");
      }
    }
    setTimeout(() => rest(form), BUSY_FOR_MOST);
  });

  // A page from the browser's back/forward cache may show another person's data, so load it again.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
    else all("form[data-busy]").forEach(rest);
  });
})();

// Menus and dialogs.
(() => {
  const { one, all } = HMS;
  const openMenus = () => all("details.menu[open]");

  document.addEventListener("click", (event) => {
    openMenus().filter((menu) => !menu.contains(event.target)).forEach((menu) => { menu.open = false; });
    const opener = event.target.closest("[data-dialog]");
    const dialog = opener && document.getElementById(opener.dataset.dialog);
    if (!dialog) return;
    event.preventDefault();
    dialog.showModal();
    dialog.addEventListener("close", () => opener.focus(), { once: true });
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = openMenus().at(-1);
    if (!menu) return;
    menu.open = false;
    one("summary", menu).focus();
  });
  // Shift an open menu so that it stays inside the window.
  document.addEventListener("toggle", (event) => {
    const list = event.target.open && event.target.matches?.("details.menu") && one(".menu__list", event.target);
    if (!list) return;
    list.style.translate = "";
    const box = list.getBoundingClientRect();
    const shift = box.left < 8 ? 8 - box.left : Math.min(document.documentElement.clientWidth - 8 - box.right, 0);
    if (shift) list.style.translate = `${shift}px`;
  }, true);
  document.addEventListener("focusout", (event) => {
    const menu = event.target.closest?.("details.menu[open]");
    if (menu && event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false;
  });
})();

// Shortcuts. Single keys never act inside fields and can be switched off; Ctrl keys always work.
(() => {
  const { one, all, shown, typing, root } = HMS;
  const SCAN_GAP = 50;
  const SCAN_LENGTH = 6;
  let goes = 0;
  let scan = { text: "", at: 0 };

  const singles = () => root.dataset.shortcuts !== "off";
  const keyed = (key) => all(`[data-shortcut="${CSS.escape(key)}"]`, one("dialog[open]") || document).find((element) => shown(element) && element.getAttribute("aria-disabled") !== "true");
  const primary = () => keyed("Ctrl+Enter") || all("main button.button--primary").filter(shown).at(-1);
  const find = () => { const box = one("#find"); box?.focus(); box?.select(); };

  function list() {
    const dialog = one("#shortcuts");
    const keys = one("dl", dialog);
    all("[data-of-page]", keys).forEach((part) => part.remove());
    const named = new Map();
    all("[data-shortcut]").filter(shown).forEach((element) => named.set(element.dataset.shortcut, (one("span", element) || element).textContent.trim()));
    if (!named.has("Ctrl+Enter") && primary()) named.set("Ctrl+Enter", one("span", primary())?.textContent.trim() || "");
    if (one("[data-sections]")) named.set("Alt+PgDn", one("[data-sections]").getAttribute("aria-label"));
    for (const [key, text] of named) {
      const term = document.createElement("dt");
      const what = Object.assign(document.createElement("dd"), { textContent: text });
      term.append(Object.assign(document.createElement("kbd"), { className: "key", textContent: key.replace("+", " ") }));
      for (const part of [term, what]) {
        part.dataset.ofPage = "";
        if (!key.includes("+")) part.dataset.single = "";
        keys.append(part);
      }
    }
    all("[data-single]", keys).forEach((part) => { part.hidden = !singles(); });
    const undo = Boolean(one("[data-undo]"));
    all("[data-when-undo]", keys).forEach((part) => { part.hidden = !undo || !singles(); });
    dialog.showModal();
  }

  function command(event) {
    const key = event.key.toLowerCase();
    if (key === "k") { find(); return true; }
    if (key === "enter") { const button = primary(); button?.click(); return Boolean(button); }
    if (key === "s") {
      const draft = new CustomEvent("hms:save-draft", { bubbles: true, cancelable: true });
      if (!(event.target.closest?.("form") || one("form[data-draft-url]") || document).dispatchEvent(draft)) return true;
      const button = keyed("Ctrl+S");
      button?.click();
      return Boolean(button);
    }
    return false;
  }

  function single(event) {
    const key = event.key;
    if (Date.now() < goes) {
      goes = 0;
      const place = one(`[data-go="${CSS.escape(key)}"]`);
      if (place) location.assign(place.dataset.url);
      return Boolean(place);
    }
    if (key === "g") { goes = Date.now() + 1500; return true; }
    if (key === "/") { find(); return true; }
    if (key === "?") { list(); return true; }
    if (key === "z" && one("[data-undo]")) { all("[data-undo]").at(-1).click(); return true; }
    const plain = key !== "Enter" || [document.body, one("main")].includes(document.activeElement);
    const element = plain && keyed(key);
    element?.click?.();
    return Boolean(element);
  }

  // A barcode scanner types fast and ends with Enter.
  function scanned(event) {
    const now = event.timeStamp;
    if (event.key === "Enter") {
      const text = now - scan.at < SCAN_GAP ? scan.text : "";
      scan = { text: "", at: 0 };
      const box = one("#find");
      if (text.length < SCAN_LENGTH || !box) return false;
      box.value = text;
      box.form.requestSubmit();
      return true;
    }
    if (event.key.length === 1) scan = { text: (now - scan.at < SCAN_GAP ? scan.text : "") + event.key, at: now };
    return false;
  }

  // The sections of a long page: Alt+Page Down and Alt+Page Up, or the links, bring the focus to the first field of a section.
  const FIELDS = 'input:not([type="hidden"]), select, textarea, button, a[href], summary';
  const sections = () => all("[data-sections] a").map((link) => document.getElementById(link.hash.slice(1))).filter(shown);

  function enter(section) {
    const field = all(FIELDS, section).find(shown);
    if (!field) section.tabIndex = -1;
    section.scrollIntoView({ block: "start" });
    (field || section).focus({ preventScroll: true });
  }

  function nextSection(event) {
    const step = { PageDown: 1, PageUp: -1 }[event.key];
    const places = step ? sections() : [];
    if (!places.length) return false;
    const passed = places.findLastIndex((place) => place.contains(document.activeElement) || place.compareDocumentPosition(document.activeElement) & Node.DOCUMENT_POSITION_FOLLOWING);
    const isInside = places[passed]?.contains(document.activeElement);
    const wanted = places[step > 0 ? passed + 1 : isInside ? passed - 1 : passed];
    if (wanted) enter(wanted);
    return true;
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-sections] a");
    const section = link && document.getElementById(link.hash.slice(1));
    if (section) { event.preventDefault(); enter(section); }
  });

  document.addEventListener("keydown", (event) => {
    if (!event.defaultPrevented && !event.isComposing && event.altKey && !event.ctrlKey && !event.metaKey && !one("dialog[open]") && nextSection(event)) event.preventDefault();
    if (event.defaultPrevented || event.isComposing || event.altKey) return;
    const done = event.ctrlKey || event.metaKey
      ? command(event)
      : !typing(event.target) && !one("dialog[open]") && (scanned(event) || (singles() && single(event)));
    if (done) event.preventDefault();
  });
  document.addEventListener("click", (event) => { if (event.target.closest("[data-shortcut-list]")) list(); });
})();

// Idle lock: a warning one minute before, then the page is cleared, so that it shows no patient data, and locked.
(() => {
  const { one, all, token } = HMS;
  const { idleSeconds, keepAlive, lockUrl } = document.body.dataset;
  const limit = Number(idleSeconds) * 1000;
  const dialog = one("#idle");
  const [TELL_EVERY, DRAFTS_NEED] = [30000, 800];
  const SCROLLED = "hms-scrolled";
  const here = () => location.pathname + location.search;

  // Unlocking returns to the same page and scroll position. Only the path is stored: it has ids, but no search text.
  const keepPlace = () => sessionStorage.setItem(SCROLLED, JSON.stringify([location.pathname, Math.round(scrollY)]));
  const [page, place] = JSON.parse(sessionStorage.getItem(SCROLLED) || "[]");
  if (page) {
    sessionStorage.removeItem(SCROLLED);
    if (page === location.pathname) addEventListener("load", () => scrollTo({ top: place, behavior: "instant" }));
  }
  document.addEventListener("submit", (event) => {
    if (one('[data-ux="lock"]', event.target)) keepPlace();
    if (one('[data-ux="sign-out"]', event.target)) sessionStorage.clear();
  });

  if (!limit || !dialog) return;
  const channel = "BroadcastChannel" in window ? new BroadcastChannel("hms-activity") : null;
  let [last, told, locking] = [Date.now(), Date.now(), false];

  // The warning closes when the key or button is released, so that the press does not act on the page behind it.
  function active({ type }) {
    const now = Date.now();
    if (locking) return;
    if (dialog.open && ["keyup", "pointerup"].includes(type)) dialog.close();
    if (now - last < 1000) return;
    last = now;
    channel?.postMessage("active");
    if (keepAlive && now - told > TELL_EVERY) {
      told = now;
      fetch(keepAlive, { method: "POST", headers: { "X-CSRFToken": token() } }).catch(() => { told = 0; });
    }
  }

  const saveDrafts = () => all("form[data-draft-url]").forEach((form) => form.dispatchEvent(new CustomEvent("hms:save-draft", { cancelable: true })));
  const pause = (time) => new Promise((done) => { setTimeout(done, time); });

  // While a draft cannot be saved, the page stays hidden and tries again.
  async function keepDrafts() {
    for (const flush of HMS.flushes || []) {
      while (!(await flush())) {
        const link = Object.assign(document.createElement("a"), { href: lockUrl, target: "_blank", rel: "noopener", textContent: HMS.say("sign_in_again") });
        document.body.replaceChildren(HMS.say("locked_unsaved"), " ", link);
        await pause(DRAFTS_NEED * 5);
      }
    }
  }

  async function lock(first = true) {
    if (locking) return;
    locking = true;
    keepPlace();
    const drafts = all("form[data-draft-url]").length;
    const csrf = token();
    document.title = HMS.say("locked");
    document.body.replaceChildren();
    await keepDrafts();
    if (first) {
      channel?.postMessage("locked");
      if (drafts) await pause(DRAFTS_NEED);
      try { await fetch(lockUrl, { method: "POST", headers: { "X-CSRFToken": csrf } }); } catch { /* The server locks the session after the same idle time. */ }
    }
    location.replace(`${lockUrl}?next=${encodeURIComponent(here())}`);
  }

  if (channel) channel.onmessage = ({ data }) => {
    if (data === "locked") { saveDrafts(); setTimeout(() => lock(false), DRAFTS_NEED * 2); return; }
    last = Date.now();
    if (dialog.open) dialog.close();
  };
  ["keydown", "keyup", "pointerdown", "pointerup", "input", "scroll"].forEach((kind) => document.addEventListener(kind, active, { passive: true, capture: true }));
  setInterval(() => {
    const idle = Date.now() - last;
    if (idle >= limit) lock();
    else if (idle >= limit - 60000 && !dialog.open) { saveDrafts(); dialog.showModal(); HMS.announce(one("h2", dialog).textContent, true); }
  }, 2000);
})();

// Keep the focused element clear of the sticky banner and the action bar; focus the error summary of a refused form.
(() => {
  const { one, all, root } = HMS;
  const measure = () => {
    const top = all(".banner").find((part) => getComputedStyle(part).position === "sticky");
    const links = all(".sections").find((part) => getComputedStyle(part).position === "sticky");
    root.style.setProperty("--banner", `${top?.offsetHeight || 0}px`);
    root.style.setProperty("--sticky-top", `${(top?.offsetHeight || 0) + (links?.offsetHeight || 0)}px`);
    const bar = all(".actionbar").find((part) => getComputedStyle(part).position === "fixed");
    root.style.setProperty("--sticky-bottom", `${bar?.offsetHeight || 0}px`);
  };
  measure();
  const watch = new ResizeObserver(measure);
  all(".banner, .sections, .actionbar").forEach((part) => watch.observe(part));
  addEventListener("load", () => { if (document.activeElement === document.body) one('[data-ux="error-summary"]')?.focus(); });
})();
