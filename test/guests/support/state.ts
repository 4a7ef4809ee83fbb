import type { Guest, User } from './guest';

/** What was read, by name: `vCPU 0 in cpuset`, `vCPU 0 cpus`, `cpuset S/vcpu0/cpuset.cpus`, `virsh vcpupin 0`. */
export type State = Readonly<Record<string, string>>;

/** The unit of the domain, as systemd and the kernel name it; its number is counted up with each start. */
const SCOPE = /\/?machine\.slice\/machine-qemu\\x2d\d+\\x2dserial\.scope/;

/** Everything that a plan for the domain `serial` can change, as the kernel has it: by tools, and by nothing of ours. */
export async function kernelState(guest: Guest): Promise<State> {
  return parseKernel(await guest.run(KERNEL));
}

/** What libvirt and systemd know of it. */
export async function ownersState(guest: Guest, user: User = 'root'): Promise<State> {
  return parseOwners(await guest.run(OWNERS, user));
}

/** What is not as it was; an empty text for what is gone. */
export function differences(before: State, now: State): State {
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])].filter(name => before[name] !== now[name]);
  return Object.fromEntries(names.sort().map(name => [name, now[name] ?? '']));
}

/** As in a state: the domain's own `libvirt` directory is S. */
export function shortPath(path: string): string {
  return path.replace(SCOPE, 'scope').replace(/^scope\/libvirt(?=\/|$)/, 'S');
}

/** Of the files only those that hold a setting: all others change by themselves. */
const COUNTERS = ['*.stat', '*_stat', '*.stat.local', '*.current', '*events*', '*pressure*', '*.peak', '*usage*', 'tasks', '*procs', '*.threads', '*failcnt', 'cgroup.kill', 'cgroup.event_control', '*.reclaim', '*force_empty', '*reset*', 'devices.*', 'blkio.io_*', 'blkio.throttle.io_*'];

const KERNEL = `
pid=$(cat /run/libvirt/qemu/serial.pid) && cd /proc/$pid/task || exit
echo '=comm' && grep . */comm
echo '=places' && grep . */cgroup
echo '=cpus' && taskset -a -c -p $pid
echo '=policy' && chrt -a -p $pid
echo '=nice' && ps -L -p $pid -o tid=,ni=
cd /sys/fs/cgroup
echo '=there' && find . -type d -path '*/machine.slice*'
echo '=values' && find . -type f -path '*/machine.slice/*' ${COUNTERS.map(name => `! -name '${name}'`).join(' ')} -exec grep -Hs . {} +
:`;

function parseKernel(text: string): State {
  const parts = partsOf(text);
  const state: Record<string, string> = {};
  const names = new Map<string, string>();
  for (const line of parts.get('comm')!) {
    const [, tid, comm] = /^(\d+)\/comm:(.*)$/.exec(line)!;
    const isFirst = names.size === 0;
    // A pool of theirs comes and goes. Whether that of RCU is called so is chance: it starts before debug-threads=on is read.
    if (comm !== 'worker') names.set(tid!, isFirst ? 'emulator' : comm!.replace(/^CPU (\d+)\/.*/, 'vCPU $1').replace(/^IO (iothread\d+)$/, '$1').replace(/^call_rcu$/, 'qemu-system-x86'));
  }
  const of = (tid: string, what: string, value: string): void => void (names.has(tid) && (state[`${names.get(tid)!} ${what}`] = value));
  for (const line of parts.get('places')!) {
    const [, tid, key, path] = /^(\d+)\/cgroup:(?:\d+:)(.*?):(\/.*)$/.exec(line)!;
    of(tid!, `in ${key === '' ? '0::' : key}`, shortPath(path!));
  }
  for (const line of parts.get('cpus')!) {
    const [, tid, cpus] = /^pid (\d+)'s current affinity list: (.*)$/.exec(line)!;
    of(tid!, 'cpus', cpus!);
  }
  for (const line of parts.get('policy')!) {
    const match = /^pid (\d+)'s current scheduling (policy|priority): (.*)$/.exec(line);
    if (match) of(match[1]!, match[2]!, match[3]!);
  }
  for (const line of parts.get('nice')!) {
    const [tid, nice] = line.trim().split(/\s+/);
    of(tid!, 'nice', nice!);
  }
  for (const line of parts.get('there')!) state[nameOfFile(line)] = 'there';
  for (const line of parts.get('values')!) {
    const at = line.indexOf(':', line.lastIndexOf('/'));
    const name = nameOfFile(line.slice(0, at));
    state[name] = state[name] === undefined ? line.slice(at + 1) : `${state[name]}\n${line.slice(at + 1)}`;
  }
  return state;
}

/** v1 has a directory for each hierarchy, the name of which is its key but for two; v2 is one by itself. */
function nameOfFile(file: string): string {
  const [, mount, path] = /^\.\/(?:(.*?)\/)?(machine\.slice.*)$/.exec(file)!;
  return `${mount === undefined || mount === 'unified' ? '0::' : mount === 'systemd' ? 'name=systemd' : mount} ${shortPath(`/${path!}`)}`;
}

const OWNERS = String.raw`
scope=$(sed -n 's|^.*/machine.slice/\(machine-qemu[^/]*serial\.scope\).*|\1|p' /proc/$(cat /run/libvirt/qemu/serial.pid)/cgroup | head -n 1)
for what in vcpupin emulatorpin iothreadinfo schedinfo; do echo "=$what"; virsh -c qemu:///system -q $what serial; done
for unit in machine.slice "$scope"; do echo "=$unit"; systemctl show "$unit" -p CPUWeight,CPUShares,CPUQuotaPerSecUSec,CPUQuotaPeriodUSec,AllowedCPUs,AllowedMemoryNodes,TasksMax,IOWeight,BlockIOWeight; done
:`;

function parseOwners(text: string): State {
  const state: Record<string, string> = {};
  for (const [part, lines] of partsOf(text)) {
    for (const line of lines) {
      const words = line.trim().split(/\s*[:=]\s*|\s+/);
      if (part === 'schedinfo' || part === 'vcpupin' || part === 'iothreadinfo') state[`virsh ${part} ${words[0]!}`] = words.slice(1).join(' ');
      else if (part === 'emulatorpin') state['virsh emulatorpin'] = words.filter(word => word !== '*' && word !== '').join(' ');
      else state[`systemctl ${part.endsWith('.slice') ? part : 'scope'} ${words[0]!}`] = words.slice(1).join(' ');
    }
  }
  return state;
}

function partsOf(text: string): ReadonlyMap<string, readonly string[]> {
  const parts = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    if (line.startsWith('=')) parts.set(line.slice(1), []);
    else if (line !== '') [...parts.values()].at(-1)!.push(line);
  }
  return parts;
}
