// Shows the OpenAPI document with Swagger UI, from this server only.
"use strict";

window.addEventListener("DOMContentLoaded", () => {
  const place = document.getElementById("swagger");
  window.SwaggerUIBundle({ url: place.dataset.document, domNode: place, validatorUrl: null, deepLinking: true });
});
