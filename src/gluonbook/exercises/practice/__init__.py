"""The exercises on theory and practice, a module for each chapter."""
