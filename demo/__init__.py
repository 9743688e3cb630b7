"""The whole system on one machine: what `scripts/demo` starts, shows and checks."""
