// Drafts are stored on the server: form[data-draft-url] posts its fields as JSON soon after each change.
// The response may be {"saved_at": "10:06:14", "notice": "…"} or, with 409, {"detail": "…"}. [data-ux=draft-status] always shows the
// real state. After the session has ended and the person has signed in again, GET of the same address returns a new form token.
"use strict";

(() => {
  const { one, all, say, announce, token } = HMS;
  const [SAVE_DELAY, RETRY_DELAY, ANNOUNCE_EVERY, TIMEOUT, MAX_KEEPALIVE_BODY] = [1500, 5000, 60000, 20000, 15000];
  const drafts = new WeakMap();

  class SignedOut extends Error {
    constructor(signInPath) { super("signed out"); this.signInPath = signInPath; }
  }

  // Remove lone surrogates and NUL, which a broken paste can leave: with them the server cannot read the draft.
  const withoutBrokenText = (_name, value) => (typeof value === "string" ? (value.toWellFormed?.() ?? value).replaceAll("\0", "") : value);

  function fields(form) {
    const values = {};
    for (const field of form.elements) {
      if (!field.name || field.name === "csrf_token" || ["password", "file", "submit", "button"].includes(field.type) || field.matches("fieldset, output")) continue;
      const many = field.type === "checkbox" || field.matches("select[multiple]") || all(`[name="${CSS.escape(field.name)}"]:not([type="radio"])`, form).length > 1;
      if (many) values[field.name] ??= [];
      if (["checkbox", "radio"].includes(field.type) && !field.checked) continue;
      if (field.matches("select[multiple]")) values[field.name].push(...[...field.selectedOptions].map((option) => option.value));
      else if (many) values[field.name].push(field.value);
      else values[field.name] = field.value;
    }
    return values;
  }

  // A redirect to another address leads to the sign-in page: the person was signed out.
  function checkSignedIn(requested, answer) {
    const place = new URL(answer.url).pathname;
    if (answer.redirected && place !== new URL(requested, location.href).pathname) throw new SignedOut(place);
    return answer;
  }

  function saveDraftsOf(form) {
    const status = one('[data-ux="draft-status"]', form) || one('[data-ux="draft-status"]');
    let [timer, changes, savedChanges, sending, holds, savedAt, announcedAt, isLeaving, isSignedOut] = [0, 0, 0, null, 0, "", 0, false, false];
    const unsaved = () => changes > savedChanges;

    function setStatus(state, text, { isAnnounced = false, link = null } = {}) {
      if (status) {
        status.dataset.state = state;
        status.textContent = text;
        if (link) status.append(" ", Object.assign(document.createElement("a"), { href: link, target: "_blank", rel: "noopener", textContent: say("sign_in_again") }));
      }
      if (isAnnounced && Date.now() - announcedAt > ANNOUNCE_EVERY) { announcedAt = Date.now(); announce(text); }
    }

    function showFailure(problem) {
      isSignedOut = problem instanceof SignedOut;
      if (isSignedOut) setStatus("failed", say("signed_out"), { isAnnounced: true, link: `${problem.signInPath}?next=${encodeURIComponent(location.pathname)}` });
      else setStatus("failed", say(savedAt ? "draft_failed_since" : "draft_failed", { time: savedAt.slice(0, 5) }), { isAnnounced: true });
    }

    async function post(isLeavingNow) {
      if (isSignedOut) {
        const fresh = checkSignedIn(form.dataset.draftUrl, await fetch(form.dataset.draftUrl, { headers: { "X-Refresh": "1" } }));
        if (!fresh.ok) throw new Error(String(fresh.status));
        HMS.renewToken((await fresh.json()).csrf_token, form);
      }
      const typed = JSON.stringify(fields(form), withoutBrokenText);
      const answer = checkSignedIn(form.dataset.draftUrl, await fetch(form.dataset.draftUrl, { method: "POST", keepalive: isLeavingNow && typed.length < MAX_KEEPALIVE_BODY, signal: AbortSignal.timeout(TIMEOUT), headers: { "Content-Type": "application/json", "X-CSRFToken": token() }, body: typed }));
      const body = answer.headers.get("Content-Type")?.includes("json") ? await answer.json() : {};
      if (answer.status === 400 && !body.saved_at) isSignedOut = true;
      if (!answer.ok && answer.status !== 409) throw new Error(String(answer.status));
      return { refused: answer.status === 409, ...body };
    }

    async function save(isLeavingNow = false) {
      clearTimeout(timer);
      if (!unsaved() || sending || holds) return;
      const sentChanges = changes;
      setStatus("saving", say("draft_saving"));
      sending = post(isLeavingNow);
      try {
        const body = await sending;
        [savedChanges, isSignedOut] = [sentChanges, false];
        savedAt = body.saved_at || new Date().toTimeString().slice(0, 8);
        if (body.refused || body.notice) setStatus(body.refused ? "failed" : "saved", body.refused ? body.detail || say("draft_elsewhere") : `${say("draft_saved", { time: savedAt })}. ${body.notice}`, { isAnnounced: true });
        else if (!unsaved()) setStatus("saved", say("draft_saved", { time: savedAt }), { isAnnounced: true });
      } catch (problem) {
        showFailure(problem);
        timer = setTimeout(save, RETRY_DELAY);
      } finally {
        sending = null;
      }
      if (unsaved() && status?.dataset.state !== "failed") timer = setTimeout(save, SAVE_DELAY);
    }

    function changed() {
      changes += 1;
      if (status?.dataset.state !== "failed") setStatus("unsaved", say("draft_unsaved"));
      clearTimeout(timer);
      timer = setTimeout(save, SAVE_DELAY);
    }

    form.addEventListener("input", changed);
    form.addEventListener("change", changed);
    form.addEventListener("focusout", (event) => { if (!form.contains(event.relatedTarget)) save(); });
    form.addEventListener("hms:save-draft", (event) => { event.preventDefault(); changes += 1; save(); });
    form.addEventListener("submit", (event) => {
      if (event.defaultPrevented) return;
      isLeaving = true;
      clearTimeout(timer);
      setTimeout(() => { isLeaving = false; }, RETRY_DELAY);
    });
    document.addEventListener("visibilitychange", () => { if (document.hidden && !isLeaving) save(true); });
    addEventListener("beforeunload", (event) => { if ((unsaved() || sending) && !isLeaving) { save(true); event.preventDefault(); } });

    // Called before the page is cleared; returns whether everything typed is saved.
    HMS.flushes.push(async () => {
      if (sending) await sending.catch(() => {});
      await save(true);
      return !unsaved();
    });

    drafts.set(form, {
      setStatus,
      showFailure,
      // While the whole form is being sent, no draft is sent; text typed in that time counts as unsaved.
      async hold() {
        holds += 1;
        clearTimeout(timer);
        if (sending) await sending.catch(() => {});
        return changes;
      },
      release(savedUntil = null, words = "") {
        holds -= 1;
        if (savedUntil === null) changes += 1;
        else {
          [savedChanges, isSignedOut] = [Math.max(savedChanges, savedUntil), false];
          setStatus(unsaved() ? "unsaved" : "saved", unsaved() ? say("draft_unsaved") : words);
        }
        if (unsaved()) timer = setTimeout(save, savedUntil === null ? RETRY_DELAY : SAVE_DELAY);
      },
      leave() { isLeaving = true; clearTimeout(timer); },
    });
  }

  HMS.flushes = HMS.flushes || [];
  HMS.draftOf = (form) => drafts.get(form);
  Object.assign(HMS, { SignedOut, checkSignedIn });
  all("form[data-draft-url]").forEach(saveDraftsOf);
})();
