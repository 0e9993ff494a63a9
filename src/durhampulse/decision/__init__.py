"""From probabilities to decisions: bands, Shapley values, reasons."""
