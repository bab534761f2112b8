/** Reads the forms of an HTML page. For pages like ours: well-formed, attributes in quotes or bare, no scripts. */

export interface Field {
  name: string;
  value: string;
}

export interface Button extends Field {
  /** Its text, tags left out. */
  text: string;
  /** Where it sends the form, if elsewhere than the form says. */
  action: string | undefined;
}

export interface Form {
  id: string | undefined;
  /** Absolute. */
  action: string;
  method: 'GET' | 'POST';
  /** What a browser sends whichever button is pressed: text, hidden, checked and selected fields. */
  fields: Field[];
  buttons: Button[];
  /** Boxes and radio buttons that are not checked, by name and value. */
  unchecked: Field[];
}

/** The forms of `html`, a page at `url`, in their order. */
export function formsOf(html: string, url: string): Form[] {
  const visible = html.replace(/<!--[\s\S]*?-->|<(script|style|template)\b[\s\S]*?<\/\1\s*>/gi, '');
  return [...visible.matchAll(/<form\b((?:"[^"]*"|'[^']*'|[^'">])*)>([\s\S]*?)<\/form\s*>/gi)].map(
    ([, attributes = '', content = '']) => readForm(attributesOf(attributes), content, url),
  );
}

/** The text of a piece of HTML, its tags left out. */
export function textOf(html: string): string {
  const visible = html.replace(/<!--[\s\S]*?-->|<(script|style|head)\b[\s\S]*?<\/\1\s*>/gi, '');
  return decode(visible.replace(TAG, ' ')).replace(/\s+/g, ' ').trim();
}

const TAG = /<(?:"[^"]*"|'[^']*'|[^'">])*>/g;

function readForm(form: Map<string, string>, content: string, url: string): Form {
  const result: Form = {
    id: form.get('id'),
    action: new URL(form.get('action') || url, url).href,
    method: form.get('method')?.toLowerCase() === 'post' ? 'POST' : 'GET',
    fields: [],
    buttons: [],
    unchecked: [],
  };
  const controls =
    /<(input)\b((?:"[^"]*"|'[^']*'|[^'">])*)>|<(button|select|textarea)\b((?:"[^"]*"|'[^']*'|[^'">])*)>([\s\S]*?)<\/\3\s*>/gi;
  for (const [, input, inputAttributes = '', tag, tagAttributes = '', inner = ''] of content.matchAll(controls)) {
    const attributes = attributesOf(input === undefined ? tagAttributes : inputAttributes);
    if (!attributes.has('disabled')) readControl((input ?? tag ?? '').toLowerCase(), attributes, inner, result, url);
  }
  return result;
}

function readControl(tag: string, attributes: Map<string, string>, inner: string, form: Form, url: string): void {
  const name = attributes.get('name') ?? '';
  const type = attributes.get('type')?.toLowerCase() ?? (tag === 'button' ? 'submit' : 'text');
  const value = attributes.get('value') ?? '';
  if ((tag === 'button' || tag === 'input') && type === 'submit') {
    const action = attributes.get('formaction');
    form.buttons.push({
      name,
      value,
      text: tag === 'button' ? textOf(inner) : value,
      action: action === undefined ? undefined : new URL(action, url).href,
    });
    return;
  }
  if (name === '' || tag === 'button') return;
  if (tag === 'textarea') form.fields.push({ name, value: decode(inner.replace(/^\r?\n/, '')) });
  else if (tag === 'select') form.fields.push(...selected(name, inner));
  else if (type === 'checkbox' || type === 'radio') {
    (attributes.has('checked') ? form.fields : form.unchecked).push({ name, value: attributes.get('value') ?? 'on' });
  } else if (!['button', 'reset', 'image', 'file'].includes(type)) form.fields.push({ name, value });
}

function selected(name: string, inner: string): Field[] {
  const options = [...inner.matchAll(/<option\b((?:"[^"]*"|'[^']*'|[^'">])*)>([^<]*)/gi)].map(
    ([, attributes = '', text = '']) => ({ attributes: attributesOf(attributes), text }),
  );
  const chosen = options.find(({ attributes }) => attributes.has('selected')) ?? options[0];
  return chosen === undefined ? [] : [{ name, value: chosen.attributes.get('value') ?? decode(chosen.text).trim() }];
}

function attributesOf(source: string): Map<string, string> {
  const found = source.matchAll(/([^\s"'>/=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'=<>`]+)))?/g);
  return new Map(
    [...found].map(([, name = '', double, single, bare]) => [
      name.toLowerCase(),
      decode(double ?? single ?? bare ?? ''),
    ]),
  );
}

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: '\u00a0' };

function decode(text: string): string {
  return text.replace(/&(?:#(\d+)|#x([\da-f]+)|(\w+));/gi, (whole, decimal, hex, name) => {
    if (name !== undefined) return ENTITIES[name] ?? whole;
    return String.fromCodePoint(decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal));
  });
}
