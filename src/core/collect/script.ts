import type { HowToRun } from '../host/source';
import { type ShellCommand, shellCommand } from './shell';
import { READ_VCPUS } from './vcpus';
import { WALKS } from './walks';

/**
 * The one thing that is run on a host: a POSIX shell script on standard input, one round trip, nothing left behind,
 * no root needed. dash, bash and busybox sh; mawk, gawk and busybox awk; GNU and busybox tools.
 *
 * Its answer ("the wire", decoded by wire.ts) is a sequence of frames. A frame's header is a line; what a thread or a
 * cgroup is called stands in content counted in bytes or last on its line, so no name can pass for a frame:
 *
 *     =cgroup-lens 1     the answer begins, on a line of its own (what a login shell printed before it is not ours)
 *     =f BYTES PATH      a file's text follows
 *     =t N BYTES         text number N follows: a /proc/PID/cgroup that many threads share
 *     =m PATH N          the thread PATH (PID/task/TID) has text N as `cgroup`
 *     =s PATH BYTES      its `stat` follows, behind its =m
 *     =a PATH CPUS RUN DELAY SLICES   of the same thread `Cpus_allowed_list` and `schedstat`; - where unreadable
 *     =d PATH            a cgroup's directory was visited
 *     =w PATH            a directory below which all cgroups are visited
 *     =c BYTES PATH      a command line follows, U+0001 for NUL and U+0002 for newline
 *     =hides             /proc hides other users' processes from this reader (hidepid)
 *     =h TID PATH        the file PATH (tasks, cgroup.threads) lists a task that /proc does not show
 *     =l …               a line of `ls -ln /proc/PID/exe`
 *     =user UID NAME     who read
 *     =missing TOOL      a tool that the script needs is not there
 *     =tools TOOL…       those that are there of what a plan may need
 *     =end
 *
 * Paths that do not begin with `/` are below /proc. Errors are the tools' own messages on standard error.
 *
 * Why awk reads the files: one process opens, reads and closes 40,000 of them in the time that a C program takes, and
 * a file is one record, whatever bytes it holds. Why two lanes: the second process reads at the same time as the first
 * and its answer, 350 bytes a thread, is kept in a shell variable until the first has ended; that nearly halves the wait.
 */
export interface CollectScriptOptions {
  /** Names of QEMU executables, `*` at the end for a prefix: `qemu-system-*`, `qemu-kvm`. */
  readonly qemuExecutables: readonly string[];
  /** See {@link HowToRun}. */
  readonly asRoot: HowToRun['asRoot'];
  /** Reads every cgroup that is mounted, not only those on the way to a thread. */
  readonly allCgroups?: boolean;
}

/** Executables of QEMU wherever nothing else is set. `kvm` is what Proxmox VE and Debian call it. */
export const DEFAULT_QEMU_EXECUTABLES: readonly string[] = ['qemu-system-*', 'qemu-kvm', 'kvm'];

/** Daemons whose forked child becomes a machine, and helpers that they place with one. */
export const MANAGERS: readonly string[] = ['libvirtd', 'virtqemud'];
export const HELPERS: readonly string[] = ['virtiofsd', 'swtpm', 'passt', 'passt.avx2', 'vhost-user-*'];
/** Kernel threads of a machine that are not tasks of its process: vhost (before Linux 6.4), the PIT, huge-page recovery. */
const KERNEL_THREADS = '^(vhost-|kvm-pit/|kvm-nx-lpage)';

/**
 * The process to run on the host.
 *
 * @param watched see {@link HowToRun}
 */
export function collectCommand(options: CollectScriptOptions, watched: boolean): ShellCommand {
  const names = [...options.qemuExecutables, ...MANAGERS, ...HELPERS];
  return shellCommand([nameExpression(names), KERNEL_THREADS, options.allCgroups === true ? 'all' : ''], SCRIPT, { watched, asRoot: options.asRoot });
}

/**
 * An extended regular expression for awk: one of these names, at the beginning or behind a slash. It may find too much
 * (an argument of an editor): the model looks at the executable and the first argument again.
 */
