import assert from 'node:assert/strict';
import type { Guest, Mode } from './support/guest';
import { saveCapture } from './support/captures';
import { type Look, type Scene, cgroupOf, groupOf, plain, scenario, threadOf, until } from './support/scene';

/** A domain that can grow, of that which every guest has: two of four vCPUs. */
const GROWING = `sed -e 's/<name>serial/<name>growing/' -e 's/11111111-/21111111-/' -e "s/<vcpu /<vcpu current='2' /" -e "/vcpupin vcpu='[23]'/d" /root/serial.xml >/run/growing.xml && virsh -q define /run/growing.xml`;

/**
 * What may happen to single threads, made with the tool that does it.
 *
 * Who puts back a thread that was moved by hand (systemd 252, libvirt 9.0, Linux 6.1): **nobody**, in no mode.
 *
 * | moved                                     | daemon-reload | libvirtd restart | vcpupin, same CPUs | vcpupin, other CPUs               |
 * |-------------------------------------------|---------------|------------------|--------------------|-----------------------------------|
 * | v2: vcpuN → emulator                      | stays         | stays            | exit 0, stays      | EINVAL, stays; vcpuN has the CPUs |
 * | v1: vcpuN → emulator in cpuset, cpu       | stays         | stays            | exit 0, stays      | EINVAL, stays; vcpuN has the CPUs |
 * | v1: vcpuN → / in these and `name=systemd` | stays         | not tried        | not tried          | not tried                         |
 *
 * What is put back is values: see the other scenarios.
 */
