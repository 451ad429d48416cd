// Sends the form of the second factor as soon as all six digits are typed.
"use strict";

document.addEventListener("input", ({ target }) => {
  const digits = target.value.replace(/[\s-]/g, "");
  if (!("fullAt" in target.dataset) || !/^\d+$/.test(digits) || digits.length !== Number(target.dataset.fullAt)) return;
  target.readOnly = true;
  target.form.requestSubmit();
});
