// Live parts of a page: an event fetches every [data-refresh-on~=kind] again; without a socket they are fetched every 15 seconds.
// An update never moves the focus, never changes a field that is being typed in, and never moves rows under the pointer.
"use strict";

// After a sign-out: a page with typed text is hidden at once, and shown again unchanged when the same person has signed in again.
// A page without typed text is loaded again, which redirects to the sign-in page.
(() => {
  const { one, all, say } = HMS;
  const SIGN_IN_CHECK = 5000;
  let waitingForSignIn = null;

  const isEdited = (part) => all("input, textarea, select", part).some((field) => field.type !== "hidden" && (
    field.matches("select") ? [...field.options].some((option) => option.selected !== option.defaultSelected)
      : ["checkbox", "radio"].includes(field.type) ? field.checked !== field.defaultChecked : field.value !== field.defaultValue));
  const person = (page) => one('meta[name="hms-person"]', page)?.content;
  const pause = () => new Promise((done) => { setTimeout(done, SIGN_IN_CHECK); });

  async function fetchSignedInPage() {
    try {
      const answer = await fetch("/help", { headers: { "X-Refresh": "1" } });
      return answer.ok && !answer.redirected ? HMS.pageOf(await answer.text()) : null;
    } catch { return null; }
  }

  async function waitForSignIn() {
    const [content, title] = [[...document.body.childNodes], document.title];
    const link = Object.assign(document.createElement("a"), { href: document.body.dataset.lockUrl, target: "_blank", rel: "noopener", textContent: say("sign_in_again") });
    const note = Object.assign(document.createElement("p"), { className: "main", textContent: `${say("signed_out_typed")} ` });
    note.append(link);
    document.title = say("locked");
    document.body.replaceChildren(note);
    link.focus();
    for (;;) {
      await pause();
      const page = await fetchSignedInPage();
      if (!page) continue;
      if (person(page) !== person(document)) { location.reload(); return; }
      document.body.replaceChildren(...content);
      document.title = title;
      HMS.renewToken(one('meta[name="csrf-token"]', page).content);
      return;
    }
  }

  HMS.isEdited = isEdited;
  HMS.showSignedOut = async () => {
    if (!all('form[method="post"]').some(isEdited)) { document.body.replaceChildren(); location.reload(); return; }
    waitingForSignIn ??= waitForSignIn().finally(() => { waitingForSignIn = null; });
    await waitingForSignIn;
  };
})();

