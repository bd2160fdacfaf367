// Keys for readers, and the points as they would be. Without this script the form works as any form does.
const form = document.getElementById("rubric");
if (form) {
  const items = [...form.querySelectorAll("input[name=items]")];
  const output = document.getElementById("points");
  const on = document.getElementById("keys-on");
  const KEPT = "marking-keys";

  const count = () => {
    const most = Number(form.dataset.most);
    const sum = items.filter((item) => item.checked).reduce((sum, item) => sum + Number(item.dataset.points), Number(form.dataset.start));
    output.textContent = String(Math.min(most, Math.max(0, sum)));
  };
  form.addEventListener("change", count);

  // Keys of one character can be turned off, for those who speak to their computer (WCAG 2.1.4).
  document.getElementById("keys").hidden = false;
  on.checked = localStorage.getItem(KEPT) !== "off";
  on.addEventListener("change", () => localStorage.setItem(KEPT, on.checked ? "on" : "off"));

  document.addEventListener("keydown", (event) => {
    const writing = event.target.matches("textarea, select, input:not([type=checkbox], [type=radio])");
    if (event.key === "Escape" && writing) event.target.blur();
    if (!on.checked || writing || event.ctrlKey || event.metaKey || event.altKey) return;
    const item = items.find((item) => item.dataset.key === event.key);
    if (item) {
      item.click();
      item.focus();
    } else if (event.key === "c") {
      form.querySelector("textarea").focus();
    } else if (event.key === "n") {
      form.querySelector("button[value=next]").click();
    } else {
      return;
    }
    event.preventDefault();
  });
}
