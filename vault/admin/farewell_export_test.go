package admin

// Farewell is how long an answer may still take when the server ends.
const Farewell = farewell
