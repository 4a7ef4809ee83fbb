import { type Socket, createConnection } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** As much of QEMU's monitor protocol (docs/interop/qmp-spec) as asks a question and gets an answer. */
export class Qmp {
  private constructor(
    private readonly socket: Socket,
    private readonly lines: AsyncIterator<Record<string, unknown>>,
  ) {}

  /** Connects as soon as QEMU listens; `alive` tells when there is no use in waiting any longer. */
  static async connect(path: string, alive: () => boolean): Promise<Qmp> {
    for (const until = Date.now() + 15_000; ; await sleep(20)) {
      const socket = await open(path);
      if (socket) {
        const qmp = new Qmp(socket, messages(socket));
        await qmp.lines.next(); // the greeting
        await qmp.execute('qmp_capabilities');
        return qmp;
      }
      if (!alive()) throw new Error('QEMU ended before it answered');
      if (Date.now() > until) throw new Error(`QEMU does not listen at ${path}`);
    }
  }

  async execute(command: string, args?: Readonly<Record<string, unknown>>): Promise<unknown> {
    this.socket.write(`${JSON.stringify({ execute: command, arguments: args })}\n`);
    for (;;) {
      const { value, done } = await this.lines.next();
      if (done) throw new Error(`QEMU closed its monitor at ${command}`);
      if ('return' in value) return value['return'];
      if ('error' in value) throw new Error(`${command}: ${JSON.stringify(value['error'])}`);
    }
  }

  /** Thread ids of the vCPUs, by number. */
  async vcpus(): Promise<Record<string, number>> {
    const cpus = (await this.execute('query-cpus-fast')) as { 'cpu-index': number; 'thread-id': number }[];
    return Object.fromEntries(cpus.map(cpu => [String(cpu['cpu-index']), cpu['thread-id']]));
  }

  /** Thread ids of the I/O threads, by id. */
  async ioThreads(): Promise<Record<string, number>> {
    const threads = (await this.execute('query-iothreads')) as { id: string; 'thread-id': number }[];
    return Object.fromEntries(threads.map(thread => [thread.id, thread['thread-id']]));
  }

  close(): void {
    this.socket.destroy();
  }
}

function open(path: string): Promise<Socket | undefined> {
  return new Promise(resolve => {
    const socket = createConnection(path);
    socket.once('connect', () => resolve(socket));
    socket.on('error', () => resolve(undefined));
  });
}

async function* messages(socket: Socket): AsyncGenerator<Record<string, unknown>> {
  let text = '';
  for await (const chunk of socket) {
    text += String(chunk);
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
      yield JSON.parse(text.slice(0, end)) as Record<string, unknown>;
      text = text.slice(end + 1);
    }
  }
}
