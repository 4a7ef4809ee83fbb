// `npm start`: the packaged extension in a VS Code workbench in your browser, on this machine only.
// It must run from a fresh clone: nothing imported from here may need an installed package.
import path from 'node:path';
import { installPackages, root } from '../install.mjs';
import { endOnSignals, isEnding, run } from '../processes.mjs';
import { ensureFree, install, prepare, start, unsupported, vsix, work } from './harness.mjs';

async function main() {
  const reason = unsupported();
  if (reason) throw new Error(reason);
  const port = Number(process.env.PORT || 8123);
  if (!Number.isInteger(port) || port < 1 || port > 65535) throw new Error(`PORT must be a port number, and is "${process.env.PORT}".`);
  await ensureFree(port); // said before the minute that the first installation takes
  await installPackages();
  await install();
  console.log('Building the extension …');
  await run('npm', ['run', '--silent', 'package'], { cwd: root, quiet: true });
  const dir = path.join(work, 'start'); // kept between starts, with the settings made there
  await prepare(dir, { vsix, fresh: false });
  const server = await start(dir, { port, env: { CGROUP_LENS_OPEN_SAMPLE: '1' } });
  server.child.once('exit', code => {
    if (isEnding()) return;
    console.error(`The workbench server ended (exit code ${code}); its log is ${path.join(dir, 'server.log')}`);
    process.exit(1);
  });
  console.log(`
  ${server.url()}

1. Open this address in a browser on this machine.
2. Click the Cgroup Lens icon in the activity bar, at the left edge.
3. The sample host there is healthy. To see faults found and put right, choose Open Sample Capture With Faults
   from the menu (…) of Machines.

Ctrl+C stops it.`);
}

endOnSignals(0); // Ctrl+C is the normal end
main().catch(error => {
  if (isEnding()) return;
  console.error(`\n${error.message}`);
  process.exit(1);
});
