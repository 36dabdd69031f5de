"""The routing room: unit tests in this process, and attempts to get past the guard in processes of their own."""
