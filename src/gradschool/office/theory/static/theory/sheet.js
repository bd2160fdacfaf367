// Says when an answer could not be saved in the background. Without this script, and without htmx, the buttons save.
const form = document.getElementById("sheet");
if (form) {
  const notSaved = (sentence) => {
    const saved = document.getElementById("saved");
    if (saved) {
      saved.textContent = sentence;
      saved.className = "small notice error";
    }
  };
  const ofForm = (event) => event.detail.elt === form;
  form.addEventListener("htmx:sendError", (event) => {
    if (ofForm(event)) notSaved("Not saved: the server cannot be reached. What you wrote is still on this page.");
  });
  form.addEventListener("htmx:responseError", (event) => {
    if (ofForm(event)) notSaved("Not saved: the server refused. Copy what you wrote, and load the page again.");
  });
}
