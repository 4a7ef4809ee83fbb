/** SSH as a bundle of its own (`dist/ssh.js`), with the library that speaks it. Always reached through `lazySsh.ts`. */
/** For `unlockKey.ts`, which has no ssh2 of its own. */
export { utils } from 'ssh2';
export { SshError } from '../core/errors';
export { Keyring } from '../core/host/identities';
export { hostEntries, readSshConfig, resolveTarget } from '../core/host/sshConfig';
export { SshHost } from '../core/host/sshHost';
export { Turns } from '../core/host/turns';
