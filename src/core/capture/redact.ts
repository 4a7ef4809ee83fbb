import { type Steps, atOnce } from '../model/pace';
import { ioThreadId, parseCmdline } from '../parse/cmdline';
import { baseName } from '../parse/programName';
import type { RawSnapshot } from '../rawSnapshot';

/** One kind of thing that was taken out, for people to see before a capture is saved. Never the values themselves. */
export interface Removed {
  readonly what: 'arguments' | 'paths' | 'kernelParameters' | 'mounts' | 'addresses' | 'userName' | 'messages' | 'files';
  readonly count: number;
  /** Names of what was removed (options, parameters), where a name tells nothing. */
  readonly names: readonly string[];
}

/** Only a snapshot that went through {@link redacting} can be written. */
export interface RedactedSnapshot extends RawSnapshot {
  readonly redacted: true;
}

/**
 * Takes out everything that is not on the list of what may be kept: QEMU's command lines hold secrets, paths hold
 * names of users. Names of machines, threads and cgroups stay: they are what a capture is about.
 */
export function* redacting(raw: RawSnapshot): Steps<{ snapshot: RedactedSnapshot; removed: readonly Removed[] }> {
  const removals = new Removals();
  const files = new Map<string, string>();
  for (const [path, text] of raw.files) {
    yield;
    const rule = RULES.find(([pattern]) => pattern.test(path));
    if (rule) files.set(path, rule[1](text, removals, () => programOf(raw, path)));
    else removals.add('files');
  }
  const links = new Map<string, string>();
  for (const [path, target] of raw.links) {
    if (/^\/proc\/\d+\/exe$/.test(path)) links.set(path, program(target, removals));
    else removals.add('files');
  }
  // The host's messages name whatever path they like.
  const errors = new Map([...raw.errors].filter(([path]) => OF_PROCESS.test(path) || RULES.some(([pattern]) => pattern.test(path))));
  if (errors.size < raw.errors.size) removals.add('messages', raw.errors.size - errors.size);
  const { user, remarks } = raw.collection;
  if (user !== undefined && user.name !== String(user.uid)) removals.add('userName');
  if (remarks.length > 0) removals.add('messages', remarks.length);
  return {
    snapshot: {
      redacted: true,
      files,
      links,
      errors,
      directories: raw.directories,
      collection: { ...raw.collection, user: user && { uid: user.uid, name: String(user.uid) }, remarks: [] },
    },
    removed: removals.list(),
  };
}

/** Any file of a process: that it cannot be read tells nothing. */
const OF_PROCESS = /^\/proc\/\d+\/(task\/\d+\/)?[a-z]+$/;

/** {@link redacting}, at once. */
export function redact(raw: RawSnapshot): { snapshot: RedactedSnapshot; removed: readonly Removed[] } {
  return atOnce(redacting(raw));
}

type Rule = (text: string, removals: Removals, program: () => string) => string;

const keep: Rule = text => text;

/** Every path that may be kept, and what of it. The first that fits counts; a path that none fits is left out. */
const RULES: readonly (readonly [RegExp, Rule])[] = [
  [/^\/proc\/\d+\/task\/\d+\/(cgroup|schedstat)$/, keep],
  [/^\/proc\/\d+\/task\/\d+\/stat$/, stat],
  [/^\/proc\/\d+(\/task\/\d+)?\/status$/, lines(/^(Cpus_allowed_list|Mems_allowed_list|VmRSS|Uid):/, 'files')],
  [/^\/proc\/\d+\/cmdline$/, (text, removals, name) => commandLine(text, name(), removals)],
  [/^\/proc\/self\/mountinfo$/, lines(/ - cgroup2? |^\S+ \S+ \S+ \S+ \/proc .* - proc /, 'mounts')],
  [/^\/proc\/cmdline$/, kernelParameters],
  [/^\/proc\/(cgroups|uptime|1\/comm|sys\/kernel\/osrelease|sys\/kernel\/sched_rt_runtime_us)$/, keep],
  [/^\/sys\/devices\/system\/(cpu|node)\/[a-z0-9_/]+$/, keep],
  [/\/(cgroup\.(type|controllers|subtree_control|freeze|threads|clone_children)|tasks|freezer\.state|(cpu|cpuset|pids)\.[a-z0-9_.]+)$/s, keep],
];

class Removals {
  private readonly byWhat = new Map<Removed['what'], { count: number; names: Set<string> }>();

  add(what: Removed['what'], count = 1, name?: string): void {
    const entry = this.byWhat.get(what) ?? { count: 0, names: new Set() };
    entry.count += count;
    if (name !== undefined) entry.names.add(name);
    this.byWhat.set(what, entry);
  }

