import { config, t } from '@vscode/l10n';
import type { Removed } from './capture/redact';
import { ApplyError, CaptureError, CollectError, SshError } from './errors';
import type { HostModel, Problem } from './model/hostModel';
import { visible } from './visible';

/** The person's language: texts of the core are translated as VS Code's own are. */
export function useTexts(bundle: Record<string, string>): void {
  config({ contents: bundle });
}

/**
 * What people read when something fails: what failed, where, why, what to do. The only place where an error becomes
 * a text.
 */
export function describeError(error: unknown): string {
  if (CollectError.is(error)) return describeCollectError(error);
  if (CaptureError.is(error)) return describeCaptureError(error);
  if (SshError.is(error)) return describeSshError(error);
  if (ApplyError.is(error)) return t('Nothing was changed on {0}: it answered with something else: "{1}". Check that its login shell can run sh.', visible(error.details.host), visible(error.details.said));
  return visible(error instanceof Error ? error.message : String(error));
}

function describeCollectError({ reason, details }: CollectError): string {
  const host = visible(details.host);
  const said = visible(details.said ?? '');
  switch (reason) {
    case 'cannot-start':
      return t('{0} cannot be read: the program "{1}" cannot be started. Install it, or check the PATH of this window\'s extension host.', host, said);
    case 'not-an-answer':
      return t('{0} cannot be read: it answered with something else: "{1}". Check that its login shell can run sh.', host, said);
    case 'not-linux':
      return t('{0} cannot be read: it has no /proc as Linux has it.', host);
    case 'timeout':
      return t('{0} has not answered within {1} s. Try again, or raise the setting cgroupLens.timeout.', host, Math.round((details.milliseconds ?? 0) / 1000));
    case 'cancelled':
      return t('Reading {0} was cancelled.', host);
  }
}

function describeCaptureError({ reason, details }: CaptureError): string {
  const found = visible(details.found);
  const file = visible(details.file ?? t('The file'));
  switch (reason) {
    case 'not-a-capture':
      return t('{0} is not a capture: line {1} should be "{2}" and is "{3}".', file, details.line, details.expected, found);
    case 'newer-version':
      return t('{0} was written by a newer Cgroup Lens: line {1} is "{2}", this version reads "{3}". Update the extension.', file, details.line, found, details.expected);
    case 'empty':
      return t('{0} holds nothing that can be read: up to line {1} no entry is whole (expected: {2}).', file, details.line, details.expected);
    case 'too-large':
      return t('{0} is too large for a capture: it has {1}, and the most that is opened are {2}.', file, found, details.expected);
    case 'unreadable':
      return t('{0} cannot be read: {1}. Check the path and its permissions, then open it again.', file, found);
  }
}

function describeSshError({ reason, details }: SshError): string {
  const host = visible(details.hop === undefined ? details.host : t('{0} (on the way to {1})', details.hop, details.host));
  const said = visible(details.said ?? '');
  const place = details.file === undefined ? '' : visible(details.line === undefined ? details.file : `${details.file}:${details.line}`);
  const fingerprint = visible(details.fingerprint ?? '');
  switch (reason) {
    case 'unsupported-config':
      return t('Not supported: ssh_config has "{1}" for {0} ({2}). It is not connected without it.', host, said, place);
    case 'bad-config':
      if (details.host === '') return t('{0} cannot be used: {1}', place, said);
      return place === '' ? t('{0} is not connected: {1}', host, said) : t('{0} is not connected: {1} cannot be used: {2}', host, place, said);
    case 'unreachable':
      return t('{0} cannot be reached: {1}. Check its name and port, and whether it is up.', host, said);
    case 'host-key-changed':
      return t('Host key changed: {0} shows {1}, and known_hosts has {2}. It is not connected: somebody may be in between, or the host was installed anew. Ask who runs it, then remove the old line.', host, fingerprint, visible((details.known ?? []).join(', ')));
    case 'host-key-revoked':
      return t('Host key revoked: {0} shows {1}, which {2} forbids. It is not connected.', host, fingerprint, place);
    case 'host-key-refused':
      return t('Host key not accepted: {0} shows {1}, which nobody knows. It is not connected.', host, fingerprint);
    case 'authentication':
      return t('{0} lets nobody in with what was offered: {1}. Check the user, the keys of the agent, and IdentityFile.', host, said);
    case 'given-up':
      return t('Not answered: {0} is not connected, for the question for {1} was closed.', host, said);
    case 'not-asked':
      return t('Needs {1}: {0} is not connected, and refreshes by themselves do not ask. Retry asks.', host, said);
    case 'no-terminal':
      return t('Needs {1}: {0} is not connected, and there is no terminal to ask at. Run this in a terminal; or have the key of the host in known_hosts, and yours in an agent.', host, said);
    case 'connection-lost':
      return t('{0}: the connection was lost: {1}. The next try connects anew.', host, said);
    case 'no-channel':
      return t('{0} opens no channel: {1}. Its MaxSessions may be used up.', host, said);
    case 'protocol':
      return t('{0} cannot be talked to: {1}.', host, said);
  }
}

/** `12:03:04, 80 ms, as user op, 3 files unreadable`: how old and how complete a picture is. */
export function describeCollection(model: HostModel, problems: readonly Problem[], kind: 'live' | 'capture'): string {
  const { startedAt, took, user, complete } = model.collection;
  const parts = [...(startedAt > 0 ? [timeText(new Date(startedAt), kind === 'capture')] : []), took < 1000 ? t('{0} ms', Math.round(took)) : t('{0} s', (took / 1000).toFixed(1))];
  if (user) parts.push(user.name === String(user.uid) ? t('as UID {0}', user.uid) : t('as user {0}', visible(user.name)));
  if (problems.length === 1) parts.push(t('1 file unreadable'));
  else if (problems.length > 1) parts.push(t('{0} files unreadable', problems.length));
  if (model.collection.hides || model.hidden.length > 0) parts.push(t('other users\' processes hidden, needs root'));
  if (!complete) parts.push(t('partial'));
  return parts.join(', ');
}

/** `12:03:04`; of another day, or of a capture, with its date. */
function timeText(time: Date, withDate: boolean): string {
  const clock = time.toLocaleTimeString('en-GB');
  if (!withDate && time.toDateString() === new Date().toDateString()) return clock;
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())} ${clock}`;
}

/** What redaction took out, a line each. */
export function describeRemoved(removed: readonly Removed[]): string[] {
  return removed.map(({ what, count, names }) => {
    const text = REMOVED[what](count);
    return names.length > 0 ? `${text}: ${names.join(' ')}` : text;
  });
}

const REMOVED: Readonly<Record<Removed['what'], (count: number) => string>> = {
  arguments: count => t('{0} arguments of command lines', count),
  paths: count => t('{0} paths of programs outside the system\'s folders', count),
  kernelParameters: count => t('{0} kernel parameters', count),
  mounts: count => t('{0} mounts that are not cgroups, or details of mounts', count),
  addresses: count => t('{0} addresses and other fields of stat files', count),
  userName: () => t('the name of the user who read'),
  messages: count => t('{0} messages of the host', count),
  files: count => t('{0} files or lines that a capture does not hold', count),
};
