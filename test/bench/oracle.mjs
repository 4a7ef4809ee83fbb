// `npm run oracle -- --operations 10000 --seed N [--host H]`: predictions against the real kernel. Builds what it needs.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { ensureDebian } from '../debian.mjs';
import { installPackages, root } from '../install.mjs';

await installPackages();
await ensureDebian({ gcc: 'gcc', ...(process.argv.includes('--host') ? { ssh: 'openssh-client' } : {}) });
const built = spawnSync(process.execPath, [path.join(root, 'node_modules/typescript/bin/tsc'), '-b'], { cwd: root, stdio: 'inherit' });
if (built.status !== 0) process.exit(1);
await import(path.join(root, 'out/test/oracle/main.js'));
