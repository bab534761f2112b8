import { existsSync } from 'node:fs';

const INSTALLED = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/usr/bin/microsoft-edge',
  '/snap/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  'C:\\Program Files (x86)\\Google\\Chrome\\Application\\chrome.exe',
  'C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe',
];

/**
 * Where a Chromium is: `CHROMIUM_PATH`, or where one is commonly installed.
 *
 * @returns undefined where there is none, and the browser's tests are skipped
 * @throws when `REQUIRE_BROWSER=1` and there is none, or when `CHROMIUM_PATH` names nothing
 */
export function findChromium(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const named = env.CHROMIUM_PATH;
  if (named && !existsSync(named)) throw new Error(`CHROMIUM_PATH names ${named}, which is not there.`);
  const found = named || INSTALLED.find(path => existsSync(path));
  if (!found && env.REQUIRE_BROWSER === '1') {
    throw new Error('REQUIRE_BROWSER=1, but there is no Chromium here. Install one, or set CHROMIUM_PATH to it.');
  }
  return found;
}

/** Start-up flags: nothing but the pages under test uses the network; root has no sandbox. */
export const CHROMIUM_FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
