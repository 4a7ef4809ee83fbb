import assert from 'node:assert/strict';
import { LiveSource } from '../../src/core/collect/collect';
import { DEFAULT_QEMU_EXECUTABLES, HELPERS, MANAGERS } from '../../src/core/collect/script';
import { buildModel } from '../../src/core/model/buildModel';
import type { Cgroup } from '../../src/core/model/hostModel';
import { saveCapture } from './support/captures';
import type { Guest, Mode } from './support/guest';
import { type Look, cgroupOf, groupOf, plain, scenario, threadOf, until } from './support/scene';

/** In a service of its own, below which an administrator may make cgroups; and one that can be reloaded. */
const IN_SERVICE = `systemd-run -q --unit=by-service -p Delegate=yes -p ExecReload=/bin/true qemu-system-x86_64 -name guest=service,debug-threads=on \\
  -accel tcg,thread=multi -smp 2 -m 32 -S -display none -nodefaults -pidfile /run/by-service.pid`;
const SERVICE = '/sys/fs/cgroup/system.slice/by-service.service';

/** What happens to a host, and so to all machines on it. */
export function scenariosOfHost(guest: () => Guest, mode: Mode, healthy: () => string): void {
  const isV2 = mode === 'v2';
  const save = (name: string, what: string, { raw }: Look): Promise<void> => saveCapture(guest(), `guest-${mode}-${name}`, what, raw);

  scenario('a CPU taken offline and back: v2 gives it back by itself, v1 never', guest, healthy, async scene => {
    const key = isV2 ? '0::' : 'cpuset';
    await scene.make('echo 0 >/sys/devices/system/cpu/cpu1/online', `echo 1 >/sys/devices/system/cpu/cpu1/online${isV2 ? '' : `\n${MENDED}`}`);
    const off = await scene.look();
    assert.equal(off.model.topology.online?.toString(), '0');
    assert.equal(off.model.topology.possible?.toString(), '0-1');
    const vcpu = threadOf(off.machine, 'vCPU 1');
    if (isV2) {
      assert.deepEqual([groupOf(vcpu, key), cgroupOf(vcpu, key).cpus?.toString(), cgroupOf(vcpu, key).cpusEffective?.toString()], ['vcpu1', '1', '0']);
      assert.match(plain(off.text), /vCPU 1 TID CPU 1\/TCG other 0 cpus 0\n [^\n]*vcpu1 type threaded cpus 1 effective 0/);
      assert.deepEqual(off.findings, []);
    } else {
      // The group is left without a CPU, and the kernel moves its tasks to the next one above that has any (cgroup-v1/cpusets.rst, 1.4).
      assert.equal(groupOf(vcpu, key), 'libvirt');
      assert.equal(groupOf(vcpu, 'cpu,cpuacct'), 'vcpu1');
      assert.equal(groupOf(threadOf(off.machine, 'I/O thread iothread1'), key), 'libvirt');
      assert.deepEqual(off.findings, ['vCPU 1', 'vCPU 3', 'I/O thread iothread1'].map(who => `thread-outside-layout ${who} cpuset`));
    }
    await save('cpu-offline', 'CPU 1, on which half of the domain is pinned, was taken offline (/sys/devices/system/cpu/cpu1/online).', off);
    await scene.run('echo 1 >/sys/devices/system/cpu/cpu1/online');
    const on = await scene.look();
    assert.equal(on.model.topology.online?.toString(), '0-1');
    if (isV2) assert.equal(plain(on.text), healthy());
    else {
      const slice = on.model.hierarchies.find(hierarchy => hierarchy.key === key)!.cgroups.get('/machine.slice');
      assert.equal(slice?.cpus?.toString(), '0', 'nothing below the root gets a CPU back');
      assert.deepEqual(on.findings, off.findings);
      assert.ok(on.rules.includes('v1-hotplug-shrink'), on.rules.join());
      // libvirt finds nothing wrong: it pins where the group should be, and the thread is not in it.
      await assert.rejects(scene.run('virsh -q vcpupin serial 1 1 --live'), /Permission denied|Invalid argument/);
    }
  });

  // systemd has no AllowedCPUs= in v1.
  if (isV2) scenario('a slice that is narrower than a pin: the pin is configured, and has no effect (v2)', guest, healthy, async scene => {
    // No group with tasks can be emptied again before Linux 7.0 (ENOSPC): what systemd wrote goes with the domain alone.
    await scene.make('systemctl set-property --runtime machine.slice AllowedCPUs=0', 'systemctl set-property --runtime machine.slice AllowedCPUs=; virsh -q destroy serial; virsh -q start serial');
    const narrow = await scene.look();
    const vcpu = cgroupOf(threadOf(narrow.machine, 'vCPU 1'), '0::');
    assert.deepEqual([vcpu.cpus?.toString(), vcpu.cpusEffective?.toString()], ['1', '0']);
    assert.match(plain(narrow.text), /vCPU 1 TID CPU 1\/TCG other 0 cpus 0\n [^\n]*vcpu1 type threaded cpus 1 effective 0/);
    assert.match(plain(narrow.text), /\nabove\n(.*\n)* 0:: \/machine\.slice cpus 0\n/);
    assert.deepEqual(narrow.findings, []);
    assert.ok(narrow.rules.includes('silent-inherit'), narrow.rules.join());
    await save('allowed-cpus', 'systemctl set-property --runtime machine.slice AllowedCPUs=0, while half of the domain is pinned to CPU 1.', narrow);
    await scene.run('systemctl set-property --runtime machine.slice AllowedCPUs=');
    assert.match(await scene.run('systemctl show -p AllowedCPUs machine.slice'), /^AllowedCPUs=$/m);
    assert.equal(plain((await scene.look()).text), plain(narrow.text), 'systemd forgets its value and leaves it in the kernel');
    await assert.rejects(scene.run('echo >/sys/fs/cgroup/machine.slice/cpuset.cpus'));
    await scene.run('echo 0-1 >/sys/fs/cgroup/machine.slice/cpuset.cpus');
    const wide = await scene.look();
    assert.equal(threadOf(wide.machine, 'vCPU 1').cpusAllowed?.toString(), '1');
    assert.match(plain(wide.text), /\nabove\n(.*\n)* 0:: \/machine\.slice cpus 0-1\n/);
  });

  // v1 has no types.
  if (isV2) scenario('a threaded cgroup straight under a unit: the unit becomes its domain, and systemd can run nothing in it (v2)', guest, healthy, async scene => {
    const service = scene.of('service', '/run/by-service.pid');
    await scene.make(IN_SERVICE, 'systemctl stop by-service; rm -f /run/by-service.pid; systemctl reset-failed by-service 2>/dev/null || :');
    await until(() => service.run('test -s /run/by-service.pid && test -n "$(tid "CPU 1/TCG")"').then(() => true, () => false), 'QEMU has started');
    await service.run(`mkdir ${SERVICE}/fast && echo threaded >${SERVICE}/fast/cgroup.type && echo "$(tid 'CPU 1/TCG')" >${SERVICE}/fast/cgroup.threads`);
    const types = (look: Look): (string | undefined)[] => ['emulator', 'vCPU 1'].map(role => cgroupOf(threadOf(look.machine, role), '0::').type);
    const made = await service.look();
    assert.deepEqual(types(made), ['domain threaded', 'threaded']);
    assert.equal(made.layout.kind, 'systemd unit');
    assert.match(made.text, /type domain threaded/);
    assert.ok(made.rules.includes('threaded-directly-under-unit'), made.rules.join());
    await scene.run('systemctl daemon-reload');
    assert.deepEqual(types(await service.look()), ['domain threaded', 'threaded'], 'systemd lets it be');
    // It makes .control below the unit for its own process, and that is no domain that is valid: 219/CGROUP (systemd#22486).
    await assert.rejects(scene.run('systemctl reload by-service'));
    assert.match(await scene.run('systemctl show -p ReloadResult -p ActiveState by-service'), /ReloadResult=exit-code[^]*ActiveState=active|ActiveState=active[^]*ReloadResult=exit-code/);
    const all = await everyCgroup(guest());
    assert.equal(all.get('/system.slice/by-service.service/.control')?.type, 'domain invalid');
    await save('threaded-under-unit', 'Beside serial a QEMU in a service with Delegate=yes; one of its vCPUs in a threaded cgroup made straight under the service.', made);
  });

  // v1 has no controllers to enable.
  if (isV2) scenario('a controller enabled by hand: systemd takes it away when it next thinks of that slice (v2)', guest, healthy, async scene => {
    const enabled = async (): Promise<boolean> => (await everyCgroup(guest())).get('/system.slice')!.subtreeControl!.includes('cpuset');
    assert.equal(await enabled(), false);
    const back = 'systemctl stop by-hand 2>/dev/null; echo -cpuset >/sys/fs/cgroup/system.slice/cgroup.subtree_control';
    await scene.make('echo +cpuset >/sys/fs/cgroup/system.slice/cgroup.subtree_control', back);
    assert.equal(await enabled(), true);
    await scene.run('systemd-run -q --unit=by-hand sleep infinity; systemctl stop by-hand');
    assert.equal(await enabled(), true, 'a service that comes and goes changes nothing');
    await scene.run('systemctl daemon-reload');
    await until(async () => !(await enabled()), 'daemon-reload takes it away');
    await scene.run('echo +cpuset >/sys/fs/cgroup/system.slice/cgroup.subtree_control; systemd-run -q --unit=by-hand -p Delegate=yes sleep infinity; systemctl stop by-hand');
    await until(async () => !(await enabled()), 'and so does the end of a unit that had wanted it itself');
    // What systemd has no setting for, it does not touch: hugetlb, rdma, misc.
    await scene.make('echo +misc >/sys/fs/cgroup/cgroup.subtree_control', 'echo -misc >/sys/fs/cgroup/cgroup.subtree_control');
    await scene.run('systemctl daemon-reload; sleep 2');
    assert.ok((await everyCgroup(guest())).get('/')!.subtreeControl!.includes('misc'));
  });
}

