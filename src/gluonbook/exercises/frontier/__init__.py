"""The exercises on distributed and adaptive methods, a module for each chapter."""
