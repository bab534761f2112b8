/**
 * The one script, for the page that has something to copy: shows the copy
 * buttons, which stay hidden where no script runs, and writes times in the
 * reader's own zone.
 */
export const SCRIPT = `
for (const button of document.querySelectorAll('[data-copy]')) {
  const field = document.getElementById(button.dataset.copy);
  const label = button.firstChild;
  const status = button.nextElementSibling;
  const say = text => { label.textContent = status.textContent = text; };
  button.hidden = false;
  button.onclick = () => navigator.clipboard.writeText(field.value ?? field.textContent).then(
    () => say('Copied'),
    () => { field.select ? field.select() : getSelection().selectAllChildren(field); say('Press Ctrl+C'); });
  button.onblur = () => { label.textContent = 'Copy'; status.textContent = ''; };
}
for (const time of document.querySelectorAll('time')) {
  time.title = time.textContent;
  time.textContent = new Date(time.dateTime).toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' });
}
`;
