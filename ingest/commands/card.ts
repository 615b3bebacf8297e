import { Command } from 'commander';
import * as registryCommands from '../registry/commands.ts';
import type { Registry } from '../registry/store.ts';
import { type CommonOptions, newCommand, operate, readId } from './common.ts';
import { changeRegistry } from './registry-change.ts';

interface CardOptions extends CommonOptions {
  readonly uid: string;
  readonly pupil?: number;
  readonly expires?: string;
  readonly newUid?: string;
}

interface Card {
  readonly uid: string;
  readonly pupil_id: number;
  readonly status: string;
  readonly change: number | null;
}

export function cardCommand(): Command {
  return new Command('card')
    .description('cards: issue, block, unblock, replace')
    .addCommand(
      cardChange('issue', 'gives a pupil a card', (registry, { uid, pupil, expires }) =>
        registryCommands.issueCard(registry, { uid, pupilId: pupil ?? 0, expires }),
      ).option('--expires <date>', 'last good day, YYYY-MM-DD'),
    )
    .addCommand(
      cardChange('block', 'blocks a card', (registry, { uid, pupil }) =>
        registryCommands.blockCard(registry, { uid, pupilId: pupil }),
      ),
    )
    .addCommand(
      cardChange('unblock', 'makes a blocked card good again', (registry, { uid, pupil }) =>
        registryCommands.unblockCard(registry, { uid, pupilId: pupil }),
      ),
    )
    .addCommand(
      cardChange('replace', 'ends a card, and issues another with --new-uid', (registry, options) =>
        registryCommands.replaceCard(registry, { uid: options.uid, pupilId: options.pupil }, options.newUid),
      ).option('--new-uid <hex>', 'UID of the card that takes its place'),
    );
}

/** `work` is done by the service where one runs, and holds then when the command ends. */
function cardChange(
  name: string,
  description: string,
  work: (registry: Registry, options: CardOptions) => Promise<unknown>,
): Command {
  return newCommand(name, description)
    .requiredOption('--uid <hex>', 'UID of the card, 8, 14 or 20 hex digits')
    .option('--pupil <n>', 'pupil id', readId)
    .action(async (options: CardOptions) => {
      const { uid, pupil, expires, newUid } = options;
      const deed = {
        command: `card-${name}`,
        path: `/admin/v1/cards/${name}`,
        body: { uid, pupil, expires, new_uid: newUid },
        work: (registry: Registry) => work(registry, options),
      };
      await operate(options, () => changeRegistry<Card | Replaced>(options, deed), describe);
    });
}

interface Replaced {
  readonly replaced: Card;
  readonly issued: Card | null;
}

function describe(result: Card | Replaced): string[] {
  const cards = 'replaced' in result ? [result.replaced, result.issued] : [result];
  return cards.flatMap((card) => {
    if (card === null) return [];
    return [`card ${card.uid} of pupil ${card.pupil_id}: ${card.status}${card.change === null ? ' (unchanged)' : ''}`];
  });
}
