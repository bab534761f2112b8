import { defineConfig } from 'vitest/config';

/** For `npm run check:infra`, which compiles the template first; `npm test` runs the `.test.ts` files too. */
export default defineConfig({ test: { include: ['tests/infra/*.{check,test}.ts'], testTimeout: 300_000 } });
