import * as vscode from 'vscode';
import type { Cgroup } from '../core/model/hostModel';
import { CGROUPFS, cgroupFileUri, resolveFile } from './cgroupFiles';
import { SCHEME, resolve } from './documents';
import type { HostService } from './hostService';
import { core } from './lazyCore';
import { Markdown } from './text';

/** What an interface file means, on hover; and from the page of a cgroup's files the way to each of them. */
export class CgroupFileLanguage implements vscode.HoverProvider, vscode.DocumentLinkProvider, vscode.Disposable {
  private readonly disposables: vscode.Disposable[];

  constructor(private readonly hosts: HostService) {
    this.disposables = [
      vscode.languages.registerHoverProvider({ scheme: CGROUPFS }, this),
      vscode.languages.registerHoverProvider({ scheme: SCHEME, language: 'cgroup-files' }, this),
      vscode.languages.registerDocumentLinkProvider({ scheme: SCHEME, language: 'cgroup-files' }, this),
    ];
  }

  provideHover(document: vscode.TextDocument, position: vscode.Position): vscode.Hover | undefined {
    if (document.uri.scheme === CGROUPFS) {
      const target = resolveFile(this.hosts, document.uri);
      return target.kind === 'file' ? new vscode.Hover(this.explain(target.file, target.cgroup)) : undefined;
    }
    const found = this.files(document).find(({ line }) => line === position.line);
    return found && new vscode.Hover(this.explain(found.name, found.cgroup), new vscode.Range(found.line, 2, found.line, 2 + found.name.length));
  }

  provideDocumentLinks(document: vscode.TextDocument): vscode.DocumentLink[] {
    const target = resolve(this.hosts, document.uri);
    if (target.kind !== 'cgroup') return [];
    return this.files(document).map(({ line, name, cgroup }) => {
      const link = new vscode.DocumentLink(new vscode.Range(line, 2, line, 2 + name.length), cgroupFileUri(target.state, cgroup, name));
      link.tooltip = core().isWritable(name) && vscode.workspace.isTrusted ? vscode.l10n.t('Open the file, to read or change it') : vscode.l10n.t('Open the file as it is now');
      return link;
    });
  }

  dispose(): void {
    for (const disposable of this.disposables) disposable.dispose();
  }

  private explain(name: string, cgroup: Cgroup): vscode.MarkdownString {
    const about = core().interfaceFile(name);
    const text = new Markdown().own('**').host(name).own('**\n\n');
    text.host(about?.explain() ?? vscode.l10n.t('An interface file of a cgroup.'));
    text.own('\n').entry(vscode.l10n.t('Cgroup'), `${cgroup.hierarchy} ${core().unescapeUnit(cgroup.path)}`);
    if (about) text.entry(vscode.l10n.t('Explained in'), about.source.split(', ').map(page => `Documentation/${page}`).join(', '));
    text.entry(vscode.l10n.t('Here'), core().isWritable(name) ? vscode.l10n.t('a save opens a plan of one write') : vscode.l10n.t('read-only'));
    return text.build();
  }

  /** The lines of a page of files: its blocks are the cgroup and those above it, as {@link PlacementFs} writes them. */
  private files(document: vscode.TextDocument): { readonly line: number; readonly name: string; readonly cgroup: Cgroup }[] {
    const target = resolve(this.hosts, document.uri);
    if (target.kind !== 'cgroup') return [];
    const cgroups = target.cgroups.flatMap(cgroup => [...core().withAncestors(cgroup)]);
    let block = 0;
    return document.getText().split('\n').flatMap((text, line) => {
      if (text === '') block++;
      const name = /^ {2}(\S+)/.exec(text)?.[1];
      const cgroup = cgroups[block];
      return name !== undefined && cgroup?.directory !== undefined && core().isFileName(name) && name.includes('.') ? [{ line, name, cgroup }] : [];
    });
  }
}
