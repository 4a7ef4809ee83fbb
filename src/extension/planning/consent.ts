import * as vscode from 'vscode';
import type { Plan } from '../../core/plan/plan';
import { core } from '../lazyCore';
import { plain } from '../text';

/** Whether a person wants it, after what the plan asks for besides the click on Apply: a sentence of its own, or a name typed. */
export async function consents({ consent, title }: Plan): Promise<boolean> {
  switch (consent.kind) {
    case 'apply':
      return true;
    case 'alone': {
      const apply = vscode.l10n.t('Apply');
      return (await vscode.window.showWarningMessage(plain(title), { modal: true, detail: plain(core().sentence(consent.because)) }, apply)) === apply;
    }
    case 'type': {
      const prompt = plain(vscode.l10n.t('{0} Type {1} to go on.', core().sentence(consent.because), consent.text)); // while it is typed, too
      const typed = await vscode.window.showInputBox({
        title: plain(title),
        prompt,
        ignoreFocusOut: true,
        validateInput: text => (text === consent.text ? undefined : prompt),
      });
      return typed === consent.text;
    }
  }
}
