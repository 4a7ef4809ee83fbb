import type { ChildProcess } from 'node:child_process';
import { accessSync } from 'node:fs';
import { join } from 'node:path';
import { end, newFolder, required, start } from './cleanUp';
import { Qmp } from './qmp';

export interface Qemu {
  readonly pid: number;
  readonly name: string;
  readonly uuid: string;
  readonly qmp: Qmp;
  readonly child: ChildProcess;
}

export interface QemuOptions {
  readonly name: string;
  readonly vcpus?: number;
  readonly ioThreads?: readonly string[];
  /** `none` has neither CPUs nor firmware. */
  readonly machine?: 'pc' | 'none';
  /** Its first argument instead of the file's name. */
  readonly argv0?: string;
  /** `off`: its threads have no names of their own. */
  readonly debugThreads?: 'on' | 'off';
  /** A command that runs it: `unshare …`. The PID is then that of this command. */
  readonly through?: readonly string[];
}

let accelerator: Promise<'kvm' | 'tcg,thread=multi'> | undefined;

/** A real QEMU, stopped before its first instruction, whose monitor answers. */
export async function startQemu(options: QemuOptions): Promise<Qemu> {
  const { machine = 'pc' } = options;
  accelerator ??= probe();
  return launch(options, machine === 'none' ? 'tcg' : await accelerator);
}

/** KVM where it really works: /dev/kvm alone proves nothing. */
async function probe(): Promise<'kvm' | 'tcg,thread=multi'> {
  try {
    accessSync('/dev/kvm');
    const qemu = await launch({ name: 'probe', vcpus: 1 }, 'kvm');
    const { enabled } = (await qemu.qmp.execute('query-kvm')) as { enabled: boolean };
    await end(qemu.child);
    return enabled ? 'kvm' : 'tcg,thread=multi';
  } catch {
    return 'tcg,thread=multi';
  }
}

let started = 0;

async function launch(options: QemuOptions, accel: string): Promise<Qemu> {
  const { name, vcpus = 1, ioThreads = [], machine = 'pc', argv0, debugThreads = 'on', through = [] } = options;
  const socket = join(newFolder('qmp'), 'qmp');
  const uuid = `00000000-0000-4000-8000-${String((started += 1)).padStart(12, '0')}`;
  const args = [
    ...['-machine', machine, '-accel', accel, '-S', '-display', 'none', '-nodefaults'],
    ...(machine === 'none' ? [] : ['-smp', String(vcpus), '-m', '64']),
    ...['-name', `guest=${name},debug-threads=${debugThreads}`, '-uuid', uuid, '-qmp', `unix:${socket},server=on,wait=off`],
    ...ioThreads.flatMap(id => ['-object', `iothread,id=${id}`]),
  ];
  const [command, ...rest] = [...through, required('qemu-system-x86_64'), ...args];
  const child = start(command!, rest, argv0 === undefined ? {} : { argv0 });
  let said = '';
  child.stderr!.on('data', chunk => (said += String(chunk)));
  try {
    const qmp = await Qmp.connect(socket, () => child.exitCode === null && child.signalCode === null);
    child.once('exit', () => qmp.close());
    return { pid: child.pid, name, uuid, qmp, child };
  } catch (error) {
    await end(child);
    throw new Error(`QEMU (${[command, ...rest].join(' ')}) did not start: ${(error as Error).message} ${said}`);
  }
}
