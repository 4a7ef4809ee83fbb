import * as os from 'node:os';
import * as vscode from 'vscode';
import type { HostEntry } from '../core/host/sshConfig';
import { mayBeHost } from '../core/host/hostName';
import { sshHosts } from './config';
import { ssh } from './lazySsh';
import { plain } from './text';

interface Offer extends vscode.QuickPickItem {
  /** `undefined`: a row that only tells something. */
  readonly name?: string;
}

/**
 * Asks for a host: one of the `Host` entries of ssh_config, or what is typed. An entry that cannot be used is shown with
 * the reason, and refused by name. @throws SshError
 */
export async function pickSshHost(): Promise<string | undefined> {
  const environment = ssh().thisSshEnvironment();
  const config = await ssh().readSshConfig(environment);
  const entries = ssh().hostEntries(config, environment).filter(({ alias }) => mayBeHost(alias));
  const name = await ask(entries.map(offerOf));
  // Said before anything is remembered: what cannot be used is not added.
  if (name !== undefined) ssh().resolveTarget(config, name, environment);
  return name;
}

function ask(entries: readonly Offer[]): Promise<string | undefined> {
  const pick = vscode.window.createQuickPick<Offer>();
  pick.title = vscode.l10n.t('Add SSH Host');
  pick.placeholder = whose();
  pick.matchOnDescription = true;
  const show = (): void => {
    pick.items = [...typed(pick.value.trim(), entries), { label: vscode.l10n.t('Hosts of ssh_config'), kind: vscode.QuickPickItemKind.Separator }, ...entries];
  };
  return new Promise(resolve => {
    pick.onDidChangeValue(show);
    pick.onDidAccept(() => {
      const [picked] = pick.selectedItems;
      if (picked?.name === undefined) return;
      resolve(picked.name);
      pick.hide();
    });
    pick.onDidHide(() => {
      resolve(undefined);
      pick.dispose();
    });
    show();
    pick.show();
  });
}

/** What is typed, first: it need not stand in ssh_config. */
function typed(value: string, entries: readonly Offer[]): Offer[] {
  if (value === '') return [{ label: '$(add) user@host:port', description: vscode.l10n.t('type it above') }];
  if (entries.some(entry => entry.name === value)) return [];
  if (!mayBeHost(value)) return [{ label: `$(circle-slash) ${plain(value)}`, description: vscode.l10n.t('is not the name of a host'), alwaysShow: true }];
  return [{ label: `$(add) ${plain(value)}`, name: value, alwaysShow: true }];
}

function offerOf({ alias, hostName, user, refused }: HostEntry): Offer {
  const address = [user, hostName].filter(part => part !== undefined).join('@');
  const added = sshHosts().names.includes(alias) ? [vscode.l10n.t('added already')] : [];
  if (!refused) return { label: `$(server) ${plain(alias)}`, description: [...(address === '' || address === alias ? [] : [plain(address)]), ...added].join(' · '), name: alias };
  return { label: `$(circle-slash) ${plain(alias)}`, detail: plain(vscode.l10n.t('cannot be used: {0}: {1}', `${refused.file}:${refused.line}`, refused.directive)), name: alias };
}

/** Whose identity is used is not always that of the one who clicks: in a remote window it is the remote machine's. */
function whose(): string {
  const { userName, home, env, platform } = ssh().thisSshEnvironment();
  const host = vscode.env.remoteName === undefined ? os.hostname() : vscode.l10n.t('remote machine {0}', os.hostname());
  const folder = `${home}/.ssh`;
  const hasAgent = Boolean(env['SSH_AUTH_SOCK']) || platform === 'win32'; // there an agent has a pipe that everybody finds
  return plain(hasAgent ? vscode.l10n.t('Keys, agent and known_hosts of {0} on {1} ({2})', userName, host, folder) : vscode.l10n.t('Keys and known_hosts of {0} on {1} ({2}); no agent', userName, host, folder));
}
