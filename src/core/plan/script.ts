import type { Action, CgroupRef, MoveTask, TaskRef } from '../cgroup/action';
import { shellWord } from '../shellWord';
import { visible } from '../visible';
import type { Plan, Precondition, Step } from './plan';
import { sentence } from './sentences';
import { SHELL_LIBRARY } from './shellLibrary';

/**
 * A plan as text for a shell: a function `steps` that does it, for what {@link SHELL_LIBRARY} defines. It stops at the
 * first step that is not done, and gives 1. Every string of a host in it goes through `shellWord`; behind a `#`, through
 * `visible`, which leaves no newline.
 */
export function planSteps(plan: Plan, options: { readonly comments: boolean } = { comments: false }): string {
  const lines: string[] = ['steps() {', ...tools(plan).map(tool => `  ${tool} || return`)];
  const moved = new Moved();
  let job: string | undefined;
  for (const [i, step] of plan.steps.entries()) {
    const { action, preconditions } = step;
    if (options.comments) lines.push('', ...comments(plan, i).map(text => `  # ${text}`), `  title=${shellWord(visible(titleOf(action)))}`);
    if (action.kind === 'move' && moved.has(action)) lines.push('  read_back'); // where it is by now: it is moved on
    const idle = preconditions.find(p => p.kind === 'idle');
    if (idle && idle.machine !== job) lines.push(`  job_of ${shellWord((job = idle.machine))}`);
    lines.push(`  n=${i + 1}`, `  check() { ${checks(preconditions)}; }`, `  ${call(action)} || return`);
  }
  return `${[...lines, '}'].join('\n')}\n`;
}

/** The same as a script that runs by itself, for a change ticket. Its own words are English, as are those of the tools that it runs. */
export function planScript(plan: Plan): string {
  const count = plan.steps.length;
  const head = [
    '#!/bin/sh',
    `# ${visible(plan.title)}`,
    `# On ${visible(plan.hostLabel)}, as read ${new Date(plan.readAt).toISOString()}. Runs by itself under sh, once: each step looks first whether`,
    '# all is as it was read, and nothing more is done after the first that is not.',
    ...[...(plan.consent.kind === 'apply' ? [] : [plan.consent.because]), ...plan.warnings.map(warning => warning.because)].map(because => `# Mind: ${visible(sentence(because))}`),
  ];
  const root = plan.asRoot ? ['[ "$(id -u)" = 0 ] || { echo "This needs root; nothing was done." >&2; exit 1; }'] : [];
  // A capture may say of any folder that cgroups are mounted there.
  const directories = directoriesOf(plan).map(shellWord);
  const mounted = directories.length > 0 ? [`on_cgroups ${directories.join(' ')} || { printf 'This host has no cgroups at %s; nothing was done.\\n' "$(shown "$directory")" >&2; exit 1; }`] : [];
  const tail = ['if steps 2>/dev/null; then', '  read_back', `  echo "All ${count} steps are done."`, 'else', '  read_back', '  exit 1', 'fi'];
  return [...head, SCRIPT_PREAMBLE + SHELL_LIBRARY + tellPeople(count) + planSteps(plan, { comments: true }), ...root, ...mounted, ...tail, ''].join('\n');
}

const SCRIPT_PREAMBLE = String.raw`
LC_ALL=C
export LC_ALL
unset IFS
PATH=$PATH:/usr/sbin:/usr/bin:/sbin:/bin
umask 022
`;

function directoriesOf({ steps }: Plan): string[] {
  const found = steps.flatMap(({ action, preconditions }) => [action.kind === 'move' ? action.to : 'cgroup' in action ? action.cgroup : undefined, ...preconditions.map(one => ('cgroup' in one ? one.cgroup : undefined))]);
  return [...new Set(found.flatMap(cgroup => cgroup?.directory ?? []))];
}

