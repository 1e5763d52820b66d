package dev.millrace.inference;

/** In what capacity a prediction was made; the names are those of the topic. */
enum Role {
  CHAMPION,
  CANARY,
  FALLBACK,
  SHADOW
}
