"""The machine that this runs on: versions, cores, memory, GPUs, and one clear sentence where something is missing."""
