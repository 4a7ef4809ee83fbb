// `npm run mutate [-- --capture FILE]`: each move of a thread that the kernel would accept, in each healthy capture: is it
// found, named right, put right by its fix, and is nothing else said? See test/mutate/mutate.ts.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { installPackages, root } from '../install.mjs';

await installPackages();
const built = spawnSync(process.execPath, [path.join(root, 'node_modules/typescript/bin/tsc'), '-b'], { cwd: root, stdio: 'inherit' });
if (built.status !== 0) process.exit(1);
await import(path.join(root, 'out/test/mutate/main.js'));
