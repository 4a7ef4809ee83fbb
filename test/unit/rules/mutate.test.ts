import assert from 'node:assert/strict';
import { mutate } from '../../mutate/mutate';
import { type Changeable, HEALTHY_HOSTS, QEMU, SCOPE, model, snapshot } from '../fixtures';

/** `npm run mutate` makes all of them: here a small capture whole, and of each other every fiftieth. */
describe('a thread that is moved by hand', () => {
  for (const name of HEALTHY_HOSTS) {
    const every = name === 'guest-v2' ? 1 : 50;
    it(`${name}: is found, named right and put right, and nothing is said of others`, async () => {
      const { moves, ...counts } = await mutate(name, snapshot(name), move => move % every === 0);
      assert.ok(moves > 0);
      assert.deepEqual(counts, { found: moves, putRight: moves, pinsLost: 0, falseAlarms: 0, failures: [] });
    });
  }

  /** A thread of QEMU without a role is one of its workers. */
  const withWorker = (pid: number) => (copy: Changeable): void => {
    for (const [file, text] of [...copy.files]) if (new RegExp(`^/proc/${pid}/task/(?!${pid}/)\\d+/stat$`).test(file)) copy.files.set(file, text.replace('(qemu-system-x86)', '(worker)'));
  };
  it('a worker, which is where the emulator is or with the thread that started it', async () => {
    const raw = snapshot('guest-v2', withWorker(QEMU));
    assert.ok((await model(raw)).model.machines[0]!.threads.some(({ role }) => role.kind === 'worker'));
    const { moves, ...counts } = await mutate('a worker', raw);
    assert.ok(moves > 0);
    assert.deepEqual(counts, { found: moves, putRight: moves, pinsLost: 0, falseAlarms: 0, failures: [] });
  });

  /** The machine of guest-legacy in one cgroup that somebody made for it, wherever libvirt had one. */
  function inOne(directory: string): (copy: Changeable) => void {
    const rename = (path: string): string => path.replace(new RegExp(`${SCOPE.replace(/[\\.]/g, "\\$&")}(/libvirt)?(/\\w+)?$`), directory);
    return copy => {
      for (const [file, text] of [...copy.files]) if (/^\/proc\/492\/task\/\d+\/cgroup$/.test(file)) copy.files.set(file, text.split('\n').map(rename).join('\n'));
      for (const there of [...copy.directories]) {
        if (!there.includes(SCOPE)) continue;
        copy.directories.delete(there);
        copy.directories.add(rename(there));
      }
    };
  }
  for (const directory of ['/system.slice/vm.service', '/qemu.slice/100.scope']) {
    it(`out of ${directory}`, async () => {
      const { moves, pinsLost, ...counts } = await mutate(directory, snapshot('guest-legacy', inOne(directory)), move => move % 5 === 0);
      assert.ok(moves > 10, `${moves}`);
      assert.ok(pinsLost > 0, 'its threads are pinned, and Linux 6.1 forgets that');
      assert.deepEqual(counts, { found: moves, putRight: moves, falseAlarms: 0, failures: [] });
    });
  }

  it('out of a container of KubeVirt, and of its housekeeping', async () => {
    const pod = '/kubepods.slice/kubepods-pod01234567_89ab.slice/cri-containerd-0123456789abcdef.scope';
    const rename = (path: string): string => path.replace(new RegExp(`(cpuset.*)${SCOPE.replace(/[\\.]/g, '\\$&')}/libvirt/(?!vcpu)\\w+$`), `$1${pod}/housekeeping`).replace(new RegExp(`${SCOPE.replace(/[\\.]/g, '\\$&')}(/libvirt)?(/\\w+)?$`), pod);
    const raw = snapshot('guest-legacy', copy => {
      withWorker(492)(copy);
      for (const [file, text] of [...copy.files]) if (/^\/proc\/492\/task\/\d+\/cgroup$/.test(file)) copy.files.set(file, text.split('\n').map(rename).join('\n'));
      for (const there of [...copy.directories].filter(directory => directory.includes(SCOPE))) {
        copy.directories.delete(there);
        copy.directories.add(rename(there));
      }
    });
    const { model: host } = await model(raw);
    const places = host.machines[0]!.threads.map(({ membership }) => membership.places.get('cpuset')!.path.replace(pod, 'POD'));
    assert.deepEqual([...new Set(places)].sort(), ['POD', 'POD/housekeeping']);
    assert.ok(host.machines[0]!.threads.some(({ role }) => role.kind === 'worker'));
    const { moves, pinsLost, ...counts } = await mutate('KubeVirt', raw, move => move % 3 === 0);
    assert.ok(moves > 50 && pinsLost >= 0, `${moves}`);
    assert.deepEqual(counts, { found: moves, putRight: moves, falseAlarms: 0, failures: [] });
  });

  it('a capture in which something is wrong already is told as that', async () => {
    const { falseAlarms, failures } = await mutate('misplaced', snapshot('misplaced-vcpus'), () => false);
    assert.equal(falseAlarms, 3);
    assert.match(failures[0]!, /^misplaced: not healthy: vcpu-in-emulator, serial: vCPU 2 is in /);
  });
});
