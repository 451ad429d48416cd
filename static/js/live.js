// Parts that renew themselves: an alert of a kind refetches every [data-refresh-on~=kind]; without a socket they are polled.
// A refetch never moves the focus, never touches what is being typed, and never moves rows under the pointer.
"use strict";

// Signed out while something is typed: the page leaves the screen at once, and comes back as it was when the same person has signed
// in again. Where nothing is typed the page is simply asked for again, which leads to the door.
(() => {
  const { one, all, say } = HMS;
  const AGAIN = 5000;
  let shutting = null;

  const dirty = (part) => all("input, textarea, select", part).some((field) => field.type !== "hidden" && (
    field.matches("select") ? [...field.options].some((option) => option.selected !== option.defaultSelected)
      : ["checkbox", "radio"].includes(field.type) ? field.checked !== field.defaultChecked : field.value !== field.defaultValue));
  const person = (page) => one('meta[name="hms-person"]', page)?.content;
  const pause = () => new Promise((done) => { setTimeout(done, AGAIN); });

  async function whoIsThere() {
    try {
      const answer = await fetch("/help", { headers: { "X-Refresh": "1" } });
      return answer.ok && !answer.redirected ? HMS.pageOf(await answer.text()) : null;
    } catch { return null; }
  }

  async function away() {
    const [content, title] = [[...document.body.childNodes], document.title];
    const link = Object.assign(document.createElement("a"), { href: document.body.dataset.lockUrl, target: "_blank", rel: "noopener", textContent: say("sign_in_again") });
    const note = Object.assign(document.createElement("p"), { className: "main", textContent: `${say("signed_out_typed")} ` });
    note.append(link);
    document.title = say("locked");
    document.body.replaceChildren(note);
    link.focus();
    for (;;) {
      await pause();
      const page = await whoIsThere();
      if (!page) continue;
      if (person(page) !== person(document)) { location.reload(); return; }
      document.body.replaceChildren(...content);
      document.title = title;
      HMS.renewToken(one('meta[name="csrf-token"]', page).content);
      return;
    }
  }

  HMS.dirty = dirty;
  HMS.shut = async () => {
    if (!all('form[method="post"]').some(dirty)) { document.body.replaceChildren(); location.reload(); return; }
    shutting ??= away().finally(() => { shutting = null; });
    await shutting;
  };
})();