/** What a host says is made visible by `tr`: a terminal obeys what it is sent. */
function tellPeople(count: number): string {
  return String.raw`
on_cgroups() { # DIRECTORY…: below where the kernel says that cgroups are mounted. Within, nobody can make a link that leads out
  points=
  while read -r id parent device root point rest; do
    case $rest in *' - cgroup '* | *' - cgroup2 '*) points=$points$point$nl ;; esac
  done </proc/self/mountinfo
  for directory; do
    case $directory/ in *//* | */./* | */../*) return 1 ;; esac
    here=
    IFS=$nl
    set -f
    for point in $points; do
      case $directory/ in "$point"/*) here=1 ;; esac
    done
    set +f
    unset IFS
    [ -n "$here" ] || return 1
  done
}
shown() { # TEXT
  case $1 in
    *[!\ -~]*) printf %s "$1" | tr -c ' -~' '?' ;;
    *) printf %s "$1" ;;
  esac
}
tell_places() {
  places '' | while IFS= read -r line; do tell "read ${'$'}{line%% *}" "${'$'}{line#* }"; done
}
tell() { # FRAME TEXT
  set -- "$2" $1 # the words of a frame are ours
  case $2 in
    done) printf 'Step %s of ${count}, %s: done.\n' "$3" "$title" ;;
    read) printf '  Step %s, now: %s\n' "$3" "$(shown "$1")" ;;
    said) printf '  It says: %s\n' "$(shown "$1")" ;;
    remark) printf '  Remark: %s\n' "$(shown "$1")" ;;
    refused) printf 'Step %s of ${count}, %s: REFUSED: %s\n' "$3" "$title" "$(shown "$1")" ;;
    cannot) printf 'Step %s of ${count} cannot be done here: %s. Nothing was done.\n' "$3" "$(shown "$1")" ;;
    changed) printf 'Step %s of ${count}, %s: NOT DONE, it is not as it was read; found: %s\n' "$3" "$title" "$(shown "${'$'}{1:-nothing}")" ;;
  esac
}
`;
}

/** What a step changes, in a few words. Hostile names stand in it as they are. */
function titleOf(action: Action): string {
  switch (action.kind) {
    case 'move':
      return `${taskText(action.task)} to ${cgroupText(action.to)}${action.file === 'cgroup.procs' ? ', with all its process' : ''}`;
    case 'affinity':
      return `${taskText(action.task)} on CPUs ${action.cpus}`;
    case 'scheduling':
      return `${taskText(action.task)} as ${action.policy}, priority ${action.priority}, nice ${action.nice}`;
    case 'make':
      return `make ${cgroupText(action.cgroup)}`;
    case 'remove':
      return `remove ${cgroupText(action.cgroup)}`;
    case 'write':
      return `${action.file} of ${cgroupText(action.cgroup)} = ${action.value}`;
    case 'tool':
      return action.argv.map(shellWord).join(' ');
  }
}

function taskText({ tid, comm }: TaskRef): string {
  return `thread ${tid} (${comm})`;
}

function cgroupText({ hierarchy, path }: CgroupRef): string {
  return `${hierarchy === '0::' ? 'v2' : hierarchy} ${path}`;
}

function comments(plan: Plan, i: number): string[] {
  const { action, before, undo, outcomes }: Step = plan.steps[i]!;
  const back = [
    ...(undo.kind === 'exact' ? [] : [undo.kind]),
    ...(undo.because ? [sentence(undo.because)] : []),
    ...undo.actions.map(commandOf),
  ].join('; ');
  const predicted = outcomes.map(({ errno, because: why }) => `${errno ?? 'accepted'}${why ? ` (${sentence(why)})` : ''}`).join(', or ');
  return [
    `${i + 1}. ${titleOf(action)}`,
    ...(before === undefined ? [] : [`   before: ${before}`]),
    ...(predicted === '' ? [] : [`   predicted: ${predicted}`]),
    `   way back: ${back || 'none'}`,
  ].map(visible);
}

/** The plain command of an action, for people who read or type it. */
function commandOf(action: Action): string {
  switch (action.kind) {
    case 'move':
      return `echo ${action.task.tid} >${shellWord(`${action.to.directory}/${action.file}`)}`;
    case 'affinity':
      return `taskset -pc ${shellWord(action.cpus)} ${action.task.tid}`;
    case 'scheduling':
      return `chrt --${action.policy} -p ${action.priority} ${action.task.tid}; renice ${action.nice} -p ${action.task.tid}`;
    case 'make':
      return `mkdir ${shellWord(action.cgroup.directory)}`;
    case 'remove':
      return `rmdir ${shellWord(action.cgroup.directory)}`;
    case 'write':
      return `echo ${shellWord(action.value)} >${shellWord(fileOf(action.cgroup, action.file))}`;
    case 'tool':
      return action.argv.map(shellWord).join(' ');
  }
}

/** Tasks whose place is to be read back, so that what is read is what their own step did. */
class Moved {
  private readonly tasks = new Map<string, number>();

