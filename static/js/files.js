// Fields of files: a picture that is larger than the hospital takes is made smaller before it is sent, and the line under the field says
// so. Another file that is too large is taken out at once, with a sentence, instead of being refused after it was sent.
"use strict";

(() => {
  const { all, say, announce } = HMS;
  const SIDES = [2400, 2000, 1600, 1200, 800];
  const QUALITY = 0.85;
  const PICTURE = /^image\//;
  const busy = new Map();
  const kilobytes = (size) => Math.max(1, Math.round(size / 1000)).toLocaleString(HMS.root.lang);

  function tell(field, text, isWrong = false) {
    const line = document.getElementById(`${field.id}-echo`);
    line.textContent = text;
    line.toggleAttribute("data-wrong", isWrong);
    if (text) announce(text, isWrong);
  }

  const asJpeg = (canvas) => new Promise((resolve) => { canvas.toBlob(resolve, "image/jpeg", QUALITY); });

  // The picture as a JPEG of at most `largest` bytes, standing as the camera was held; null when there is none.
  async function makeSmaller(picture, largest) {
    for (const side of SIDES) {
      const scale = Math.min(1, side / Math.max(picture.width, picture.height));
      const canvas = document.createElement("canvas");
      canvas.width = Math.max(1, Math.round(picture.width * scale));
      canvas.height = Math.max(1, Math.round(picture.height * scale));
      const pen = canvas.getContext("2d");
      pen.fillStyle = "#fff";
      pen.fillRect(0, 0, canvas.width, canvas.height);
      pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
      const jpeg = await asJpeg(canvas);
      if (jpeg && jpeg.size <= largest) return jpeg;
    }
    return null;
  }

  async function open(file) {
    if (!PICTURE.test(file.type)) return null;
    try { return await createImageBitmap(file); } catch { return null; }
  }

  async function fit(field, file) {
    const [largest, pixels] = [Number(field.dataset.largest), Number(field.dataset.pixels || Infinity)];
    const picture = await open(file);
    const isTooLarge = file.size > largest;
    if (field.files[0] !== file || (!isTooLarge && !(picture && picture.width * picture.height > pixels))) return;
    if (picture) tell(field, say("file_shrinking"));
    const smaller = picture && await makeSmaller(picture, largest);
    if (field.files[0] !== file) return;
    if (smaller) {
      const box = new DataTransfer();
      box.items.add(new File([smaller], "picture.jpg", { type: "image/jpeg" }));
      field.files = box.files;
      tell(field, say("file_smaller", { size: kilobytes(smaller.size), before: kilobytes(file.size) }));
    } else {
      field.value = "";
      tell(field, say("file_too_large", { size: kilobytes(file.size), largest: kilobytes(largest) }), true);
    }
  }

  document.addEventListener("change", (event) => {
    const field = event.target.closest?.('input[type="file"][data-largest]');
    if (!field) return;
    tell(field, "");
    const file = field.files[0];
    if (!file) return;
    // A form with a field for a file and one for the camera sends the one that was used last.
    all('input[type="file"][data-largest]', field.form).filter((other) => other !== field).forEach((other) => { other.value = ""; tell(other, ""); });
    const work = fit(field, file).finally(() => { if (busy.get(field) === work) busy.delete(field); });
    busy.set(field, work);
  });

  // A form that is sent while its picture is being made smaller waits for it.
  document.addEventListener("submit", (event) => {
    const waiting = [...busy].filter(([field]) => field.form === event.target);
    if (!waiting.length) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const { submitter, target } = event;
    Promise.allSettled(waiting.map(([, work]) => work)).then(() => {
      if (waiting.every(([field]) => field.value)) target.requestSubmit(submitter);
    });
  }, true);
})();
