import assert from 'node:assert/strict';
import { cleanUp, PREFIX } from '../kernel/support/cleanUp';
import { runOracle } from '../oracle/oracle';
import { Guest, type Mode } from './support/guest';

interface Case {
  readonly mode: Mode;
  readonly operations: number;
  readonly seed: number;
  /** Answers of which some must have been met: that they were predicted says nothing otherwise. */
  readonly met: readonly RegExp[];
}

const EVERYWHERE: readonly RegExp[] = [
  /^move cgroup\.procs accepted$/, /^move cgroup\.threads accepted$/, /^move cgroup\.threads EOPNOTSUPP$/, /^affinity accepted$/, /^affinity EINVAL$/, /^scheduling accepted$/,
  /^make accepted$/, /^make EEXIST$/, /^make EINVAL$/, /^remove accepted$/, /^remove EBUSY$/, /^remove ENOENT$/,
  /^write cgroup\.type accepted$/, /^write cgroup\.type EOPNOTSUPP$/, /^write cgroup\.subtree_control E/, /^write cpuset\.cpus accepted$/, /^write cpuset\.cpus EINVAL$/, /^write cpuset\.cpus ERANGE$/, /^write pids\.max accepted$/,
];

const CASES: readonly Case[] = [
  {
    mode: 'v2',
    operations: 10_000,
    seed: 5,
    met: [
      ...EVERYWHERE,
      /^move cgroup\.threads EBUSY$/, /^move cgroup\.procs EBUSY$/, /^write cgroup\.type EINVAL$/,
      /^write cgroup\.subtree_control accepted$/, /^write cgroup\.subtree_control EBUSY$/, /^write cgroup\.subtree_control EOPNOTSUPP$/, /^write cgroup\.subtree_control ENOENT$/, /^write cgroup\.subtree_control EINVAL$/,
      /^write cpuset\.cpus\.partition accepted: (root|isolated) invalid \(/, /^write cpuset\.cpus\.partition accepted: member$/, /^write cpuset\.cpus\.partition EINVAL$/,
      /^write cpu\.max accepted$/, /^write cpu\.max EINVAL$/, /^write cpu\.weight ERANGE$/, /^write cpuset\.cpus ENOSPC$/,
    ],
  },
  {
    mode: 'hybrid',
    operations: 2000,
    seed: 5,
    met: [
      ...EVERYWHERE,
      /^move tasks accepted$/, /^move tasks ENOSPC$/, /^write cpuset\.cpus EACCES$/, /^write cpuset\.cpus EBUSY$/, /^write cpu\.cfs_quota_us accepted$/, /^write cpu\.cfs_quota_us EINVAL$/,
      /^write cpu\.shares accepted$/, /^write freezer\.state accepted$/,
    ],
  },
];

/**
 * The kernel's own answers in a guest of ours, where all controllers may be turned on. Nothing else is started in it. By
 * hand: `npm run oracle -- --host guest-v2 --ssh-config FILE --enable-controllers --seed N`, with a guest that
 * CGROUP_LENS_KEEP_GUEST keeps (support/guest.ts).
 */
for (const { mode, operations, seed, met } of CASES) {
  describe(`the kernel of a guest in ${mode} mode agrees with what is predicted of it`, function () {
    this.timeout(1_800_000);
    let guest: Guest;
    before(async () => {
      guest = await Guest.boot(mode);
      // A unit that starts has systemd turn off controllers that it did not turn on.
      await guest.run("systemctl stop '*.timer'");
    });
    after(async () => {
      await guest?.end();
      await cleanUp();
    });

    it(`in ${operations} random operations with seed ${seed}`, async () => {
      const said: string[] = [];
      const shell = ['ssh', '-F', guest.sshConfig, '-T', '--', guest.name(), 'exec sh'];
      const result = await runOracle({ shell, operations, seed, prefix: `${PREFIX}-oracle`, enableControllers: true, signal: new AbortController().signal, report: line => void said.push(line) });
      assert.deepEqual({ operations: result.operations, disagreements: result.disagreements, said }, { operations, disagreements: 0, said: [] });
      assert.ok(result.meanSize <= 1.05, `${result.open} left open, mean size ${result.meanSize}`);
      const seen = [...result.seen.keys()];
      assert.deepEqual(met.filter(answer => !seen.some(name => answer.test(name))).map(String), [], `met were only ${seen.sort().join('; ')}`);
    });
  });
}
