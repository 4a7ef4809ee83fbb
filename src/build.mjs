// One bundler call per bundle: what VS Code loads at activation and at the first refresh, and the command line.
import * as esbuild from 'esbuild';
import { chmodSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const common = { absWorkingDir: root, bundle: true, platform: 'node', format: 'cjs', target: 'node18', minify: true, logLevel: 'warning' };

/** Modules that are a bundle of their own stay a `require` of that file. */
const bundlesApart = {
  name: 'bundles-apart',
  setup: build => build.onResolve({ filter: /\/(core|ssh)$/ }, ({ path: id, kind }) => (kind === 'entry-point' || !id.startsWith('./') ? undefined : { path: `${id}.js`, external: true })),
};

await Promise.all([
  esbuild.build({ ...common, entryPoints: ['src/extension/extension.ts'], outfile: 'dist/extension.js', external: ['vscode'], plugins: [bundlesApart] }),
  esbuild.build({ ...common, entryPoints: ['src/extension/core.ts'], outfile: 'dist/core.js', plugins: [bundlesApart] }),
  // `vscode` is deliberately not external here: a core that imported it would not build.
  esbuild.build({ ...common, entryPoints: ['src/cli/main.ts'], outfile: 'dist/cli.js', banner: { js: '#!/usr/bin/env node' } }),
]);
chmodSync(path.join(root, 'dist/cli.js'), 0o755);