function nameExpression(names: readonly string[]): string {
  const one = names.map(name => {
    const literal = name.replace(/\*$/, '').replace(/[^a-zA-Z0-9_-]/g, char => (char === '^' || char === '\\' ? `\\${char}` : `[${char}]`));
    return name.endsWith('*') ? literal : `${literal}([^a-zA-Z0-9_.-]|$)`;
  });
  return `(^|/)[.]?(${one.join('|')})`; // Nix wraps .qemu-system-x86_64-wrapped
}

/** Interface files that are read of a cgroup on the way to a thread, by controller. A file that is not there costs nothing. */
export const V2_FILES = [
  'cgroup.controllers cgroup.type cgroup.subtree_control cgroup.freeze cgroup.events cpu.stat',
  'cpu.max cpu.max.burst cpu.weight cpu.weight.nice cpu.idle cpu.uclamp.min cpu.uclamp.max',
  'cpuset.cpus cpuset.cpus.effective cpuset.cpus.exclusive cpuset.cpus.exclusive.effective cpuset.cpus.partition',
  'cpuset.mems cpuset.mems.effective pids.max pids.current pids.events',
].join(' ');
export const V1_FILES = {
  cpu: 'cpu.shares cpu.cfs_quota_us cpu.cfs_period_us cpu.cfs_burst_us cpu.idle cpu.rt_runtime_us cpu.rt_period_us cpu.stat cpu.uclamp.min cpu.uclamp.max',
  cpuset:
    'cpuset.cpus cpuset.mems cpuset.effective_cpus cpuset.effective_mems cpuset.memory_migrate cpuset.sched_load_balance cpuset.cpu_exclusive cpuset.mem_exclusive cgroup.clone_children',
  pids: 'pids.max pids.current pids.events',
  freezer: 'freezer.state freezer.self_freezing',
};

const FACTS = [
  'self/mountinfo cgroups sys/kernel/osrelease 1/comm cmdline uptime sys/kernel/sched_rt_runtime_us',
  '/sys/devices/system/cpu/online /sys/devices/system/cpu/possible /sys/devices/system/cpu/isolated /sys/devices/system/cpu/nohz_full',
  '/sys/devices/system/cpu/cpu[0-9]*/topology/physical_package_id',
  '/sys/devices/system/cpu/cpu[0-9]*/topology/core_id',
  '/sys/devices/system/cpu/cpu[0-9]*/topology/thread_siblings_list',
  '/sys/devices/system/node/node[0-9]*/cpulist',
].join(' ');

/**
 * Finds the processes by "ls -ln" of every exe link, which lists every PID, readable or not. Prints the PIDs that fit,
 * and of the others the files that may still tell: an executable can have another name, or none that one may read. "cut" first where this awk ends a text at NUL (busybox).
 */
const FIND_BY_LINK = String.raw`
BEGIN { if (length(sprintf("%c", 0)) == 0) print "cut" }
/^l/ {
  split($0, word, " ")
  if (word[9] !~ /^[0-9]+\/exe$/) next
  pid = word[9] + 0
  known = sub(/^.*[0-9]\/exe -> /, "")
  if (known && $0 ~ ENVIRON["executable"]) print pid
  else print pid "/cmdline" (known ? "" : "\n" pid "/comm")
}
`;

/**
 * The same of the beginnings of these files, as "head -v" prints them. Never more than the beginning: a process may show
 * a command line of any length. One that forges a header only names a process too many: the model looks again.
 */
const FIND_BY_NAME = String.raw`
/^==> [0-9]+\/(cmdline|comm) <==$/ { split($2, file, "/"); fresh = 1; next }
fresh { if ($0 ~ ENVIRON[file[2] == "comm" ? "kernelThread" : "executable"] && !seen[file[1]]++) print file[1]; fresh = 0 }
`;

/** A "stat" that cannot be read is told of by its thread's "cgroup", which then cannot be read either. */
const EMIT_STAT = String.raw`function emitStat(f) { if (slurp(f "/stat")) printf "=s %s %d\n%s", f, length(text), text }
`;

