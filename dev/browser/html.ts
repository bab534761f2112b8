/** Reads the forms of a page. Made for pages of this project and its stand-in, which libraries write: not for any HTML. */

export interface Field {
  name: string;
  value: string;
}

export interface Form {
  /** Absolute. */
  action: string;
  method: 'GET' | 'POST';
  /** What is sent as the form stands: checkboxes only where they are ticked, no buttons. */
  fields: Field[];
  /** The buttons that send it; `name` is empty where a button has none. */
  buttons: Field[];
}

/** The forms of a page, in order. */
export function readForms(html: string, pageUrl: string): Form[] {
  return [...html.matchAll(/<form\b([^>]*)>(.*?)<\/form>/gs)].map(([, head = '', body = '']) => {
    const form = attributesOf(head);
    const inputs = [...body.matchAll(/<input\b([^>]*?)\/?>/gs)].map(([, tag = '']) => attributesOf(tag));
    const texts = [...body.matchAll(/<textarea\b([^>]*)>(.*?)<\/textarea>/gs)];
    return {
      action: new URL(form.get('action') || pageUrl, pageUrl).href,
      method: form.get('method')?.toUpperCase() === 'POST' ? 'POST' : 'GET',
      fields: [
        ...inputs
          .filter(input => input.get('type') !== 'submit' && !input.has('disabled'))
          .filter(input => input.get('type') !== 'checkbox' || input.has('checked'))
          .map(toField),
        ...texts.map(([, tag = '', text = '']) => ({ name: attributesOf(tag).get('name') ?? '', value: decode(text) })),
      ].filter(field => field.name !== ''),
      buttons: [...body.matchAll(/<button\b([^>]*)>/gs)]
        .map(([, tag = '']) => attributesOf(tag))
        .filter(button => (button.get('type') ?? 'submit') === 'submit')
        .map(toField),
    };
  });
}

function toField(attributes: Map<string, string>): Field {
  return { name: attributes.get('name') ?? '', value: attributes.get('value') ?? '' };
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
