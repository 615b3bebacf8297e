/** What a token may do; which commands that means stands where they are served. */
export const roles = ['admin', 'finance', 'operator', 'viewer', 'cabinet'] as const;
export type Role = (typeof roles)[number];

/** Who looks at the dashboards; what each may see stands where they are served. */
export const userRoles = ['admin', 'district', 'school', 'class', 'canteen', 'operator'] as const;
export type UserRole = (typeof userRoles)[number];
