// Drafts are stored on the server: form[data-draft-url] posts its fields as JSON soon after each change.
// The response may be {"saved_at": "10:06:14", "notice": "…"} or, with 409, {"detail": "…"}. [data-ux=draft-status] always shows the
// real state. After the session has ended and the person has signed in again, GET of the same address returns a new form token.
"use strict";

(() => {
  const { one, all, say, announce, token } = HMS;
  const [QUIET, RETRY, SPEAK_EVERY, PATIENCE, MOST_AT_LAST] = [1500, 5000, 60000, 20000, 15000];
  const keepers = new WeakMap();

  class SignedOut extends Error {
    constructor(door) { super("signed out"); this.door = door; }
  }

  // Remove lone surrogates and NUL, which a broken paste can leave: with them the server cannot read the draft.
  const whole = (_name, value) => (typeof value === "string" ? (value.toWellFormed?.() ?? value).replaceAll("\0", "") : value);

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
  function check(asked, answer) {
    const place = new URL(answer.url).pathname;
    if (answer.redirected && place !== new URL(asked, location.href).pathname) throw new SignedOut(place);
    return answer;
  }

  function keep(form) {
    const status = one('[data-ux="draft-status"]', form) || one('[data-ux="draft-status"]');
    let [timer, changes, kept, sending, held, since, spoken, leaving, out] = [0, 0, 0, null, 0, "", 0, false, false];
    const unsaved = () => changes > kept;

    function tell(state, text, { aloud = false, link = null } = {}) {
      if (status) {
        status.dataset.state = state;
        status.textContent = text;
        if (link) status.append(" ", Object.assign(document.createElement("a"), { href: link, target: "_blank", rel: "noopener", textContent: say("sign_in_again") }));
      }
      if (aloud && Date.now() - spoken > SPEAK_EVERY) { spoken = Date.now(); announce(text); }
    }

    function failed(problem) {
      out = problem instanceof SignedOut;
      if (out) tell("failed", say("signed_out"), { aloud: true, link: `${problem.door}?next=${encodeURIComponent(location.pathname)}` });
      else tell("failed", say(since ? "draft_failed_since" : "draft_failed", { time: since.slice(0, 5) }), { aloud: true });
    }

    async function post(last) {
      if (out) {
        const fresh = check(form.dataset.draftUrl, await fetch(form.dataset.draftUrl, { headers: { "X-Refresh": "1" } }));
        if (!fresh.ok) throw new Error(String(fresh.status));
        HMS.renewToken((await fresh.json()).csrf_token, form);
      }
      const typed = JSON.stringify(fields(form), whole);
      const answer = check(form.dataset.draftUrl, await fetch(form.dataset.draftUrl, { method: "POST", keepalive: last && typed.length < MOST_AT_LAST, signal: AbortSignal.timeout(PATIENCE), headers: { "Content-Type": "application/json", "X-CSRFToken": token() }, body: typed }));
      const body = answer.headers.get("Content-Type")?.includes("json") ? await answer.json() : {};
      if (answer.status === 400 && !body.saved_at) out = true;
      if (!answer.ok && answer.status !== 409) throw new Error(String(answer.status));
      return { refused: answer.status === 409, ...body };
    }

    async function save(last = false) {
      clearTimeout(timer);
      if (!unsaved() || sending || held) return;
      const mine = changes;
      tell("saving", say("draft_saving"));
      sending = post(last);
      try {
        const body = await sending;
        [kept, out] = [mine, false];
        since = body.saved_at || new Date().toTimeString().slice(0, 8);
        if (body.refused || body.notice) tell(body.refused ? "failed" : "saved", body.refused ? body.detail || say("draft_elsewhere") : `${say("draft_saved", { time: since })}. ${body.notice}`, { aloud: true });
        else if (!unsaved()) tell("saved", say("draft_saved", { time: since }), { aloud: true });
      } catch (problem) {
        failed(problem);
        timer = setTimeout(save, RETRY);
      } finally {
        sending = null;
      }
      if (unsaved() && status?.dataset.state !== "failed") timer = setTimeout(save, QUIET);
    }

    function changed() {
      changes += 1;
      if (status?.dataset.state !== "failed") tell("unsaved", say("draft_unsaved"));
      clearTimeout(timer);
      timer = setTimeout(save, QUIET);
    }

    form.addEventListener("input", changed);
    form.addEventListener("change", changed);
    form.addEventListener("focusout", (event) => { if (!form.contains(event.relatedTarget)) save(); });
    form.addEventListener("hms:save-draft", (event) => { event.preventDefault(); changes += 1; save(); });
    form.addEventListener("submit", (event) => {
      if (event.defaultPrevented) return;
      leaving = true;
      clearTimeout(timer);
      setTimeout(() => { leaving = false; }, RETRY);
    });
    document.addEventListener("visibilitychange", () => { if (document.hidden && !leaving) save(true); });
    addEventListener("beforeunload", (event) => { if ((unsaved() || sending) && !leaving) { save(true); event.preventDefault(); } });

    // Called before the page is cleared; returns whether everything typed is saved.
    HMS.flushes.push(async () => {
      if (sending) await sending.catch(() => {});
      await save(true);
      return !unsaved();
    });

    keepers.set(form, {
      tell,
      failed,
      // While the whole form is being sent, no draft is sent; text typed in that time counts as unsaved.
      async hold() {
        held += 1;
        clearTimeout(timer);
        if (sending) await sending.catch(() => {});
        return changes;
      },
      release(savedUntil = null, words = "") {
        held -= 1;
        if (savedUntil === null) changes += 1;
        else {
          [kept, out] = [Math.max(kept, savedUntil), false];
          tell(unsaved() ? "unsaved" : "saved", unsaved() ? say("draft_unsaved") : words);
        }
        if (unsaved()) timer = setTimeout(save, savedUntil === null ? RETRY : QUIET);
      },
      leave() { leaving = true; clearTimeout(timer); },
    });
  }

  HMS.flushes = HMS.flushes || [];
  HMS.keeper = (form) => keepers.get(form);
  Object.assign(HMS, { SignedOut, checkSignedIn: check });
  all("form[data-draft-url]").forEach(keep);
})();