/** Bytes of arguments. No QEMU has so many, and a hostile process may show gigabytes. */
const SHORT = 200_000;

/** Lane one: membership of each thread, then the interface files of the cgroups they are in. */
const READ_PLACEMENT = String.raw`${EMIT_STAT}${WALKS}
{ n = split($0, t, "\n")
  for (i = 1; i <= n; i++) {
    f = t[i]
    if (f !~ /[0-9]$/) continue # a process that went away, or the end
    split(f, id, "/")
    if (!slurp(f "/cgroup")) { fail(f "/cgroup"); continue }
    if (text in number) c = number[text]
    else { c = number[text] = ++texts; printf "=t %d %d\n%s", texts, length(text), text; if (text ~ /\/emulator(\n|$)/) mayGoOn[c] }
    if (!((id[1], c) in holds)) { holds[id[1], c] = 1; owners[c] = owners[c] " " id[1] }
    printf "=m %s %d\n", f, c
    if (c in mayGoOn) waiting[f] = c
    if (i > share) emitStat(f)
    if (!cut && id[1] == id[3] && slurp(f "/stat") && arguments(id[1], text)) printf "=f %d %s/cmdline\n%s", length(text), id[1], text
  } }
function arguments(pid, stat,   word, c, more, r) { # in text
  sub(/^.*\) /, "", stat); split(stat, word, " ")
  if (word[46] > 0 || int(word[7] / 2097152) % 2) # arg_start, arg_end; PF_KTHREAD: a thread of the kernel has none
    return word[47] - word[46] < ${SHORT} && slurp(pid "/cmdline")
  c = "head -c ${SHORT} " pid "/cmdline 2>/dev/null" # who may not trace it is not told
  r = (c | getline text) > 0
  while (r && r++ < 5000 && (c | getline more) > 0) text = text "\001" more
  close(c)
  return r ? r <= 5000 && length(text) < ${SHORT} : slurp(pid "/cmdline")
}
END {
  slurp("self/mountinfo")
  n = split(text, line, "\n")
  for (i = 1; i <= n; i++) {
    if (!(at = index(line[i], " - cgroup"))) continue
    split(substr(line[i], 1, at - 1), field, "[ ]")
    split(substr(line[i], at + 3), type, " ")
    root[i] = plain(field[4]); point[i] = plain(field[5])
    o = split(type[1] == "cgroup2" ? "0" : type[3], option, ",")
    for (k = 1; k <= o; k++) {
      c = option[k]
      if (!(c in mount) || root[mount[c]] != "/" && root[i] == "/") mount[c] = i
      if (c in v1) names[i] = names[i] " " v1[c]
    }
    if (type[1] == "cgroup2") names[i] = v2
  }
  for (c in mount) { # roots are read even where no QEMU runs: they tell the mode
    m = mount[c]
    if (!((m, "") in seen)) { seen[m, ""] = 1; directory(point[m], names[m], 1) }
  }
  for (x in number) {
    n = split(x, line, "\n")
    for (i = 1; i <= n; i++) {
      p = line[i]; sub(/^[0-9]+:/, "", p); at = index(p, ":"); if (!at) continue
      c = substr(p, 1, at - 1); p = substr(p, at + 1); sub(/,.*/, "", c); if (c == "") { c = "0"; sub(/ \(deleted\)$/, "", p) }
      if (!(c in mount)) continue
      m = mount[c]; r = root[m]
      if (c !~ /^name=/) ownedBy(owners[number[x]], m, p)
      if (r != "/") { if (p == r) p = ""; else if (index(p, r "/") == 1) p = substr(p, length(r) + 1); else continue }
      if (p == "/") p = ""
      while (!((m, p) in seen)) {
        seen[m, p] = 1; directory(point[m] p, names[m], p == "")
        if (p == "") break
        sub("/[^/]*$", "", p)
      }
    }
  }
  if (all) for (c in mount) if (!walked[mount[c]]++) walk(mount[c])
  if (!all) walkOwn()
  for (f in waiting) { # libvirt may have made groups since and moved threads there: the group would be seen, and no thread in it
    if (!slurp(f "/cgroup") || text in number && number[text] == waiting[f]) continue
    if (!(text in number)) { number[text] = ++texts; printf "=t %d %d\n%s", texts, length(text), text }
    printf "=m %s %d\n", f, number[text]
  }
  errors()
}
function plain(p) { gsub(/\\040/, " ", p); gsub(/\\011/, "\t", p); gsub(/\\134/, "\\", p); return p }
function directory(d, list, isRoot,   i, n, f) {
  print "=d " d
  n = split(list, f, " ")
  if (n && !emit(d "/" f[1]) && !isRoot) fail(d "/" f[1]) # the first is there always, but not in a v1 root
  controllers = text
  for (i = 2; i <= n; i++) {
    if (list == v2 && f[i] !~ /^cgroup|^cpu[.](stat|pressure)/ && index(" " controllers, " " substr(f[i], 1, index(f[i], ".") - 1)) == 0) continue
    emit(d "/" f[i])
  }
}
`;

