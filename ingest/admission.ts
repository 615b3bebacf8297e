import fs from 'node:fs/promises';
import path from 'node:path';
import type { ShardPool } from '../workers/pool/pool.ts';

export interface AdmissionOptions {
  readonly pool: ShardPool;
  readonly dataDirectory: string;
  readonly journalDirectory: string;
  readonly journalBytesMax: number;
  readonly diskFreeBytesMin: number;
}

const checkIntervalMs = 500;
/** A shard may be replaced within this without readers hearing of it. */
const recoveryGraceMs = 1_000;

/** Why frames are not taken in; none when they are. */
export type AdmissionReason = 'draining' | 'disk-low' | 'journal-full' | 'shard-recovering';

/** Watches what would make an acknowledgement impossible, and says so before a tap is taken in. */
export class Admission {
  reasons: AdmissionReason[] = [];
  #isDraining = false;
  diskFreeBytes = 0;
  journalBytes = 0;
  readonly #options: AdmissionOptions;
  #timer: NodeJS.Timeout | undefined;
  #recoveringSinceMs: number | undefined;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  get isOpen(): boolean {
    return this.reasons.length === 0;
  }

  /** Closed from now on. */
  drain(): void {
    this.#isDraining = true;
    this.reasons = ['draining', ...this.reasons];
  }

  async start(): Promise<void> {
    await this.check();
    this.#timer = setInterval(() => void this.check().catch(() => undefined), checkIntervalMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async check(): Promise<void> {
    const { pool, dataDirectory, journalDirectory, journalBytesMax, diskFreeBytesMin } = this.#options;
    const disk = await fs.statfs(dataDirectory);
    this.diskFreeBytes = disk.bavail * disk.bsize;
    this.journalBytes = await folderBytes(journalDirectory);
    const isRecovering = pool.hosts.some((host) => host.state === 'recovering');
    this.#recoveringSinceMs = isRecovering ? (this.#recoveringSinceMs ?? Date.now()) : undefined;
    const reasons: AdmissionReason[] = [];
    if (this.#isDraining) reasons.push('draining');
    if (this.diskFreeBytes < diskFreeBytesMin) reasons.push('disk-low');
    if (this.journalBytes > journalBytesMax) reasons.push('journal-full');
    if (this.#recoveringSinceMs !== undefined && Date.now() - this.#recoveringSinceMs > recoveryGraceMs) {
      reasons.push('shard-recovering');
    }
    this.reasons = reasons;
  }
}

async function folderBytes(directory: string): Promise<number> {
  const entries = await fs.readdir(directory, { withFileTypes: true, recursive: true });
  const files = entries.filter((entry) => entry.isFile() && entry.name.endsWith('.journal'));
  const sizes = await Promise.all(
    files.map((file) =>
      fs.stat(path.join(file.parentPath, file.name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