// Updates of the live parts.
(() => {
  const { one, all, say, announce } = HMS;
  const script = document.currentScript;
  const [PAUSED_AFTER, POLL, REFRESH, EVENT_DELAY] = [5000, 15000, 60000, 60];
  const waiting = new Map();

  const withoutTokens = (html) => html.replace(/(name="(?:csrf_token|once)" value=")[^"]*/g, "$1").replace(/ data-changed=""/g, "").replace(/\s+/g, " ");
  const keys = (within) => all("[data-key]", within).map((row) => row.dataset.key);
  const { isEdited } = HMS;
  const isInUse = (part) => part.contains(document.activeElement) || (matchMedia("(hover: hover)").matches && part.matches(":hover")) || Boolean(one("details[open]", part)) || isEdited(part);

  async function fetchFragment(address) {
    const answer = await fetch(address, { headers: { "X-Requested-With": "fetch", "X-Refresh": "1" } });
    if (answer.redirected || answer.status === 401) { HMS.showSignedOut(); return null; }
    if (!answer.ok) return null;
    const holder = document.createElement("div");
    holder.append(HMS.parsed(await answer.text()));
    return holder;
  }

  function markChanges(part, before) {
    all("[data-key]", part).forEach((row) => {
      if (before.has(row.dataset.key) && before.get(row.dataset.key) !== withoutTokens(row.outerHTML)) row.dataset.changed = "";
      if (!before.has(row.dataset.key)) row.dataset.changed = "";
    });
  }

  function replace(part, next) {
    const before = new Map(all("[data-key]", part).map((row) => [row.dataset.key, withoutTokens(row.outerHTML)]));
    part.replaceChildren(...next.childNodes);
    if (before.size) markChanges(part, before);
    part.dispatchEvent(new CustomEvent("hms:added", { bubbles: true }));
  }

  // While the person uses the part, replace only rows that keep their place and that the person is not using.
  function patch(part, next) {
    for (const row of all("[data-key]", part)) {
      const other = one(`[data-key="${CSS.escape(row.dataset.key)}"]`, next);
      if (!other || withoutTokens(row.outerHTML) === withoutTokens(other.outerHTML) || row.contains(document.activeElement) || isEdited(row)) continue;
      const copy = other.cloneNode(true);
      copy.dataset.changed = "";
      row.replaceWith(copy);
      copy.dispatchEvent(new CustomEvent("hms:added", { bubbles: true }));
    }
  }

  function offerUpdate(part, next) {
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
      const next = await fetchFragment(part.dataset.refreshFrom);
      if (next && part.isConnected) applyUpdate(part, next);
    } catch { /* No connection: the notice at the top is shown, and polling tries again. */ } finally {
      delete part.dataset.renewing;
      if (part.dataset.again) { delete part.dataset.again; renew(part); }
    }
  }

  function applyUpdate(part, next) {
    if ("refreshWhole" in part.dataset) { if (next.firstElementChild && withoutTokens(next.innerHTML).trim() !== withoutTokens(part.outerHTML).trim()) swapWhole(part, next); return; }
    const now = part.cloneNode(true);
    one(":scope > .live__new", now)?.remove();
    if (withoutTokens(now.innerHTML).trim() === withoutTokens(next.innerHTML).trim()) return;
    if (!isInUse(part)) { replace(part, next); return; }
    const moved = keys(part).join() !== keys(next).join() || !keys(next).length;
    patch(part, next);
    if (moved) offerUpdate(part, next);
  }

  function swapWhole(part, next) {
    const fresh = next.firstElementChild;
    const hadFocus = part.contains(document.activeElement);
    part.replaceWith(fresh);
    if (hadFocus) (one("a[href], button, [tabindex]", fresh) || one("main")).focus();
    announce(fresh.textContent.trim().slice(0, 80));
    watch(fresh);
  }

  // Several events within a short time cause one fetch.
  function renewSoon(part) {
    clearTimeout(waiting.get(part));
    waiting.set(part, setTimeout(() => { waiting.delete(part); renew(part); }, EVENT_DELAY));
  }

  function watch(part) {
    const every = Number(part.dataset.refreshEvery || 0);
    if (!every) return;
    setTimeout(() => { if (part.isConnected) { renew(part); watch(part); } }, every * 1000);
  }

  const parts = () => all("[data-refresh-from]");
  const renewKind = (kind) => all(`[data-refresh-on~="${CSS.escape(kind)}"][data-refresh-from]`).forEach(renewSoon);

  // The number of unread alerts, at the bell and in the title of the tab.
  const title = document.title;
  function addToAlertCount(by) {
    const count = one("[data-alert-count]");
    if (!count) return;
    const number = Number(count.textContent) + by;
    count.textContent = number;
    count.hidden = !number;
    document.title = number ? `(${number}) ${title}` : title;
  }

  // The notice at the top: shown after five seconds without a connection.
  const strip = one('[data-ux="live-status"]');
  let paused = 0;
  let polling = 0;
  function showStrip(kind) {
    const text = one("[data-strip-text]", strip);
    text.textContent = text.dataset[kind];
    strip.hidden = false;
    announce(text.textContent);
  }
  function connectionLost() {
    if (paused) return;
    paused = setTimeout(() => {
      showStrip(navigator.onLine ? "paused" : "offline");
      parts().forEach(renewSoon);
      polling = setInterval(() => parts().forEach(renewSoon), POLL);
    }, PAUSED_AFTER);
  }
  function connectionRestored(again) {
    clearTimeout(paused);
    clearInterval(polling);
    paused = polling = 0;
    strip.hidden = true;
    if (again) parts().forEach(renewSoon);
  }

  async function reconnect(socket, pause) {
    try {
      const answer = await fetch(location.href, { method: "HEAD", headers: { "X-Refresh": "1" } });
      if (answer.redirected || answer.status === 401) await HMS.showSignedOut();
      setTimeout(() => socket.connect(), pause);
    } catch { setTimeout(() => socket.connect(), PAUSED_AFTER); }
  }

  function connect() {
    const socket = window.io({ transports: ["websocket"], reconnectionDelayMax: 4000 });
    let seen = false;
    socket.on("connect", () => { connectionRestored(seen || polling); seen = true; });
    socket.on("disconnect", (reason) => { connectionLost(); if (reason === "io server disconnect") reconnect(socket, 1000); });
    socket.on("connect_error", () => { connectionLost(); if (!socket.active) reconnect(socket, PAUSED_AFTER); });
    socket.on("alert", ({ kind, title: text }) => {
      if (kind === "notification") { addToAlertCount(1); if (text && document.documentElement.dataset.toasts !== "off") HMS.toast?.(text); }
      renewKind(kind);
    });
  }

  // An event can be lost, so a visible page fetches its live parts again every minute.
  setInterval(() => { if (!document.hidden && !polling) parts().forEach(renewSoon); }, REFRESH);

  addToAlertCount(0);
  parts().forEach(watch);
  addEventListener("offline", connectionLost);
  addEventListener("load", () => {
    if (!strip || !script?.dataset.socket) return;
    connectionLost();
    const loader = document.createElement("script");
    loader.src = script.dataset.socket;
    loader.nonce = script.nonce;
    loader.onload = connect;
    document.head.append(loader);
  });
})();
