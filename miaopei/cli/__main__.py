"""`python -m miaopei.cli`: the same as the command `miaopei`."""

from .main import run

if __name__ == "__main__":
    run()
