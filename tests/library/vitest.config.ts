import { defineConfig } from 'vitest/config';

/** For `npm run check:library`: what is installed for it comes from the registry. */
export default defineConfig({
  test: {
    include: ['tests/library/*.check.ts'],
    globalSetup: ['tests/support/global-setup.ts'],
    testTimeout: 60_000,
    hookTimeout: 300_000,
  },
});
