import { execFile } from 'node:child_process';
import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { type LookupFunction, Socket, isIP } from 'node:net';
import { SshError, type SshWhere } from '../errors';
import { unlessAborted } from './abort';

/** A TCP connection. @throws SshError `unreachable`, or the signal's reason */
export async function dial(hostName: string, port: number, where: SshWhere, signal: AbortSignal): Promise<Socket> {
  signal.throwIfAborted();
  const socket = new Socket();
  // It may fail while somebody waits for their turn: whoever uses it next finds it destroyed.
  socket.on('error', () => undefined);
  try {
    const addresses = await unlessAborted(signal, addressesOf(hostName, signal));
    const known: LookupFunction = (_name, { all }, found) => (all === true ? found(null, addresses) : found(null, addresses[0]!.address, addresses[0]!.family));
    socket.connect({ host: hostName, port, noDelay: true, autoSelectFamily: true, lookup: known });
    await unlessAborted(signal, once(socket, 'connect'));
    return socket;
  } catch (error) {
    socket.destroy();
    throw signal.aborted ? error : new SshError('unreachable', { ...where, said: describe(error as Error) }, error);
  }
}

/**
 * Node looks two names up at a time, for the whole process: a few that no server answers for would hold up all others.
 * So each has a process of its own where there is `getent`, which asks whatever the system asks.
 */
async function addressesOf(hostName: string, signal: AbortSignal): Promise<LookupAddress[]> {
  const family = isIP(hostName);
  if (family !== 0) return [{ address: hostName, family }];
  const found = process.platform === 'linux' ? await getent(hostName, signal) : undefined;
  return found ?? lookup(hostName, { all: true });
}

/** `undefined` where there is no `getent`, or it does not know the name: then Node's own look-up says why. */
function getent(hostName: string, signal: AbortSignal): Promise<LookupAddress[] | undefined> {
  return new Promise(resolve => {
    execFile('getent', ['ahosts', hostName], { signal, encoding: 'utf8' }, (error, stdout) => {
      const addresses = [...new Set(stdout.split('\n').map(line => line.split(/\s/, 1)[0]!))].filter(address => isIP(address) !== 0);
      resolve(error || addresses.length === 0 ? undefined : addresses.map(address => ({ address, family: isIP(address) })));
    });
  });
}

/** Of several addresses each has an error of its own, and the whole has no message. */
function describe(error: Error): string {
  return error instanceof AggregateError ? error.errors.map(one => (one as Error).message).join(', ') : error.message;
}
