/** SSH as a bundle of its own (`dist/ssh.js`), with the library that speaks it: required when the first host is wanted, never imported. */
/** For `unlockKey.ts`, which has no ssh2 of its own. */
export { utils } from 'ssh2';
export { SshError } from './errors';
export { Keyring } from './host/identities';
export { hostEntries, resolveTarget } from './host/sshConfig';
export { readSshConfig } from './host/sshConfigFiles';
export { thisSshEnvironment } from './host/sshEnvironment';
export { SshHost } from './host/sshHost';
export { Turns } from './host/turns';
