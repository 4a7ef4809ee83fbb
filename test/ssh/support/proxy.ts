import { type Server, type Socket, connect, createServer } from 'node:net';

/** What went over the link, in order. */
export interface Passed {
  readonly towards: 'host' | 'client';
  readonly bytes: number;
}

/** A link on loopback that takes its time, and can go silent or be cut. */
export class Link {
  readonly passed: Passed[] = [];
  private readonly sockets = new Set<Socket>();
  private generation = 0;
  /** Bytes that the client may still send. */
  private untilDeaf = Infinity;

  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {}

  /** @param oneWay milliseconds from one end to the other */
  static async to(port: number, oneWay = 0): Promise<Link> {
    const server = createServer({ allowHalfOpen: true });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const link = new Link(server, (server.address() as { port: number }).port);
    server.on('connection', client => {
      const host = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
      client.setNoDelay(true);
      for (const [from, to, towards] of [[client, host, 'host'], [host, client, 'client']] as const) {
        link.sockets.add(from);
        const made = link.generation;
        const isSilent = (): boolean => made < link.generation || to.destroyed;
        from.on('error', () => to.destroy());
        from.on('data', (chunk: Buffer) => {
          setTimeout(() => {
            if (isSilent() || (towards === 'client' && link.untilDeaf < 0)) return;
            if (towards === 'host') link.untilDeaf -= chunk.length;
            link.passed.push({ towards, bytes: chunk.length });
            to.write(chunk);
          }, oneWay);
        });
        from.on('end', () => setTimeout(() => isSilent() || to.end(), oneWay));
        from.on('close', () => link.sockets.delete(from));
      }
    });
    return link;
  }

  /** From now on nothing arrives any more of what is connected now, and nobody is told: as when a laptop has slept. */
  goSilent(): void {
    this.generation++;
  }

  /** When the client has sent more than so many bytes from now on, it hears nothing more: the host does. Until it is cut. */
  goDeafAfter(bytes: number): void {
    this.untilDeaf = bytes;
  }

  cut(): void {
    this.untilDeaf = Infinity;
    for (const socket of this.sockets) socket.destroy();
  }

  close(): void {
    this.cut();
    this.server.close();
  }
}

/** How often the client had to speak, hear, and speak again, before it heard the last of it. */
export function roundTrips(passed: readonly Passed[]): number {
  const last = passed.findLastIndex(({ towards }) => towards === 'client');
  const before = passed.slice(0, last);
  return before.filter(({ towards }, i) => towards === 'host' && before[i - 1]?.towards !== 'host').length;
}
