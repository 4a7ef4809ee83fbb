import { readdirSync } from 'node:fs';
import { homedir, hostname, userInfo } from 'node:os';

/** What ssh takes from the machine and the person who starts it. */
export interface SshEnvironment {
  /** As `$HOME` says, where ssh itself goes by the password database: whoever sets it means it, and the dialog that adds a host shows it. */
  readonly home: string;
  readonly userName: string;
  /** `undefined` on Windows. */
  readonly uid: number | undefined;
  readonly localHostName: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  /** Where the system's ssh_config and ssh_known_hosts are. */
  readonly systemFolder: string;
  /** Names of the pipes that are open, on Windows: agents listen there. */
  readonly pipes: readonly string[];
}

export function thisSshEnvironment(): SshEnvironment {
  const { env, platform } = process;
  const onWindows = platform === 'win32';
  const { username: userName, uid } = thisUser();
  const systemFolder = onWindows ? `${env['ProgramData'] ?? 'C:\\ProgramData'}\\ssh` : '/etc/ssh';
  return { home: homedir(), userName, uid: onWindows ? undefined : uid, localHostName: hostname(), env, platform, systemFolder, pipes: onWindows ? openPipes() : [] };
}

export const PIPES = '\\\\.\\pipe\\';

function openPipes(): readonly string[] {
  try {
    return readdirSync(PIPES);
  } catch {
    return []; // then ssh's own is tried, and its absence told
  }
}

/** In a container the UID may have no entry in the password database. */
function thisUser(): { username: string; uid: number } {
  try {
    return userInfo();
  } catch {
    return { username: process.env['USER'] ?? '', uid: process.getuid?.() ?? -1 };
  }
}