/**
 * So many threads' "stat" is read in lane two, the others' in lane one, which has the cgroups besides: a host of 2,000
 * threads has as much to read of the one as of the other.
 */
const SHARE = 4000;

/** Lane two: "stat", of "status" the affinity, and "schedstat"; of a process a few lines more. */
const READ_TIMES = String.raw`${EMIT_STAT}
function value(name,   a, b) {
  a = index(text, "\n" name ":"); if (!a) return ""
  b = substr(text, a + 1, 4096); return substr(b, 1, index(b, "\n"))
}
{ n = split($0, t, "\n")
  for (i = 1; i <= n; i++) {
    f = t[i]
    if (f !~ /[0-9]$/) continue
    if (i <= share) emitStat(f)
    if (slurp(f "/status") && (a = index(text, "\nCpus_allowed_list:"))) {
      cpus = substr(text, a + 20, 4096); cpus = substr(cpus, 1, index(cpus, "\n") - 1)
      split(f, id, "/")
      if (id[1] == id[3]) { s = value("Uid") value("VmRSS") value("Mems_allowed_list"); printf "=f %d %s/status\n%s", length(s), id[1], s }
    } else cpus = "-"
    if (!slurp(f "/schedstat")) text = "- - -\n"
    printf "=a %s %s %s", f, cpus, text
  } }
`;

/** Tasks of machine-like cgroups that /proc hides: only asked for where it hides any. */
const FIND_HIDDEN = String.raw`
{ at = match($0, /:[0-9]+$/); if (!at) next
  id = substr($0, at + 1)
  if ((getline y < (id "/stat")) <= 0) print "=h " id " " substr($0, 1, at - 1)
  close(id "/stat") }
`;

