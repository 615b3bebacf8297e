import { check, checkId, refused } from './checks.ts';
import { appendChange, cardChange } from './feed.ts';
import { readExpires, readUid } from './fields.ts';
import { requirePupil } from './pupil-commands.ts';
import type { CardRow } from './schema.ts';
import type { Registry, RegistryTransaction } from './store.ts';

export interface CardView {
  readonly cardId: number;
  readonly uid: string;
  readonly pupilId: number;
  readonly districtId: number;
  readonly status: CardRow['status'];
  readonly expires: string | null;
}

export type CardResult = CardView & { readonly change: number | null };

/** Which card: the pupil is needed where several pupils hold the UID. */
export interface CardSelector {
  readonly uid: string;
  readonly pupilId?: number | undefined;
}

/** Gives a pupil a card. `expires` is YYYY-MM-DD or empty. */
export async function issueCard(
  registry: Registry,
  card: { uid: string; pupilId: number; expires?: string | undefined },
): Promise<CardResult> {
  const uid = check('--uid', readUid(card.uid));
  const expires = check('--expires', readExpires(card.expires ?? ''));
  checkId('--pupil', card.pupilId);
  return await registry.transaction((transaction) => issue(transaction, uid, card.pupilId, expires));
}

/** Blocks a card until it is unblocked; for a blocked one, nothing. */
export async function blockCard(registry: Registry, selector: CardSelector): Promise<CardResult> {
  return await changeStatus(registry, selector, 'blocked');
}

/** Makes a blocked card good again; for an active one, nothing. */
export async function unblockCard(registry: Registry, selector: CardSelector): Promise<CardResult> {
  return await changeStatus(registry, selector, 'active');
}

/** Ends a card for good, and with `newUid` gives its pupil the next one, good for as long as the old one was. */
export async function replaceCard(
  registry: Registry,
  selector: CardSelector,
  newUid?: string,
): Promise<{ replaced: CardResult; issued: CardResult | null }> {
  const nextUid = newUid === undefined ? null : check('--new-uid', readUid(newUid));
  return await registry.transaction(async (transaction) => {
    const card = await selectCard(transaction, selector);
    if (card.uid === nextUid) throw refused('CARD_SAME', 'the new card is the old one', 'Give another --new-uid');
    const replaced = await setStatus(transaction, card, 'replaced');
    const issued = nextUid === null ? null : await issue(transaction, nextUid, card.pupil_id, card.expires);
    return { replaced, issued };
  });
}

async function changeStatus(
  registry: Registry,
  selector: CardSelector,
  status: 'active' | 'blocked',
): Promise<CardResult> {
  return await registry.transaction(async (transaction) => {
    const card = await selectCard(transaction, selector);
    if (status === 'active') await requireNoActiveCard(transaction, card.pupil_id, card.card_id);
    return await setStatus(transaction, card, status);
  });
}

async function setStatus(
  transaction: RegistryTransaction,
  card: CardRow,
  status: CardRow['status'],
): Promise<CardResult> {
  if (card.status === status) return { ...cardView(card), change: null };
  const row = { ...card, status };
  await transaction.updateTable('card').set({ status }).where('card_id', '=', card.card_id).execute();
  return { ...cardView(row), change: await appendChange(transaction, cardChange(row)) };
}

async function issue(
  transaction: RegistryTransaction,
  uid: string,
  pupilId: number,
  expires: string | null,
): Promise<CardResult> {
  const { districtId } = await requirePupil(transaction, pupilId);
  const held = (await cardsWithUid(transaction, uid)).filter((card) => card.district_id === districtId);
  const own = held.find((card) => card.pupil_id === pupilId);
  if (own?.status === 'active' && own.expires === expires) return { ...cardView(own), change: null };
  if (own?.status === 'blocked') throw refused('CARD_BLOCKED', `card ${uid} is blocked`, 'Unblock it: card unblock');
  const other = held.find((card) => card.pupil_id !== pupilId && card.status !== 'replaced');
  if (other !== undefined) throw uidTaken(uid, other.pupil_id);
  await requireNoActiveCard(transaction, pupilId, own?.card_id ?? 0);
  const row: CardRow = {
    card_id: own?.card_id ?? (await nextCardId(transaction)),
    district_id: districtId,
    uid,
    uid_bytes: uid.length / 2,
    pupil_id: pupilId,
    status: 'active',
    expires,
  };
  await transaction
    .insertInto('card')
    .values(row)
    .onConflict((conflict) => conflict.column('card_id').doUpdateSet({ status: 'active', expires }))
    .execute();
  return { ...cardView(row), change: await appendChange(transaction, cardChange(row)) };
}

