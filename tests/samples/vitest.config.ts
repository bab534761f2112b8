import { defineConfig } from 'vitest/config';

/** For `npm run check:samples`: what is fetched and compiled for them takes longer than all other tests need. */
export default defineConfig({
  test: {
    include: ['tests/samples/*.check.ts'],
    globalSetup: ['tests/support/global-setup.ts'],
    testTimeout: 60_000,
    hookTimeout: 300_000,
  },
});
