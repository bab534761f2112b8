import type { Browser, Page, VisitOptions } from '../browser/index.ts';
import type { PersonName } from './people.ts';

/**
 * Presses somebody's button, or Cancel, on the stand-in's account picker and follows the way back to the application.
 * @throws Error when `page` is not the account picker
 */
export function signInAs(
  browser: Browser,
  page: Page,
  who: PersonName | 'cancel',
  options: VisitOptions = {},
): Promise<Page> {
  const button = who === 'cancel' ? { name: 'cancel' } : { name: 'person', value: who };
  return browser.submit(page, { button }, options);
}
