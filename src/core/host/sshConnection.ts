import type { Duplex } from 'node:stream';
import { Client, type ClientChannel, type ServerHostKeyAlgorithm } from 'ssh2';
import { SshError, type SshWhere } from '../errors';
import { unlessAborted } from './abort';
import { dial } from './dial';
import { HostKeys } from './hostKeys';
import type { Keyring } from './identities';
import { SshLogin } from './sshLogin';
import type { SshQuestions, SshTarget } from './sshTarget';
import type { Turns } from './turns';

/** What all hosts of a window share. */
export interface SshMeans {
  /** Our own file of accepted host keys, in the form of known_hosts. */
  readonly acceptedKeys: string;
  readonly keyring: Pick<Keyring, 'unlock'>;
  readonly turns: Pick<Turns, 'take'>;
}

/** Milliseconds of silence after which the other side is asked whether it is there, and how often it may not answer. */
const KEEPALIVE = { keepaliveInterval: 15_000, keepaliveCountMax: 3 };

/** ssh2's own order without `ssh-rsa` (SHA-1), which OpenSSH does not take either since 8.8. */
const HOST_KEY_ALGORITHMS: readonly ServerHostKeyAlgorithm[] = ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521', 'rsa-sha2-512', 'rsa-sha2-256'];

/** A connection through which somebody was let in, with those to the jump hosts on the way. */
export class SshConnection {
  private why: SshError | undefined;
  /** Who waits for an answer that will not come once it is over. */
  private readonly waiting = new Set<(why: SshError) => void>();

  private constructor(
    private readonly host: string,
    private readonly client: Client,
    private readonly via: SshConnection | undefined,
  ) {
    client.on('error', error => error.level !== 'agent' && this.over(error.message));
    const closed = (): void => this.over('the other side closed it');
    client.on('end', closed).on('close', closed);
  }

  /** Connects, hop by hop; each is verified by its own name and lets us in for itself. @throws SshError, or the signal's reason */
  static async open(host: string, target: SshTarget, means: SshMeans, ask: SshQuestions, signal: AbortSignal): Promise<SshConnection> {
    let via: SshConnection | undefined;
    try {
      for (const hop of [...target.jumps, target]) {
        const where = { host, ...(hop === target ? {} : { hop: `${hop.user}@${hop.hostName}:${hop.port}` }) };
        const sock = via ? await via.forward(hop, where, signal) : await dial(hop.hostName, hop.port, where, signal);
        const client = new Client();
        const next = new SshConnection(host, client, via);
        await logIn(next, client, where, hop, sock, means, ask, signal);
        via = next;
      }
    } catch (error) {
      via?.end();
      throw error;
    }
    return via!;
  }

  /** Why it is over: `undefined` while it is not. */
  get ended(): SshError | undefined {
    return this.why;
  }

  /** Starts a command. @throws SshError */
  exec(command: string): Promise<ClientChannel> {
    return this.channel('no-channel', { host: this.host }, opened => this.client.exec(command, opened));
  }

  end(): void {
    this.client.end();
    this.over('it was ended here');
  }

  /** Ends it, for this reason; once. Without a word to the other side, which may not be there any more. */
  over(said: string): void {
    if (this.why) return;
    this.why = new SshError('connection-lost', { host: this.host, said });
    this.via?.end();
    setImmediate(() => this.client.destroy()); // after the farewell, if there was one
    for (const tell of this.waiting) tell(this.why);
    this.waiting.clear();
  }

  private async forward({ hostName, port }: SshTarget, where: SshWhere, signal: AbortSignal): Promise<Duplex> {
    const opening = this.channel('unreachable', where, opened => this.client.forwardOut('127.0.0.1', 0, hostName, port, opened));
    try {
      return await unlessAborted(signal, opening);
    } catch (error) {
      void opening.then(channel => channel.close(), () => undefined); // one that comes too late
      throw error;
    }
  }

  private channel(reason: 'no-channel' | 'unreachable', where: SshWhere, open: (opened: (error: Error | undefined, channel: ClientChannel) => void) => void): Promise<ClientChannel> {
    return new Promise((resolve, reject) => {
      if (this.why) return reject(this.why);
      this.waiting.add(reject);
      try {
        open((error, channel) => {
          this.waiting.delete(reject);
          if (error) reject(this.why ?? new SshError(reason, { ...where, said: error.message }, error));
          else resolve(channel);
        });
      } catch (error) {
        this.over((error as Error).message); // "Not connected": its end has not been told yet
      }
    });
  }
}

