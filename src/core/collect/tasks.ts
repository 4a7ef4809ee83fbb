import { CollectError } from '../errors';
import type { Question, Timing } from '../host/source';
import { decodeBytes } from '../parse/bytes';
import type { Collection, Errno, RawInterrupt, RawTask, RawTasks } from '../rawSnapshot';
import { shellCommand } from './shell';
import { readStderr } from './stderr';
import { Pending } from './pending';
import { MOST, MOST_BEFORE, MOST_FRAMES, SAID, parseUser } from './wire';

const FIRST_LINE = '=cgroup-lens-tasks 1';

/**
 * Where every task and every interrupt of a host may run. Its answer is lines; a name stands last on its line, and the
 * kernel itself spells a newline in it as `\n` (proc_task_name), so no name can pass for a line:
 *
 *     =t PID/task/TID PPID CPUS NAME   of `status`
 *     =i IRQ e=CPUS c=CPUS             effective_affinity_list and smp_affinity_list; - where there is none
 *     =n IRQ NAME                      a handler of it
 *     =no-irq   =hides                 no /proc/irq; hidepid
 */
export const tasksQuestion: Question<RawTasks> = {
  command: how => shellCommand([], SCRIPT, how),
  decoder: () => new TasksDecoder(),
};

const READ_STATUS = String.raw`
function value(name,   a, b) {
  a = index(text, "\n" name ":"); if (!a) return "-"
  b = substr(text, a + length(name) + 3, 4096); return substr(b, 1, index(b, "\n") - 1)
}
{ n = split($0, t, "\n")
  for (i = 1; i <= n; i++) {
    f = t[i]
    if (f == "") continue
    if (f !~ /[0-9]$/) { sub(/\/.*/, "", f); fail(f "/status") } # no tasks to see: gone, or hidden
    else if (slurp(f "/status")) print "=t " f " " value("PPid") " " value("Cpus_allowed_list") " " substr(text, 7, index(text, "\n") - 7)
    else fail(f "/status")
  } }
END { errors() }
`;

const READ_AFFINITY = String.raw`
function line(f) { if (!slurp(f)) return "-"; sub(/\n.*/, "", text); return text }
BEGIN {
  for (i = 1; i < ARGC; i++) {
    f = ARGV[i]
    if (f ~ /[0-9]$/) print "=i " substr(f, 5) " e=" line(f "/effective_affinity_list") " c=" line(f "/smp_affinity_list")
  }
  exit
}
`;

const SCRIPT = String.raw`
read_status() {
  printf '%s\n' "$tasks" | $awk "$library"'${READ_STATUS}'
}
read_interrupts() {
  $awk "$library"'${READ_AFFINITY}' irq/[0-9]*
}
collect() {
  echo
  echo '${FIRST_LINE}'
  cd /proc 2>/dev/null && [ -r self/mountinfo ] || { echo '=missing /proc/self/mountinfo'; return; }
  tasks=$(for p in [0-9]*; do printf '%s\n' $p/task/[0-9]*; done)
  complete=0
  statuses=$(again read_status) || complete=1
  printf '%s\n' "$statuses"
  if [ -d irq ]; then
    interrupts=$(again read_interrupts) || complete=1
    printf '%s\n' "$interrupts"
    printf '%s\n' irq/[0-9]*/*/ | sed -n 's,^irq/\([0-9]*\)/\(.*\)/$,=n \1 \2,p'
  else
    echo '=no-irq'
  fi
  user=$(id)
  printf '=user %s\n' "$user"
  [ -r 1/stat ] || echo '=hides'
  [ $complete != 0 ] || echo '=end'
}
`;

class TasksDecoder {
  private readonly tasks = new Map<number, RawTask>(); // by TID: where awk had to begin anew, it has told some twice
  private readonly interrupts = new Map<number, RawInterrupt & { readonly handlers: string[] }>();
  private readonly errors = new Map<string, Errno>();
  private readonly remarks: string[] = [];
  private user: Collection['user'];
  private state: 'before' | 'within' | 'ended' = 'before';
  private hides = false;
  private noInterrupts = false;
  private readonly pending = new Pending();
  private received = 0;
  private said = '';

  push(chunk: Buffer): boolean {
    this.received += chunk.length;
    if (this.state === 'before' && this.said.length < SAID) this.said += decodeBytes(chunk.subarray(0, SAID));
    for (const line of this.pending.lines(chunk)) this.line(line);
    if (this.state === 'before') return this.received < MOST_BEFORE;
    return this.received < MOST && this.tasks.size < MOST_FRAMES && !this.pending.isTooLong;
  }

  /** @throws CollectError `not-an-answer` */
  finish(stderr: string, host: string, timing: Timing): RawTasks {
    readStderr(stderr, this.errors, this.remarks);
    if (this.state === 'before') throw new CollectError('not-an-answer', { host, said: this.said.trim().slice(0, SAID) || stderr.trim().slice(0, SAID) });
    const { errors, hides, user, remarks } = this;
    const tasks = [...this.tasks.values()];
    const interrupts = this.noInterrupts ? undefined : [...this.interrupts.values()].sort((a, b) => a.irq - b.irq);
    return { tasks, interrupts, errors, hides, collection: { ...timing, user, hides, complete: this.state === 'ended', remarks } };
  }

  private line(line: string): void {
    if (this.state !== 'within') {
      if (this.state === 'before' && line === FIRST_LINE) this.state = 'within';
      return;
    }
    const kind = line.split(' ', 1)[0]!;
    const rest = line.slice(kind.length + 1);
    switch (kind) {
      case '=t': {
        const match = /^(\d+)\/task\/(\d+) (\d+) (\S+) (.*)$/s.exec(rest);
        if (!match) break;
        const [, pid, tid, ppid, cpus, name] = match as unknown as [string, string, string, string, string, string];
        this.tasks.set(Number(tid), { pid: Number(pid), tid: Number(tid), ppid: Number(ppid), cpus, name: name.replace(/\\(n|\\)/g, (_, char) => (char === 'n' ? '\n' : '\\')) });
        return;
      }
      case '=i': {
        const match = /^(\d+) e=(\S*) c=(\S*)$/.exec(rest);
        if (!match) break;
        const list = (text: string): string | undefined => (text === '-' ? undefined : text);
        this.interrupts.set(Number(match[1]), { irq: Number(match[1]), effective: list(match[2]!), configured: list(match[3]!), handlers: [] });
        return;
      }
      case '=n': {
        const match = /^(\d+) (.+)$/s.exec(rest);
        if (!match) break;
        this.interrupts.get(Number(match[1]))?.handlers.push(match[2]!);
        return;
      }
      case '=no-irq':
        this.noInterrupts = true;
        return;
      case '=hides':
        this.hides = true;
        return;
      case '=user':
        this.user = parseUser(rest);
        return;
      case '=end':
        this.state = 'ended';
        return;
      case '':
        return;
    }
    if (this.remarks.length < 20) this.remarks.push(`unexpected answer: ${line.slice(0, 100)}`);
  }
}