  list(): Removed[] {
    return [...this.byWhat].map(([what, { count, names }]) => ({ what, count, names: [...names].sort() }));
  }
}

function lines(allowed: RegExp, what: Removed['what']): Rule {
  return (text, removals) => {
    const all = text.split('\n');
    const kept = all.filter(line => line === '' || allowed.test(line));
    if (kept.length < all.length) removals.add(what, all.length - kept.length);
    return kept.join('\n');
  };
}

/** Fields of /proc/PID/stat that the model reads, as proc(5) numbers them. The others hold addresses and the terminal. */
const STAT_FIELDS = new Set([3, 4, 9, 14, 15, 18, 19, 22, 39, 40, 41, 43]);

function stat(text: string, removals: Removals): string {
  const close = text.lastIndexOf(')');
  const fields = text.slice(close + 2).trimEnd().split(' ');
  const kept = fields.map((field, i) => (STAT_FIELDS.has(i + 3) ? field : '0'));
  const count = fields.filter((field, i) => field !== kept[i]).length;
  if (count > 0) removals.add('addresses', count);
  return `${text.slice(0, close + 1)} ${kept.join(' ')}\n`;
}

/** Parameters that say how CPUs and cgroups are used; a trailing dot is a prefix. */
const KERNEL_PARAMETERS = /^(isolcpus|nohz_full|rcu_nocbs|irqaffinity|nosmt|maxcpus|nr_cpus|cgroup_disable|cgroup_no_v1|cgroup_favordynmods|systemd\.unified_cgroup_hierarchy|systemd\.legacy_systemd_cgroup_controller|psi|rt_group_sched|skew_tick|mitigations|hugepages|hugepagesz|default_hugepagesz|kvm[a-z_]*\.[a-z_]+)(=|$)/;

function kernelParameters(text: string, removals: Removals): string {
  const kept: string[] = [];
  for (const word of text.trim().split(/\s+/)) {
    if (KERNEL_PARAMETERS.test(word)) kept.push(word);
    else if (word !== '') removals.add('kernelParameters', 1, /^[a-z0-9_.]+(?==)/i.exec(word)?.[0]);
  }
  return `${kept.join(' ')}\n`;
}

function programOf(raw: RawSnapshot, path: string): string {
  return baseName(raw.links.get(path.replace(/cmdline$/, 'exe')) ?? '');
}

/** Options of QEMU that are kept, and how much of their value. */
const QEMU_OPTIONS: ReadonlyMap<string, (value: string) => string | undefined> = new Map<string, (value: string) => string | undefined>([
  ['-name', value => value],
  ['-uuid', value => value],
  ['-smp', value => value],
  ['-m', value => value],
  ['-accel', value => value.split(',').filter(part => /^(\w+|thread=\w+)$/.test(part)).join(',')],
  ['-machine', value => value.split(',')[0]!],
  ['-incoming', () => 'defer'],
  ['-object', ioThread],
]);

function commandLine(text: string, exe: string, removals: Removals): string {
  const argv = parseCmdline(text);
  if (argv.length === 0) return '';
  const kept = [program(argv[0]!, removals)];
  const isQemu = /qemu|kvm/.test(exe) || /qemu|kvm/.test(baseName(argv[0]!));
  for (let i = 1; i < argv.length; i++) {
    const option = argv[i]!.replace(/^--/, '-');
    const next = argv[i + 1];
    const value = next === undefined || next.startsWith('-') ? undefined : next;
    const shorten = isQemu ? QEMU_OPTIONS.get(option) : undefined;
    const rest = shorten && value !== undefined ? shorten(value) : undefined;
    if (rest !== undefined) kept.push(option, rest);
    if (rest === undefined || rest !== value) removals.add('arguments', 1, /^-[a-z][a-z-]*$/.test(option) ? option : undefined);
    if (value !== undefined) i += 1;
  }
  return `${kept.join('\0')}\0`;
}

function ioThread(value: string): string | undefined {
  const id = ioThreadId(value)[0];
  return id === undefined ? undefined : `iothread,id=${id.replaceAll(',', ',,')}`;
}

/** A program's path is kept where a distribution puts it; elsewhere it may hold a user's name. */
function program(path: string, removals: Removals): string {
  const isSystem = /^(\/usr)?\/(local\/)?(s?bin|libexec|lib|lib64)\//.test(path) && !path.includes('/../');
  if (isSystem || !path.includes('/') || /^\/removed\/[^/]*$/.test(path)) return path;
  removals.add('paths');
  return `/removed/${path.replace(/^.*\//s, '')}`;
}
