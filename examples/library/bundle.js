import { build } from 'esbuild';

await build({
  entryPoints: ['index.ts'],
  outdir: 'dist',
  bundle: true,
  // What only few requests need is loaded when it is first used.
  splitting: true,
  minify: true,
  platform: 'node',
  format: 'esm',
  external: ['@azure/functions-core'],
  // `@azure/functions` asks for its host with `require`, and registers nothing where there is none.
  banner: {
    js: "import { createRequire as requireOfHost } from 'node:module'; const require = requireOfHost(import.meta.url);",
  },
});
