"""The exercises on Signum, a module for each chapter."""
