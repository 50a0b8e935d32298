"""The book's tooling: which chapters there are, how they are executed, built and checked. Chapters never import it."""
