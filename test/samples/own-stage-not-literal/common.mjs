export const common = {};
export const words = 12;
