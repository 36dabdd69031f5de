"""Many replays, one judgement."""
