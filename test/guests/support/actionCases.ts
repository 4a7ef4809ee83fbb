import type { Change } from '../../../src/core/plan/plan';
import type { ActionLab } from './actionLab';

/** One plan, as a person would ask for it, and what tools read that is not as before once it is done. */
export interface Case {
  readonly name: string;
  readonly changes: (lab: ActionLab) => readonly Change[];
  /** All that differs then, whatever it is. Empty text: gone. */
  readonly expected: (lab: ActionLab) => Readonly<Record<string, string>>;
  /** Asked for without expert mode it is refused, for this reason. */
  readonly expert?: string;
  /** Why the machine's name has to be typed for it. */
  readonly typed?: string;
  /** What the plan says of its way back, where it is not exact. */
  readonly bestEffort?: (lab: ActionLab) => readonly string[];
  readonly only?: 'v2' | 'v1';
  /** A step says that the kernel forgets a pin (Linux before 6.2), and the way back pins again. */
  readonly forgets?: true;
}

/** Cases that do not meet: one look is enough for all of them. `then`: what is done on top of it, and undone before it. */
export interface Round {
  readonly cases: readonly Case[];
  readonly then?: Round;
}

const moved = (lab: ActionLab, thread: string, to: string): Record<string, string> => Object.fromEntries(lab.grouped.map(key => [`${thread} in ${key}`, `S/${to}`]));
const cpuset = (lab: ActionLab, group: string, cpus: string): Record<string, string> => ({
  [lab.file(`S/${group}`, 'cpuset.cpus')]: cpus,
  [lab.file(`S/${group}`, lab.isV2 ? 'cpuset.cpus.effective' : 'cpuset.effective_cpus')]: cpus,
});

const made = (lab: ActionLab, group: string): Record<string, string> => Object.fromEntries(lab.grouped.map(key => [`${key} S/${group}`, 'there']));
const gone = (lab: ActionLab, group: string): Record<string, string> => Object.fromEntries(lab.grouped.map(key => [`${key} S/${group}`, '']));