/** The one card that is meant: not replaced, and of the named pupil where one is named. */
async function selectCard(transaction: RegistryTransaction, selector: CardSelector): Promise<CardRow> {
  const uid = check('--uid', readUid(selector.uid));
  const { pupilId } = selector;
  if (pupilId !== undefined) checkId('--pupil', pupilId);
  const held = (await cardsWithUid(transaction, uid)).filter((card) => (pupilId ?? card.pupil_id) === card.pupil_id);
  const usable = held.filter((card) => card.status !== 'replaced');
  if (usable.length === 1) return usable[0];
  const whose = pupilId === undefined ? '' : ` of pupil ${pupilId}`;
  if (usable.length > 1) throw ambiguous(uid, usable);
  if (held.length > 0) throw refused('CARD_REPLACED', `card ${uid}${whose} was replaced`, 'Issue a card: card issue');
  throw refused(
    'CARD_UNKNOWN',
    `there is no card ${uid}${whose}`,
    'Check the UID as the reader prints it, in read order',
  );
}

/** Cards with the UID in all districts, replaced ones included. */
async function cardsWithUid(transaction: RegistryTransaction, uid: string): Promise<CardRow[]> {
  return await transaction
    .selectFrom('card')
    .selectAll()
    // Lets the index, which starts with the district, find the UID.
    .where('district_id', 'in', transaction.selectFrom('district').select('district_id'))
    .where('uid', '=', uid)
    .orderBy('card_id')
    .execute();
}

async function requireNoActiveCard(
  transaction: RegistryTransaction,
  pupilId: number,
  exceptCardId: number,
): Promise<void> {
  const active = await transaction
    .selectFrom('card')
    .select('uid')
    .where('pupil_id', '=', pupilId)
    .where('status', '=', 'active')
    .where('card_id', '<>', exceptCardId)
    .executeTakeFirst();
  if (active === undefined) return;
  const message = `pupil ${pupilId} has the active card ${active.uid}`;
  throw refused(
    'CARD_SECOND',
    message,
    `Replace or block it first: card replace --uid ${active.uid} --pupil ${pupilId}`,
  );
}

/** Cards are never deleted, and writers take turns: one more than the highest was never used. */
export async function nextCardId(transaction: RegistryTransaction): Promise<number> {
  const row = await transaction
    .selectFrom('card')
    .select((build) => build.fn.max('card_id').as('last'))
    .executeTakeFirst();
  return (row?.last ?? 0) + 1;
}

function cardView(card: CardRow): CardView {
  return {
    cardId: card.card_id,
    uid: card.uid,
    pupilId: card.pupil_id,
    districtId: card.district_id,
    status: card.status,
    expires: card.expires,
  };
}

function ambiguous(uid: string, cards: readonly CardRow[]): Error {
  const pupils = cards.slice(0, 5).map((card) => `${card.pupil_id} (district ${card.district_id})`);
  const message = `card ${uid} is held by ${cards.length} pupils: ${pupils.join(', ')}`;
  return refused('CARD_AMBIGUOUS', message, 'Say whose with --pupil N');
}

function uidTaken(uid: string, pupilId: number): Error {
  const message = `pupil ${pupilId} of the same district holds a card with the UID ${uid}; two would make both useless`;
  return refused('UID_TAKEN', message, 'Issue a card with another UID');
}
