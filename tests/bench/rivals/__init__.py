"""What the hot read is compared with: each small, and as good as its kind usually is. All read the same trucks."""
