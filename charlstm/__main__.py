"""`python -m charlstm` runs the command line."""

from charlstm.commands.app import main

if __name__ == "__main__":
    main()
