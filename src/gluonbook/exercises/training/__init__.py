"""The exercises on training deep models, a module for each chapter."""
