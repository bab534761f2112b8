import type { Browser, Navigation, Page } from '../browser/index.ts';
import type { PersonName } from './people.ts';

/** Somebody of the account picker, or its button to cancel. */
export type Choice = PersonName | 'cancel';

/** Presses a button of the stand-in's account picker. */
export function signInAs(browser: Browser, picker: Page, who: Choice, navigation: Navigation = {}): Promise<Page> {
  const button = who === 'cancel' ? 'cancel=yes' : `person=${who}`;
  return browser.submit(picker, { ...navigation, button });
}
