import type { Guest } from './guest';
import { DOMAIN } from './lab';

/** What the host's own tools say of every thread of every QEMU at one moment. Nothing of the product has read it. */
export interface Reading {
  /** By TID. */
  readonly threads: ReadonlyMap<number, ThreadReading>;
  /** By what the model calls a hierarchy, path → what its cpuset files hold. */
  readonly cpusets: { readonly hierarchy: string; readonly at: ReadonlyMap<string, CpusetReading> };
  readonly domain: DomainReading;
  readonly units: readonly UnitReading[];
  /** By its name in `machinectl list`. */
  readonly machines: ReadonlyMap<string, MachineReading>;
}

export interface ThreadReading {
  readonly pid: number;
  /** ps */
  readonly comm: string;
  readonly nice: string;
  /** Lines of /proc/TID/cgroup, by hierarchy. */
  readonly cgroups: Readonly<Record<string, string>>;
  /** The same by `ps -ww -eLo cgroup`, which leaves out every hierarchy where it is at `/`. */
  readonly shown: Readonly<Record<string, string>>;
  /** /proc/TID/cpuset: the cgroup whose cpuset holds for it. */
  readonly cpuset: string;
  /** taskset, as a list of numbers. */
  readonly affinity: string;
  /** chrt, such as `other 0`. */
  readonly policy: string;
}

export interface CpusetReading {
  readonly configured: string | undefined;
  readonly effective: string;
}

/** libvirt's view, and QEMU's. */
export interface DomainReading {
  /** /run/libvirt/qemu/serial.xml: libvirt's own memory of which thread is which vCPU. */
  readonly pid: number;
  readonly vcpus: ReadonlyMap<string, number>;
  /** QMP query-cpus-fast, query-iothreads: QEMU's. */
  readonly qmpVcpus: ReadonlyMap<string, number>;
  readonly qmpIoThreads: ReadonlyMap<string, number>;
  /** By vCPU: `virsh vcpuinfo`, which asks the kernel, and `virsh vcpupin`, which is what was asked for. */
  readonly vcpuAffinity: ReadonlyMap<string, string>;
  readonly vcpuPins: ReadonlyMap<string, string>;
  readonly emulatorPin: string;
  readonly ioThreadAffinity: ReadonlyMap<string, string>;
  readonly schedinfo: ReadonlyMap<string, string>;
}

/** What holds a QEMU, by systemd: the unit that `systemctl status PID` names, with all that it says of it. */
export interface UnitReading {
  /** The process that it was asked for. */
  readonly pid: number;
  readonly unit: string;
  /** `systemctl show -p ControlGroup` */
  readonly controlGroup: string;
  /** Processes that it shows in it. */
  readonly processes: readonly number[];
}

/** What machined knows. */
export interface MachineReading {
  readonly leader: number;
  readonly unit: string;
  /** Processes that `machinectl status` shows in it. */
  readonly processes: readonly number[];
}

/** One shell, and as few commands as can be: each takes half a second in an emulated guest that is busy. */
const SCRIPT = `
export LC_ALL=C.UTF-8 SYSTEMD_PAGER= SYSTEMD_COLORS=0
say() { printf '\\n==== %s\\n' "$*"; }
all=$(ps -ww -eLo pid=,tid=,ni=,comm:32=,cgroup:1024=)
say ps; printf '%s\\n' "$all"
pids=$(printf '%s\\n' "$all" | awk '$1 == $2 && $4 ~ /^qemu-system/ { print $1 }')
workers=$(printf '%s\\n' "$all" | awk '$1 == $2 && $4 ~ /^(vhost-|kvm-)/ { print $1 }')
for pid in $pids $workers; do
  say cgroup $pid
  for task in /proc/$pid/task/*; do echo /proc/\${task##*/}/cgroup /proc/\${task##*/}/cpuset; done | xargs grep -H ''
  say taskset; taskset -apc $pid
  say chrt; chrt -ap $pid
done
findmnt -rn -t cgroup,cgroup2 -o TARGET,FSTYPE,OPTIONS | while read -r at type options; do
  case $type,$options, in *,cpuset,*) key=cpuset ;; cgroup2,*) key=0:: ;; *) continue ;; esac
  say cpusets $key; cd "$at" && grep -rH '' --include=cpuset.cpus --include=cpuset.effective_cpus --include=cpuset.cpus.effective . || :
done
say domain; grep -E '^<domstatus|<vcpu id=' /run/libvirt/qemu/${DOMAIN}.xml
virsh "echo; ${['vcpuinfo', 'vcpupin', 'emulatorpin', 'iothreadinfo', 'schedinfo'].map(command => `echo ==== ${command}; ${command} ${DOMAIN}; `).join('')}
  echo ==== qmp-vcpus; qemu-monitor-command ${DOMAIN} '{\\"execute\\":\\"query-cpus-fast\\"}';
  echo ==== qmp-iothreads; qemu-monitor-command ${DOMAIN} '{\\"execute\\":\\"query-iothreads\\"}'"
for machine in $(machinectl list --no-legend | cut -d' ' -f1); do
  say machine "$machine"; machinectl show "$machine"; machinectl status --no-pager -l -n0 "$machine"
done
for pid in $pids; do say unit $pid; systemctl status --no-pager -l -n0 $pid; done >/run/units.$$
cat /run/units.$$
say groups; systemctl show -p Id,ControlGroup $(sed -n 's/^[^ a-z]* *\\([^ ]*\\) - .*/\\1/p' /run/units.$$)
rm /run/units.$$
`;

