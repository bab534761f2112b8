/**
 * The one script, on pages with something to copy: shows the copy buttons (they
 * are hidden where no script runs) and writes times in the reader's own zone.
 */
export const SCRIPT = `
for (const button of document.querySelectorAll('[data-copy]')) {
  const field = document.getElementById(button.dataset.copy);
  const status = button.parentElement.querySelector('[role=status]');
  button.hidden = false;
  button.addEventListener('click', async () => {
    const text = 'value' in field ? field.value : field.textContent;
    try {
      await navigator.clipboard.writeText(text);
      status.textContent = 'Copied';
    } catch {
      getSelection().selectAllChildren(field);
      if (field.select) field.select();
      status.textContent = 'Press Ctrl+C or Cmd+C';
    }
  });
}
for (const time of document.querySelectorAll('time')) {
  time.title = time.textContent;
  time.textContent = new Date(time.dateTime).toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' });
}
`;
