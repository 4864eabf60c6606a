/** What a caller may do: read what is there, run applications, change the agent. Each includes those before it. */
export const ROLES = ['read', 'run', 'admin'] as const;
export type Role = (typeof ROLES)[number];

export const mayAct = (has: Role, needs: Role): boolean => ROLES.indexOf(has) >= ROLES.indexOf(needs);
