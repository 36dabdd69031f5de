"""The fault rig: real servers and processes, broken on purpose, and a checker of what they leave behind."""
