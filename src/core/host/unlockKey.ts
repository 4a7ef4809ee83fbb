/**
 * A thread of its own that opens one private key and ends: the key derivation of an OpenSSH key takes some 400 ms of
 * JavaScript, and nobody else could work meanwhile. Started by `identities.ts`; a bundle of its own.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { utils } from 'ssh2';

export interface UnlockRequest {
  readonly text: string;
  readonly passphrase: string;
}

const { text, passphrase } = workerData as UnlockRequest;
const parsed = utils.parseKey(text, passphrase);
const key = Array.isArray(parsed) ? parsed[0] : parsed;
parentPort!.postMessage(key instanceof Error || key === undefined ? undefined : key.getPrivatePEM());
