import { type Steps, atOnce } from '../model/pace';
import { ioThreadId, parseCmdline } from '../parse/cmdline';
import { parseMountinfo } from '../parse/mountinfo';
import { baseName, fitsName } from '../parse/programName';
import type { RawSnapshot } from '../rawSnapshot';
import { LIBVIRT_STATUS, safeLibvirtStatus } from './libvirtStatus';

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
  const inCgroups = below(cgroupMounts(raw));
  const ruleOf = (path: string): Rule | undefined => RULES.find(([pattern]) => pattern.test(path))?.[1] ?? (CGROUP_FILE.test(path) && inCgroups(path) ? keep : undefined);
  const files = new Map<string, string>();
  for (const [path, text] of raw.files) {
    yield;
    const rule = ruleOf(path);
    if (rule) files.set(path, rule(text, removals, () => programOf(raw, path)));
    else removals.add('files');
  }
  const links = new Map<string, string>();
  for (const [path, target] of raw.links) {
    if (/^\/proc\/\d+\/exe$/.test(path)) links.set(path, executable(target, removals));
    else removals.add('files');
  }
  // The host's messages name whatever path they like.
  const errors = new Map([...raw.errors].filter(([path]) => OF_PROCESS.test(path) || ruleOf(path)));
  if (errors.size < raw.errors.size) removals.add('messages', raw.errors.size - errors.size);
  const directories = new Set([...raw.directories].filter(inCgroups));
  if (directories.size < raw.directories.size) removals.add('files', raw.directories.size - directories.size);
  const { user, remarks } = raw.collection;
  if (user !== undefined && user.name !== String(user.uid)) removals.add('userName');
  if (remarks.length > 0) removals.add('messages', remarks.length);
  return {
    snapshot: {
      redacted: true,
      files,
      links,
      errors,
      directories,
      ...(raw.walked ? { walked: new Set([...raw.walked].filter(inCgroups)) } : {}),
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

/** Every path outside cgroups that may be kept, and what of it. A path that none fits is left out. */
const RULES: readonly (readonly [RegExp, Rule])[] = [
  [/^\/proc\/\d+\/task\/\d+\/(cgroup|schedstat)$/, keep],
  [/^\/proc\/\d+\/task\/\d+\/stat$/, stat],
  [/^\/proc\/\d+(\/task\/\d+)?\/status$/, lines(/^(Cpus_allowed_list|Mems_allowed_list|VmRSS|Uid):/, 'files')],
  [/^\/proc\/\d+\/cmdline$/, (text, removals, name) => commandLine(text, name(), removals)],
  [/^\/proc\/self\/mountinfo$/, mountinfo],
  [/^\/proc\/cmdline$/, kernelParameters],
  [/^\/proc\/(cgroups|uptime|1\/comm|sys\/kernel\/osrelease|sys\/kernel\/sched_rt_runtime_us)$/, keep],
  [/^\/sys\/devices\/system\/(cpu|node)\/[a-z0-9_/]+$/, keep],
  [/^\/sys\/kernel\/debug\/kvm\/\d+-\d+\/vcpu\d+\/pid$/, lines(/^\d+$/, 'files')],
  [LIBVIRT_STATUS, libvirtStatus],
];

/** Kept as they are, but only below a mount of cgroups that is kept. */
const CGROUP_FILE = /\/(cgroup\.(type|controllers|subtree_control|freeze|events|threads|clone_children)|tasks|freezer\.(state|self_freezing)|(cpu|cpuset|pids)\.[a-z0-9_.]+)$/;

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

function libvirtStatus(text: string, removals: Removals): string {
  const safe = safeLibvirtStatus(text);
  if (safe !== text) removals.add('files');
  return safe;
}

function lines(allowed: RegExp, what: Removed['what']): Rule {
  return (text, removals) => {
    const all = text.split('\n');
    const kept = all.filter(line => line === '' || allowed.test(line));
    if (kept.length < all.length) removals.add(what, all.length - kept.length);
    return kept.join('\n');
  };
}

/** Where cgroups are mounted by convention: elsewhere the mount point may hold a user's name. */
const CGROUP_MOUNT = /^\/(sys\/fs\/cgroup|cgroup|dev\/(cgroup|cpuset|cpuctl|cpuacct|memcg|blkio|freezer|stune))(\/[\w,.=-]+){0,2}$/;

/** Words among the options of a mount that tell what it is. A program (`release_agent`) only if it is systemd's own. */
const MOUNT_OPTION = /^(r[wo]|nosuid|nodev|noexec|relatime|noatime|nodiratime|seclabel|hidepid=\w+|subset=pid|gid=\d+|name=[\w.-]+|release_agent=(\/usr)?\/lib\/systemd\/systemd-cgroups-agent|all|xattr|noprefix|clone_children|cpuset_v2_mode|nsdelegate|favordynmods|memory_(localevents|recursiveprot|hugetlb_accounting)|pids_localevents|cpu|cpuset|cpuacct|blkio|io|memory|devices|freezer|net_cls|net_prio|perf_event|hugetlb|pids|rdma|misc|debug|dmem|ns)$/;

/** IDs, device, root; mount point; options; propagation; type, source, options of the file system (proc(5)). */
const MOUNT = /^(\d+ \d+ \d+:\d+ (\S+)) (\S+) (\S*)((?: (?:(?:shared|master|propagate_from):\d+|unbindable))*) - (cgroup2?|proc) \S* (\S*)$/;

function mountinfo(text: string, removals: Removals): string {
  const kept: string[] = [];
  for (const line of text.split('\n')) {
    const rest = line === '' ? '' : mount(line);
    if (rest !== undefined) kept.push(rest);
    if (rest !== line) removals.add('mounts');
  }
  return kept.join('\n');
}

function mount(line: string): string | undefined {
  const [, start, root, mountPoint, options, propagation, type, superOptions] = MOUNT.exec(line) ?? [];
  if (mountPoint === undefined) return undefined;
  if (type === 'proc' ? mountPoint !== '/proc' || root !== '/' : !isCgroupMount(mountPoint)) return undefined;
  const known = (all: string | undefined): string => all!.split(',').filter(option => MOUNT_OPTION.test(option)).join(',');
  return `${start} ${mountPoint} ${known(options)}${propagation} - ${type} ${type} ${known(superOptions)}`;
}

function isCgroupMount(mountPoint: string): boolean {
  return CGROUP_MOUNT.test(mountPoint) && !GOES_UP.test(mountPoint);
}

function cgroupMounts(raw: RawSnapshot): string[] {
  const mounts = parseMountinfo(mountinfo(raw.files.get('/proc/self/mountinfo') ?? '', new Removals()));
  return mounts.filter(({ fsType }) => fsType !== 'proc').map(({ mountPoint }) => mountPoint);
}

/** Whether a path is one of these or below it. */
function below(tops: readonly string[]): (path: string) => boolean {
  return path => !GOES_UP.test(path) && tops.some(top => path.startsWith(top) && (path.length === top.length || path[top.length] === '/'));
}

const GOES_UP = /\/\.\.?(\/|$)/;

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

/** A word with a quote or a path never fits. A slash only between numbers: `rcu_nocbs=0-63:1/2`. */
const KERNEL_WORD = /^[\w.]+(=([\w,.:@*-]|(?<=\d)\/(?=\d))*)?$/;

function kernelParameters(text: string, removals: Removals): string {
  // As the kernel splits them: a space within double quotes separates nothing.
  const words: readonly string[] = text.match(/([^\s"]|"[^"]*("|$))+/g) ?? [];
  const end = words.indexOf('--'); // what follows is for init
  const kept = words.filter((word, i) => (end < 0 || i < end) && KERNEL_PARAMETERS.test(word) && KERNEL_WORD.test(word));
  for (const word of words) {
    if (!kept.includes(word)) removals.add('kernelParameters', 1, /^[a-z0-9_.]+(?==)/i.exec(word)?.[0]);
  }
  return `${kept.join(' ')}\n`;
}

function programOf(raw: RawSnapshot, path: string): string {
  return baseName(raw.links.get(path.replace(/cmdline$/, 'exe')) ?? '');
}

/** The executables that the collector looks for by itself. Those of a user's settings are treated like any program. */
const QEMU = ['qemu-system-*', 'qemu-kvm', 'kvm'];

/** Of an option's value what may be kept; nothing if that is nothing. */
type Shorten = (value: string) => string | undefined;

const ON_OFF = '(on|off)';
const SIZE = String.raw`\d+(\.\d+)?[kmgt]?`;

/** Options of QEMU that are kept. */
const QEMU_OPTIONS: ReadonlyMap<string, Shorten> = new Map<string, Shorten>([
  ['-name', guestName],
  ['-uuid', value => (/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(value) ? value : undefined)],
  ['-smp', parts(String.raw`((cpus|maxcpus|drawers|books|sockets|dies|clusters|modules|cores|threads)=)?\d+`)],
  ['-m', parts(`((size|maxmem)=)?${SIZE}`, String.raw`slots=\d+`)],
  ['-accel', parts('(accel=)?(kvm|tcg|hvf|xen|whpx|nvmm)', 'thread=(single|multi)', `(split-wx|igd-passthru|one-insn-per-tb)=${ON_OFF}`, 'kernel-irqchip=(on|off|split)', `(tb-size|dirty-ring-size)=${SIZE}`)],
  ['-machine', value => /^(type=)?[a-z0-9._-]+(?=,(?!,)|$)/.exec(value)?.[0]],
  ['-incoming', () => 'defer'],
  ['-object', ioThread],
]);

/**
 * Options of QEMU that take no value (qemu-options.def). The argument behind any other is its value, whatever it looks
 * like: `-append -name x` names nothing.
 */
const QEMU_FLAGS = new Set(
  ('h help version snapshot nodefaults no-user-config nodefconfig nographic no-reboot no-shutdown no-quit no-frame no-acpi no-hpet no-kvm no-kvm-irqchip no-kvm-pit no-fd-bootchk ' +
    'S s daemonize enable-kvm enable-fips enable-sync-profile full-screen usb portrait win2k-hack rtc-td-hack localtime only-migratable preconfig singlestep alt-grab ctrl-grab sdl curses ' +
    'xen-attach xen-domid-restrict mem-prealloc semihosting old-param async-teardown perfmap jitdump').split(' ').map(flag => `-${flag}`),
);

function commandLine(text: string, exe: string, removals: Removals): string {
  const argv = parseCmdline(text);
  if (argv.length === 0) return '';
  const name = title(argv[0]!, removals);
  if (!fitsName(exe, QEMU) && !fitsName(name, QEMU)) {
    if (argv.length > 1) removals.add('arguments', argv.length - 1);
    return `${name}\0`;
  }
  const kept = [name];
  for (let i = 1; i < argv.length; i++) {
    const option = argv[i]!.replace(/^--/, '-');
    const value = option.startsWith('-') && !QEMU_FLAGS.has(option) ? argv[++i] : undefined;
    const rest = value === undefined ? undefined : QEMU_OPTIONS.get(option)?.(value);
    if (rest !== undefined) kept.push(option, rest);
    if (rest === undefined || rest !== value) removals.add('arguments', 1, /^-[a-z][a-z-]*$/.test(option) ? option : undefined);
  }
  return `${kept.join('\0')}\0`;
}

/** As QEMU splits a value: a doubled comma stays within a part. */
function split(value: string): string[] {
  return value.match(/(,,|[^,])+/g) ?? [];
}

function parts(...allowed: readonly string[]): Shorten {
  const pattern = new RegExp(`^(${allowed.join('|')})$`, 'i');
  return value => split(value).filter(part => pattern.test(part)).join(',') || undefined;
}

/** `x` or `guest=x`, and `debug-threads`. Not `process`, which is free text; libvirt has no slash in the name of a guest. */
function guestName(value: string): string | undefined {
  const all = split(value);
  const guest = all.find(part => part.startsWith('guest=')) ?? all[0];
  const isName = guest !== undefined && /^(guest=[^/\n]+|[^/\n={]+)$/.test(guest);
  return [...(isName ? [guest] : []), ...all.filter(part => /^debug-threads=(on|off)$/.test(part))].join(',') || undefined;
}

function ioThread(value: string): string | undefined {
  const id = ioThreadId(value)[0];
  return id !== undefined && /^[\w.,:@+-]+$/.test(id) ? `iothread,id=${id.replaceAll(',', ',,')}` : undefined;
}

/** The first argument. A process may have written a title there, all in one: its first word is enough. */
function title(text: string, removals: Removals): string {
  const first = text.split(/\s/)[0]!;
  if (first === text) return program(text, removals);
  removals.add('arguments');
  // What was cut may have been the rest of a folder's name.
  return isPlain(first) ? first : '/removed/';
}

/** The target of an exe link. */
function executable(target: string, removals: Removals): string {
  const [, path, deleted = ''] = /^(.*?)( \(deleted\))?$/s.exec(target)!;
  return program(path!, removals) + deleted;
}

function program(path: string, removals: Removals): string {
  if (isPlain(path)) return path;
  removals.add('paths');
  return `/removed/${/(?<=\/)[\w.+-]+$/.exec(path)?.[0] ?? ''}`;
}

/** A program's path is kept where a distribution puts it; elsewhere it may hold a user's name. */
function isPlain(path: string): boolean {
  return /^((\/usr(\/local)?)?\/(s?bin|libexec|lib|lib64)(\/[\w.+-]+)+|[\w.+-]*|\/removed\/[\w.+-]*)$/.test(path) && !GOES_UP.test(path);
}
