"""`python -m equipoise`, and `accelerate launch --module equipoise` for several processes."""

from equipoise.cli import main

if __name__ == "__main__":
    main()