// The parts themselves.
(() => {
  const { one, all, say, announce } = HMS;
  const script = document.currentScript;
  const [PAUSED_AFTER, POLL, LOOK_AGAIN, COALESCE] = [5000, 15000, 60000, 60];
  const waiting = new Map();

  const bare = (html) => html.replace(/(name="(?:csrf_token|once)" value=")[^"]*/g, "$1").replace(/ data-changed=""/g, "").replace(/\s+/g, " ");
  const keys = (within) => all("[data-key]", within).map((row) => row.dataset.key);
  const { dirty } = HMS;
  const inUse = (part) => part.contains(document.activeElement) || (matchMedia("(hover: hover)").matches && part.matches(":hover")) || Boolean(one("details[open]", part)) || dirty(part);

  async function fetched(address) {
    const answer = await fetch(address, { headers: { "X-Requested-With": "fetch", "X-Refresh": "1" } });
    if (answer.redirected || answer.status === 401) { HMS.shut(); return null; }
    if (!answer.ok) return null;
    const holder = document.createElement("div");
    holder.append(HMS.parsed(await answer.text()));
    return holder;
  }

  function flash(part, before) {
    all("[data-key]", part).forEach((row) => {
      if (before.has(row.dataset.key) && before.get(row.dataset.key) !== bare(row.outerHTML)) row.dataset.changed = "";
      if (!before.has(row.dataset.key)) row.dataset.changed = "";
    });
  }

  function replace(part, next) {
    const before = new Map(all("[data-key]", part).map((row) => [row.dataset.key, bare(row.outerHTML)]));
    part.replaceChildren(...next.childNodes);
    if (before.size) flash(part, before);
    part.dispatchEvent(new CustomEvent("hms:added", { bubbles: true }));
  }

  // While somebody works in the part, only rows that stay where they are and are not being used change.
  function patch(part, next) {
    for (const row of all("[data-key]", part)) {
      const other = one(`[data-key="${CSS.escape(row.dataset.key)}"]`, next);
      if (!other || bare(row.outerHTML) === bare(other.outerHTML) || row.contains(document.activeElement) || dirty(row)) continue;
      const copy = other.cloneNode(true);
      copy.dataset.changed = "";
      row.replaceWith(copy);
      copy.dispatchEvent(new CustomEvent("hms:added", { bubbles: true }));
    }
  }

  function offer(part, next) {
    const [now, then] = [keys(part), keys(next)];
    const fresh = then.filter((key) => !now.includes(key)).length;
    let button = one(":scope > .live__new", part);
    if (!button) {
      button = document.createElement("button");
      button.type = "button";
      button.className = "button button--primary button--small live__new";
      button.dataset.ux = "live-show";
      part.prepend(button);
    }
    const words = fresh ? say("new_rows", { count: fresh }) : say("changed_rows");
    if (button.textContent !== words) announce(words);
    button.textContent = words;
    button.onclick = () => {
      const hadFocus = part.contains(document.activeElement);
      replace(part, next);
      if (hadFocus) (one("a[href], button, [tabindex]", part) || part).focus();
    };
  }

  async function renew(part) {
    if (!part.isConnected || part.dataset.renewing) { if (part.isConnected) part.dataset.again = "1"; return; }
    part.dataset.renewing = "1";
    try {
      const next = await fetched(part.dataset.refreshFrom);
      if (next && part.isConnected) settle(part, next);
    } catch { /* The line is down; the strip says so and polling tries again. */ } finally {
      delete part.dataset.renewing;
      if (part.dataset.again) { delete part.dataset.again; renew(part); }
    }
  }

  function settle(part, next) {
    if ("refreshWhole" in part.dataset) { if (next.firstElementChild && bare(next.innerHTML).trim() !== bare(part.outerHTML).trim()) swapWhole(part, next); return; }
    const now = part.cloneNode(true);
    one(":scope > .live__new", now)?.remove();
    if (bare(now.innerHTML).trim() === bare(next.innerHTML).trim()) return;
    if (!inUse(part)) { replace(part, next); return; }
    const moved = keys(part).join() !== keys(next).join() || !keys(next).length;
    patch(part, next);
    if (moved) offer(part, next);
  }

  function swapWhole(part, next) {
    const fresh = next.firstElementChild;
    const hadFocus = part.contains(document.activeElement);
    part.replaceWith(fresh);
    if (hadFocus) (one("a[href], button, [tabindex]", fresh) || one("main")).focus();
    announce(fresh.textContent.trim().slice(0, 80));
    watch(fresh);
  }

  // Several alerts at once are one refetch.
  function soon(part) {
    clearTimeout(waiting.get(part));
    waiting.set(part, setTimeout(() => { waiting.delete(part); renew(part); }, COALESCE));
  }

  function watch(part) {
    const every = Number(part.dataset.refreshEvery || 0);
    if (!every) return;
    setTimeout(() => { if (part.isConnected) { renew(part); watch(part); } }, every * 1000);
  }

  const parts = () => all("[data-refresh-from]");
  const renewKind = (kind) => all(`[data-refresh-on~="${CSS.escape(kind)}"][data-refresh-from]`).forEach(soon);

  // The bell: a number, a toast, and the number in the tab's title.
  const title = document.title;
  function bell(by) {
    const count = one("[data-alert-count]");
    if (!count) return;
    const number = Number(count.textContent) + by;
    count.textContent = number;
    count.hidden = !number;
    document.title = number ? `(${number}) ${title}` : title;
  }

  // The strip tells the truth about the line after five seconds without it.
  const strip = one('[data-ux="live-status"]');
  let paused = 0;
  let polling = 0;
  function say_strip(kind) {
    const text = one("[data-strip-text]", strip);
    text.textContent = text.dataset[kind];
    strip.hidden = false;
    announce(text.textContent);
  }
  function down() {
    if (paused) return;
    paused = setTimeout(() => {
      say_strip(navigator.onLine ? "paused" : "offline");
      parts().forEach(soon);
      polling = setInterval(() => parts().forEach(soon), POLL);
    }, PAUSED_AFTER);
  }
  function up(again) {
    clearTimeout(paused);
    clearInterval(polling);
    paused = polling = 0;
    strip.hidden = true;
    if (again) parts().forEach(soon);
  }

  async function refused(socket, pause) {
    try {
      const answer = await fetch(location.href, { method: "HEAD", headers: { "X-Refresh": "1" } });
      if (answer.redirected || answer.status === 401) await HMS.shut();
      setTimeout(() => socket.connect(), pause);
    } catch { setTimeout(() => socket.connect(), PAUSED_AFTER); }
  }

  function connect() {
    const socket = window.io({ transports: ["websocket"], reconnectionDelayMax: 4000 });
    let seen = false;
    socket.on("connect", () => { up(seen || polling); seen = true; });
    socket.on("disconnect", (reason) => { down(); if (reason === "io server disconnect") refused(socket, 1000); });
    socket.on("connect_error", () => { down(); if (!socket.active) refused(socket, PAUSED_AFTER); });
    socket.on("alert", ({ kind, title: text }) => {
      if (kind === "notification") { bell(1); if (text && document.documentElement.dataset.toasts !== "off") HMS.toast?.(text); }
      renewKind(kind);
    });
  }

  // A knock can be lost: what is looked at is asked for again each minute.
  setInterval(() => { if (!document.hidden && !polling) parts().forEach(soon); }, LOOK_AGAIN);

  bell(0);
  parts().forEach(watch);
  addEventListener("offline", down);
  addEventListener("load", () => {
    if (!strip || !script?.dataset.socket) return;
    down();
    const loader = document.createElement("script");
    loader.src = script.dataset.socket;
    loader.nonce = script.nonce;
    loader.onload = connect;
    document.head.append(loader);
  });
  HMS.renew = renewKind;
})();
