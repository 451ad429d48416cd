// Lists that open under a text box: [data-combobox] fields and the find box (form[data-find]).
// Nothing is ever chosen but by an arrow key and Enter, or by a click.
"use strict";

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

  // `choose(row, event)` says what happens to a chosen row; `failed` is the sentence when the server does not answer.
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

    function show(content) {
      mark(null);
      list.replaceChildren(...content);
      rows().forEach((row, index) => { row.id = `${list.id}-${index}`; row.setAttribute("aria-selected", "false"); });
      const found = rows().length;
      if (!found && !list.children.length) list.append(note(say("none_found")));
      open();
      announce(found ? say(found === 1 ? "one_found" : "many_found", { count: found }) : say("none_found"));
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
        if (isJson) show((body.results || body).map(rowOf));
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
    input.addEventListener("input", () => { if (chosen?.value) { chosen.value = ""; chosen.dispatchEvent(new Event("change", { bubbles: true })); } });
    suggest(input, {
      source: holder.dataset.combobox,
      least: Number(holder.dataset.min || 2),
      failed: say("search_failed"),
      name: input.labels?.[0]?.textContent.trim() || input.getAttribute("aria-label") || "",
      choose(row) {
        input.value = row.dataset.label || row.textContent.trim();
        if (chosen) chosen.value = row.dataset.value || "";
        (chosen || input).dispatchEvent(new Event("change", { bubbles: true }));
        const detail = { value: row.dataset.value, label: row.dataset.label, href: row.dataset.href, item: row.item || { ...row.dataset } };
        const goOn = input.dispatchEvent(new CustomEvent("combobox:chosen", { bubbles: true, cancelable: true, detail }));
        if (goOn && "submit" in holder.dataset) input.form.requestSubmit(one("[data-chosen-submits]", input.form) || undefined);
      },
    });
  }

  // In the find box a row may act (data-post, with data-values) or open (data-href, also Shift+Enter and a click on the name).
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
        else if (row.dataset.href) location.assign(row.dataset.href);
      },
    });
    form.addEventListener("submit", (event) => { if (!input.value.trim()) { event.preventDefault(); event.stopPropagation(); } }, true);
  }

  const start = (within) => all("[data-combobox]", within).forEach(combobox);
  start(document);
  all("form[data-find]").forEach(finder);
  document.addEventListener("hms:added", (event) => start(event.target));
  document.addEventListener("htmx:load", (event) => start(event.target.parentNode || document));
})();