/** A thread that comes or goes between two of the tools is known to one of them alone: then they are asked again. */
export async function readTools(guest: Guest): Promise<Reading> {
  for (let tries = 1; ; tries++) {
    try {
      return await readOnce(guest);
    } catch (error) {
      if (tries === 3) throw error;
    }
  }
}

async function readOnce(guest: Guest): Promise<Reading> {
  const sections = (await guest.run(SCRIPT)).split(/^==== /m).slice(1).map(section => {
    const end = section.indexOf('\n');
    const [title = '', word = ''] = section.slice(0, end).split(' ');
    return { title, word, text: section.slice(end + 1) };
  });
  const all = (title: string): readonly Section[] => sections.filter(section => section.title === title);
  const text = (title: string): string => all(title).map(section => section.text).join('\n');
  const controlGroups = new Map([...text('groups').matchAll(/^ControlGroup=(.*)\nId=(.*)$/gm)].map(([, path, id]) => [id!, path!]));
  return {
    threads: threads(all('cgroup'), text),
    cpusets: cpusets(all('cpusets')),
    domain: domain(text),
    units: all('unit').map(section => unit(section, controlGroups)),
    machines: new Map(all('machine').map(section => [section.word, machine(section)])),
  };
}

interface Section {
  readonly title: string;
  readonly word: string;
  readonly text: string;
}

