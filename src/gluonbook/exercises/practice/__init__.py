"""The exercises on bridging theory and practice, a module for each chapter."""
