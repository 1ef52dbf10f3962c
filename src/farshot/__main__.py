"""`python -m farshot`: the command line."""

from farshot.cli import main

if __name__ == "__main__":
    main()
