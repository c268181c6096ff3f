// The quiz begins again by itself.
"use strict";
const next = document.getElementById("next");
setTimeout(() => next.requestSubmit(), 1000 * next.dataset.seconds);
