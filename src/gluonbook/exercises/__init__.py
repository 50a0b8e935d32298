"""The book's exercises, checked: `check("name", answer)` tells right from wrong, and gives a hint.

Each chapter has a module of its own here, `gluonbook.exercises.<part>.<chapter>`, with its own `check`. This package
imports none of them: a chapter depends on its own exercises alone.
"""
