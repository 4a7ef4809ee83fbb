import { parseArgs } from 'node:util';
import { runOracle } from './oracle';

/**
 * `npm run oracle -- --operations 10000 --seed 1`, on this machine; `--verbose` counts the answers that were met.
 * `--host H`: there, as root, by OpenSSH; `--ssh-config FILE`: as this file knows it. `--enable-controllers` may turn cpu and
 * cpuset on in v2's root. On a guest of the tests (CGROUP_LENS_KEEP_GUEST of test/guests/support/guest.ts keeps one running):
 * `npm run oracle -- --host guest-v2 --ssh-config FOLDER/v2/ssh_config --enable-controllers --operations 10000`
 */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { operations: { type: 'string' }, seed: { type: 'string' }, host: { type: 'string' }, 'ssh-config': { type: 'string' }, 'enable-controllers': { type: 'boolean' }, verbose: { type: 'boolean' } } });
  const ssh = ['ssh', ...(values['ssh-config'] === undefined ? [] : ['-F', values['ssh-config']]), '-T', '--', values.host ?? ''];
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => controller.abort()); // what is under way ends, and all is removed
  const result = await runOracle({
    shell: [...(values.host === undefined ? [] : ssh), 'sh'],
    operations: Number(values.operations ?? 1000),
    seed: Number(values.seed ?? 1),
    prefix: `cgroup-lens-oracle-${process.pid}`,
    enableControllers: values['enable-controllers'] ?? false,
    signal: controller.signal,
    report: line => console.log(line),
  });
  if (values.verbose) for (const [name, count] of [...result.seen].sort(([a], [b]) => (a < b ? -1 : 1))) console.log(`${String(count).padStart(6)} ${name}`);
  console.log(`mean size of predicted sets: ${result.meanSize.toFixed(4)} (${result.open} of ${result.operations} left something open)`);
  console.log(`oracle: ${result.operations} operations, ${result.disagreements} disagreements`);
  if (result.disagreements > 0 || controller.signal.aborted) process.exitCode = 1;
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
