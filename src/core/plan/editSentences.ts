import { t } from '@vscode/l10n';

/** Why an edit of a placement text is left out: what it began from is not so any more. In the form of `sentences.ts`. */
export const EDIT_SENTENCES: Readonly<Record<string, (detail: (name: string) => string) => string>> = {
  'edited-machine-gone': d => t('{0} (PID {1}) is gone, or was started anew: nothing of the edit is about what runs now.', d('machine'), d('pid')),
  'edited-thread-gone': d => t('TID {0} is gone, or is another thread by now: its edit is left out.', d('tid')),
  'edited-cgroup-gone': d => t('{1} ({0}) is gone: its edit is left out.', d('hierarchy'), d('path')),
  'edited-place-changed': d => t('TID {0} ({1}) was at {3} in {2} when the edit began and is at {4} now: it is not moved to {5}.', d('tid'), d('comm'), d('hierarchy'), d('was'), d('found'), d('wanted')),
  'edited-cpus-changed': d => t('TID {0} ({1}) had CPUs {2} when the edit began and has {3} now: it is not pinned to {4}.', d('tid'), d('comm'), d('was'), d('found'), d('wanted')),
  'edited-scheduling-changed': d => t('TID {0} ({1}) had "{2}" when the edit began and has "{3}" now: "{4}" is not set.', d('tid'), d('comm'), d('was'), d('found'), d('wanted')),
  'edited-value-changed': d => t('{2} of {1} ({0}) was "{3}" when the edit began and is "{4}" now: "{5}" is not written.', d('hierarchy'), d('path'), d('name'), d('was'), d('found'), d('wanted')),
};
