import { parseArgs } from 'node:util';
import { DEFAULT_QEMU_EXECUTABLES } from '../core/collect/script';
import { mayBeHost } from '../core/host/hostName';
import { describeError } from '../core/messages';
import { isProgramName } from '../core/parse/programName';
import { visible } from '../core/visible';

export const HELP = `cgroup-lens: where every QEMU thread sits, and puts it right

  cgroup-lens report [--capture FILE] [--json]
      the placement of each machine, of this host, of another, or of a capture
  cgroup-lens check [--capture FILE | --host NAME...] [--machine NAME] [--json | --sarif] [--severity LEAST]
                    [--rule ID=SEVERITY|off]... [--seconds N] [--output FILE [--force]]
      what is wrong, why, what it costs and what to do. Of a running host by two looks, N seconds apart
      (1; 0: one look, which sees nobody wait). LEAST: error, warning, information (where none is named, as
      text), or hint (all of them; where none is named, as JSON and SARIF). Says nothing where there is
      nothing to say
  cgroup-lens explain [ID]
      the page of a rule: cause, signature, cost, fix, sources; without ID, which there are
  cgroup-lens compare A B [--json]
      what moved between two machines, or between all of two hosts; each is FILE, FILE#MACHINE, or . or
      .#MACHINE for this host or that of --host
  cgroup-lens collect [--output FILE [--force]]
      a capture of this host, redacted, to FILE or to standard output; an existing
      FILE is kept unless --force is given
  cgroup-lens plan MACHINE CHANGE... [--capture FILE] [--script | --json] [--expert]
      what would be done, what the kernel would answer, and the way back; changes
      nothing. --script: as a shell script that makes the same checks
  cgroup-lens apply MACHINE CHANGE... [--yes] [--owners-way] [--expert]
      shows the plan, asks, and does it. --yes: asks nothing, but for what has to be
      confirmed by itself. --owners-way: by virsh or systemctl, where they have a way
  cgroup-lens undo [ID] [--yes]
      takes back what is still as the last plan of that host (or plan ID) left it
  cgroup-lens history
      plans that were applied from the command line, and on which host

Another host than this one, with each of them but explain:
  --host NAME        by SSH: a Host of ~/.ssh/config, or user@host:port. What only you can answer is asked
                     at the terminal; without one, known_hosts and an agent have to do
  --ssh-config FILE  reads FILE instead, as ssh -F does
  --as-root          becomes root by sudo -n where other users' processes are hidden there. What a plan
                     writes is always written so, where the user may not

CHANGE, any number of them:
  --move THREAD=CGROUP           --pin THREAD=0-3,8 | THREAD=each:4-7 | THREAD=all
  --set CGROUP/FILE=VALUE        --schedule THREAD=other[:nice:5] | batch[:nice:5] | idle | fifo:10 | rr:10
  --make CGROUP                  --remove CGROUP
  --hierarchy KEY                only there (cpuset, cpu,cpuacct, 0::); else wherever CGROUP is, and for
                                 --make beside the machine's other groups
  --restore-layout               all that brings the machine to its layout: missing cgroups, threads that are
                                 elsewhere, pins as libvirt has them; others may be named besides
  THREAD is a TID, emulator, vcpu2, vcpus, iothread:ID, iothreads or a role such as worker.
  CGROUP is S/vcpu2, S for the directory of the machine's groups, or a path as in /proc/PID/cgroup; FILE one
  of its interface files: v2 has cpu.max (50000 100000), v1 cpu.cfs_quota_us (50000).
  They are done in this order: make, set, move, pin, schedule, remove; the plan shows it.

  --version     which version this is
  --qemu NAME   name of a QEMU executable besides ${DEFAULT_QEMU_EXECUTABLES.join(', ')}; * at the end for a prefix

Exit code: 0 done, 1 could not be done, 2 wrong arguments, 3 done in part (a damaged capture, a plan that stopped,
one of several hosts). check: 10 the worst that it prints is a warning, 11 an error, whatever else could not be read;
0 neither. compare: 10 they differ.
`;

