// The second factor is sent as soon as its six digits are there.
"use strict";

document.addEventListener("input", ({ target }) => {
  const digits = target.value.replace(/[\s-]/g, "");
  if (!("fullAt" in target.dataset) || !/^\d+$/.test(digits) || digits.length !== Number(target.dataset.fullAt)) return;
  target.readOnly = true;
  target.form.requestSubmit();
});
