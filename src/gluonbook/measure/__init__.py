"""How work is measured: seconds and ratios (`timing`), the order of events (`timeline`), bytes on the wire (`wire`).

And whether a setting that was chosen from a grid lies at its edge (`grids`).
"""
