"""The page about driving, of all drivers and of one."""