export const ROUNDS: readonly Round[] = [
  {
    cases: [
      {
        name: 'move a vCPU to the emulator',
        changes: lab => lab.moves('vCPU 1', 'emulator'),
        expected: lab => ({ ...moved(lab, 'vCPU 1', 'emulator'), 'vCPU 1 cpus': '0' }),
      },
      {
        name: 'make cgroups within another, and move an I/O thread there',
        changes: lab => [...lab.makes('new/deep'), ...lab.moves('iothread2', 'new/deep')],
        expected: lab => ({ ...moved(lab, 'iothread2', 'new/deep'), ...made(lab, 'new'), ...made(lab, 'new/deep'), 'iothread2 cpus': '0,1' }),
      },
      {
        name: 'widen a cpuset and pin within it',
        changes: lab => [lab.set(lab.path('vcpu2'), 'cpuset.cpus', '0-1'), lab.pin('vCPU 2', '1')],
        expected: lab => ({ ...cpuset(lab, 'vcpu2', '0-1'), 'vCPU 2 cpus': '1' }),
      },
      {
        name: 'schedule as batch, idle, with a nice value',
        changes: lab => [lab.schedule('vCPU 0', 'batch', 0, 3), lab.schedule('vCPU 3', 'idle', 0, 0), lab.schedule('emulator', 'other', 0, 5)],
        expected: () => ({ 'vCPU 0 policy': 'SCHED_BATCH', 'vCPU 0 nice': '3', 'vCPU 3 policy': 'SCHED_IDLE', 'vCPU 3 nice': '-', 'emulator nice': '5' }),
      },
      {
        name: 'schedule in real time',
        expert: 'realtime-not-isolated',
        typed: 'realtime-not-isolated',
        changes: lab => [lab.schedule('iothread1', 'fifo', 1, 0)],
        expected: () => ({ 'iothread1 policy': 'SCHED_FIFO', 'iothread1 priority': '1', 'iothread1 nice': '-' }),
      },
      {
        name: 'quotas: other periods, none at all',
        changes: lab => [lab.quota(lab.path('vcpu0'), 25_000, 50_000), lab.quota(lab.path('vcpu1'), 'max', 100_000), lab.quota(lab.path('emulator'), 80_000, 200_000)],
        expected: lab => lab.isV2
          ? { '0:: S/vcpu0/cpu.max': '25000 50000', '0:: S/vcpu1/cpu.max': 'max 100000', '0:: S/emulator/cpu.max': '80000 200000' }
          : {
              [lab.file('S/vcpu0', 'cpu.cfs_quota_us')]: '25000', [lab.file('S/vcpu0', 'cpu.cfs_period_us')]: '50000',
              [lab.file('S/vcpu1', 'cpu.cfs_quota_us')]: '-1',
              [lab.file('S/emulator', 'cpu.cfs_period_us')]: '200000',
            },
      },
      {
        name: 'set weights, bursts, counts and nodes',
        changes: lab => [
          ...(lab.isV2
            ? [lab.set(lab.path('vcpu0'), 'cpu.weight', '300'), lab.set(lab.path('vcpu3'), 'cpu.weight.nice', '5'), lab.set(lab.path('iothread1'), 'cpu.max', '30000 60000'), lab.set(lab.path('vcpu3'), 'cpu.max.burst', '10000'), lab.set(lab.path(), 'io.weight', 'default 200')]
            : [lab.set(lab.path('vcpu0'), 'cpu.shares', '300'), lab.set(lab.path('iothread1'), 'cpu.cfs_period_us', '60000'), lab.set(lab.path('iothread2'), 'cpu.cfs_quota_us', '30000'), lab.set(lab.path('vcpu3'), 'cpu.cfs_burst_us', '10000')]),
          lab.set(lab.path('iothread1'), 'cpu.idle', '1'),
          ...lab.makes('spare'),
          lab.set(lab.path('spare'), 'cpuset.cpus', '1'),
          lab.set(lab.path('spare'), 'cpuset.mems', '0'),
          lab.set(lab.scope, 'pids.max', '1000'),
        ],
        expected: lab => ({
          ...made(lab, 'spare'),
          [lab.file('S/spare', 'cpuset.cpus')]: '1',
          [lab.file('S/spare', 'cpuset.mems')]: '0',
          [lab.file('S/iothread1', 'cpu.idle')]: '1',
          [`${lab.key('pids')} scope/pids.max`]: '1000',
          ...(lab.isV2
            ? {
                '0:: S/vcpu0/cpu.weight': '300', '0:: S/vcpu0/cpu.weight.nice': '-5',
                '0:: S/vcpu3/cpu.weight': '33', '0:: S/vcpu3/cpu.weight.nice': '5', '0:: S/vcpu3/cpu.max.burst': '10000',
                '0:: S/iothread1/cpu.max': '30000 60000', '0:: S/iothread1/cpu.weight': '0', '0:: S/iothread1/cpu.weight.nice': '19',
                '0:: S/io.weight': 'default 200',
              }
            : {
                [lab.file('S/vcpu0', 'cpu.shares')]: '300',
                [lab.file('S/iothread1', 'cpu.cfs_period_us')]: '60000', [lab.file('S/iothread1', 'cpu.shares')]: '3',
                [lab.file('S/iothread2', 'cpu.cfs_quota_us')]: '30000',
                [lab.file('S/vcpu3', 'cpu.cfs_burst_us')]: '10000',
              }),
        }),
      },
    ],
    then: {
      cases: [
        {
          name: 'move a thread with a pin, which this kernel forgets',
          changes: lab => lab.moves('vCPU 2', 'new/deep'),
          forgets: true,
          expected: lab => ({ ...moved(lab, 'vCPU 2', 'new/deep'), 'vCPU 2 cpus': '0,1' }),
        },
        {
          name: 'narrow a cpuset, and what had a pin in it may not go back by itself',
          changes: lab => [lab.set(lab.path('emulator'), 'cpuset.cpus', '0-1')],
          expected: lab => ({ ...cpuset(lab, 'emulator', '0-1'), ...Object.fromEntries(['emulator', 'qemu-system-x86', 'IO mon_iothread', 'vCPU 1'].map(name => [`${name} cpus`, '0,1'])) }),
        },
        {
          name: 'pin one to each CPU, and one to all',
          changes: lab => [lab.pin('iothread2', '1'), lab.pin('vCPU 0', 'all')],
          expected: () => ({ 'iothread2 cpus': '1' }),
        },
        {
          name: 'remove a cgroup: what is known of it is made anew',
          bestEffort: lab => lab.grouped.map(() => 'values-anew'),
          changes: lab => lab.grouped.map(hierarchy => ({ kind: 'remove', hierarchy, path: lab.path('spare') })),
          expected: lab => gone(lab, 'spare'),
        },
        {
          name: 'freeze, for which the name is typed',
          typed: 'file-typed',
          changes: lab => (lab.isV2 ? [lab.set(lab.path('vcpu3'), 'cgroup.freeze', '1')] : [{ kind: 'make', hierarchy: 'freezer', path: lab.path('cold') }, lab.set(lab.path('cold'), 'freezer.state', 'FROZEN')]),
          expected: lab => (lab.isV2 ? { '0:: S/vcpu3/cgroup.freeze': '1' } : { 'freezer S/cold': 'there', 'freezer S/cold/freezer.state': 'FROZEN' }),
        },
        {
          name: 'ask for a partition that the kernel finds invalid',
          only: 'v2',
          typed: 'file-typed',
          changes: lab => [lab.set(lab.path('vcpu1'), 'cpuset.cpus.partition', 'root')],
          expected: () => ({ '0:: S/vcpu1/cpuset.cpus.partition': 'root invalid (Cpu list in cpuset.cpus not exclusive)' }),
        },
      ],
    },
  },
  {
    cases: [
      {
        name: 'move the whole process',
        expert: 'whole-process',
        changes: lab => lab.grouped.map(hierarchy => ({ kind: 'moveProcess', thread: lab.thread('emulator'), hierarchy, to: lab.path('vcpu1') })),
        expected: lab => ({
          ...Object.assign({}, ...[...OTHERS, 'emulator', 'qemu-system-x86', 'IO mon_iothread'].map(name => moved(lab, name, 'vcpu1'))),
          ...Object.fromEntries(['vCPU 0', 'vCPU 2', 'iothread2', 'emulator', 'qemu-system-x86', 'IO mon_iothread'].map(name => [`${name} cpus`, '1'])),
        }),
      },
    ],
  },
];

