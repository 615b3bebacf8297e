/** What people do to the registry by command; each change and its feed entry are one transaction. */
export { blockCard, issueCard, replaceCard, unblockCard } from './card-commands.ts';
export type { CardResult, CardSelector, CardView } from './card-commands.ts';
export { setPupil } from './pupil-commands.ts';
export type { PupilResult, PupilSettings } from './pupil-commands.ts';
export { addReader, listReaders, revokeReader } from './reader-commands.ts';
export type { NewReader, ReaderResult, ReaderView } from './reader-commands.ts';