/** The SSH handshake: the host's key first, then who we are. @throws SshError */
async function logIn(connection: SshConnection, client: Client, where: SshWhere, target: SshTarget, sock: Duplex, means: SshMeans, ask: SshQuestions, signal: AbortSignal): Promise<void> {
  let endTurn = (): void => undefined;
  try {
    endTurn = await means.turns.take(signal);
    if (sock.destroyed) throw new SshError('connection-lost', { ...where, said: 'the other side closed it' });
    const hostKeys = await HostKeys.read(where, target, means.acceptedKeys);
    const letIn = new Promise<void>((resolve, reject) => {
      const fail = (error: unknown): void => reject(error as Error); // the first that is told is why
      const patient = whileAsking(ask, () => endTurn());
      const login = new SshLogin(where, target, means.keyring, patient, signal, fail);
      let isVerified = false;
      client.on('ready', resolve);
      client.on('error', error => {
        if (error.level === 'agent') return; // ssh2 goes on with the next key
        fail(asSshError(error, where, login, isVerified));
      });
      client.on('change password', () => fail(new SshError('authentication', { ...where, said: 'the password has expired' })));
      client.on('close', () => fail(new SshError('connection-lost', { ...where, said: 'the other side closed it' })));
      client.connect({
        sock,
        username: target.user,
        readyTimeout: 0, // whoever waits has a time-out, which stands still while a person is being asked
        ...KEEPALIVE,
        algorithms: { serverHostKey: hostKeyAlgorithms(hostKeys.types) },
        hostVerifier: (key: Buffer, verify: (ok: boolean) => void) => {
          hostKeys.check(key, patient, signal).then(() => {
            isVerified = true;
            verify(true);
          }, error => {
            fail(error);
            connection.over('another host key'); // keys are exchanged again when it has long been used
          });
        },
        authHandler: login.handler,
      });
    });
    await unlessAborted(signal, letIn);
  } catch (error) {
    client.on('error', () => undefined); // what it says while it ends is nobody's business any more
    client.destroy();
    sock.destroy();
    throw error;
  } finally {
    endTurn();
  }
}

/** A person takes their time: nobody else waits for that. */
function whileAsking(ask: SshQuestions, endTurn: () => void): SshQuestions {
  const asking = <Q, A>(question: (q: Q, signal: AbortSignal) => Promise<A>) => (q: Q, signal: AbortSignal): Promise<A> => {
    endTurn();
    return question(q, signal);
  };
  return {
    acceptHostKey: asking(ask.acceptHostKey.bind(ask)),
    passphrase: asking(ask.passphrase.bind(ask)),
    password: asking(ask.password.bind(ask)),
    answers: asking(ask.answers.bind(ask)),
  };
}

/** An error of ssh2. `level` is all that tells of what kind it is. */
function asSshError(error: Error & { level?: string }, where: SshWhere, login: SshLogin, isVerified: boolean): SshError {
  const tried = login.tried.length > 0 ? login.tried.join(', ') : 'nothing';
  if (error.level === 'client-authentication') return new SshError('authentication', { ...where, said: tried }, error);
  if (error.level === 'client-socket' || error.level === 'client-timeout') return new SshError('connection-lost', { ...where, said: error.message }, error);
  // The host ended it (SSH_MSG_DISCONNECT) while it was asked to let us in: "Too many authentication failures".
  if (isVerified && error.level === undefined) return new SshError('authentication', { ...where, said: `${error.message} (${tried})` }, error);
  return new SshError('protocol', { ...where, said: error.message }, error);
}

/** Those of the known keys first. An RSA key signs by two algorithms (RFC 8332). */
function hostKeyAlgorithms(types: readonly string[]): ServerHostKeyAlgorithm[] {
  const known = types.flatMap(type => (type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [type]));
  const first = HOST_KEY_ALGORITHMS.filter(name => known.includes(name)).sort((a, b) => known.indexOf(a) - known.indexOf(b));
  return [...first, ...HOST_KEY_ALGORITHMS.filter(name => !first.includes(name))];
}
