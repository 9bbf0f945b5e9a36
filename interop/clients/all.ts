// The programs by name.
import { aria2 } from './aria2.ts';
import type { Client, Program } from './client.ts';
import { libtorrent } from './libtorrent.ts';
import { millrace } from './millrace.ts';
import { rtorrent } from './rtorrent.ts';
import { transmission } from './transmission.ts';
import { webtorrent } from './webtorrent.ts';

export const clients: Readonly<Record<Program, Client>> = {
  millrace,
  libtorrent,
  aria2,
  transmission,
  rtorrent,
  webtorrent,
};

export const rivals: readonly Client[] = [libtorrent, aria2, transmission, rtorrent, webtorrent];

/**
 * The program the suite is about. Another one in Millrace's place (`MILLRACE_INTEROP_SUBJECT=libtorrent`) tells a fault of the
 * harness from one of Millrace.
 */
export const subject: Client = clients[(process.env['MILLRACE_INTEROP_SUBJECT'] ?? 'millrace') as Program];

export { aria2, libtorrent, millrace, rtorrent, transmission, webtorrent };
