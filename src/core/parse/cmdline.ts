/** `/proc/PID/cmdline`: arguments, each ended by NUL. Empty for a kernel thread and a zombie. */
export function parseCmdline(text: string): string[] {
  if (text === '') return [];
  return (text.endsWith('\0') ? text.slice(0, -1) : text).split('\0');
}

/** What QEMU's command line says of the machine (qemu(1): -name, -uuid, -smp, -accel, -object iothread, -incoming). */
export interface QemuArguments {
  readonly name: string | undefined;
  readonly uuid: string | undefined;
  /** Ids of `-object iothread`: the names of its I/O threads, apart from QEMU's own (`mon_iothread`). */
  readonly ioThreads: readonly string[];
  /** Waits for a migration to come in. */
  readonly incoming: boolean;
}

export function parseQemuArguments(args: readonly string[]): QemuArguments {
  let name: string | undefined;
  let uuid: string | undefined;
  let incoming = false;
  const ioThreads: string[] = [];
  for (let i = 1; i < args.length; i++) {
    // QEMU takes -name and --name alike
    const option = args[i]!.replace(/^--/, '-');
    const value = args[i + 1];
    if (value === undefined) break;
    if (option === '-name') name = qemuName(value) ?? name;
    else if (option === '-uuid') uuid = value;
    else if (option === '-incoming') incoming = true;
    else if (option === '-object') ioThreads.push(...ioThreadId(value));
    else continue;
    i += 1;
  }
  return { name, uuid, ioThreads, incoming };
}

/** `serial` or `guest=serial,debug-threads=on`; a comma inside the name is doubled (QemuOpts). */
function qemuName(value: string): string | undefined {
  const options = splitOptions(value);
  const guest = options.find(option => option.startsWith('guest='));
  if (guest !== undefined) return guest.slice('guest='.length);
  const first = options[0]!;
  return /^(process|debug-threads)=/.test(first) ? undefined : first;
}

/** `iothread,id=x` or, from libvirt 7 on, JSON: `{"qom-type":"iothread","id":"x"}`. */
export function ioThreadId(value: string): string[] {
  if (value.startsWith('{')) {
    try {
      const object = JSON.parse(value) as { 'qom-type'?: unknown; id?: unknown };
      return object['qom-type'] === 'iothread' && typeof object.id === 'string' ? [object.id] : [];
    } catch {
      return []; // not ours to judge: QEMU itself accepted or refused it
    }
  }
  const options = splitOptions(value);
  if (options[0] !== 'iothread' && !options.includes('qom-type=iothread')) return [];
  const id = options.find(option => option.startsWith('id='));
  return id === undefined ? [] : [id.slice('id='.length)];
}

function splitOptions(value: string): string[] {
  return value.replaceAll(',,', '\0').split(',').map(option => option.replaceAll('\0', ','));
}
