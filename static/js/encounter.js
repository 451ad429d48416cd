// The encounter page: every button sends the form with fetch, and only the changed parts of the page are replaced. Typed text is
// kept while the request runs, when it is refused, and when there is no response.
"use strict";

(() => {
  const { one, all, announce, say } = HMS;
  const form = one("#encounter");
  if (!form) return;
  const draft = HMS.draftOf(form);
  const TIMEOUT = 30000;
  const ALWAYS = ["head", "missing", "owed", "birth-year"];
  // Fields near the buttons that a signature may still need: after a refusal the focus goes there.
  const REQUIRED_TO_SIGN = '[data-ux="birth-year"][aria-invalid="true"], [data-ux^="unchecked-"][aria-invalid="true"]';
  const [ADD_DX, ADD_TEST, ADD_RX] = ['[data-ux="dx-add"]', '[data-ux="test-add"]', '[data-ux="rx-add"], [data-ux="override"]'];
  let [sending, next] = [false, null];

  class Refused extends Error {}

  const controls = (within) => all("input, select, textarea", within).filter((field) => field.name && !["csrf_token", "once", "version"].includes(field.name));
  const keyOf = (field) => (["radio", "checkbox"].includes(field.type) ? `${field.name}=${field.value}` : field.name);
  const valueOf = (field) => (["radio", "checkbox"].includes(field.type) ? field.checked : field.value);
  const snapshot = () => new Map(controls(form).map((field) => [keyOf(field), valueOf(field)]));

  // Copy into a replaced part what was typed while the request ran. If the server cleared the field, only the text typed after sending.
  function keepTyped(old, renewed, sent) {
    const carried = new Set();
    const fresh = new Map(controls(renewed).map((field) => [keyOf(field), field]));
    for (const field of controls(old)) {
      const [key, value, target] = [keyOf(field), valueOf(field), fresh.get(keyOf(field))];
      if (!target || value === sent.get(key)) continue;
      carried.add(key);
      if (typeof value === "boolean") { target.checked = value; continue; }
      const was = sent.get(key) || "";
      target.value = was && !target.value && value.startsWith(was) ? value.slice(was.length) : value;
    }
    return carried;
  }

  function selectionIn(old) {
    const field = document.activeElement;
    if (!old.contains(field) || !field.name || field.type === "submit") return null;
    const marks = typeof field.selectionStart === "number" ? [field.selectionStart - field.value.length, field.selectionEnd - field.value.length] : null;
    return { key: keyOf(field), marks };
  }

  // The selection is counted from the end of the text, because the server may have removed the text before it.
  function restoreSelection(renewed, spot, carried) {
    const field = spot && controls(renewed).find((other) => keyOf(other) === spot.key);
    if (!field) return;
    field.focus();
    if (spot.marks) field.setSelectionRange(...spot.marks.map((mark) => Math.max(field.value.length + mark, 0)));
    if (carried.has(spot.key)) field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  // Replace the parts that changed; returns whether the person typed while the request ran.
  function renew(page, own, also, sent) {
    let typedOn = false;
    for (const part of all("[data-part]", form)) {
      const renewed = one(`[data-part="${part.dataset.part}"]`, page);
      const hasMessage = (element) => one(".error, .alert", element) !== null;
      const isDue = ALWAYS.includes(part.dataset.part) || part.dataset.part === own || also.includes(part.dataset.part) || (renewed && (hasMessage(renewed) || hasMessage(part)));
      if (!renewed || !isDue) continue;
      const [carried, spot] = [keepTyped(part, renewed, sent), selectionIn(part)];
      part.replaceWith(renewed);
      renewed.dispatchEvent(new CustomEvent("hms:added", { bubbles: true }));
      restoreSelection(renewed, spot, carried);
      typedOn ||= carried.size > 0;
    }
    const [flashed, newMessages] = [one("[data-flashed]"), one("[data-flashed]", page)];
    if (flashed && newMessages) { flashed.replaceChildren(...newMessages.childNodes); if (flashed.textContent.trim()) announce(flashed.textContent.trim()); }
    one('input[name="once"]', form).value = one('#encounter input[name="once"]', page).value;
    document.title = page.title;
    return typedOn;
  }

  // After a save: the texts of parts that were not renewed take the saved value where nothing was typed since, and with it its mark.
  function adopt(page, sent) {
    for (const mark of all('input[name^="opened-"]', form)) {
      const name = mark.name.slice("opened-".length);
      const [saved, field, fresh] = [one(`#encounter input[name="${mark.name}"]`, page), form.elements[name], one(`#encounter [name="${name}"]`, page)];
      if (!saved || !field || !fresh || saved.value === mark.value) continue;
      mark.value = saved.value;
      if (field.value === sent.get(name) && field.value.trim() !== fresh.value.trim()) field.value = fresh.value;
    }
  }

  async function answerTo(button, isSecondTry = false) {
    const body = new FormData(form, button);
    const answer = HMS.checkSignedIn(form.action, await fetch(form.action, { method: "POST", body, headers: { "X-Requested-With": "fetch" }, signal: AbortSignal.timeout(TIMEOUT) }));
    if (answer.headers.get("Content-Type")?.includes("json")) return { goto: (await answer.json()).goto };
    const page = HMS.pageOf(await answer.text());
    if (one("#encounter", page)) return { page, isRefused: answer.status >= 400 };
    if (answer.ok || one('[data-ux="enc-left"]', page)) return { goto: form.action };
    const fresh = one('textarea[name="once"]', page) && one('meta[name="csrf-token"]', page)?.content;
    if (fresh && !isSecondTry) { HMS.renewToken(fresh); return answerTo(button, true); }
    throw new Refused(one("h1", page)?.textContent.trim() || say("not_sent"));
  }

  function setBusy(button, isBusy) {
    if (!button) return;
    if (isBusy) button.setAttribute("aria-busy", "true");
    else button.removeAttribute("aria-busy");
  }

  // Whether the person moved to another part while the request ran. Then only a refusal moves the focus.
  function isElsewhere(button, own) {
    const field = document.activeElement;
    return field && field !== document.body && field !== button && field.closest("[data-part]")?.dataset.part !== own;
  }

  function focusNext(own, button) {
    const places = [button?.dataset.then && `[data-ux="${button.dataset.then}"]`, '[data-ux="override-code"]', REQUIRED_TO_SIGN, '[data-ux="error-summary"]', own && `[data-ux="${own}-input"]`, button?.dataset.ux && `[data-ux="${button.dataset.ux}"]`];
    places.map((wanted) => wanted && one(wanted, form)).find(Boolean)?.focus();
  }

  async function send(button) {
    [sending, next] = [true, null];
    const own = button?.closest("[data-part]")?.dataset.part;
    setBusy(button, true);
    const until = await draft.hold();
    const sent = snapshot();
    try {
      const { goto, page, isRefused } = await answerTo(button);
      if (goto) { draft.leave(); location.assign(goto); return; }
      const stays = isElsewhere(button, own) && !isRefused;
      if (!isRefused) adopt(page, sent);
      const typedOn = renew(page, own, button?.dataset.renews?.split(" ") || [], sent);
      draft.release(until, say(isRefused ? "draft_saved" : "saved", { time: new Date().toTimeString().slice(0, 8) }));
      if (!stays && !typedOn) focusNext(own, button);
      const stop = one('[data-ux="alert-stop"] .alert__title', form);
      if (stop) announce(stop.textContent, true);
    } catch (problem) {
      next = null;
      draft.release();
      if (problem instanceof HMS.SignedOut) draft.showFailure(problem);
      else draft.setStatus("failed", problem instanceof Refused ? problem.message : say("not_sent"));
      announce(one('[data-ux="draft-status"]', form).textContent, true);
    }
    setBusy(button, false);
    sending = false;
    const waiting = next && one(`button[name="${CSS.escape(next.name)}"][value="${CSS.escape(next.value)}"]`, form);
    if (waiting) send(waiting);
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const button = event.submitter || one("button", form);
    if (sending) next = { name: button.name, value: button.value };
    else send(button);
  });

  // Another dose: the short form fills the fields, typing in the fields clears the short form, and a sentence shows the meaning.
  const DOSE = ["rx_amount", "rx_unit", "rx_route", "rx_frequency", "rx_as_needed", "rx_days", "rx_most"];
  const PAUSE = 400;
  let [previewRequest, timer] = [null, 0];

  function openDose() {
    one("[data-dose]", form).open = true;
    one('[data-ux="rx-dose"]', form).focus();
    previewDose();
  }

  async function previewDose() {
    const box = one("[data-dose]", form);
    const echo = one('[data-ux="rx-sentence"]', form);
    previewRequest?.abort();
    previewRequest = new AbortController();
    const named = controls(form).filter((field) => field.name.startsWith("rx") && field.name !== "rx_line");
    const body = new URLSearchParams(named.map((field) => [field.name, field.value]));
    try {
      const answer = await fetch(box.dataset.dose, { method: "POST", body, signal: previewRequest.signal, headers: { "X-CSRFToken": HMS.token(), "X-Requested-With": "fetch" } });
      if (!answer.ok || answer.redirected) return;
      const { sentence, supply, fields, problem } = await answer.json();
      const isEmpty = [...DOSE.filter((name) => !["rx_unit", "rx_route"].includes(name)), "rx_dose"].every((name) => !form.elements[name].value);
      for (const [name, value] of Object.entries(fields)) if (!form.elements[name].value) form.elements[name].value = value;
      echo.textContent = sentence ? [sentence, supply].filter(Boolean).join(" — ") : isEmpty ? "" : problem || "";
      echo.toggleAttribute("data-wrong", !sentence && !isEmpty);
    } catch (problem) {
      if (problem.name !== "AbortError") echo.textContent = "";
    }
  }

  form.addEventListener("input", (event) => {
    const { name } = event.target;
    if (name !== "rx_dose" && !DOSE.includes(name)) return;
    for (const other of name === "rx_dose" ? DOSE : ["rx_dose"]) form.elements[other].value = "";
    clearTimeout(timer);
    timer = setTimeout(previewDose, PAUSE);
  });
  if (one("[data-dose][open]", form)) previewDose();
  form.addEventListener("hms:added", (event) => { if (one("[data-dose][open]", event.target)) previewDose(); });

  form.addEventListener("combobox:chosen", (event) => {
    if (event.target.name === "dx") form.requestSubmit(one(ADD_DX, form));
    else if (event.target.name === "test") form.requestSubmit(one(ADD_TEST, form));
    else if (event.detail.value?.startsWith("s:")) form.requestSubmit(one(ADD_RX, form));
    else { openDose(); return; }
    event.target.select();
  });

  // Enter in a search field adds the entry; in other fields the first button of the form saves a draft.
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.defaultPrevented || event.ctrlKey || event.metaKey || event.isComposing) return;
    const isOfMedicine = event.target.matches("input") && event.target.name.startsWith("rx");
    const adds = event.target.name === "dx" ? ADD_DX : event.target.name === "test" ? ADD_TEST : event.target.dataset.ux === "override-reason" ? '[data-ux="override"]' : isOfMedicine ? ADD_RX : null;
    const button = adds && event.target.value.trim() && one(adds, form);
    if (button) { event.preventDefault(); form.requestSubmit(button); }
  });

  // Note templates: a shortcut after a semicolon, or a template chosen in the list, is inserted in the note.
  let texts = null;
  const templates = async () => { texts ??= fetch(one("[data-templates]", form).dataset.templates).then((answer) => answer.json()).catch(() => { texts = null; return []; }); return texts; };

  function insert(note, content, from = note.selectionStart) {
    const before = note.value.slice(0, from);
    const text = before && !before.endsWith("\n") && from === note.selectionStart ? `\n${content}` : content;
    note.focus();
    note.setRangeText(text, from, note.selectionEnd, "end");
    note.dispatchEvent(new Event("input", { bubbles: true }));
  }

  form.addEventListener("input", (event) => { if (event.target.matches("[data-templates]") && event.data === ";") templates(); });
  form.addEventListener("keydown", (event) => {
    const note = event.target;
    if (!["Enter", "Tab"].includes(event.key) || !note.matches("[data-templates]") || event.ctrlKey || event.metaKey || event.isComposing) return;
    const typed = note.value.slice(0, note.selectionStart).match(/(?:^|\s);([a-z0-9-]{1,20})$/i);
    if (!typed) return;
    event.preventDefault();
    templates().then((all_) => {
      const found = all_.find((one_) => one_.shortcut === typed[1].toLowerCase());
      if (found) insert(note, found.content, note.selectionStart - typed[1].length - 1);
      else if (event.key === "Enter") note.setRangeText("\n", note.selectionStart, note.selectionEnd, "end");
    });
  });
  form.addEventListener("click", (event) => {
    const chosen = event.target.closest('[data-ux="enc-insert"]') && one('[data-ux="enc-template"]', form);
    if (!chosen) return;
    event.preventDefault();
    templates().then((all_) => {
      const found = all_.find((one_) => String(one_.id) === chosen.value);
      if (found) insert(one("[data-templates]", form), found.content);
    });
  });
})();
