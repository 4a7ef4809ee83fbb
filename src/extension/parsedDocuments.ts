import type * as vscode from 'vscode';
import type { Node, ParsedPlacement } from '../core/placement/parse';
import { core } from './lazyCore';

const parsed = new WeakMap<vscode.TextDocument, { readonly version: number; readonly result: ParsedPlacement }>();

/** The document's meaning, parsed once for each version of it. */
export function parsedDocument(document: vscode.TextDocument): ParsedPlacement {
  const known = parsed.get(document);
  if (known?.version === document.version) return known.result;
  const result = core().parsePlacement(document.getText());
  parsed.set(document, { version: document.version, result });
  return result;
}

export function nodeAt(document: vscode.TextDocument, line: number): Node | undefined {
  return parsedDocument(document).nodes.find(node => node.line === line);
}

/** Names what a node is about, so that it is found again in another text: not by its line. */
export function nodeName(node: Node): string {
  switch (node.kind) {
    case 'thread':
      return `thread ${node.tid}`;
    case 'row':
      return `row ${node.isAbove ? `above ${node.row.path}` : (node.tid ?? 'all')} ${node.row.hierarchies.join(' ')}`;
    default:
      return node.kind;
  }
}
