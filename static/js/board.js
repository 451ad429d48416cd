// Boards of appointments and the queue: arrow keys between slots; i, m and x on a booking; moving bookings with keyboard or mouse;
// 1 to 4 for the priority of a queue row; free times for the chosen doctor, day and visit type; print buttons.
"use strict";

(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const one = (selector, within = document) => within.querySelector(selector);
  const steps = { ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1] };

  document.addEventListener("click", (event) => { if (event.target.closest("[data-print]")) print(); });

  // The next slot in that direction; empty cells are skipped.
  function neighbour(slot, [down, across]) {
    const cell = slot.closest("td");
    const side = getComputedStyle(cell).direction === "rtl" ? -across : across;
    let [row, column] = [cell.parentElement, cell.cellIndex];
    if (down) {
      const others = all("a.slot", cell);
      const beside = others[others.indexOf(slot) + down];
      if (beside) return beside;
    }
    for (;;) {
      row = down > 0 ? row.nextElementSibling : down < 0 ? row.previousElementSibling : row;
      column += side;
      const next = row?.cells[column];
      if (!next || column < 1) return null;
      const found = all("a.slot", next).at(down < 0 ? -1 : 0);
      if (found) return found;
    }
  }

  // Moving a booking: pick it up, then put it down on a free slot. The server checks the new time.
  let taken = null;

  function takeUp(slot) {
    putBack();
    taken = slot;
    slot.dataset.taken = "";
    slot.closest("[data-board]").dataset.moving = "";
    HMS.announce(slot.closest("[data-board]").dataset.takenUp.replace("{name}", one("strong", slot).textContent.trim()), true);
  }

  function putBack(aloud = false) {
    if (!taken) return;
    const board = taken.closest("[data-board]");
    delete taken.dataset.taken;
    all("[data-moving]").forEach((other) => delete other.dataset.moving);
    all("[data-over]").forEach((slot) => delete slot.dataset.over);
    if (aloud && board) { HMS.announce(board.dataset.putBack); taken.focus(); }
    taken = null;
  }

  function putDown(slot) {
    const { doctor, date, time } = slot.dataset;
    const { id, version } = taken.dataset;
    if (!time) { HMS.announce(slot.closest("[data-board]").dataset.onlyFree, true); return; }
    HMS.post(`/appointments/${id}/move`, { doctor, date, time, version, next: location.pathname + location.search });
  }

  const fits = (event) => { const slot = event.target.closest?.("[data-board] a.slot--free[data-time]"); return taken && slot; };
  document.addEventListener("dragstart", (event) => {
    const slot = event.target.closest?.("[data-moves]");
    if (!slot) return;
    event.dataTransfer.setData("text/plain", slot.textContent.trim());
    event.dataTransfer.effectAllowed = "move";
    takeUp(slot);
  });
  document.addEventListener("dragover", (event) => {
    const slot = fits(event);
    all("[data-over]").forEach((other) => { if (other !== slot) delete other.dataset.over; });
    if (slot) { event.preventDefault(); slot.dataset.over = ""; }
  });
  document.addEventListener("drop", (event) => {
    const slot = fits(event);
    if (slot) { event.preventDefault(); putDown(slot); }
  });
  document.addEventListener("dragend", () => putBack());

  function whileMoving(slot, event) {
    if (event.key === "Escape") putBack(true);
    else if (event.key === "Enter" && slot !== taken) putDown(slot);
    else if (event.key === "Enter") putBack(true);
    else return false;
    return true;
  }

  function onSlot(slot, event) {
    if (taken && whileMoving(slot, event)) return true;
    if (steps[event.key]) {
      const next = neighbour(slot, steps[event.key]);
      next?.focus();
      return true;
    }
    const { id, arrives } = slot.dataset;
    if (!id || document.documentElement.dataset.shortcuts === "off") return false;
    if (event.key === "i" && arrives !== undefined) HMS.post(`/appointments/${id}/check-in`);
    else if (event.key === "m" && slot.dataset.moves !== undefined) takeUp(slot);
    else if (event.key === "x") location.assign(`/appointments/${id}#cancel`);
    else return false;
    return true;
  }

  function onRow(row, event) {
    if (document.documentElement.dataset.shortcuts === "off" || !/^[1-4]$/.test(event.key)) return false;
    const button = one(`button[name="priority"][value="${event.key}"]`, row);
    button?.click();
    return Boolean(button);
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const slot = event.target.closest?.("[data-board] a.slot");
    const row = event.target.closest?.('[data-ux="queue-row"]');
    if ((slot && onSlot(slot, event)) || (row && onRow(row, event))) { event.preventDefault(); event.stopPropagation(); }
  }, true);

  // Scroll today's board to the present time; the page itself stays at the top. A renewed board stays where it was scrolled to.
  let scrolled = null;
  function openAtNow() {
    const now = one("[data-board] [data-now]");
    const box = one("[data-board]")?.closest(".scroller");
    if (box) box.scrollTop = scrolled ?? (now ? now.offsetTop + now.offsetHeight / 2 - box.clientHeight / 2 : 0);
  }
  openAtNow();
  document.addEventListener("scroll", (event) => { if (event.target.matches?.(".scroller") && one("[data-board]", event.target)) scrolled = event.target.scrollTop; }, true);
  document.addEventListener("hms:added", openAtNow);

  // What is shown of the chosen patient follows the choice.
  const ofPatient = one("[data-of-patient]");
  const chosen = ofPatient && one('main input[type="hidden"][name="patient"]');
  let running = null;
  async function showPatient() {
    running?.abort();
    running = new AbortController();
    const address = new URL(ofPatient.dataset.ofPatient, location.href);
    address.searchParams.set("patient", chosen.value);
    try {
      const answer = await fetch(address, { signal: running.signal, headers: { "X-Requested-With": "fetch" } });
      if (answer.ok && !answer.redirected) ofPatient.replaceChildren(HMS.parsed(await answer.text()));
    } catch { /* The form still works; only this help is missing. */ }
  }
  chosen?.addEventListener("change", showPatient);

  // Fetch the free times when doctor, day or visit type changes; the chosen time stays chosen if it is still free.
  const times = one("[data-slots]");
  const form = times?.closest("form");
  if (!form) return;
  let request = null;
  async function renew() {
    request?.abort();
    request = new AbortController();
    const address = new URL(times.dataset.slots, location.href);
    address.searchParams.set("doctor", form.elements.doctor.value);
    address.searchParams.set("date", form.elements.date.value);
    if (form.elements.visit_type?.value) address.searchParams.set("visit_type", form.elements.visit_type.value);
    const picked = one("input:checked", times)?.value;
    try {
      const answer = await fetch(address, { signal: request.signal, headers: { "X-Requested-With": "fetch" } });
      if (!answer.ok || answer.redirected) return;
      times.replaceChildren(HMS.parsed(await answer.text()));
      const again = picked && one(`input[value="${CSS.escape(picked)}"]`, times);
      if (again) again.checked = true;
    } catch { /* The form still works: the server checks the time when it is sent. */ }
  }
  form.elements.doctor.addEventListener("change", renew);
  form.elements.date.addEventListener("change", renew);
  form.elements.visit_type?.addEventListener("change", renew);
})();
