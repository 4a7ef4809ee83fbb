import * as vscode from 'vscode';
import { visible } from '../core/visible';

/**
 * The only way a host's string (a name of a thread, a cgroup, a machine, a host; a path; a message) reaches a
 * notification, a quick pick, a tree row, an inlay hint or the status bar. Controls are spelled out; what these
 * surfaces take for a command link `[x](command:y)` or an icon `$(x)` is broken by a word joiner, which nobody sees.
 */
export function plain(text: string): string {
  const unbroken = text.replace(/([\]$])\u2060\(/g, '$1('); // what went through here before stays as it is
  return visible(unbroken).replaceAll('](', ']\u2060(').replaceAll('$(', '$\u2060(');
}

/** All that a link of ours may run: each of them only shows something. */
const LINKED_COMMANDS = ['cgroupLens.explainRule', 'cgroupLens.fix', 'workbench.action.openSettings'] as const;

/** Markdown built of our own words and of strings that stay text, whatever they hold. */
export class Markdown {
  private readonly markdown = new vscode.MarkdownString();

  /** Our own words, as Markdown. */
  own(markdown: string): this {
    this.markdown.appendMarkdown(markdown);
    return this;
  }

  /** A string from a host. `appendText` would leave entities and bare addresses alive, and no place to break a line. */
  host(text: string): this {
    const escaped = plain(text).replace(/[!-/:-@[-`{-~]/g, '\\$&').replace(/ {2,}/g, run => '&nbsp;'.repeat(run.length));
    this.markdown.appendMarkdown(escaped);
    return this;
  }

  /** A list entry: what it is (a hierarchy or a path may be the host's words too), and a string from a host. */
  entry(name: string, text: string): this {
    return this.own('\n- ').host(name).own(': ').host(text);
  }

  /** A link that runs a command of ours; its words and its argument may be the host's, and neither can end it or become another. */
  link(title: string, command: (typeof LINKED_COMMANDS)[number], argument: unknown): this {
    this.markdown.isTrusted = { enabledCommands: LINKED_COMMANDS };
    const encoded = encodeURIComponent(JSON.stringify([argument])).replace(/[!'()*]/g, char => `%${char.charCodeAt(0).toString(16)}`);
    return this.own('[').host(title).own(`](command:${command}?${encoded})`);
  }

  build(): vscode.MarkdownString {
    return this.markdown;
  }
}

/** One part of a document's path: nothing in it can be a separator, a parent folder or invisible. */
export function pathSegment(text: string): string {
  const segment = [...visible(text).replace(/[/\\?#%:*"<>|]/g, '_')].slice(0, 100).join('');
  return /^\.*$/.test(segment) ? `_${segment}` : segment;
}

/** `2026-11-25 03:21:45`, of this window's time zone. */
export function timeText(at: number): string {
  const time = new Date(at);
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())} ${time.toLocaleTimeString('en-GB')}`;
}
