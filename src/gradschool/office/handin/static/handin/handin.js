// Dropping files, and progress while they go up. Without this script the form works as any form does.
const form = document.getElementById("hand-in-form");
if (form) {
  const zone = form.querySelector(".dropzone");
  const input = form.querySelector("input[type=file]");
  const list = document.getElementById("chosen");
  const bar = form.querySelector("progress");
  const error = document.getElementById("hand-in-error");
  const button = form.querySelector("button");

  const show = () => {
    list.replaceChildren(...[...input.files].map((file) => {
      const item = document.createElement("li");
      item.textContent = file.name;
      return item;
    }));
  };
  input.addEventListener("change", show);
  for (const name of ["dragover", "dragleave", "drop"]) {
    zone.addEventListener(name, (event) => {
      event.preventDefault();
      zone.classList.toggle("over", name === "dragover");
    });
  }
  zone.addEventListener("drop", (event) => {
    input.files = event.dataTransfer.files;
    show();
  });

  const fail = (sentence) => {
    error.textContent = sentence;
    error.hidden = false;
    bar.hidden = true;
    button.disabled = false;
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    error.hidden = true;
    bar.hidden = false;
    button.disabled = true;
    const request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.setRequestHeader("X-Requested-With", "XMLHttpRequest");
    request.setRequestHeader("X-CSRFToken", form.querySelector("[name=csrfmiddlewaretoken]").value);
    request.upload.addEventListener("progress", (step) => {
      if (step.lengthComputable) bar.value = (100 * step.loaded) / step.total;
    });
    request.addEventListener("load", () => {
      let answer = {};
      try {
        answer = JSON.parse(request.responseText);
      } catch {
        answer = { error: "The server gave no answer that can be read. Look below whether it was handed in, and try again." };
      }
      if (answer.location) window.location.assign(answer.location);
      else fail(answer.error);
    });
    request.addEventListener("error", () => fail("The connection broke before the hand-in was confirmed. Try again."));
    request.send(new FormData(form));
  });
}
