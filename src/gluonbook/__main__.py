"""`python -m gluonbook`: the command, where its script is not on the PATH, or its folder has a name of odd letters."""

from gluonbook.cli import main

if __name__ == "__main__":
    main()
