"""python -m charlstm."""

from charlstm.commands.app import main

if __name__ == "__main__":
    main()