const CHANGES = ['restore-layout', 'move', 'pin', 'schedule', 'set', 'make', 'remove', 'hierarchy'] as const;
const ALWAYS = ['help', 'version', 'qemu', 'host', 'ssh-config', 'as-root'];
/** Which options go with which command, besides those that go with all. */
const COMMANDS: Readonly<Record<string, { readonly options: readonly string[]; readonly arguments: readonly [least: number, most: number] }>> = {
  report: { options: ['capture', 'json'], arguments: [0, 0] },
  check: { options: ['capture', 'machine', 'json', 'sarif', 'severity', 'rule', 'seconds', 'output', 'force'], arguments: [0, 0] },
  explain: { options: [], arguments: [0, 1] },
  compare: { options: ['json'], arguments: [2, 2] },
  collect: { options: ['output', 'force'], arguments: [0, 0] },
  plan: { options: [...CHANGES, 'capture', 'script', 'json', 'expert'], arguments: [1, 1] },
  apply: { options: [...CHANGES, 'yes', 'owners-way', 'expert'], arguments: [1, 1] },
  undo: { options: ['yes'], arguments: [0, 1] },
  history: { options: [], arguments: [0, 0] },
};

export type Values = Exclude<ReturnType<typeof parseArguments>, string>['values'];

/** What is wanted, or what cannot be understood, as a sentence. */
export function parseArguments(args: readonly string[]) {
  try {
    const several = { type: 'string', multiple: true } as const;
    const { values: given, positionals, tokens } = parseArgs({
      args: [...args],
      allowPositionals: true,
      tokens: true,
      options: {
        ...{ capture: { type: 'string' }, json: { type: 'boolean' }, output: { type: 'string', short: 'o' }, force: { type: 'boolean' } },
        ...{ script: { type: 'boolean' }, expert: { type: 'boolean' }, yes: { type: 'boolean', short: 'y' }, 'owners-way': { type: 'boolean' } },
        ...{ 'restore-layout': { type: 'boolean' }, move: several, pin: several, schedule: several, set: several, make: several, remove: several, hierarchy: several },
        ...{ machine: { type: 'string' }, sarif: { type: 'boolean' }, severity: { type: 'string' }, rule: several, seconds: { type: 'string' } },
        ...{ host: several, 'ssh-config': { type: 'string' }, 'as-root': { type: 'boolean' } },
        qemu: several,
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean', short: 'V' },
      },
    });
    const [command, ...words] = positionals;
    const values = { ...given, host: given.host?.[0], hosts: given.host ?? [] };
    if (values.help || values.version || command === undefined) return { command, words, values } as const;
    const known = Object.hasOwn(COMMANDS, command) ? COMMANDS[command] : undefined;
    if (!known) return `unknown command: ${visible(command)}`;
    const stranger = Object.keys(given).find(name => ![...(command === 'explain' ? ['help'] : ALWAYS), ...known.options].includes(name));
    if (stranger !== undefined) return `--${stranger} does not go with ${command}`;
    if (words.length > known.arguments[1]) return `unexpected argument: ${visible(words[known.arguments[1]]!)}`;
    if (words.length < known.arguments[0]) return command === 'compare' ? 'compare needs two: a capture and a capture, or . for a host' : `${command} needs the name of a machine`;
    if (values.qemu?.some(name => !isProgramName(name))) return '--qemu takes the name of a program, without a path, * at its end for a prefix';
    if (values.host === undefined) {
      const stray = (['ssh-config', 'as-root'] as const).find(name => values[name] !== undefined);
      if (stray !== undefined) return `--${stray} is about another host: name it with --host`;
    } else if (values.capture !== undefined) return '--capture is read here: it does not go with --host';
    const noHost = values.hosts.find(name => !mayBeHost(name));
    if (noHost !== undefined) return `--host takes a Host of ssh_config or user@host:port, and not "${visible(noHost)}"`;
    // Of two the first would be forgotten, and its faults with it.
    const twice = (['capture', 'machine'] as const).find(name => tokens.filter(token => token.kind === 'option' && token.name === name).length > 1);
    if (twice !== undefined) return `${command} looks at one ${twice} at a time: name one --${twice}`;
    if (values.hosts.length > 1 && command !== 'check') return `${command} is about one host: name it with one --host`;
    return { command, words, values } as const;
  } catch (error) {
    return describeError(error).replace(/\.(?: |\\n).*$/s, ''); // what Node adds is about Node
  }
}
