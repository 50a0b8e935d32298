"""The exercises on many devices, a module for each chapter."""
