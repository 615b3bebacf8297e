import type { AdminClient } from '../admin-client.ts';
import type { Notice } from './notice.ts';

/** Everything that there is behind a cursor. */
export async function allNotices(admin: AdminClient, from = ''): Promise<Notice[]> {
  return await takeNotices(admin, from, Infinity, false);
}

/** Takes notices behind a cursor, and goes away after so many, or when the stream breaks off. */
export async function takeNotices(admin: AdminClient, from: string, most: number, follow = true): Promise<Notice[]> {
  const taken: Notice[] = [];
  try {
    for await (const { event, data } of admin.events(`/admin/v1/notices?from=${from}&follow=${follow}`)) {
      if (event === 'notice') taken.push(data as Notice);
      if (taken.length >= most) break;
    }
  } catch (error) {
    if (!follow) throw error;
  }
  return taken;
}
