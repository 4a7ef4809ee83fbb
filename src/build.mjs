// One bundler call per bundle: what VS Code loads at activation, at the first refresh, with the first plan and with the first SSH host, and the command line. And the rules' pages.
import * as esbuild from 'esbuild';
import { chmodSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeRulePages } from './rulePages.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const common = { absWorkingDir: root, bundle: true, platform: 'node', format: 'cjs', target: 'node18', minify: true, logLevel: 'warning' };

/** Modules that are a bundle of their own stay a `require` of that file. */
const bundlesApart = {
  name: 'bundles-apart',
  setup: build => build.onResolve({ filter: /^(\.\/(core|planning)|\.\.\/core\/ssh)$/ }, ({ path: id }) => ({ path: `./${path.basename(id)}.js`, external: true })),
};

/** ssh2 is quicker with two native parts, and works without: requiring them fails, as where they were not built. The package fits every platform. */
const noNativeParts = {
  name: 'no-native-parts',
  setup: build => {
    build.onResolve({ filter: /^cpu-features$|\.node$/ }, ({ path: id }) => ({ path: id, namespace: 'native' }));
    build.onLoad({ filter: /.*/, namespace: 'native' }, () => ({ contents: "throw new Error('left out');" }));
  },
};

/** The thread that opens keys has ssh2 from where it is already. */
const ssh2OfItsBundle = { name: 'ssh2-of-its-bundle', setup: build => build.onResolve({ filter: /^ssh2$/ }, () => ({ path: './ssh.js', external: true })) };

await Promise.all([
  esbuild.build({ ...common, entryPoints: ['src/extension/extension.ts'], outfile: 'dist/extension.js', external: ['vscode'], plugins: [bundlesApart] }),
  esbuild.build({ ...common, entryPoints: ['src/extension/planning.ts'], outfile: 'dist/planning.js', external: ['vscode'], plugins: [bundlesApart] }),
  esbuild.build({ ...common, entryPoints: ['src/extension/core.ts'], outfile: 'dist/core.js', plugins: [bundlesApart] }),
  esbuild.build({ ...common, entryPoints: ['src/core/ssh.ts'], outfile: 'dist/ssh.js', plugins: [bundlesApart, noNativeParts] }),
  esbuild.build({ ...common, entryPoints: ['src/core/host/unlockKey.ts'], outfile: 'dist/unlockKey.js', plugins: [ssh2OfItsBundle] }),
  // `vscode` is deliberately not external here: a core that imported it would not build.
  esbuild.build({ ...common, entryPoints: ['src/cli/main.ts'], outfile: 'dist/cli.js', plugins: [bundlesApart], banner: { js: '#!/usr/bin/env node' } }),
]);
writeRulePages(path.join(root, 'src/core/rules'), path.join(root, 'dist/rules'));
chmodSync(path.join(root, 'dist/cli.js'), 0o755);
