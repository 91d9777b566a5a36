/** Op codes of the data that members of a party send each other. */
export const OP = Object.freeze({ CHAT: 1, RENAMED: 2, STOPPED: 3, COME: 4 });
