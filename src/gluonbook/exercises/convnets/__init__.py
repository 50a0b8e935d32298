"""The exercises on ConvNets, a module for each chapter."""
