import assert from 'node:assert/strict';
import type { Change, Plan } from '../../../src/core/plan/plan';
import { makePlan } from '../../../src/core/plan/makePlan';
import { printPlan } from '../../../src/core/plan/print';
import { parseCpuList } from '../../../src/core/parse/cpuList';
import { type HostName, SCOPE, machine, modelOf } from '../fixtures';

const LIBVIRT = `${SCOPE}/libvirt`;

async function ownersWay(host: HostName, wanted: (thread: (kind: string, id?: string) => Extract<Change, { thread: unknown }>['thread']) => Change[]): Promise<Plan | undefined> {
  const { model } = await modelOf(host);
  const serial = machine(model, 'serial');
  return makePlan(model, serial, wanted((kind, id) => serial.threads.find(({ role }) => role.kind === kind && (id === undefined || role.id === id))!), { expert: true, virsh: ['virsh'] }).plan?.ownersWay;
}

const words = (plan: Plan | undefined): string[] => (plan?.steps ?? []).map(({ action }) => (action.kind === 'tool' ? action.argv.join(' ') : action.kind));
const back = (plan: Plan | undefined): string[] => (plan?.steps ?? []).flatMap(({ undo }) => undo.actions.map(action => (action.kind === 'tool' ? action.argv.join(' ') : action.kind)));
const cpus = parseCpuList('0')!;
const quota = (path: string, hierarchy: string, to: { quota: number | 'max'; period: number }): Change => ({ kind: 'quota', hierarchy, path, to });

