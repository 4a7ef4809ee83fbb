/** SSH as a bundle of its own (`dist/ssh.js`), with the library that speaks it. Always reached through `lazySsh.ts`. */
/** For `unlockKey.ts`, which has no ssh2 of its own. */
export { utils } from 'ssh2';
export { SshError } from '../core/errors';
export { Keyring } from '../core/host/identities';
export { hostEntries, resolveTarget } from '../core/host/sshConfig';
export { readSshConfig } from '../core/host/sshConfigFiles';
export { thisSshEnvironment } from '../core/host/sshEnvironment';
export { SshHost } from '../core/host/sshHost';
export { Turns } from '../core/host/turns';
