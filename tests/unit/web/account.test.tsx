import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AccountProps,
  accountPage,
  accountSignInPage,
  type ConnectedApp,
  deletionPage,
} from '../../../src/web/index.ts';

const app: ConnectedApp = {
  grantId: 'grant-1',
  kind: 'client',
  name: 'Claude',
  origin: 'Its description is published at claude.ai.',
  sentTo: 'claude.ai',
  scopes: ['Read notes'],
  since: new Date(0),
  usedAt: new Date(0),
  until: new Date(3_600_000),
  isRenewable: true,
  isOver: false,
  isBoundToKey: false,
};
const props: AccountProps = {
  serverName: 'Notes',
  version: '1',
  person: { name: 'Ada' },
  csrf: 'csrf-value',
  apps: [app],
  more: 0,
  ended: [],
  notes: { notes: [{ id: 'note-1', text: 'milk', savedAt: new Date(0) }] },
};
const render = (change: Partial<AccountProps> = {}) => accountPage({ ...props, ...change }).text();
const formsOf = (html: string) => html.match(/<form.*?<\/form>/gs) ?? [];

describe('the account page', () => {
  it('puts the CSRF value into every form that posts, and into no link or search', async () => {
    const html = await render({ apps: [app, { ...app, kind: 'script', name: undefined }] });
    const [searches, posts] = [false, true].map(post => formsOf(html).filter(form => form.includes('post') === post));
    expect(posts).toHaveLength(6);
    for (const form of posts ?? []) expect(form).toContain('name="csrf" value="csrf-value"');
    expect(searches).toHaveLength(1);
    expect(searches?.[0]).not.toContain('csrf');
    expect(html).not.toMatch(/href="[^"]*csrf/);
  });

  it('says whether tokens are bound to a key, renewed, or over', async () => {
    expect(await render()).toContain('Work for whoever holds them');
    expect(await render({ apps: [{ ...app, isBoundToKey: true }] })).toContain('Work only with a key');
    expect(await render()).toContain('later when it renews');
    expect(await render({ apps: [{ ...app, isOver: true }] })).toContain('Only your approval is left');
    expect(await render({ apps: [{ ...app, usedAt: new Date(1) }] })).toContain('1970-01-01T00:00:00.001Z');
  });

  it('offers to end all only where there are several, and tells of those that it does not show', async () => {
    expect(await render()).not.toContain('end-all');
    expect(await render({ apps: [app, app] })).toContain('end-all');
    expect(await render({ more: 3 })).toContain('And 3 older ones');
  });

  it('has something to say when nothing is kept', async () => {
    const html = await render({ apps: [], notes: { notes: [] } });
    expect(html).toContain('No app has access in your name.');
    expect(html).toContain('Nothing is saved.');
    expect(html).not.toContain('Search');
  });

  it('goes on and back among the notes with what was searched for', async () => {
    const notes = { ...props.notes, query: 'a&b "c"', from: 'note-0', next: 'note-1' };
    const html = await render({ notes });
    expect(html).toContain('href="/account?q=a%26b+%22c%22&amp;from=note-1#notes"');
    expect(html).toContain('value="a&amp;b &quot;c&quot;"');
    expect(html).toContain('<input type="hidden" name="from" value="note-0"/>');
  });

  it('cuts a note that is long or has many lines, and keeps the whole of it', async () => {
    const long = `${'x'.repeat(399)}😀y`;
    const html = await render({ notes: { notes: [{ id: 'n', text: long, savedAt: new Date(0) }] } });
    expect(html).toContain(`${'x'.repeat(399)}😀…</bdi>`);
    expect(html).toContain(`${long}</bdi>`);
    const lines = await render({ notes: { notes: [{ id: 'n', text: 'line\n'.repeat(9), savedAt: new Date(0) }] } });
    expect(lines).toContain('The whole note');
    const short = await render({ notes: { notes: [{ id: 'n', text: 'x'.repeat(400), savedAt: new Date(0) }] } });
    expect(short).not.toContain('The whole note');
  });

  it('shows whatever comes from outside as text', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme', maxLength: 60 }), async text => {
        const hostile = `<img src=x onerror=1>"'&${text}`;
        const html = await render({
          person: { name: hostile, email: hostile },
          apps: [{ ...app, name: hostile, sentTo: hostile }],
          ended: [{ kind: 'client', name: hostile, sentTo: hostile, endedAt: new Date(0), why: 'You ended it.' }],
          notes: { notes: [{ id: 'n', text: hostile, savedAt: new Date(0) }], query: hostile },
        });
        expect(html).not.toContain('<img');
        expect(html.match(/<bdi/g)).toHaveLength(5);
      }),
      { numRuns: 50, seed: 4 },
    );
  });
});

describe('the pages beside it', () => {
  it('tells nobody anything, and leads back', async () => {
    const html = await accountSignInPage().text();
    expect(html).toContain('href="/auth/login?to=account"');
    expect(formsOf(html)).toEqual([]);
  });

  it('has no way to delete everything where the sign-in is not fresh', async () => {
    const [fresh, later] = await Promise.all(
      [true, false].map(canDelete => deletionPage({ csrf: 'csrf-value', canDelete }).text()),
    );
    expect(fresh).toContain('delete-everything');
    expect(fresh).toContain('name="csrf" value="csrf-value"');
    expect(formsOf(later ?? '')).toEqual([]);
    expect(later).toContain('href="/auth/login?to=account&amp;prompt=login"');
  });
});