  /** Whether one that is moved now is among them, which are read back then. */
  has({ task, to, file }: MoveTask): boolean {
    const all = file === 'cgroup.procs';
    const key = `${to.hierarchy} ${all ? task.pid : task.tid}`;
    const has = this.tasks.has(`${to.hierarchy} ${task.tid}`) || [...(all ? this.tasks.values() : [])].includes(task.pid) || this.tasks.has(`${to.hierarchy} all ${task.pid}`);
    if (has) this.tasks.clear();
    this.tasks.set(key, task.pid);
    if (all) this.tasks.set(`${to.hierarchy} all ${task.pid}`, task.pid);
    return has;
  }
}

/** What must be on the host before anything is written. */
function tools({ steps }: Plan): string[] {
  const wanted = new Map<string, string>();
  for (const [i, { action }] of steps.entries()) {
    if (action.kind === 'affinity') wanted.set('affinity', wanted.get('affinity') ?? `find_affinity ${i + 1}`);
    if (action.kind === 'scheduling') wanted.set('scheduling', wanted.get('scheduling') ?? `find_scheduler ${i + 1}`);
    if (action.kind === 'tool') wanted.set(`tool ${action.argv[0]}`, wanted.get(`tool ${action.argv[0]}`) ?? `needs ${i + 1} ${shellWord(action.argv[0] ?? '')}`);
  }
  return [...wanted.values()];
}

/** The task itself is looked at last: it is what may change in a moment. */
function checks(preconditions: readonly Precondition[]): string {
  const order = (p: Precondition): number => (p.kind === 'alive' ? 1 : p.kind === 'place' ? 2 : 0);
  const all = preconditions.map((precondition, index) => ({ precondition, index })).sort((a, b) => order(a.precondition) - order(b.precondition));
  return all.map(({ precondition, index }) => check(precondition, index)).join(' && ') || ':';
}

function check(precondition: Precondition, index: number): string {
  switch (precondition.kind) {
    case 'alive':
      return `alive ${index} ${taskWords(precondition.task)} ${integer(precondition.task.startTime)}`;
    case 'place':
      return `placed ${index} ${taskWords(precondition.task)} ${controllers(precondition.hierarchy)} ${shellWord(precondition.path)}`;
    case 'allowed':
      return `allowed ${index} ${taskWords(precondition.task)} ${precondition.cpus.map(shellWord).join(' ')}`;
    case 'scheduling':
      return `scheduled ${index} ${taskWords(precondition.task)} ${shellWord(precondition.policy)} ${integer(precondition.priority)} ${integer(precondition.nice)}`;
    case 'value':
      return `reads ${index} ${shellWord(fileOf(precondition.cgroup, precondition.file))} ${shellWord(precondition.value)}`;
    case 'exists':
    case 'absent':
      return `${precondition.kind} ${index} ${shellWord(precondition.cgroup.directory)}`;
    case 'idle':
      return `idle ${index}`;
  }
}

function call(action: Action): string {
  switch (action.kind) {
    case 'move':
      return `move ${taskWords(action.task)} ${controllers(action.to.hierarchy)} ${shellWord(fileOf(action.to, action.file))}`;
    case 'affinity':
      return `pin ${taskWords(action.task)} ${shellWord(action.cpus)}`;
    case 'scheduling':
      return `schedule ${taskWords(action.task)} ${integer(action.task.startTime)} ${shellWord(action.policy)} ${integer(action.priority)} ${integer(action.nice)}`;
    case 'make':
    case 'remove':
      return `${action.kind} ${shellWord(action.cgroup.directory)}`;
    case 'write':
      return `set_value ${shellWord(fileOf(action.cgroup, action.file))} ${shellWord(action.value)}`;
    case 'tool':
      return `use ${action.argv.map(shellWord).join(' ')}`;
  }
}

function taskWords({ pid, tid }: TaskRef): string {
  return `${integer(pid)} ${integer(tid)}`;
}

/** As a line of /proc/PID/cgroup has them: those of v2 are none. */
function controllers(hierarchy: string): string {
  return shellWord(hierarchy === '0::' ? '' : hierarchy);
}

function fileOf({ directory }: CgroupRef, file: string): string {
  if (!/^[a-z][a-z0-9_.]*$/.test(file)) throw new RangeError(`no interface file: ${file}`);
  return `${directory}/${file}`;
}

/** A plan may come out of a file: what it calls a number may be anything. */
function integer(value: number): string {
  if (!Number.isSafeInteger(value)) throw new RangeError(`no whole number: ${String(value)}`);
  return String(value);
}
