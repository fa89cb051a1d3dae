"""Where a person's tweets come from when nobody sends a file: X, Bluesky, Mastodon. One interface (base.py)."""
