"""What runs inside each process of a run that `gluonbook.launch` has started: its beginning, its pulse, its end."""
