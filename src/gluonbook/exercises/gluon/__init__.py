"""The exercises on the programming model, a module for each chapter."""
