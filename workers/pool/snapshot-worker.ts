import { FileStorage } from '../journal/file-storage.ts';
import { type Snapshot, writeSnapshot } from '../journal/snapshots.ts';

/** Writes a snapshot in a thread of its own: its sync may take as long as it likes, no batch waits for it. */
export default function write(request: { directory: string; snapshot: Snapshot }): void {
  writeSnapshot(new FileStorage(request.directory), request.snapshot);
}
