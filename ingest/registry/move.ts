import { cardChange, cardLeftChange, type NewChange } from './feed.ts';
import type { RegistryTransaction } from './store.ts';

/** Takes the cards of pupils who came to another district along: a UID means a card within its district only. */
export async function moveCardsHome(
  transaction: RegistryTransaction,
  append: (entries: readonly NewChange[]) => Promise<void>,
): Promise<void> {
  const strangers = await transaction
    .selectFrom('card')
    .innerJoin('pupil', 'pupil.pupil_id', 'card.pupil_id')
    .innerJoin('class', 'class.class_id', 'pupil.class_id')
    .innerJoin('school', 'school.school_id', 'class.school_id')
    .selectAll('card')
    .select('school.district_id as home')
    .whereRef('school.district_id', '<>', 'card.district_id')
    .execute();
  for (const { home, ...card } of strangers) {
    const { card_id } = card;
    await transaction.updateTable('card').set({ district_id: home }).where('card_id', '=', card_id).execute();
    if (card.status === 'replaced') continue;
    await append([cardLeftChange(card), cardChange({ ...card, district_id: home })]);
  }
}
