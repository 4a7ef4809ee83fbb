import * as vscode from 'vscode';

/** One of some, found by any part of its text. */
export async function pick<T extends vscode.QuickPickItem>(items: readonly T[], title: string, placeHolder?: string): Promise<T | undefined> {
  return vscode.window.showQuickPick(items, { title, matchOnDescription: true, ...(placeHolder === undefined ? {} : { placeHolder }) });
}

/** A text that `parse` takes; it says itself what is wrong with another one. */
export async function input<T>(options: { readonly title: string; readonly prompt: string; readonly value?: string }, parse: (text: string) => { readonly value: T } | { readonly fault: string }): Promise<T | undefined> {
  const text = await vscode.window.showInputBox({
    ...options,
    validateInput: typed => {
      const parsed = parse(typed);
      return 'fault' in parsed ? parsed.fault : undefined;
    },
  });
  if (text === undefined) return undefined;
  const parsed = parse(text);
  return 'value' in parsed ? parsed.value : undefined;
}
