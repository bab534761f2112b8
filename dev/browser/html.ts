/** Reads the forms of a page. Made for pages of this project and its stand-in, which libraries write: not for any HTML. */

export interface Field {
  name: string;
  value: string;
}

export interface Form {
  /** Absolute. */
  action: string;
  method: 'GET' | 'POST';
  /** What is sent as the form stands: checkboxes and radio buttons only where they are ticked, no buttons to press. */
  fields: Field[];
  /** The buttons that send it; `name` is empty where a button has none. */
  buttons: Field[];
}

/** The forms of a page, in order. */
export function readForms(html: string, pageUrl: string): Form[] {
  return [...html.matchAll(/<form\b([^>]*)>(.*?)<\/form>/gs)].map(([, head = '', body = '']) => {
    const form = attributesOf(head);
    const inputs = [...body.matchAll(/<input\b([^>]*?)\/?>/gs)].map(([, tag = '']) => attributesOf(tag));
    const texts = [...body.matchAll(/<textarea\b([^>]*)>\n?(.*?)<\/textarea>/gs)];
    const buttons = [...body.matchAll(/<button\b([^>]*)>/gs)].map(([, tag = '']) => attributesOf(tag));
    return {
      action: new URL(form.get('action') || pageUrl, pageUrl).href,
      method: form.get('method')?.toUpperCase() === 'POST' ? 'POST' : 'GET',
      fields: [
        ...inputs.filter(isSent).map(input => toField(input, TICKED.has(input.get('type') ?? '') ? 'on' : '')),
        ...texts
          .map(([, tag = '', text = '']) => ({ tag: attributesOf(tag), value: decode(text) }))
          .filter(({ tag }) => !tag.has('disabled'))
          .map(({ tag, value }) => ({ name: tag.get('name') ?? '', value })),
      ].filter(field => field.name !== ''),
      buttons: buttons
        .filter(button => (button.get('type') ?? 'submit') === 'submit' && !button.has('disabled'))
        .map(button => toField(button)),
    };
  });
}

/** Kinds of input that are sent only where they are ticked. */
const TICKED = new Set(['checkbox', 'radio']);
const PRESSED = new Set(['submit', 'button', 'reset', 'image']);

function isSent(input: Map<string, string>): boolean {
  const type = input.get('type') ?? '';
  return !input.has('disabled') && !PRESSED.has(type) && (!TICKED.has(type) || input.has('checked'));
}

function toField(attributes: Map<string, string>, without = ''): Field {
  return { name: attributes.get('name') ?? '', value: attributes.get('value') ?? without };
}

function attributesOf(tag: string): Map<string, string> {
  const found = tag.matchAll(/([^\s"'<>/=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/g);
  return new Map([...found].map(([, name = '', a, b, c]) => [name.toLowerCase(), decode(a ?? b ?? c ?? '')]));
}

const NAMED: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function decode(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(amp|lt|gt|quot|apos));/gi, (whole, hex, decimal, name) => {
    if (hex) return String.fromCodePoint(Number.parseInt(hex, 16));
    return decimal ? String.fromCodePoint(Number(decimal)) : (NAMED[String(name).toLowerCase()] ?? whole);
  });
}