function threads(groups: readonly Section[], text: (title: string) => string): ReadonlyMap<number, ThreadReading> {
  const affinity = table(text('taskset'), /^pid (\d+)'s current affinity list: (\S+)$/gm);
  const policy = table(text('chrt'), /^pid (\d+)'s current scheduling policy: SCHED_(\S+)$/gm);
  const priority = table(text('chrt'), /^pid (\d+)'s current scheduling priority: (\d+)$/gm);
  const shown = new Map([...text('ps').matchAll(/^ *\d+ +(\d+) +(\S+) (.{32}) (\S+) *$/gm)].map(([, tid, nice, comm, cgroups]) => [tid, { nice: nice!, comm: comm!.trimEnd(), cgroups: cgroups! }]));
  const found = new Map<number, ThreadReading>();
  for (const { word: pid, text: lines } of groups) {
    const cpuset = table(lines, /^\/proc\/(\d+)\/cpuset:(.*)$/gm);
    const memberships = [...lines.matchAll(/^\/proc\/(\d+)\/cgroup:(.*)$/gm)].map(([, tid, line]) => ({ tid: tid!, line: line! }));
    for (const tid of new Set(memberships.map(one => one.tid))) {
      const ps = present(shown.get(tid), `ps does not show ${tid}`);
      found.set(Number(tid), {
        pid: Number(pid),
        comm: ps.comm,
        nice: ps.nice,
        cgroups: places(memberships.filter(one => one.tid === tid).map(one => one.line)),
        shown: ps.cgroups === '-' ? {} : places(ps.cgroups.split(/,(?=\d+:)/)),
        cpuset: present(cpuset.get(tid), `${tid} has no cpuset`),
        affinity: numbers(present(affinity.get(tid), `taskset does not know ${tid}`)),
        policy: `${policy.get(tid)?.toLowerCase()} ${priority.get(tid)}`,
      });
    }
  }
  return found;
}

function places(lines: readonly string[]): Record<string, string> {
  return Object.fromEntries(lines.map(line => {
    const [, key, path] = present(/^\d+:([^:]*):(.*)$/.exec(line), line);
    return [key === '' ? '0::' : key, path];
  }));
}

function cpusets(sections: readonly Section[]): Reading['cpusets'] {
  // Where v1 has the controller, v2 has none of its files.
  const { word, text } = present(sections.find(({ text: files }) => files.includes('cpuset.cpus')), 'no cpuset is mounted');
  const at = new Map<string, { configured: string | undefined; effective: string }>();
  for (const [, path, file, value] of text.matchAll(/^\.(.*)\/cpuset\.(\w+(?:\.\w+)?):(.*)$/gm)) {
    const key = path === '' ? '/' : path!;
    const found = at.get(key) ?? { configured: undefined, effective: '' };
    at.set(key, file === 'cpus' ? { ...found, configured: numbers(value!) } : { ...found, effective: numbers(value!) });
  }
  return { hierarchy: word, at };
}

function domain(text: (title: string) => string): DomainReading {
  const vcpuinfo = [...text('vcpuinfo').matchAll(/^VCPU: +(\d+)\n(?:.+\n)*?CPU Affinity: +([y-]+)$/gm)];
  return {
    pid: Number(/<domstatus .*pid='(\d+)'/.exec(text('domain'))?.[1]),
    vcpus: numbered(text('domain'), /<vcpu id='(\d+)' pid='(\d+)'\/>/g),
    qmpVcpus: new Map((JSON.parse(text('qmp-vcpus')) as Answer).return.map(one => [String(one['cpu-index']), Number(one['thread-id'])])),
    qmpIoThreads: new Map((JSON.parse(text('qmp-iothreads')) as Answer).return.map(one => [String(one['id']), Number(one['thread-id'])])),
    vcpuAffinity: new Map(vcpuinfo.map(([, id, mask]) => [id!, [...mask!].flatMap((mark, cpu) => (mark === 'y' ? [cpu] : [])).join()])),
    vcpuPins: lists(text('vcpupin')),
    emulatorPin: numbers(present(/^ +\*: +(\S+)$/m.exec(text('emulatorpin')), 'emulatorpin')[1]!),
    ioThreadAffinity: lists(text('iothreadinfo')),
    schedinfo: table(text('schedinfo'), /^(\w+) *: (-?\d+)$/gm),
  };
}

interface Answer {
  readonly return: readonly Readonly<Record<string, unknown>>[];
}

function unit({ word, text }: Section, controlGroups: ReadonlyMap<string, string>): UnitReading {
  const name = present(/^[^ a-z]* *(\S+) - /.exec(text), text)[1]!;
  return { pid: Number(word), unit: name, controlGroup: present(controlGroups.get(name), name), processes: processes(text, 'CGroup') };
}

function machine({ text }: Section): MachineReading {
  return { leader: Number(/^Leader=(\d+)$/m.exec(text)?.[1]), unit: present(/^Unit=(.*)$/m.exec(text), text)[1]!, processes: processes(text, 'Unit') };
}

/** Of the tree that stands behind this word. */
function processes(text: string, word: string): number[] {
  const tree = text.slice(text.search(new RegExp(`^\\s*${word}: `, 'm')));
  return [...tree.matchAll(/[├└]─ *(\d+) /g)].map(match => Number(match[1]));
}

/** virsh's tables: ` 0      0-1`. */
function lists(text: string): ReadonlyMap<string, string> {
  return new Map([...text.matchAll(/^ +(\d+) +([\d,-]+)$/gm)].map(([, id, list]) => [id!, numbers(list!)]));
}

function table(text: string, pattern: RegExp): ReadonlyMap<string, string> {
  return new Map([...text.matchAll(pattern)].map(([, key, value]) => [key!, value!]));
}

function numbered(text: string, pattern: RegExp): ReadonlyMap<string, number> {
  return new Map([...table(text, pattern)].map(([key, value]) => [key, Number(value)]));
}

/** `0-2,4` as `0,1,2,4`: tools differ in how they write a list. */
export function numbers(list: string): string {
  return list.split(',').filter(part => part !== '').flatMap(part => {
    const [first = 0, last = first] = part.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  }).join();
}

function present<T>(value: T | undefined | null, what: string): T {
  if (value === undefined || value === null) throw new Error(`The tools do not tell: ${what}`);
  return value;
}