const SCRIPT = String.raw`find_processes() { # prints PIDs; what ls and head say of files that they may not read is no news
  executable=$1 kernelThread=$2
  export executable kernelThread
  found=$(printf '%s/exe\n' [0-9]* | xargs ls -ln$q 2>/dev/null | $awk '${FIND_BY_LINK}') || return
  printf '%s\n' "$found" | grep -v /
  printf '%s\n' "$found" | grep / | xargs head -v -c 300 version 2>/dev/null | $awk '${FIND_BY_NAME}'
}
read_placement() {
  printf '%s\n' "$threads" | $awk -v share=${SHARE} -v cut="$cut" -v all="$all" -v v2='${V2_FILES}'"$pressure" "$library"'BEGIN {
    v1["cpu"] = "${V1_FILES.cpu}"; v1["cpuset"] = "${V1_FILES.cpuset}"
    v1["pids"] = "${V1_FILES.pids}"; v1["freezer"] = "${V1_FILES.freezer}" }
  ${READ_PLACEMENT}' || return
  [ -z "$cut" ] || for p in $processes; do
    [ -r $p/cmdline ] || continue
    c=$(head -c ${SHORT} $p/cmdline 2>/dev/null | tr '\0\n' '\1\2')
    n=$(printf %s "$c" | wc -c)
    [ $n -ge ${SHORT} ] || printf '=c %s %s\n%s' $n $p/cmdline "$c"
  done
  return 0
}
find_hidden() {
  set --
  while IFS= read -r m; do set -- "$@" "$m"; done <<END
$(sed -n 's/^[^ ]* [^ ]* [^ ]* [^ ]* \([^ ]*\) .* - cgroup2\{0,1\} .*/\1/p' self/mountinfo)
END
  find "$@" -xdev \( -path '*machine*' -o -path '*libvirt*' -o -path '*qemu*' \) \( -name tasks -o -name cgroup.threads \) -type f \
    -exec grep -aH '' {} + 2>/dev/null | $awk '${FIND_HIDDEN}'
}
read_threads() {
  printf '%s\n' "$threads" | $awk -v share=${SHARE} "$library"'${READ_TIMES}'
}
read_facts() { # of /sys a kernel has what it has
  $awk "$library"'BEGIN { for (i = 1; i < ARGC; i++) if (!emit(ARGV[i]) && ARGV[i] !~ /^\/sys\//) fail(ARGV[i]); errors(); exit }' ${FACTS}
}
is_readable() {
  for f in "$@"; do [ -f "$f" ] && [ -r "$f" ] && return; done
  return 1
}
read_vcpus() { # no process where nothing is to be read. A long list of disks under repair makes a state of 200 KiB
  case $XDG_RUNTIME_DIR in
    /run/user/*) session=$XDG_RUNTIME_DIR/libvirt/qemu/run ;;
    *) session=/dev/null ;;
  esac
  is_readable /run/libvirt/qemu/*.xml "$session"/*.xml || [ -r /sys/kernel/debug/kvm ] || return 0
  find /run/libvirt/qemu "$session" /sys/kernel/debug/kvm -maxdepth 3 \( -name '*.xml' -o -path '*/vcpu*/pid' \) -type f -size -2048k 2>/dev/null | $awk '${READ_VCPUS}'
  return 0
}
read_times() {
  if [ -n "$threads" ]; then
    again read_threads 2>/dev/null || return # what mawk says of a thread that has just died would stand between lane one's lines, in pieces
    printf '%s/exe\n' $processes | xargs ls -ln$q 2>/dev/null | sed 's/^/=l /'
  fi
  user=$(id)
  printf '=user %s\n' "$user" # not echo: a domain's backslash in a name
  [ -r 1/stat ] || { # hidepid; neither root nor who is in its gid= is hidden anything
    echo '=hides'
    again find_hidden
  }
}
collect() {
  echo
  echo '=cgroup-lens 1'
  cd /proc 2>/dev/null && [ -r self/mountinfo ] || { echo '=missing /proc/self/mountinfo'; return; }
  for tool in awk find grep head id ls sed tr wc xargs; do
    command -v "$tool" >/dev/null 2>&1 || echo "=missing $tool"
  done
  tools=
  for tool in taskset busybox python3 perl; do
    command -v "$tool" >/dev/null 2>&1 && tools="$tools $tool"
  done
  echo "=tools$tools"
  q=q # shows a newline in a path as ?; busybox has no such flag
  ls -lnq self/exe >/dev/null 2>&1 || q=
  all=$3 pressure=
  [ ! -e pressure/cpu ] || pressure=' cpu.pressure' # where it is switched off, some kernels have the files and refuse to read them
  { again read_facts && read_vcpus; } & # beside what writes no errors of its own: two writers would tear each other's lines
  facts=$!
  for try in 1 2 3 4 5; do
    processes=$(find_processes "$1" "$2")
    complete=$?
    [ $complete != 0 ] || break
  done
  case $processes in
    cut*) cut=1 processes=${'$'}{processes#cut} ;;
    *) cut= ;;
  esac
  threads=$(for p in $processes; do printf '%s\n' $p/task/[0-9]*; done)
  wait $facts || complete=1
  again read_placement &
  placement=$!
  times=$(read_times) || complete=1
  wait $placement || complete=1
  printf '%s\n' "$times"
  [ $complete != 0 ] || echo '=end'
}
`;