/** Puts back what v1's cpusets lost with CPU 1: from the top to the groups, then the threads, then their pins, which kernels before 6.2 forget. */
const MENDED = `
  libvirt=$(group cpuset .)
  for above in ../.. .. .; do echo 0-1 >"$libvirt/$above/cpuset.cpus"; done
  for name in vcpu1 vcpu3 iothread1; do
    comm="CPU \${name#vcpu}/TCG"; if [ $name = iothread1 ]; then comm='IO iothread1'; fi
    echo 1 >"$libvirt/$name/cpuset.cpus" && echo "$(tid "$comm")" >"$libvirt/$name/tasks"
  done
  virsh -q vcpupin serial 1 1 --live; virsh -q vcpupin serial 3 1 --live; virsh -q iothreadpin serial 1 1 --live
`;

/** As the Cgroups view has them, when a person wants to see all. */
async function everyCgroup(guest: Guest): Promise<ReadonlyMap<string, Cgroup>> {
  const source = new LiveSource(guest.name(), guest.host(), () => ({ qemuExecutables: DEFAULT_QEMU_EXECUTABLES, asRoot: false, allCgroups: true }));
  const raw = await source.collect(new AbortController().signal);
  const { model } = await buildModel(raw, source, { qemu: DEFAULT_QEMU_EXECUTABLES, managers: MANAGERS, helpers: HELPERS });
  return model.hierarchies.find(({ key }) => key === '0::')!.cgroups;
}