describe('the owner\'s own way', () => {
  for (const host of ['guest-v2', 'guest-hybrid', 'host-v1-libvirt'] as const) {
    it(`${host}: pins of threads that are where libvirt has put them`, async () => {
      assert.deepEqual(words(await ownersWay(host, thread => [{ kind: 'pin', thread: thread('vcpu', '2'), cpus }])), ['virsh vcpupin --domain serial --vcpu 2 --cpulist 0 --live']);
      assert.deepEqual(words(await ownersWay(host, thread => [{ kind: 'pin', thread: thread('emulator'), cpus }])), ['virsh emulatorpin --domain serial --cpulist 0 --live']);
    });
  }

  it('a name that virsh takes for an id or a UUID reaches no other machine', async () => {
    const { model } = await modelOf('guest-v2');
    const serial = machine(model, 'serial');
    const domain = (of: Partial<typeof serial>): string | undefined => {
      const named = { ...serial, ...of };
      const changes: Change[] = [{ kind: 'pin', thread: serial.threads.find(({ role }) => role.kind === 'emulator')!, cpus }];
      return words(makePlan({ ...model, machines: [named] }, named, changes, { expert: true }).plan?.ownersWay)[0]?.replace(/.* --domain (.*) --cpulist .*/, '$1');
    };
    const other = '99999999-2222-4333-8444-555555555555';
    for (const name of ['7', ' 7', '+7', other, other.replaceAll('-', ''), other.toUpperCase(), ` ${other}`]) {
      assert.deepEqual([name, domain({ name }), domain({ name, uuid: undefined }), domain({ name, uuid: '7' })], [name, serial.uuid, undefined, undefined]);
    }
    for (const name of ['-dash', '7a', `${other}a`, '--config']) assert.equal(domain({ name, uuid: undefined }), name);
  });

  it('is shown as a shell would take it', async () => {
    const { model } = await modelOf('guest-v2');
    const serial = { ...machine(model, 'serial'), name: "it's $(reboot)\u202e\n" };
    const pinned = makePlan({ ...model, machines: [serial] }, serial, [{ kind: 'pin', thread: serial.threads.find(({ role }) => role.kind === 'emulator')!, cpus }], { expert: true, virsh: ['virsh'] }).plan!;
    const shown = String.raw`newline=$(printf '\n.'); virsh emulatorpin --domain 'it'\''s $(reboot)'"$(printf '\342\200\256')""${'$'}{newline%.}" --cpulist 0 --live`;
    assert.ok(printPlan(pinned).includes(`\n  ${shown}\n`), printPlan(pinned));
    assert.ok(printPlan(pinned.ownersWay!).includes(`\n   ${shown}\n`), printPlan(pinned.ownersWay!));
    const weighed = (await ownersWay('guest-v2', () => [{ kind: 'set', hierarchy: '0::', path: SCOPE, file: 'cpu.weight', value: '50' }]))!;
    assert.match(printPlan(weighed), /systemctl set-property --runtime -- 'machine-qemu\\x2d1\\x2dserial\.scope' CPUWeight=50\n/);
  });

  it('none for groups that a user has laid out like libvirt\'s: the domain of that name is another', async () => {
    const scope = '/user.slice/user-1000.slice/user@1000.service/app.slice/qemu-x.scope';
    const { model } = await modelOf('guest-v2', copy => {
      for (const [name, text] of copy.files) if (/^\/proc\/\d+\/task\/\d+\/cgroup$/.test(name)) copy.files.set(name, text.replaceAll(SCOPE, scope));
    });
    const serial = machine(model, 'serial');
    const [vcpu] = serial.threads.filter(({ role }) => role.kind === 'vcpu');
    assert.match(vcpu!.membership.places.get('0::')!.path, /^\/user\.slice\/.*\/libvirt\/vcpu\d$/);
    assert.equal(makePlan(model, serial, [{ kind: 'pin', thread: vcpu!, cpus: 'all' }], { expert: true, virsh: ['virsh'] }).plan?.ownersWay, undefined);
  });

  it('looks first whether all is as it was read', async () => {
    const pinned = await ownersWay('guest-v2', thread => [{ kind: 'pin', thread: thread('vcpu', '2'), cpus }]);
    assert.deepEqual(new Set(pinned!.steps[0]!.preconditions.map(({ kind }) => kind)), new Set(['idle', 'alive', 'place']));
    const both = await ownersWay('guest-hybrid', () => [quota(`${LIBVIRT}/vcpu2`, 'cpu,cpuacct', { quota: 20000, period: 50000 })]);
    assert.deepEqual(both!.steps.map(({ preconditions }) => preconditions.map(condition => (condition.kind === 'value' ? `${condition.file} ${condition.value}` : condition.kind))), [['idle', 'cpu.cfs_quota_us 50000', 'cpu.cfs_period_us 100000'], []]);
  });

  it('none for a thread that is elsewhere: vcpupin would leave it there', async () => {
    assert.equal(await ownersWay('misplaced-vcpus', thread => [{ kind: 'pin', thread: thread('vcpu', '2'), cpus }]), undefined);
  });

  it('none for a worker, and none where one change of several has none', async () => {
    assert.equal(await ownersWay('guest-v2', thread => [{ kind: 'pin', thread: thread('other'), cpus }]), undefined);
    assert.equal(await ownersWay('guest-v2', thread => [{ kind: 'pin', thread: thread('vcpu', '2'), cpus }, { kind: 'pin', thread: thread('other'), cpus }]), undefined);
  });

  it('a quota of one vCPU is libvirt\'s for all of them, and that is said', async () => {
    for (const [host, hierarchy] of [['guest-v2', '0::'], ['guest-hybrid', 'cpu,cpuacct']] as const) {
      const way = await ownersWay(host, () => [quota(`${LIBVIRT}/vcpu2`, hierarchy, { quota: 20000, period: 50000 })]);
      assert.deepEqual(words(way), ['virsh schedinfo --domain serial --live --set vcpu_period=50000', 'virsh schedinfo --domain serial --live --set vcpu_quota=20000'], host);
      assert.ok(way?.warnings.some(({ because }) => because.id === 'owners-tool-all'));
      assert.deepEqual(back(way), ['virsh schedinfo --domain serial --live --set vcpu_period=100000', 'virsh schedinfo --domain serial --live --set vcpu_quota=50000'], host);
    }
  });

  it('what a unit has is systemd\'s', async () => {
    assert.deepEqual(words(await ownersWay('guest-v2', () => [quota(SCOPE, '0::', { quota: 150_000, period: 100_000 })])), [String.raw`systemctl set-property --runtime -- machine-qemu\x2d1\x2dserial.scope CPUQuota=150%`]);
    assert.deepEqual(words(await ownersWay('guest-v2', () => [{ kind: 'set', hierarchy: '0::', path: SCOPE, file: 'cpu.weight', value: '50' }])), [String.raw`systemctl set-property --runtime -- machine-qemu\x2d1\x2dserial.scope CPUWeight=50`]);
  });

  it('a unit\'s period is named where it is not the usual one, and there is a way back in v1 too', async () => {
    const unit = String.raw`systemctl set-property --runtime -- machine-qemu\x2d1\x2dserial.scope`;
    for (const [host, hierarchy] of [['guest-v2', '0::'], ['guest-hybrid', 'cpu,cpuacct']] as const) {
      const way = await ownersWay(host, () => [quota(SCOPE, hierarchy, { quota: 100_000, period: 50_000 })]);
      assert.deepEqual([words(way), back(way)], [[`${unit} CPUQuota=200% CPUQuotaPeriodSec=50000us`], [`${unit} CPUQuota= CPUQuotaPeriodSec=`]], host);
    }
  });

  it('an empty cpuset cannot be emptied again: its CPUs are named, and that is said', async () => {
    const way = await ownersWay('guest-v2', () => [{ kind: 'set', hierarchy: '0::', path: SCOPE, file: 'cpuset.cpus', value: '0' }]);
    assert.deepEqual(back(way), [String.raw`systemctl set-property --runtime -- machine-qemu\x2d1\x2dserial.scope AllowedCPUs=0-1`]);
    assert.ok(way?.warnings.some(({ because }) => because.id === 'owners-tool-not-emptied'));
    const { model } = await modelOf('guest-v2');
    const { plan } = makePlan(model, machine(model, 'serial'), [{ kind: 'set', hierarchy: '0::', path: SCOPE, file: 'cpuset.cpus', value: '0' }], { expert: true });
    assert.match(printPlan(plan!), /by the owner's own tool\n {2}systemctl [^\n]*\n {2}cpuset\.cpus of [^\n]* is empty and cannot be emptied again/, 'where it is offered');
  });

  it('the cpuset of a thread\'s group is its pin to libvirt', async () => {
    for (const [host, hierarchy] of [['guest-v2', '0::'], ['guest-hybrid', 'cpuset']] as const) {
      const set = (value: string): Change => ({ kind: 'set', hierarchy, path: `${LIBVIRT}/vcpu2`, file: 'cpuset.cpus', value });
      for (const changes of [[], ['1']]) {
        const way = await ownersWay(host, thread => [set('1'), ...changes.map((list): Change => ({ kind: 'pin', thread: thread('vcpu', '2'), cpus: parseCpuList(list)! }))]);
        assert.deepEqual([words(way), back(way)], [['virsh vcpupin --domain serial --vcpu 2 --cpulist 1 --live'], ['virsh vcpupin --domain serial --vcpu 2 --cpulist 0 --live']], host);
      }
      assert.equal(await ownersWay(host, thread => [set('0-1'), { kind: 'pin', thread: thread('vcpu', '2'), cpus: parseCpuList('1')! }]), undefined);
    }
  });

  it('keeps what the plan warns of, and not that the owner would write again', async () => {
    const { model } = await modelOf('guest-v2');
    const serial = machine(model, 'serial');
    const vcpu = serial.threads.find(({ role }) => role.kind === 'vcpu')!;
    const { plan } = makePlan(model, serial, [{ kind: 'pin', thread: vcpu, cpus }], { expert: false, warnings: [{ id: 'edited-thread-gone', details: { tid: 1 } }] });
    assert.deepEqual(plan?.ownersWay?.warnings.map(({ because }) => because.id), ['edited-thread-gone', 'owners-tool']);
  });
});
