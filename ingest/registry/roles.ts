/** What a token may do; which commands that means stands where they are served. */
export const roles = ['admin', 'finance', 'operator', 'viewer', 'cabinet'] as const;
export type Role = (typeof roles)[number];
