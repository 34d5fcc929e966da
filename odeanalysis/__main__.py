"""`python -m odeanalysis` is the command `odeanalysis`."""

from odeanalysis.cli.main import main

if __name__ == "__main__":
    main()