export function scenariosOfThreads(guest: () => Guest, mode: Mode, healthy: () => string): void {
  const isV2 = mode === 'v2';
  const cpuset = isV2 ? '0::' : 'cpuset';
  /** The hierarchies in which libvirt has a group for each thread. */
  const keys = isV2 ? ['0::'] : ['cpuset', 'cpu,cpuacct'];
  const tasks = isV2 ? 'cgroup.threads' : 'tasks';
  const save = (name: string, what: string, { raw }: Look): Promise<void> => saveCapture(guest(), `guest-${mode}-${name}`, what, raw);

  scenario('a pin outside the emulator\'s CPUs is the vCPU\'s own, and no fault', guest, healthy, async scene => {
    await scene.make('virsh -q vcpupin serial 0 1 --live', 'virsh -q vcpupin serial 0 0 --live');
    const { machine, text, findings } = await scene.look();
    const [vcpu, emulator] = [threadOf(machine, 'vCPU 0'), threadOf(machine, 'emulator')];
    assert.equal(cgroupOf(vcpu, cpuset).cpus?.toString(), '1');
    assert.equal(cgroupOf(emulator, cpuset).cpus?.toString(), '0');
    assert.equal(groupOf(vcpu, cpuset), 'vcpu0');
    assert.match(await scene.run('virsh vcpupin serial 0; virsh emulatorpin serial'), /0 +1\n[^]*\*: +0\n/);
    assert.match(plain(text), /vCPU 0 TID CPU 0\/TCG other 0 cpus 1\n/);
    assert.deepEqual(findings, []);
  });

  scenario('a vCPU moved by hand into emulator: seen, and put back by nobody', guest, healthy, async scene => {
    const move = (key: string, to: string): string => `echo "$(tid 'CPU 2/TCG')" >"$(group ${key} ${to})/${tasks}"`;
    // The pin is written at last: kernels before 6.2 forget it at each move into another cpuset.
    const back = [...keys.map(key => move(key, 'vcpu2')), 'virsh -q vcpupin serial 2 0 --live'].join(' && ');
    for (const [i, key] of keys.entries()) {
      await scene.make(move(key, 'emulator'), i === 0 ? back : undefined);
      const { findings, layout } = await scene.look();
      assert.deepEqual([...findings].sort(), keys.slice(0, i + 1).map(moved => `vcpu-in-emulator vCPU 2 ${moved}`).sort());
      assert.equal(layout.kind, 'libvirt with systemd');
    }
    const stays = async (after: string): Promise<Look> => {
      const look = await scene.look();
      for (const key of keys) assert.equal(groupOf(threadOf(look.machine, 'vCPU 2'), key), 'emulator', `${key}: ${after}`);
      assert.equal(look.findings.length, keys.length);
      return look;
    };
    await scene.run('systemctl daemon-reload');
    await save('moved-by-hand', 'vCPU 2 of the domain was written to its group emulator by hand; systemctl daemon-reload, which puts nothing back.', await stays('systemctl daemon-reload'));
    await restartLibvirtd(scene);
    await stays('a restart of libvirtd');
    await scene.run('virsh -q vcpupin serial 2 0 --live');
    await stays('virsh vcpupin with the CPUs it has');
    await assert.rejects(scene.run('virsh -q vcpupin serial 2 1 --live'), /cannot set CPU affinity on process \d+: Invalid argument/);
    const { machine, model } = await stays('virsh vcpupin with other CPUs');
    const emulator = cgroupOf(threadOf(machine, 'emulator'), cpuset).path;
    const vcpu2 = model.hierarchies.find(({ key }) => key === cpuset)!.cgroups.get(emulator.replace(/emulator$/, 'vcpu2'));
    assert.equal(vcpu2?.cpus?.toString(), '1', 'libvirt writes the group before it fails at the thread');
  });

  // A single thread stays in its domain (cgroup-v2.rst, "Threads"), and a cgroup that gives out domain controllers takes nobody.
  if (isV2) scenario('a vCPU moved by hand out of all that is the domain\'s: the kernel refuses (v2)', guest, healthy, async scene => {
    await assert.rejects(scene.run(`echo "$(tid 'CPU 2/TCG')" >/sys/fs/cgroup/machine.slice/cgroup.threads`), /Operation not supported|I\/O error/);
  });

  // In v1 every thread may go anywhere.
  if (!isV2) scenario('a vCPU moved by hand out of all that is the domain\'s: seen, and put back by nobody (v1)', guest, healthy, async scene => {
    const all = [...keys, 'systemd'];
    const scope = `"$(sed -n 's|^[0-9]*:name=systemd:|/sys/fs/cgroup/systemd|p' /proc/$pid/cgroup)/tasks"`;
    const back = [...keys.map(key => `echo $it >"$(group ${key} vcpu2)/tasks"`), `echo $it >${scope}`, 'virsh -q vcpupin serial 2 0 --live'].join(' && ');
    await scene.make(`it=$(tid 'CPU 2/TCG'); for tree in ${all.join(' ')}; do echo $it >/sys/fs/cgroup/$tree/tasks; done`, `it=$(tid 'CPU 2/TCG'); ${back}`);
    for (const what of ['true', 'systemctl daemon-reload']) {
      await scene.run(what);
      const { machine, findings, layout } = await scene.look();
      for (const key of [...keys, 'name=systemd']) assert.equal(threadOf(machine, 'vCPU 2').membership.places.get(key)?.path, '/', `${key} after ${what}`);
      assert.deepEqual([...findings].sort(), [...keys, 'name=systemd'].map(key => `thread-outside-layout vCPU 2 ${key}`).sort());
      assert.equal(layout.kind, 'libvirt with systemd');
    }
  });

  scenario('a vCPU plugged in has a group of its own, and the CPUs of the whole domain until it is pinned', guest, healthy, async scene => {
    const growing = scene.of('growing');
    await scene.make(`${GROWING} && virsh -q start growing`, 'virsh -q destroy growing; virsh -q undefine growing; rm /run/growing.xml');
    const two = await growing.look();
    assert.deepEqual(vcpus(two), ['vCPU 0 vcpu0 0', 'vCPU 1 vcpu1 1']);
    await growing.run('sleep 6; virsh setvcpus growing 3 --live'); // one that begins with the others is not taken for plugged in
    const three = await growing.look();
    assert.deepEqual(vcpus(three), ['vCPU 0 vcpu0 0', 'vCPU 1 vcpu1 1', 'vCPU 2 vcpu2 0-1']);
    for (const key of keys) assert.equal(groupOf(threadOf(three.machine, 'vCPU 2'), key), 'vcpu2');
    assert.deepEqual(three.findings, []);
    assert.ok(three.rules.includes('hotplugged-vcpu-unpinned'), three.rules.join());
    assert.match(plain(three.text), /vCPU 2 TID CPU 2\/TCG other 0 cpus 0-1\n/);
    await save('hotplug', 'A domain growing of two vCPUs, beside serial: virsh setvcpus --live plugged in a third, which nobody has pinned yet.', three);
    // Firmware alone does not let go of a CPU; libvirt then takes back nothing.
    await assert.rejects(growing.run('virsh setvcpus growing 2 --live'), /device_del|unplug/);
    assert.deepEqual(vcpus(await growing.look()), vcpus(three));
    await growing.run('virsh -q vcpupin growing 2 1 --live');
    assert.deepEqual(vcpus(await growing.look())[2], 'vCPU 2 vcpu2 1');
  });

  function vcpus({ machine }: Look): string[] {
    return machine.threads.filter(({ role }) => role.kind === 'vcpu').map(thread => `vCPU ${thread.role.id} ${groupOf(thread, cpuset)} ${thread.cpusAllowed?.toString()}`);
  }
}

/** It has reconnected to the domain when it knows how to talk to its QEMU. */
async function restartLibvirtd(scene: Scene): Promise<void> {
  await scene.run('systemctl restart libvirtd');
  await until(() => scene.run('virsh domcontrol serial').then(said => said.startsWith('ok'), () => false), 'libvirtd is back');
}