/** All with a group of their own that is not vCPU 1's. */
const OTHERS = ['vCPU 0', 'vCPU 2', 'vCPU 3', 'iothread1', 'iothread2'];

/** The same by the owner's tools. */
export interface OwnersCase {
  readonly name: string;
  readonly only?: 'v2' | 'v1';
  readonly changes: (lab: ActionLab) => readonly Change[];
  readonly tool: string;
  /** What the kernel and the owners have then that they had not. */
  readonly expected: (lab: ActionLab) => Readonly<Record<string, string>>;
  /** What is not as before once it is taken back. */
  readonly left?: (lab: ActionLab) => Readonly<Record<string, string>>;
}

const VCPUS = [0, 1, 2, 3];
const quotas = (lab: ActionLab, group: string, quota: number, period: number): Record<string, string> =>
  lab.isV2 ? { [`0:: S/${group}/cpu.max`]: `${quota} ${period}` } : { [lab.file(`S/${group}`, 'cpu.cfs_quota_us')]: String(quota), [lab.file(`S/${group}`, 'cpu.cfs_period_us')]: String(period) };

export const OWNERS: readonly OwnersCase[] = [
  {
    name: 'pin a vCPU',
    tool: 'virsh vcpupin',
    changes: lab => [lab.set(lab.path('vcpu2'), 'cpuset.cpus', '1'), lab.pin('vCPU 2', '1')],
    expected: lab => ({ ...cpuset(lab, 'vcpu2', '1'), 'vCPU 2 cpus': '1', 'virsh vcpupin 2': '1' }),
  },
  {
    name: 'pin the emulator',
    tool: 'virsh emulatorpin',
    changes: lab => [lab.set(lab.path('emulator'), 'cpuset.cpus', '0-1')],
    expected: lab => ({ ...cpuset(lab, 'emulator', '0-1'), ...Object.fromEntries(['emulator', 'qemu-system-x86', 'IO mon_iothread'].map(name => [`${name} cpus`, '0,1'])), 'virsh emulatorpin': '0-1' }),
  },
  {
    name: 'pin an I/O thread',
    tool: 'virsh iothreadpin',
    changes: lab => [lab.set(lab.path('iothread1'), 'cpuset.cpus', '0'), lab.pin('iothread1', '0')],
    expected: lab => ({ ...cpuset(lab, 'iothread1', '0'), 'iothread1 cpus': '0', 'virsh iothreadinfo 1': '0' }),
  },
  {
    name: 'a quota of the vCPUs',
    tool: 'virsh schedinfo',
    changes: lab => [lab.quota(lab.path('vcpu0'), 40_000, 80_000)],
    expected: lab => ({ ...Object.assign({}, ...VCPUS.map(n => quotas(lab, `vcpu${n}`, 40_000, 80_000))), 'virsh schedinfo vcpu_quota': '40000', 'virsh schedinfo vcpu_period': '80000' }),
  },
  {
    name: 'a quota of the emulator',
    tool: 'virsh schedinfo',
    changes: lab => [lab.quota(lab.path('emulator'), 90_000, 200_000)],
    expected: lab => ({ ...quotas(lab, 'emulator', 90_000, 200_000), 'virsh schedinfo emulator_quota': '90000', 'virsh schedinfo emulator_period': '200000' }),
  },
  {
    name: 'a quota of the I/O threads',
    tool: 'virsh schedinfo',
    changes: lab => [lab.quota(lab.path('iothread1'), 70_000, 200_000)],
    expected: lab => ({ ...quotas(lab, 'iothread1', 70_000, 200_000), ...quotas(lab, 'iothread2', 70_000, 200_000), 'virsh schedinfo iothread_quota': '70000', 'virsh schedinfo iothread_period': '200000' }),
  },
  {
    name: 'the weight of the machine',
    tool: 'systemctl set-property',
    changes: lab => [lab.set(lab.scope, lab.isV2 ? 'cpu.weight' : 'cpu.shares', '300')],
    expected: lab => ({
      ...(lab.isV2 ? { '0:: scope/cpu.weight': '300', '0:: scope/cpu.weight.nice': '-5', 'systemctl scope CPUWeight': '300' } : { [lab.file('scope', 'cpu.shares')]: '300', 'systemctl scope CPUShares': '300' }),
      'virsh schedinfo cpu_shares': '300',
    }),
  },
  {
    name: 'the count of tasks of the machine',
    tool: 'systemctl set-property',
    changes: lab => [lab.set(lab.scope, 'pids.max', '2000')],
    expected: lab => ({ [`${lab.key('pids')} scope/pids.max`]: '2000', 'systemctl scope TasksMax': '2000' }),
  },
  {
    name: 'a quota of the machine',
    tool: 'systemctl set-property',
    changes: lab => [lab.quota(lab.scope, 150_000, 50_000)],
    expected: lab => ({
      ...(lab.isV2 ? { '0:: scope/cpu.max': '150000 50000' } : { [lab.file('scope', 'cpu.cfs_quota_us')]: '150000', [lab.file('scope', 'cpu.cfs_period_us')]: '50000' }),
      'systemctl scope CPUQuotaPerSecUSec': '3s', 'systemctl scope CPUQuotaPeriodUSec': '50ms',
    }),
  },
  {
    name: 'the weight of the slice of all machines',
    tool: 'systemctl set-property',
    changes: lab => [lab.set('/machine.slice', lab.isV2 ? 'cpu.weight' : 'cpu.shares', '200')],
    expected: lab => (lab.isV2 ? { '0:: /machine.slice/cpu.weight': '200', '0:: /machine.slice/cpu.weight.nice': '-3', 'systemctl machine.slice CPUWeight': '200' } : { [lab.file('/machine.slice', 'cpu.shares')]: '200', 'systemctl machine.slice CPUShares': '200' }),
    left: (lab): Record<string, string> => (lab.isV2 ? { 'systemctl machine.slice CPUWeight': '100' } : { 'systemctl machine.slice CPUShares': '1024' }),
  },
  {
    name: 'the CPUs of the machine, which cannot be emptied again',
    only: 'v2',
    tool: 'systemctl set-property',
    changes: lab => [lab.set(lab.scope, 'cpuset.cpus', '0-1')],
    expected: () => ({ '0:: scope/cpuset.cpus': '0-1', 'systemctl scope AllowedCPUs': '0-1' }),
    left: () => ({ '0:: scope/cpuset.cpus': '0-1', 'systemctl scope AllowedCPUs': '0-1' }),
  },
];
