"""How work is measured: seconds and ratios (`timing`), the order of events (`timeline`), bytes on the wire (`wire`)."""
